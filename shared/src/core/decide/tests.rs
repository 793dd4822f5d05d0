//! What `decide` answers: phase by observation, one row each.
//!
//! A row reads: what is shown, the rollout, what is seen, what is answered. It
//! is always the same instant; every time is told by its distance from it.

mod baking;
mod given;
mod hindered;
mod looks;
mod progressing;
mod requested;
mod rolling_back;
mod seen;
mod shared_alarm;
mod stack;
mod starting;
mod stopped_tasks;
mod summary;
mod take_over;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::alarm::{AlarmSeen, AlarmState, AlarmWatch};
use super::super::evidence::{AlarmChange, Evidence, ServiceEvent, StoppedContainer, StoppedTask};
use super::super::failure::Failure;
use super::super::name::{ImageDigest, RolloutId, TargetName};
use super::super::observation::{
    Controller, Definition, DeploymentRecord, DeploymentState, Digests, GoneImage, ImageContent,
    ImageLook, Look, Observation, OwnRevision, PausedHook, Platform, RecordStatus, Service,
    ServiceDeployment, ServiceLook, Trouble,
};
use super::super::policy::{AlarmsAtStart, Policy, Supersede, TagPolicy};
use super::super::push::{Push, PushSource};
use super::super::reason::{Halted, NewerPush, Rejected, SupersededBy, Waiting};
use super::super::rollout::{Back, Phase, RolledBackBy, Rollout, Running, Start, Way};
use super::super::shared::Shared;
use super::super::shared_alarm::{Sharer, SharerStanding, Sharing, Turn};
use super::super::state::Quarantined;
use super::{Action, Decision, Next, WantedDefinition, decide, wanted};
use crate::target;
use given::*;
use looks::good_images;
use seen::*;
use summary::summary;

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// One row of a table.
type Row = (&'static str, Given, Seen, &'static str);

fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for (name, Given(rollout), Seen(observation), expected) in rows {
        let decision = decide(&rollout.policy, &rollout, &observation, now());
        let got = summary(&decision);
        if got != expected {
            wrong.push(format!("{name}\n  expected: {expected}\n  got:      {got}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn now() -> Timestamp {
    at(0)
}

/// The time that lies `seconds` from now.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

#[test]
fn a_final_phase_stays_final_whatever_is_seen() {
    let revision = || "web:8".to_owned();
    let phases = [
        Phase::Succeeded {
            revision: revision(),
        },
        Phase::ScaledToZero {
            revision: revision(),
        },
        Phase::Superseded {
            by: SupersededBy::TargetRemoved,
        },
        Phase::Rejected {
            reason: Rejected::ImageMissing,
        },
        Phase::Halted {
            reason: Halted::NothingToGoBackTo {
                failure: Failure::PutBackByHand,
            },
        },
        Phase::RolledBack {
            failure: Failure::PutBackByHand,
            by: RolledBackBy::Person,
            revision: revision(),
        },
    ];
    let foreign = Seen(Observation::default())
        .service_look(found(service(vec![deployment("web:9", "ecs-svc/9", -1)])))
        .alarm(AlarmState::Alarm)
        .newer();
    for phase in phases {
        let Given(rollout) = Given::new(phase.clone()).immediately();
        let decision = decide(&rollout.policy, &rollout, &foreign.0, now());
        assert_eq!(decision.phase, phase);
        assert!(decision.actions.is_empty() && decision.next == Next::Over);
        assert_eq!(
            wanted(&rollout, &good_images(), now()),
            super::Wanted::default()
        );
    }
}

#[test]
fn nothing_seen_at_all_is_never_a_reason_to_act() {
    let phases = [
        requested::phase(None),
        starting::phase(None, Some(-600)),
        starting::phase(Some("web:8"), Some(-600)),
        progressing::phase(-600),
        baking::phase(-1, None),
        rolling_back::phase(Way::Unasked),
    ];
    for phase in phases {
        let Given(rollout) = Given::new(phase);
        let blind = Observation::default();
        let decision = decide(&rollout.policy, &rollout, &blind, now());
        assert_eq!(decision.actions, []);
        assert!(matches!(decision.next, Next::Wait(_, Waiting::Aws { .. })));
        assert_eq!(decision.phase.as_str(), rollout.phase.as_str());
    }
}

#[test]
fn what_is_about_to_be_done_is_dated_when_it_is() {
    let dated = |Given(rollout): Given, Seen(observation): Seen| {
        let decision = decide(&rollout.policy, &rollout, &observation, now());
        let decision = super::dated(decision, now(), at(40));
        summary(&decision)
    };
    let sent_again = starting::registered(-30);
    assert_eq!(
        dated(sent_again, starting::before(true)),
        "starting web:8 40s | update web:8 | now"
    );
    assert_eq!(
        dated(rolling_back::unasked(), rolling_back::ours()),
        "rolling-back alarm-fired to web:7 asked 40s | update web:7 | now"
    );
    assert_eq!(
        dated(rolling_back::unasked(), rolling_back::stoppable()),
        "rolling-back alarm-fired to web:7 stopped 40s | stop sd/8 | now"
    );
    let waits = "starting web:8 -10s | wait 20s read-lag";
    let sent = starting::registered(-10);
    assert_eq!(dated(sent, starting::before(true)), waits);
}

#[test]
fn the_read_lag_is_half_a_minute() {
    assert_eq!(super::READ_LAG, SignedDuration::from_secs(30));
}
