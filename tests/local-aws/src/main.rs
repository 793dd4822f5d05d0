//! Starts a local AWS and says how to reach it.

use std::process::ExitCode;

use local_aws::{LocalAws, MINISTACK_VERSION, Options, Schedules, Timings};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "\
An AWS on loopback: ECS is a model, everything else is ministack.

Usage: local-aws --ministack PATH [options]

  --ministack PATH       the ministack program of its virtual environment (needed)
  --port N               where to listen on 127.0.0.1 (4566; 0 takes a free port)
  --account ID           the account's twelve digits (000000000000)
  --region REGION        the Region (us-east-1)
  --speed N              how many times faster than the wall ECS lives (1)
  --timings fast         let deployments take one or two seconds of ECS's time
  --schedule-speed N     how many times as often as they say schedules fire (1)
  --schedules by-hand    fire schedules only on POST /_local/schedules?rule=NAME
  --record FILE          append each call to FILE, a line of JSON each
  --state FOLDER         keep ministack's files and log there
  --seed N               decides retries' jitter and faults with a rate (0)
";

fn main() -> ExitCode {
    let options = match parse(lexopt::Parser::from_env()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return failed(&error),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(options)),
        Err(error) => failed(&error),
    }
}

async fn run(options: Options) -> ExitCode {
    let region = options.region.clone();
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        eprintln!("local-aws: cannot listen for signals");
        return ExitCode::FAILURE;
    };
    let stopped = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    tokio::pin!(stopped);
    let local = tokio::select! {
        started = LocalAws::start(options) => match started {
            Ok(local) => local,
            Err(error) => return failed(&error),
        },
        () = &mut stopped => return ExitCode::FAILURE,
    };
    greet(&local.endpoint_url(), &region);
    let ended = tokio::select! {
        () = stopped => None,
        error = local.ended() => Some(error),
    };
    local.shutdown().await;
    match ended {
        None => ExitCode::SUCCESS,
        Some(error) => failed(&error),
    }
}

fn greet(url: &str, region: &str) {
    println!("The local AWS listens on {url}");
    println!("(ECS is a model; everything else is ministack {MINISTACK_VERSION}.)");
    println!("To point the AWS CLI, SAM or an SDK at it:");
    println!("  export AWS_ENDPOINT_URL={url}");
    println!("  export AWS_REGION={region} AWS_DEFAULT_REGION={region}");
    println!("  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test");
    println!("What it saw: {url}/_local/calls and {url}/_local/events");
}

fn parse(mut arguments: lexopt::Parser) -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::{Long, Short, ValueExt};

    let mut options = Options::new("");
    let mut schedule_speed = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("ministack") => options.ministack = arguments.value()?.into(),
            Long("port") => options.port = arguments.value()?.parse()?,
            Long("account") => options.account_id = arguments.value()?.string()?,
            Long("region") => options.region = arguments.value()?.string()?,
            Long("speed") => options.speed = arguments.value()?.parse_with(positive)?,
            Long("timings") => {
                options.timings = match arguments.value()?.string()?.as_str() {
                    "fast" => Timings::fast(),
                    "realistic" => Timings::default(),
                    other => return Err(format!("--timings {other}: fast or realistic").into()),
                }
            }
            Long("schedule-speed") => {
                schedule_speed = Some(arguments.value()?.parse_with(positive)?);
            }
            Long("schedules") => match arguments.value()?.string()?.as_str() {
                "by-hand" => options.schedules = Schedules::ByHand,
                other => return Err(format!("--schedules {other}: by-hand").into()),
            },
            Long("record") => options.record_file = Some(arguments.value()?.into()),
            Long("state") => options.state_directory = Some(arguments.value()?.into()),
            Long("seed") => options.seed = arguments.value()?.parse()?,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    if options.ministack.as_os_str().is_empty() {
        return Err("--ministack is missing; see --help".into());
    }
    if let Some(speed) = schedule_speed {
        options.schedules = Schedules::Speed(speed);
    }
    Ok(Some(options))
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if number > 0.0 && f64::is_finite(number) => Ok(number),
        _ => Err("a number above 0 is needed".to_owned()),
    }
}

/// Prints an error and everything it came from.
fn failed(error: &dyn std::error::Error) -> ExitCode {
    let mut message = format!("local-aws: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_message = cause.to_string();
        if !message.ends_with(&cause_message) {
            message = format!("{message}: {cause_message}");
        }
        source = cause.source();
    }
    eprintln!("{message}");
    ExitCode::FAILURE
}
