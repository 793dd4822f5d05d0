//! What a local AWS is started with.

use std::path::PathBuf;

use ecs_model::Timings;
use stack_model::Timings as StackTimings;

/// What a local AWS is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The port on 127.0.0.1 to listen on; 0 takes a free one.
    pub port: u16,
    /// The `ministack` program of its virtual environment.
    pub ministack: PathBuf,
    /// Twelve digits. Other accounts' credentials get an empty account of their own.
    pub account_id: String,
    /// The Region.
    pub region: String,
    /// How many times faster than the wall the model of ECS lives. Functions read the
    /// wall, so above 1 ECS's timestamps run ahead of theirs; fast timings don't.
    pub speed: f64,
    /// How long the steps of a deployment take in the model's own time.
    pub timings: Timings,
    /// How long the steps of a stack's update take, likewise.
    pub stack_timings: StackTimings,
    /// What becomes of the rules with a schedule.
    pub schedules: Schedules,
    /// Where each finished call is appended as a line of JSON.
    pub record_file: Option<PathBuf>,
    /// Where ministack keeps its files and its log; a temporary folder, removed at
    /// the end, where there is none.
    pub state_directory: Option<PathBuf>,
    /// Decides every random choice: the jitter of retries, and faults with a rate.
    pub seed: u64,
}

/// What becomes of the rules with a schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedules {
    /// They fire this many times as often as they say; retries of deliveries
    /// wait that much shorter, too.
    Speed(f64),
    /// They fire only when asked to, for tests that must not be woken.
    ByHand,
}

impl Options {
    /// The default port, which LocalStack made the custom.
    pub const PORT: u16 = 4566;

    /// Real time, the default port, account 000000000000 in us-east-1.
    pub fn new(ministack: impl Into<PathBuf>) -> Self {
        Options {
            port: Options::PORT,
            ministack: ministack.into(),
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            speed: 1.0,
            timings: Timings::default(),
            stack_timings: StackTimings::default(),
            schedules: Schedules::Speed(1.0),
            record_file: None,
            state_directory: None,
            seed: 0,
        }
    }
}
