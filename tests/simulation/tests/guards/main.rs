//! Each invariant is seen to fail when its guard is taken out.
//!
//! `table.txt` names the guards: pieces of Pushboat that the invariants rest on.
//! Pushboat itself knows nothing of it: its sources are copied, each guard there
//! gets a switch, the copy is built once, and the simulation is played with one
//! guard after the other taken out, until the invariant is violated. With every
//! guard in place nothing is.

mod guard;
mod playground;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::guard::Guard;
use crate::playground::Playground;

/// The invariants, by number.
const INVARIANTS: std::ops::RangeInclusive<u8> = 1..=11;
/// How many seeds are played with every guard in place.
const SEEDS_IN_PLACE: u64 = 40;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let guards = Guard::read(include_str!("table.txt"));
    let mut trials = vec![
        Trial::test("every_invariant_has_a_guard", || covered(&table())),
        Trial::test("nothing_is_violated_with_every_guard_in_place", in_place),
    ];
    trials.extend(guards.into_iter().map(|guard| {
        let name = format!("{:02}_{}", guard.invariant, guard.name.replace('-', "_"));
        Trial::test(name, move || taken_out(&guard))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn table() -> Vec<Guard> {
    Guard::read(include_str!("table.txt"))
}

fn covered(guards: &[Guard]) -> Result<(), Failed> {
    let guarded = |number: &u8| guards.iter().any(|guard| guard.invariant == *number);
    let bare: Vec<u8> = INVARIANTS.filter(|number| !guarded(number)).collect();
    if bare.is_empty() {
        return Ok(());
    }
    Err(format!("no guard is named for the invariants {bare:?}").into())
}

fn in_place() -> Result<(), Failed> {
    let seeds = SEEDS_IN_PLACE.to_string();
    let played = Playground::built(&table())?.play("", &["--seeds", &seeds])?;
    if played.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&played.stdout);
    Err(format!("with every guard in place:\n{said}").into())
}

/// Plays without a guard until its invariant is violated.
fn taken_out(guard: &Guard) -> Result<(), Failed> {
    let (number, seeds) = (guard.invariant.to_string(), guard.seeds.to_string());
    let options = [
        "--until",
        &number,
        "--seeds",
        &seeds,
        "--faults",
        &guard.faults,
    ];
    let played = Playground::built(&table())?.play(&guard.name, &options)?;
    let said = String::from_utf8_lossy(&played.stdout);
    let seen = format!("VIOLATED invariant {number} (");
    if played.status.code() == Some(1) && said.contains(&seen) {
        println!("{}: {said}", guard.name);
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&played.stderr);
    let Guard { name, is, .. } = guard;
    Err(format!(
        "{name} is taken out ({is}), and invariant {number} was not seen to fail: {said}{complaint}"
    )
    .into())
}
