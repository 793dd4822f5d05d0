//! What a long run has to reach: each outcome with each of its reasons, each
//! phase with what is waited for, and each transition between phases.
//!
//! The lists are what the phases and reasons are meant to do, not what a run
//! happened to show: what is met and not listed is reported as well.

use pushboat::core::failure::Failure;
use pushboat::core::reason::{Halted, Rejected, SupersededBy};

use super::tally::Tally;

type Pair = (&'static str, &'static str);

/// How rollouts end, and why.
const OUTCOMES: &[Pair] = &[
    ("succeeded", ""),
    ("scaled-to-zero", ""),
    ("superseded", "newer-push"),
    ("superseded", "somebody-else"),
    ("superseded", "service-gone"),
    ("superseded", "target-removed"),
    ("superseded", "operator"),
    ("rolled-back", "task-cannot-work"),
    ("rolled-back", "tasks-fail"),
    ("rolled-back", "alarm-fired"),
    ("rolled-back", "deployment-failed"),
    ("rolled-back", "stack-failed"),
    ("rolled-back", "deadline-reached"),
    ("rolled-back", "missing-tasks"),
    ("rolled-back", "put-back-by-hand"),
    ("rolled-back", "asked-by-operator"),
    ("rejected", "already-running"),
    ("rejected", "target-invalid"),
    ("rejected", "repository-missing"),
    ("rejected", "image-missing"),
    ("rejected", "image-archived"),
    ("rejected", "not-an-image"),
    ("rejected", "manifest-unreadable"),
    ("rejected", "wrong-platform"),
    ("rejected", "no-longer-followed"),
    ("rejected", "no-container"),
    ("rejected", "service-gone"),
    ("rejected", "service-unsuitable"),
    ("rejected", "service-busy"),
    ("rejected", "quarantined"),
    ("rejected", "no-way-back"),
    ("rejected", "alarm-firing"),
    ("rejected", "stack-wedged"),
    ("rejected", "stack-busy"),
    ("rejected", "stack-unchanged"),
    ("rejected", "stack-not-fed"),
    ("rejected", "change-set-declined"),
    ("rejected", "stack-went-back"),
    ("rejected", "refused"),
    ("rejected", "aws-unavailable"),
    ("halted", "nothing-to-go-back-to"),
    ("halted", "way-back-too-long"),
    ("halted", "way-back-failed"),
    ("halted", "went-elsewhere"),
    ("halted", "way-back-refused"),
    ("halted", "stack-wedged"),
    ("halted", "not-verified"),
];

/// Does not compile once there is a reason that is not known here: list it above.
#[expect(
    dead_code,
    reason = "it is there to be compiled, with every reason for an outcome"
)]
fn every_reason_is_listed(
    rejected: &Rejected,
    superseded: &SupersededBy,
    halted: &Halted,
    failure: &Failure,
) {
    match rejected {
        Rejected::AlreadyRunning
        | Rejected::TargetInvalid { .. }
        | Rejected::RepositoryMissing { .. }
        | Rejected::ImageMissing
        | Rejected::ImageArchived
        | Rejected::NotAnImage { .. }
        | Rejected::ManifestUnreadable { .. }
        | Rejected::WrongPlatform { .. }
        | Rejected::NoLongerFollowed
        | Rejected::NoContainer { .. }
        | Rejected::ServiceGone
        | Rejected::ServiceUnsuitable { .. }
        | Rejected::ServiceBusy
        | Rejected::Quarantined { .. }
        | Rejected::NoWayBack { .. }
        | Rejected::AlarmFiring { .. }
        // Of its problems `stack-missing`, `stack-parameter-missing`, `stack-role-missing` and
        // `change-set-failed` are of worlds that are made otherwise.
        | Rejected::Stack { .. }
        | Rejected::Refused { .. }
        | Rejected::AwsUnavailable { .. } => {}
    }
    match superseded {
        SupersededBy::Push { .. }
        | SupersededBy::SomebodyElse { .. }
        | SupersededBy::ServiceGone
        | SupersededBy::TargetRemoved
        | SupersededBy::Operator { .. } => {}
    }
    match halted {
        Halted::NothingToGoBackTo { .. }
        | Halted::WayBackTooLong { .. }
        | Halted::WayBackFailed { .. }
        | Halted::WentElsewhere { .. }
        | Halted::WayBackRefused { .. }
        | Halted::StackWedged { .. }
        | Halted::NotVerified { .. }
        // Only records of format 1 tell of it.
        | Halted::LeftAlone(_) => {}
    }
    match failure {
        Failure::TaskCannotWork { .. }
        | Failure::TasksFail { .. }
        | Failure::AlarmFired { .. }
        | Failure::DeploymentFailed { .. }
        | Failure::StackFailed { .. }
        | Failure::DeadlineReached { .. }
        | Failure::MissingTasks { .. }
        | Failure::PutBackByHand
        | Failure::AskedByOperator
        // Only records of format 1 tell of it.
        | Failure::EcsRolledBack { .. } => {}
    }
}

/// Which phases there are, and what is waited for in them.
const PHASES: &[Pair] = &[
    ("requested", "service"),
    ("requested", "service-busy"),
    ("requested", "stack-busy"),
    ("requested", "alarm-quiet"),
    ("requested", "aws"),
    ("requested", "held"),
    ("starting", "read-lag"),
    ("starting", "change-set"),
    ("starting", "approval"),
    ("starting", "stack-busy"),
    ("starting", "stack-update"),
    // An update that has not reached the service by the deadline is cancelled.
    ("starting", "way-back"),
    ("starting", "aws"),
    ("starting", "held"),
    ("progressing", "deployment"),
    ("progressing", "service-trouble"),
    ("progressing", "stack-update"),
    ("progressing", "shared-alarm"),
    ("progressing", "paused-hook"),
    ("progressing", "aws"),
    ("baking", "bake-time"),
    ("baking", "missing-tasks"),
    ("baking", "service-trouble"),
    ("baking", "shared-alarm"),
    ("baking", "aws"),
    ("rolling-back", "way-back"),
    ("rolling-back", "service-trouble"),
    ("rolling-back", "paused-hook"),
    ("rolling-back", "read-lag"),
    ("rolling-back", "change-set"),
    ("rolling-back", "approval"),
    ("rolling-back", "stack-busy"),
    ("rolling-back", "stack-update"),
    ("rolling-back", "aws"),
    ("rolling-back", "held"),
];

/// Who takes versions back, where a service is changed directly and through a stack.
const BACKS: &[Pair] = &[
    ("directly", "Pushboat"),
    ("directly", "ECS"),
    ("directly", "a person"),
    ("through a stack", "Pushboat"),
    ("through a stack", "ECS"),
    ("through a stack", "a person"),
    ("through a stack", "CloudFormation"),
];

/// What is met once in some hundred thousand rollouts, so that a long run may do without it.
const RARE: &[Pair] = &[("progressing", "stack-update"), ("through a stack", "ECS")];

/// From which phase rollouts go to which.
///
/// A new one comes from nowhere; one that goes back or is back at once is a person's
/// order to take back what had halted.
const TRANSITIONS: &[Pair] = &[
    ("nowhere", "requested"),
    ("nowhere", "starting"),
    ("nowhere", "rejected"),
    ("nowhere", "superseded"),
    ("nowhere", "rolling-back"),
    ("nowhere", "rolled-back"),
    // … or, where that cannot be, what is still halted.
    ("nowhere", "halted"),
    ("requested", "starting"),
    ("requested", "rejected"),
    ("requested", "superseded"),
    // What was done while nobody looked is seen in one step.
    ("starting", "progressing"),
    ("starting", "baking"),
    ("starting", "succeeded"),
    ("starting", "scaled-to-zero"),
    ("starting", "rolling-back"),
    ("starting", "rolled-back"),
    ("starting", "rejected"),
    ("starting", "superseded"),
    ("starting", "halted"),
    ("progressing", "baking"),
    ("progressing", "succeeded"),
    ("progressing", "scaled-to-zero"),
    ("progressing", "rolling-back"),
    ("progressing", "rolled-back"),
    ("progressing", "superseded"),
    ("progressing", "halted"),
    // Tasks that are lost while it bakes start its deployment anew.
    ("baking", "progressing"),
    ("baking", "succeeded"),
    ("baking", "scaled-to-zero"),
    ("baking", "rolling-back"),
    ("baking", "rolled-back"),
    ("baking", "superseded"),
    ("baking", "halted"),
    ("rolling-back", "rolled-back"),
    ("rolling-back", "superseded"),
    ("rolling-back", "halted"),
];

/// Says what a run did not reach, and what it reached that is not known here.
#[must_use]
pub fn gaps(tally: &Tally) -> Vec<String> {
    let mut gaps = Vec::new();
    let lists = [
        ("ended", " because of ", OUTCOMES, &tally.outcomes),
        ("in", ", waiting for ", PHASES, &tally.phases),
        ("from", " to ", TRANSITIONS, &tally.transitions),
        ("taken back", " by ", BACKS, &tally.backs),
    ];
    for (what, link, listed, met) in lists {
        for pair @ (one, another) in listed {
            if !met.contains_key(pair) && !RARE.contains(pair) {
                gaps.push(format!("never {what} {one}{link}{another}"));
            }
        }
        for pair @ (one, another) in met.keys() {
            if !listed.contains(pair) {
                gaps.push(format!("not listed: {what} {one}{link}{another}"));
            }
        }
    }
    gaps
}
