//! Whatever call `rollout` dies at, the message that comes again ends in the same state.
//!
//! A rollout and the way back of another are recorded; then each is played again for
//! each call that was recorded, with the process killed before that call has an effect,
//! and once more killed after it. The product knows nothing of this: the local AWS kills
//! the process. Only the queue's visibility timeout is shorter than the template's.

mod lane;
mod point;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Instant;

use end_to_end::Failure;
use futures_util::future::try_join_all;

use crate::world::World;
use lane::Lane;
use point::{Point, Way};

/// How many installations share the work: on each, one message is worked on at a time,
/// and after each kill the next waits for a second.
const WORLDS: usize = 2;
/// The targets of each installation, all played on at the same time.
const LANES: [(&str, Way); 6] = [
    ("lane-a", Way::There),
    ("lane-b", Way::Back),
    ("lane-c", Way::There),
    ("lane-d", Way::Back),
    ("lane-e", Way::Back),
    ("lane-f", Way::Back),
];
/// How often a point is tried that a rollout ended without reaching.
const TRIES: u32 = 2;

/// What became of all points.
#[derive(Default)]
struct Tally {
    tried: Cell<usize>,
    sent_again: Cell<usize>,
    missed: RefCell<Vec<Point>>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test says how long the points took"
)]
pub(crate) async fn every_call_can_be_the_last(_: &World) -> Result<(), Failure> {
    let started = Instant::now();
    let worlds = try_join_all((0..WORLDS).map(|_| World::start_forgiving())).await?;
    let installed = started.elapsed();
    let played = play_everywhere(&worlds).await;
    for world in worlds {
        world.end().await;
    }
    let tally = played?;
    println!(
        "crash safety: {} points tried in {:.0} s, after {:.0} s for {WORLDS} installations; \
         the service was asked again {} times",
        tally.tried.get(),
        (started.elapsed() - installed).as_secs_f64(),
        installed.as_secs_f64(),
        tally.sent_again.get(),
    );
    let missed = tally.missed.into_inner();
    println!("not reached: {missed:?}");
    let is_change = |point: &&Point| point.changes_something();
    let changes: Vec<&Point> = missed.iter().filter(is_change).collect();
    assert!(changes.is_empty(), "never reached: {changes:#?}");
    assert!(
        missed.len() * 10 <= tally.tried.get(),
        "too few were reached"
    );
    Ok(())
}

async fn play_everywhere(worlds: &[World]) -> Result<Tally, Failure> {
    let lanes = worlds
        .iter()
        .flat_map(|world| LANES.map(|(name, way)| Lane::prepare(world, name, way)));
    let lanes = try_join_all(lanes).await?;
    let there = record(&lanes, Way::There).await?;
    let back = record(&lanes, Way::Back).await?;
    let (there, back) = (RefCell::new(there), RefCell::new(back));
    let tally = Tally::default();
    let working = lanes.iter().map(|lane| {
        let queue = match lane.way {
            Way::There => &there,
            Way::Back => &back,
        };
        work_off(lane, queue, &tally)
    });
    try_join_all(working).await?;
    Ok(tally)
}

/// Plays one way once without a kill, on all its lanes, and answers what is to be tried:
/// every call that all of them have. What a wake-up more adds changes nothing.
async fn record(lanes: &[Lane<'_>], way: Way) -> Result<VecDeque<Point>, Failure> {
    let lanes = lanes.iter().filter(|lane| lane.way == way);
    let recorded = try_join_all(lanes.map(Lane::record)).await?;
    let mut recorded = recorded.into_iter();
    let mut common = recorded.next().unwrap_or_default();
    for other in recorded {
        common.retain(|point| other.contains(point));
    }
    assert!(common.len() > 20, "{common:#?}");
    Ok(common.into())
}

/// Plays points until there are none left.
async fn work_off(
    lane: &Lane<'_>,
    queue: &RefCell<VecDeque<Point>>,
    tally: &Tally,
) -> Result<(), Failure> {
    loop {
        let Some(point) = queue.borrow_mut().pop_front() else {
            return Ok(());
        };
        let played = lane.play(Some(&point)).await?;
        tally
            .sent_again
            .set(tally.sent_again.get() + played.sent_again);
        if played.is_struck {
            tally.tried.set(tally.tried.get() + 1);
        } else if point.tries < TRIES {
            queue.borrow_mut().push_back(point.once_more());
        } else {
            tally.missed.borrow_mut().push(point);
        }
    }
}
