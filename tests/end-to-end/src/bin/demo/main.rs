//! Plays Pushboat on a local AWS, within a minute, and says what one sees.

mod act;
mod ending;
mod line;
mod setting;
mod stage;
mod terminal;
mod timeline;
mod version;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use end_to_end::{Checkout, Failure, Staged};
use local_aws::LocalAws;
use tokio::signal::unix::{SignalKind, signal};

use crate::stage::Stage;
use crate::terminal::Terminal;

const USAGE: &str = "\
Watch images go live on an AWS of your own, on this machine.

Usage: demo [options]      (or: make demo ARGS='[options]')

  --port N    where the local AWS listens on 127.0.0.1 (a free port)
  --keep      leave everything running at the end, until Ctrl-C
";

/// What the demo was asked for.
struct Options {
    port: u16,
    keep: bool,
}

/// An act did not reach its end.
#[derive(Debug, thiserror::Error)]
#[error("{act} did not reach its end")]
struct Unfinished {
    act: String,
    source: Failure,
}

fn main() -> ExitCode {
    let options = match parse(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("demo: {error}; see --help");
            return ExitCode::FAILURE;
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(&options)),
        Err(error) => failed(&error),
    }
}

fn parse(mut arguments: lexopt::Parser) -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::{Long, Short, ValueExt};

    let mut options = Options {
        port: 0,
        keep: false,
    };
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("port") => options.port = arguments.value()?.parse()?,
            Long("keep") => options.keep = true,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

/// Plays until the end, the first thing that goes wrong, or a signal.
async fn run(options: &Options) -> ExitCode {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        eprintln!("demo: cannot listen for signals");
        return ExitCode::FAILURE;
    };
    // Dropping the play ends every process it started.
    tokio::select! {
        played = play(options) => match played {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&*error),
        },
        _ = interrupt.recv() => ended_by_signal(130),
        _ = terminate.recv() => ended_by_signal(143),
    }
}

/// What a shell takes for the end by a signal.
fn ended_by_signal(code: u8) -> ExitCode {
    println!("\nEnded; nothing was left running.");
    ExitCode::from(code)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the demo says how long things took"
)]
async fn play(options: &Options) -> Result<(), Failure> {
    let started = Instant::now();
    let mut terminal = Terminal::new();
    let checkout = Checkout::find()?;
    terminal.introduce();

    terminal.step("Building the functions (some minutes the first time)");
    let staged = Staged::build(&checkout).await?;
    terminal.done("built");

    terminal.step("Starting the local AWS");
    let local = LocalAws::start(setting::options(&checkout, options.port)).await?;
    terminal.done(&format!("it listens on {}", local.endpoint_url()));

    let local = Arc::new(local);
    let mut stage = Stage::new(terminal, local.clone());
    let told = tokio::select! {
        told = act::play(&mut stage, &checkout, &staged) => told,
        ended = local.ended() => Err(ended.into()),
    };
    stage.settle().await;
    let told = told.map_err(|source| {
        let act = stage.title().to_owned();
        Failure::from(Unfinished { act, source })
    });
    if told.is_ok() {
        stage.conclude(started.elapsed()).await?;
    }
    if options.keep {
        stage.keep().await;
    }
    drop(stage);
    if let Some(local) = Arc::into_inner(local) {
        local.shutdown().await;
    }
    told
}

/// Prints an error and everything it came from.
fn failed(error: &(dyn std::error::Error + 'static)) -> ExitCode {
    eprintln!("\ndemo: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  {cause}");
        source = cause.source();
    }
    ExitCode::FAILURE
}
