//! Plays many seeds and says what was reached; replays one with its transcript.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it is a program: it talks to people, and its time limit is theirs"
)]

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use simulation::chaos::{Mix, Part, Run, Tally, Trouble, gaps, run, run_part, shrink};

/// A rollout in the simulation is mostly small allocations: with this they take half the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str =
    "simulate [--seeds N] [--from S] [--seconds T] [--faults all|none|LIST] [--threads N]
simulate --until INVARIANT [--seeds N] [--from S] [--seconds T] [--faults ...]
simulate --seed X [--faults ...] [--only N,M,...] [--without LIST] [--lines N]

LIST is some of drops, disorder, calls, crashes, lag, people, capacity, scaling, hooks, tools, expiry, pauses, skew, limits
and mistakes, with commas between; `lag!` is met in every run.
--seconds ends it early; without --seeds it goes on until then.
--only and --without play a part of a seed: those of its happenings, and not these faults.
--until looks for the first seed that violates this invariant, whatever else is violated.";

/// After so many rollouts with every fault there is nothing that was not reached.
const REACHES_EVERYTHING: u64 = 800_000;
/// How many of a transcript's last lines are shown of a failing seed.
const SHOWN_LINES: usize = 40;
/// How many failing seeds are shown.
const SHOWN_SEEDS: usize = 5;

struct Options {
    seeds: u64,
    from: u64,
    limit: Option<Duration>,
    seed: Option<u64>,
    until: Option<String>,
    mix: Mix,
    faults: String,
    part: Part,
    threads: u64,
    lines: usize,
}

fn main() -> ExitCode {
    match options() {
        Ok(Some(options)) => match options.seed {
            Some(seed) => replay(seed, &options),
            None => match &options.until {
                Some(invariant) => look_for(invariant, &options),
                None => simulate(&options),
            },
        },
        Ok(None) => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut options = Options {
        seeds: u64::MAX,
        from: 1,
        limit: None,
        seed: None,
        until: None,
        mix: Mix::ALL,
        faults: "all".to_owned(),
        part: Part::WHOLE,
        threads: 2,
        lines: usize::MAX,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seeds") => options.seeds = parser.value()?.parse()?,
            Long("from") => options.from = parser.value()?.parse()?,
            Long("seconds") => options.limit = Some(Duration::from_secs(parser.value()?.parse()?)),
            Long("seed") => options.seed = Some(parser.value()?.parse()?),
            Long("until") => options.until = Some(parser.value()?.string()?),
            Long("threads") => options.threads = parser.value()?.parse::<u64>()?.max(1),
            Long("lines") => options.lines = parser.value()?.parse()?,
            Long("faults") => {
                options.faults = parser.value()?.string()?;
                options.mix =
                    Mix::parse(&options.faults).ok_or("--faults names an unknown fault")?;
            }
            Long("only") => options.part.happenings = Some(numbers(&parser.value()?.string()?)?),
            Long("without") => {
                let without = Mix::parse(&parser.value()?.string()?);
                let without = without.ok_or("--without names an unknown fault")?;
                for trouble in Trouble::all().filter(|trouble| without.has(*trouble)) {
                    options.part.faults = options.part.faults.without(trouble);
                }
            }
            Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    if options.seeds == u64::MAX && options.limit.is_none() {
        options.seeds = 1_000;
    }
    Ok(Some(options))
}

/// Reads `3,7`, or `none`.
fn numbers(text: &str) -> Result<BTreeSet<usize>, lexopt::Error> {
    if text == "none" {
        return Ok(BTreeSet::new());
    }
    let numbers = text.split(',').map(|number| number.trim().parse());
    let numbers: Result<_, _> = numbers.collect();
    numbers.map_err(|_| "--only takes numbers with commas between".into())
}

fn simulate(options: &Options) -> ExitCode {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let (mut tally, mut failed) = (Tally::default(), Vec::new());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads)
            .map(|_| scope.spawn(|| work(options, &next, began)))
            .collect();
        for thread in threads {
            // A run that panics is a defect of the simulation: nothing is said of the others.
            let (reached, runs) = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            tally.add(&reached);
            failed.extend(runs);
        }
    });
    failed.sort_by_key(|run: &Run| run.seed);
    let seconds = began.elapsed().as_secs_f64();
    println!("{tally}");
    let gaps = gaps(&tally);
    for gap in &gaps {
        println!("{gap}");
    }
    for run in failed.iter().take(SHOWN_SEEDS) {
        if let Some((part, run)) = shrink(run.seed, options.mix) {
            show(&run, &part, options, SHOWN_LINES);
        }
    }
    if failed.len() > SHOWN_SEEDS {
        let seeds: Vec<_> = failed
            .iter()
            .skip(SHOWN_SEEDS)
            .map(|run| run.seed)
            .collect();
        println!("and the seeds {seeds:?}\n");
    }
    #[expect(clippy::cast_precision_loss, reason = "it is shown to a person")]
    let micros = seconds * 1e6 * options.threads as f64 / tally.rollouts.max(1) as f64;
    println!(
        "{seconds:.1} s on {} threads: {micros:.0} µs of one for a rollout",
        options.threads
    );
    let violations: usize = failed.iter().map(|run| run.violations.len()).sum();
    let is_whole = options.mix == Mix::ALL && tally.rollouts >= REACHES_EVERYTHING;
    if is_whole && !gaps.is_empty() {
        println!("{} things were not reached, or are not listed", gaps.len());
    }
    println!("{} rollouts, {violations} violations", tally.rollouts);
    ExitCode::from(u8::from(violations > 0 || is_whole && !gaps.is_empty()))
}

fn work(options: &Options, next: &AtomicU64, began: Instant) -> (Tally, Vec<Run>) {
    let (mut tally, mut failed) = (Tally::default(), Vec::new());
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let late = options.limit.is_some_and(|limit| began.elapsed() >= limit);
        if number >= options.seeds || late {
            return (tally, failed);
        }
        let run = run(options.from.wrapping_add(number), options.mix, false);
        tally.add(&run.tally);
        if let Some(violation) = run.violations.first() {
            // The rest may take hours: who waits learns of it now.
            println!("seed {}: VIOLATED {violation}", run.seed);
            failed.push(run);
        }
    }
}

/// Plays until an invariant is violated; seeds that violate another one are only counted.
fn look_for(invariant: &str, options: &Options) -> ExitCode {
    let (began, name) = (Instant::now(), format!("{invariant} "));
    let (mut rollouts, mut others) = (0, 0);
    for number in 0..options.seeds {
        if options.limit.is_some_and(|limit| began.elapsed() >= limit) {
            break;
        }
        let run = run(options.from.wrapping_add(number), options.mix, false);
        rollouts += run.tally.rollouts;
        let mut violations = run.violations.iter();
        if let Some(violation) = violations.find(|one| one.invariant.starts_with(&name)) {
            println!("seed {}: VIOLATED {violation}", run.seed);
            println!("{rollouts} rollouts; {others} seeds violated something else");
            return ExitCode::FAILURE;
        }
        others += u64::from(!run.violations.is_empty());
    }
    println!(
        "{rollouts} rollouts and no violation of {invariant}; {others} seeds violated something else"
    );
    ExitCode::SUCCESS
}

fn replay(seed: u64, options: &Options) -> ExitCode {
    let run = run_part(seed, options.mix, &options.part, true);
    show(&run, &options.part, options, options.lines);
    println!(
        "{} rollouts, {} violations",
        run.tally.rollouts,
        run.violations.len()
    );
    ExitCode::from(u8::from(!run.violations.is_empty()))
}

fn show(run: &Run, part: &Part, options: &Options, most: usize) {
    let left_out = run.transcript.len().saturating_sub(most);
    println!("seed {}:", run.seed);
    if left_out > 0 {
        println!("  ... {left_out} lines before");
    }
    for line in run.transcript.iter().skip(left_out) {
        println!("  {line}");
    }
    for violation in &run.violations {
        println!("  VIOLATED {violation}");
    }
    println!(
        "  replay: cargo run -p simulation --profile simulation --bin simulate -- --seed {} --faults {}{part}\n",
        run.seed, options.faults
    );
}
