//! A small batch of chaos with fixed seeds, and the seeds that are kept.
//!
//! `make simulate` plays many more.

use std::hash::{BuildHasher as _, RandomState};

use simulation::chaos::{Mix, Tally, run, shrink};

/// The seeds that once failed, and why.
const KEPT: &str = include_str!("seeds.txt");
/// How many seeds the batches play.
const SEEDS: u64 = 40;
/// How many seeds are new each time.
const NEW_SEEDS: u64 = 20;

fn play(seeds: impl Iterator<Item = u64>, mix: Mix) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let played = run(seed, mix, false);
        if let Some(violation) = played.violations.first() {
            let (part, short) = shrink(seed, mix).expect("the seed fails");
            panic!(
                "{}\n{violation}\nreplay: cargo run -p simulation --profile simulation --bin simulate -- --seed {seed}{part}",
                short.transcript.join("\n")
            );
        }
        tally.add(&played.tally);
    }
    tally
}

/// Reads `SEED FAULTS` lines; `#` begins what is for people.
fn kept() -> Vec<(u64, Mix)> {
    let lines = KEPT
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let lines = lines.filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (seed, faults) = line.trim().split_once(' ').expect("a seed and its faults");
            let mix = Mix::parse(faults.trim()).expect("faults that are known");
            (seed.parse().expect("a seed is a number"), mix)
        })
        .collect()
}

#[test]
fn the_invariants_hold_under_every_fault() {
    let tally = play(1..=SEEDS, Mix::ALL);
    assert!(tally.rollouts > SEEDS, "{tally}");
    for fault in ["call: LostAnswer", "call: CrashAfter", "event: dropped"] {
        assert!(tally.faults.contains_key(fault), "{fault} was never met");
    }
}

#[test]
fn the_invariants_hold_without_faults() {
    let tally = play(1..=SEEDS, Mix::NONE);
    assert_eq!(tally.faults.len(), 0);
    for outcome in ["succeeded", "rolled-back", "superseded", "rejected"] {
        let reached = tally.outcomes.keys().any(|(phase, _)| *phase == outcome);
        assert!(reached, "nothing was ever {outcome}: {tally}");
    }
}

/// A failure names its seed: it goes to `seeds.txt`.
#[test]
fn the_invariants_hold_on_seeds_that_nobody_played() {
    let first = RandomState::new().hash_one(0) >> 16;
    let tally = play(first..first + NEW_SEEDS, Mix::ALL);
    assert!(tally.rollouts > NEW_SEEDS, "{tally}");
}

#[test]
fn what_once_failed_does_not_fail_again() {
    for (seed, mix) in kept() {
        play(std::iter::once(seed), mix);
    }
}

#[test]
fn a_seed_plays_the_same_each_time() {
    let (one, another) = (run(7, Mix::ALL, true), run(7, Mix::ALL, true));
    assert_eq!(one.transcript, another.transcript);
    assert_eq!(one.tally, another.tally);
    assert_ne!(one.transcript, run(8, Mix::ALL, true).transcript);
}
