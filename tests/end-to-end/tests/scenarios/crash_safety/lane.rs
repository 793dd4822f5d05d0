//! A target on which one rollout after the other is played, and what each must end in.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use end_to_end::{Failure, customer, wait::pass};
use jiff::{SignedDuration, Timestamp};
use local_aws::{CallRecord, FaultRule};
use serde_json::json;

use super::point::{Point, Way, concerns, is_of_rollout, points};
use crate::target::{Target, configuration};
use crate::world::World;

/// How long one rollout may take: a change that was recorded and not made is made when
/// reads are sure, after half a minute.
const LIMIT: Duration = Duration::from_secs(150);
/// How long a change may stay invisible to a read.
const READ_LAG: SignedDuration = SignedDuration::from_secs(30);
/// How long nothing may happen until a rollout is taken for over.
const QUIET: Duration = Duration::from_millis(500);
/// How long what a process sent before it died may take to be read.
const ON_THE_WAY: Duration = Duration::from_millis(300);

/// A target on which one rollout after the other is played, all of them the same way.
pub(super) struct Lane<'a> {
    target: Target<'a>,
    pub(super) way: Way,
    alarm: String,
    versions: Cell<u32>,
}

/// What was seen of one rollout.
pub(super) struct Played {
    /// What `rollout` called meanwhile, in this order.
    pub(super) calls: Vec<CallRecord>,
    /// Whether the process was killed.
    pub(super) is_struck: bool,
    /// How often a change of the service was asked for once more.
    pub(super) sent_again: usize,
}

impl<'a> Lane<'a> {
    /// Makes a target whose every version goes this way.
    pub(super) async fn prepare(
        world: &'a World,
        name: &'static str,
        way: Way,
    ) -> Result<Self, Failure> {
        let alarm = format!("{name}-5xx");
        customer::create_alarm(&world.aws, &alarm).await?;
        let mut configuration = configuration(name);
        configuration["alarms"] = json!([alarm]);
        configuration["bakeTimeSeconds"] = match way {
            Way::There => 0,
            // Over long before that.
            Way::Back => 600,
        }
        .into();
        let service = json!({"desiredCount": 1});
        Ok(Lane {
            target: Target::adopted_with(world, name, &configuration, &service).await?,
            way,
            alarm,
            versions: Cell::new(0),
        })
    }

    /// Plays one rollout without a kill, and answers where it could be killed.
    pub(super) async fn record(&self) -> Result<Vec<Point>, Failure> {
        let mut calls = self.play(None).await?.calls;
        calls.retain(|call| concerns(call, self.target.name));
        Ok(points(self.way, &calls))
    }

    /// Plays one rollout, killing `rollout` at a point of it, and looks at its end.
    pub(super) async fn play(&self, point: Option<&Point>) -> Result<Played, Failure> {
        let played = self.try_to_play(point).await;
        played.map_err(|error| match point {
            Some(point) => format!("{point}, on {}: {error}", self.target.name).into(),
            None => error,
        })
    }

    async fn try_to_play(&self, point: Option<&Point>) -> Result<Played, Failure> {
        let (local, name) = (&self.target.world.local, self.target.name);
        let since = local.last_call();
        let before = self.target.revision().await?;
        let fault = point.map(|point| point.fault(name));
        if let Some(fault) = &fault {
            local.add_fault(fault.clone());
        }
        self.versions.set(self.versions.get() + 1);
        let version = format!("v{}", self.versions.get());
        let ended = self.roll(&version).await;
        let injected = fault.and_then(|fault: FaultRule| local.end_fault(&fault));
        let digest = ended?;

        let calls = local.calls_where(since, is_of_rollout);
        self.expect_state(&version, &digest, &before).await?;
        self.expect_notices(&version)?;
        let sent_again = self.expect_changes(&before, &calls)?;
        let is_struck = injected.is_some_and(|count| count.injected > 0);
        if let Some(point) = point.filter(|_| is_struck) {
            expect_death(point, name, &calls)?;
        }
        Ok(Played {
            calls,
            is_struck,
            sent_again,
        })
    }

    /// Pushes a version and waits until all is over.
    async fn roll(&self, version: &str) -> Result<String, Failure> {
        let target = &self.target;
        let digest = target.push(version).await?;
        match self.way {
            Way::There => {
                target.told_within(LIMIT, "succeeded", version).await?;
            }
            Way::Back => {
                let aws = &target.world.aws;
                target.told_within(LIMIT, "baking", version).await?;
                customer::set_alarm(aws, &self.alarm, "ALARM").await?;
                target.told_within(LIMIT, "rolled-back", version).await?;
                customer::set_alarm(aws, &self.alarm, "OK").await?;
            }
        }
        let local = &target.world.local;
        loop {
            let before = local.last_call();
            pass(QUIET).await;
            let since = local.calls_where(before, |call| concerns(call, target.name));
            if since.is_empty() {
                return Ok(digest);
            }
        }
    }

    /// What the service runs, and what the ledger says.
    async fn expect_state(&self, version: &str, digest: &str, before: &str) -> Result<(), Failure> {
        let target = &self.target;
        let phase = match self.way {
            Way::There => {
                target.runs(digest).await?;
                "succeeded"
            }
            Way::Back => {
                target.runs_revision(before).await?;
                "rolledBack"
            }
        };
        let last = target.last_rollout().await?;
        let is_it = last["push"]["tag"] == version && last["phase"]["phase"] == phase;
        let status = target.command("status", &json!({})).await?;
        let is_idle = status["current"].is_null() && status["waiting"] == json!([]);
        let kept_out = status["quarantine"][digest].is_object();
        if is_it && is_idle && kept_out == (self.way == Way::Back) {
            return Ok(());
        }
        Err(format!("the ledger ends with {last:#} in {status:#}").into())
    }

    /// Each change is told, and however often it is, under one id.
    fn expect_notices(&self, version: &str) -> Result<(), Failure> {
        let expected: &[&str] = match self.way {
            Way::There => &["started", "baking", "succeeded"],
            Way::Back => &["started", "baking", "rolling-back", "rolled-back"],
        };
        let mut told = self.target.world.notices(self.target.name);
        told.retain(|notice| notice.document["rollout"]["tag"] == version);
        let ids: BTreeSet<String> = told
            .iter()
            .map(|notice| customer::text(&notice.document["id"]))
            .collect();
        let events: BTreeSet<&str> = told
            .iter()
            .map(|notice| notice.attribute("event"))
            .collect();
        let is_whole = expected.iter().all(|event| events.contains(event));
        if is_whole && events.len() == expected.len() && ids.len() == expected.len() {
            return Ok(());
        }
        Err(format!("told under {ids:?}, not {expected:?}").into())
    }

    /// Each change of the service has its effect once, and is asked for again only when
    /// the intent to make it is older than reads may lag. Answers how often it was.
    fn expect_changes(&self, before: &str, calls: &[CallRecord]) -> Result<usize, Failure> {
        let name = self.target.name;
        let own: Vec<&CallRecord> = calls.iter().filter(|call| concerns(call, name)).collect();
        let is_back = |call: &CallRecord| {
            let request = call.request.as_ref();
            call.operation == "StopServiceDeployment"
                || request.is_some_and(|request| request["taskDefinition"] == before)
        };
        let mut sent_again = 0;
        for back in [false, true] {
            let mut effects = 0;
            let mut intent: Option<Timestamp> = None;
            let mut written: Option<Timestamp> = None;
            for call in &own {
                match call.operation.as_str() {
                    "TransactWriteItems" => written = intended_at(call).or(written),
                    "UpdateService" | "StopServiceDeployment" if is_back(call) == back => {
                        effects += usize::from(has_effect(call));
                        if let Some(intent) = intent {
                            sent_again += 1;
                            if call.at < intent + READ_LAG {
                                let asked = call.at;
                                let text = format!("asked at {intent} and again at {asked}");
                                return Err(text.into());
                            }
                        }
                        intent = Some(written.ok_or("a change was asked for and not recorded")?);
                    }
                    _ => {}
                }
            }
            let expected = usize::from(!back || self.way == Way::Back);
            if effects != expected {
                let direction = if back { "back" } else { "there" };
                let text =
                    format!("the service was changed {effects} times on the way {direction}");
                return Err(text.into());
            }
        }
        Ok(sent_again)
    }
}

/// Whether a call was carried out, answered or not.
fn has_effect(call: &CallRecord) -> bool {
    call.status == Some(200) || call.faults.iter().any(|fault| fault == "killAfter")
}

/// The intent to change the service that a write records.
fn intended_at(call: &CallRecord) -> Option<Timestamp> {
    let text = call.request.as_ref()?.to_string();
    // Within the record's own text, which is JSON within JSON.
    let mut values = text.split(r#"intended_at\":\""#).skip(1);
    values.find_map(|value| value.split('\\').next()?.parse().ok())
}

/// The process made no further call.
fn expect_death(point: &Point, target: &str, calls: &[CallRecord]) -> Result<(), Failure> {
    let struck = calls.iter().find(|call| point.is_at(call, target));
    let struck = struck.ok_or("the kill is not in the call log")?;
    let process = struck.caller.process_id.ok_or("nobody knows the process")?;
    let took = struck.duration_milliseconds.unwrap_or_default();
    let dead_at = struck.at + Duration::from_millis(took) + ON_THE_WAY;
    let mut later = calls.iter().filter(|call| call.at > dead_at);
    match later.find(|call| call.caller.process_id == Some(process)) {
        None => Ok(()),
        Some(call) => Err(format!("process {process} lives: {call:?}").into()),
    }
}
