//! Calls and events that go wrong on their way, again and again, over several rollouts:
//! they end as they would have without.

mod call;
mod event;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use end_to_end::{Failure, customer};
use futures_util::future::try_join_all;
use local_aws::{FaultCount, FaultRule};
use serde_json::json;

use crate::target::{Target, configuration};
use crate::world::World;

/// How long one rollout may take: after an unclear answer to a change, ECS is asked again
/// only when reads are sure.
const LIMIT: Duration = Duration::from_secs(240);
/// Long enough to let an alarm fire meanwhile.
const BAKE_TIME_SECONDS: u32 = 8;

/// The version that is taken back.
const BAD: &str = "v9";

/// How many calls may all be spared where three in ten are struck: one time in a thousand.
const HANDFUL: u64 = 20;

/// One kind of fault: a target that is struck by it.
struct Kind {
    name: &'static str,
    /// The versions that go live.
    good: &'static [&'static str],
    /// Each struck as often as its rate says.
    rules: Vec<FaultRule>,
    /// Looks in the logs for the difference it made.
    check: Check,
}

type Check = Box<dyn Fn(&World, &Seen) -> Result<(), Failure>>;

/// What was seen of a target that was struck.
struct Seen {
    name: &'static str,
    /// The last call before the first fault.
    since: u64,
    counts: Vec<FaultCount>,
}

pub(crate) async fn calls_that_go_wrong_change_nothing(_: &World) -> Result<(), Failure> {
    let kinds = [
        call::throttled(),
        call::failing(),
        call::unanswered(),
        call::slow(),
    ];
    play_apart(kinds.into()).await
}

pub(crate) async fn events_that_go_wrong_change_nothing(_: &World) -> Result<(), Failure> {
    let kinds = [
        event::doubled(),
        event::reordered(),
        event::dropped(),
        event::delayed(),
    ];
    play_apart(kinds.into()).await
}

/// Plays all kinds at the same time, on an installation of their own.
async fn play_apart(kinds: Vec<Kind>) -> Result<(), Failure> {
    let world = World::start_forgiving().await?;
    let played = try_join_all(kinds.iter().map(|kind| play(&world, kind))).await;
    world.end().await;
    played.map(|_| ())
}

/// Deploys good versions and a bad one under faults.
async fn play(world: &World, kind: &Kind) -> Result<(), Failure> {
    let played = try_to_play(world, kind).await;
    played.map_err(|error| format!("{}: {error}", kind.name).into())
}

async fn try_to_play(world: &World, kind: &Kind) -> Result<(), Failure> {
    let name = kind.name;
    let alarm = format!("{name}-5xx");
    customer::create_alarm(&world.aws, &alarm).await?;
    let mut configuration = configuration(name);
    configuration["alarms"] = json!([alarm]);
    configuration["bakeTimeSeconds"] = BAKE_TIME_SECONDS.into();
    let target = Target::adopted_as(world, name, &configuration).await?;

    let since = world.local.last_call();
    for rule in &kind.rules {
        world.local.add_fault(rule.clone());
    }
    let mut good = String::new();
    for version in kind.good {
        good = target.push(version).await?;
        target.told_within(LIMIT, "succeeded", version).await?;
    }
    target.runs(&good).await?;
    let revision = target.revision().await?;
    let bad = target.push(BAD).await?;
    target.told_within(LIMIT, "started", BAD).await?;
    // An alarm that fires before the version is out says nothing against it.
    target.is_asked_to_run(LIMIT, &bad).await?;
    customer::set_alarm(&world.aws, &alarm, "ALARM").await?;
    target.told_within(LIMIT, "rolled-back", BAD).await?;
    let ended = kind.rules.iter().map(|rule| world.local.end_fault(rule));
    let counts: Vec<FaultCount> = ended.flatten().collect();

    target.runs_revision(&revision).await?;
    expect_outcomes(&target, kind.good, &bad).await?;
    expect_notices(&target, kind.good)?;
    expect_changes(&target, kind.good)?;
    let seen = Seen {
        name,
        since,
        counts,
    };
    for count in &seen.counts {
        println!("{name}: {} of {} struck", count.injected, count.matched);
        // Chance may spare a handful.
        if count.injected == 0 && (count.matched == 0 || count.matched >= HANDFUL) {
            return Err(format!("never struck: {count:?}").into());
        }
    }
    (kind.check)(world, &seen)
}

/// The ledger has the rollouts as they went, and nothing is under way.
async fn expect_outcomes(target: &Target<'_>, good: &[&str], bad: &str) -> Result<(), Failure> {
    let history = target.command("history", &json!({})).await?;
    let rollouts = history["rollouts"].as_array().into_iter().flatten();
    let ended: BTreeMap<String, String> = rollouts
        .map(|rollout| {
            let text = |name: &str| customer::text(&rollout[name]);
            (text("tag"), text("phase"))
        })
        .collect();
    let succeeded = |tag: &&str| ((*tag).to_owned(), "succeeded".to_owned());
    let mut expected: BTreeMap<String, String> = good.iter().map(succeeded).collect();
    expected.insert(BAD.to_owned(), "rolled-back".to_owned());
    if ended != expected {
        return Err(format!("it ended so: {ended:?}").into());
    }
    let status = target.command("status", &json!({})).await?;
    let is_idle = status["current"].is_null() && status["waiting"] == json!([]);
    if is_idle && target.quarantine().await? == [bad] {
        return Ok(());
    }
    Err(format!("it stands so: {status:#}").into())
}

/// Everything was told, each under one id however often.
fn expect_notices(target: &Target<'_>, good: &[&str]) -> Result<(), Failure> {
    let told = target.world.notices(target.name);
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for notice in &told {
        let tag = customer::text(&notice.document["rollout"]["tag"]);
        let about = format!("{} {tag}", notice.attribute("event"));
        let id = customer::text(&notice.document["id"]);
        ids.entry(about).or_default().insert(id);
    }
    let there = ["started", "baking", "succeeded"];
    let back = ["started", "rolling-back", "rolled-back"];
    let good = good
        .iter()
        .flat_map(|tag| there.map(|event| format!("{event} {tag}")));
    let needed = good.chain(back.map(|event| format!("{event} {BAD}")));
    let is_whole = { needed }.all(|needed| ids.contains_key(&needed));
    if is_whole && ids.values().all(|ids| ids.len() == 1) {
        return Ok(());
    }
    Err(format!("told: {ids:?}").into())
}

/// The service was changed once by each good version, and twice by the bad one, however
/// often that was asked for.
fn expect_changes(target: &Target<'_>, good: &[&str]) -> Result<(), Failure> {
    let mut changes = target.world.changes(target.name);
    changes.retain(|call| {
        let is_lost = call.faults.iter().any(|fault| fault == "answerLost");
        let has_effect = call.status == Some(200) || is_lost;
        has_effect && call.operation != "RegisterTaskDefinition"
    });
    if changes.len() == good.len() + 2 {
        return Ok(());
    }
    Err(format!("the service was changed so: {changes:?}").into())
}
