//! Each reason that there is, with its name and its sentences.

use super::stack::stack;
use super::*;
use crate::core::diagnosis::service_trouble::ServiceTrouble;
use crate::core::operate::Refusal;
use crate::core::reason::{Ignored, StackProblem};
use crate::core::stack::FailedResource;
use crate::message::reason;

fn text(text: &str) -> String {
    text.to_owned()
}

fn other() -> RolloutId {
    RolloutId::new(at("08:20:00"), &["main-43"])
}

fn mistake() -> Mistake {
    Mistake::new(
        "alarms[0]",
        "CloudWatch has no alarm `5xx` in this account and Region",
        "Correct the name, or create the alarm and save the parameter again.",
    )
}

fn failed_resource() -> FailedResource {
    FailedResource {
        logical_id: text("Service"),
        resource_type: text("AWS::ECS::Service"),
        reason: text(
            "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.\"",
        ),
    }
}

fn of_stack(problem: StackProblem) -> Rejected {
    Rejected::Stack {
        stack: text("backstage-service"),
        problem,
    }
}

pub(crate) fn failures() -> Vec<Failure> {
    every! { Failure:
        Failure::TaskCannotWork { .. } => [Failure::TaskCannotWork { cause: Cause::WrongPlatform }],
        Failure::TasksFail { .. } => [tasks_fail()],
        Failure::AlarmFired { .. } => [Failure::AlarmFired { alarms: vec![text("backstage-5xx")] }, alarms()],
        Failure::DeploymentFailed { .. } => [
            Failure::DeploymentFailed { reason: String::new(), platform: None },
            Failure::DeploymentFailed { reason: text("tasks failed to start."), platform: None },
            Failure::DeploymentFailed { reason: text("tasks failed to start."), platform: Some(Cause::NoCapacity) },
        ],
        Failure::StackFailed { .. } => [
            Failure::StackFailed { reason: String::new(), failed: Some(Box::new(failed_resource())), cause: Some(Cause::ApplicationError) },
            Failure::StackFailed { reason: text("The following alarm(s) fired: backstage-5xx"), failed: None, cause: None },
            Failure::StackFailed { reason: String::new(), failed: None, cause: None },
        ],
        Failure::DeadlineReached { .. } => [
            Failure::DeadlineReached { cause: Some(Cause::ContainerHealthCheck) },
            Failure::DeadlineReached { cause: None },
        ],
        Failure::MissingTasks { .. } => [
            Failure::MissingTasks { since: at("08:16:00"), cause: None },
            Failure::MissingTasks { since: at("08:16:00"), cause: Some(Cause::OutOfMemory) },
        ],
        Failure::PutBackByHand => [Failure::PutBackByHand],
        Failure::AskedByOperator => [Failure::AskedByOperator],
        Failure::EcsRolledBack { .. } => [Failure::EcsRolledBack { task_definition: revision(42) }],
    }
}

pub(crate) fn halted() -> Vec<Halted> {
    every! { Halted:
        Halted::NothingToGoBackTo { .. } => [Halted::NothingToGoBackTo { failure: tasks_fail() }],
        Halted::StackWedged { .. } => [
            Halted::StackWedged {
                failure: alarms(),
                stack: text("backstage-service"),
                status: text("UPDATE_ROLLBACK_FAILED"),
                failed: Some(failed_resource()),
            },
            Halted::StackWedged {
                failure: alarms(),
                stack: text("backstage-service"),
                status: text("DELETE_FAILED"),
                failed: None,
            },
        ],
        Halted::WayBackTooLong { .. } => [Halted::WayBackTooLong { failure: alarms() }],
        Halted::WayBackFailed { .. } => [Halted::WayBackFailed {
            failure: alarms(),
            reason: text("ECS deployment circuit breaker: tasks failed to start."),
        }],
        Halted::WentElsewhere { .. } => [Halted::WentElsewhere { failure: alarms(), task_definition: revision(41) }],
        Halted::WayBackRefused { .. } => [Halted::WayBackRefused {
            failure: alarms(),
            call: text("UpdateService prod/backstage"),
            code: text("InvalidParameterException"),
            message: text("The subnet does not exist."),
        }],
        Halted::NotVerified { .. } => [Halted::NotVerified { trouble: text("DescribeServices was throttled") }],
        Halted::LeftAlone(_) => [Halted::LeftAlone(tasks_fail())],
    }
}

fn unsuitable() -> Vec<Unsuitable> {
    every! { Unsuitable:
        Unsuitable::Daemon => [Unsuitable::Daemon],
        Unsuitable::Controller { .. } => [Unsuitable::Controller { controller: text("CODE_DEPLOY") }],
        Unsuitable::NoConsent { .. } => [
            Unsuitable::NoConsent { found: None },
            Unsuitable::NoConsent { found: Some(text("web")) },
        ],
    }
}

pub(crate) fn rejected() -> Vec<Rejected> {
    let mut all = every! { Rejected:
        Rejected::Stack { .. } => [
            of_stack(StackProblem::Missing),
            of_stack(StackProblem::NoParameter { parameter: text("Image"), found: vec![text("ImageUri"), text("Size")] }),
            of_stack(StackProblem::NoParameter { parameter: text("Image"), found: Vec::new() }),
            of_stack(StackProblem::NoRole),
            of_stack(StackProblem::Wedged { status: text("UPDATE_ROLLBACK_FAILED"), reason: text("The following resource(s) failed to update: [Service].") }),
            of_stack(StackProblem::Wedged { status: text("ROLLBACK_COMPLETE"), reason: String::new() }),
            of_stack(StackProblem::Wedged { status: text("UPDATE_FAILED"), reason: String::new() }),
            of_stack(StackProblem::Busy { status: text("UPDATE_IN_PROGRESS") }),
            of_stack(StackProblem::Unchanged { parameter: text("Image") }),
            of_stack(StackProblem::NotFed { parameter: text("Image") }),
            of_stack(StackProblem::ChangeSetFailed { reason: text("Parameters: [Size] must have values") }),
            of_stack(StackProblem::Declined),
            of_stack(StackProblem::WentBack { failed: Some(failed_resource()) }),
            of_stack(StackProblem::WentBack { failed: None }),
        ],
        Rejected::AlreadyRunning => [Rejected::AlreadyRunning],
        Rejected::TargetInvalid { .. } => [Rejected::TargetInvalid { mistakes: vec![mistake()] }],
        Rejected::RepositoryMissing { .. } => [Rejected::RepositoryMissing { repository: text("team/backstage") }],
        Rejected::ImageMissing => [Rejected::ImageMissing],
        Rejected::ImageArchived => [Rejected::ImageArchived],
        Rejected::NotAnImage { .. } => [Rejected::NotAnImage { media_type: text("application/vnd.cncf.helm.config.v1+json") }],
        Rejected::ManifestUnreadable { .. } => [Rejected::ManifestUnreadable { problem: text("it is no JSON") }],
        Rejected::WrongPlatform { .. } => [Rejected::WrongPlatform {
            wanted: text("linux/arm64"),
            offered: vec![text("linux/amd64")],
        }],
        Rejected::NoLongerFollowed => [Rejected::NoLongerFollowed],
        Rejected::NoContainer { .. } => [
            Rejected::NoContainer { repository: text("team/backstage"), missing: Vec::new() },
            Rejected::NoContainer { repository: text("team/backstage"), missing: vec![text("app")] },
        ],
        Rejected::ServiceGone => [Rejected::ServiceGone],
        Rejected::ServiceUnsuitable { .. } => [Rejected::ServiceUnsuitable { what: Unsuitable::Daemon }],
        Rejected::ServiceBusy => [Rejected::ServiceBusy],
        Rejected::Quarantined { .. } => [Rejected::Quarantined { digest: digest('b'), rollout: other(), at: at("07:51:00"), failure: "alarm-fired".to_owned() }],
        Rejected::NoWayBack { .. } => [
            Rejected::NoWayBack { gone: gone(false), repository: text("team/backstage"), digest: digest('b') },
            Rejected::NoWayBack { gone: gone(true), repository: text("team/backstage"), digest: digest('b') },
        ],
        Rejected::AlarmFiring { .. } => [Rejected::AlarmFiring { alarms: vec![text("backstage-5xx")] }],
        Rejected::Refused { .. } => [Rejected::Refused {
            call: text("RegisterTaskDefinition backstage"),
            code: text("ClientException"),
            message: text("Role is not valid."),
        }],
        Rejected::AwsUnavailable { .. } => [Rejected::AwsUnavailable { trouble: text("DescribeServices was throttled") }],
    };
    all.extend(
        unsuitable()
            .into_iter()
            .skip(1)
            .map(|what| Rejected::ServiceUnsuitable { what }),
    );
    all
}

pub(crate) fn superseded() -> Vec<SupersededBy> {
    every! { SupersededBy:
        SupersededBy::Push(_) => [SupersededBy::Push(NewerPush {
            rollout: other(), tag: Some(text("main-43")), by_command: false,
        })],
        SupersededBy::SomebodyElse { .. } => [SupersededBy::SomebodyElse { task_definition: revision(44) }],
        SupersededBy::ServiceGone => [SupersededBy::ServiceGone],
        SupersededBy::TargetRemoved => [SupersededBy::TargetRemoved],
        SupersededBy::Operator { .. } => [SupersededBy::Operator { request_id: text("9f0b1c2d") }],
    }
}

fn ignored() -> Vec<Ignored> {
    every! { Ignored:
        Ignored::NotFollowed { .. } => [Ignored::NotFollowed { subject: text("repository team/other") }],
        Ignored::TagNotFollowed { .. } => [Ignored::TagNotFollowed { tag: text("dev-1") }],
        Ignored::NotAnImage { .. } => [Ignored::NotAnImage { media_type: text("application/vnd.in-toto+json") }],
        Ignored::Untagged => [Ignored::Untagged],
        Ignored::NoBusiness { .. } => [Ignored::NoBusiness { kind: text("ECR Image Action DELETE") }],
        Ignored::Elsewhere { .. } => [Ignored::Elsewhere { account: text("999999999999"), region: text("us-east-1") }],
        Ignored::Unreadable { .. } => [Ignored::Unreadable { problem: text("its image-digest is no SHA-256 digest") }],
        Ignored::BeforeRegistration { .. } => [Ignored::BeforeRegistration { registered_at: at("08:00:00") }],
        Ignored::LeftToPeople => [Ignored::LeftToPeople],
        Ignored::Repeat => [Ignored::Repeat],
        Ignored::Older { .. } => [Ignored::Older { newest_tag: text("main-43"), newest: digest('c') }],
        Ignored::SameImageUnderWay { .. } => [Ignored::SameImageUnderWay { rollout: other() }],
        Ignored::TargetInvalid => [Ignored::TargetInvalid],
        Ignored::TargetUnknown => [Ignored::TargetUnknown],
    }
}

pub(crate) fn waiting() -> Vec<Waiting> {
    every! { Waiting:
        Waiting::FirstLook => [Waiting::FirstLook],
        Waiting::StackBusy { .. } => [Waiting::StackBusy { status: text("UPDATE_IN_PROGRESS") }],
        Waiting::ChangeSet => [Waiting::ChangeSet],
        Waiting::Approval { .. } => [Waiting::Approval { change_set: text("pushboat-1") }],
        Waiting::StackUpdate => [Waiting::StackUpdate],
        Waiting::Adoption => [Waiting::Adoption],
        Waiting::Turn { .. } => [Waiting::Turn { behind: other() }],
        Waiting::Service => [Waiting::Service],
        Waiting::ServiceBusy => [Waiting::ServiceBusy],
        Waiting::AlarmQuiet => [Waiting::AlarmQuiet],
        Waiting::Aws { .. } => [Waiting::Aws { trouble: text("DescribeServices was throttled") }],
        Waiting::ReadLag => [Waiting::ReadLag],
        Waiting::Deployment => [Waiting::Deployment],
        Waiting::ServiceTrouble { .. } => [Waiting::ServiceTrouble {
            trouble: ServiceTrouble::CannotPlace { lacking: text("RESOURCE:FARGATE") },
            told_at: at("08:16:05"),
        }],
        Waiting::WayBack => [Waiting::WayBack],
        Waiting::PausedHook { .. } => [Waiting::PausedHook { hook_id: text("ecs-pause-1") }],
        Waiting::BakeTime => [Waiting::BakeTime],
        Waiting::SharedAlarm { .. } => [Waiting::SharedAlarm {
            alarm: text("backstage-5xx"),
            first: TargetName::parse("team/api").unwrap(),
        }],
        Waiting::MissingTasks => [Waiting::MissingTasks],
        Waiting::Person => [Waiting::Person],
        Waiting::Held { .. } => [Waiting::Held { reason: text("incident 4711") }],
    }
}

pub(crate) fn refusals() -> Vec<Refusal> {
    let followed = || vec![text("team/backstage"), text("team/side")];
    every! { Refusal:
        Refusal::NotConfigured => [Refusal::NotConfigured],
        Refusal::NotFollowed { .. } => [Refusal::NotFollowed { repository: text("team/other"), followed: followed() }],
        Refusal::RepositoryNeeded { .. } => [Refusal::RepositoryNeeded { followed: followed() }],
        Refusal::NotDeployable { .. } => [
            Refusal::NotDeployable { reason: Rejected::ImageMissing },
            Refusal::NotDeployable { reason: Rejected::ImageArchived },
            Refusal::NotDeployable { reason: Rejected::RepositoryMissing { repository: text("team/backstage") } },
            Refusal::NotDeployable { reason: Rejected::AwsUnavailable { trouble: text("DescribeImages was throttled") } },
            Refusal::NotDeployable {
                reason: Rejected::Quarantined { digest: digest('b'), rollout: other(), at: at("07:51:00"), failure: "alarm-fired".to_owned() },
            },
        ],
        Refusal::SameImageUnderWay { .. } => [Refusal::SameImageUnderWay { rollout: other() }],
        Refusal::NothingUnderWay { .. } => [
            Refusal::NothingUnderWay { good: Some(revision(42)) },
            Refusal::NothingUnderWay { good: None },
        ],
        Refusal::NothingToGoBackTo { .. } => [Refusal::NothingToGoBackTo { rollout: other() }],
        Refusal::RollingBack { .. } => [Refusal::RollingBack { rollout: other() }],
        Refusal::NotQuarantined { .. } => [
            Refusal::NotQuarantined { digest: digest('b'), quarantined: Vec::new() },
            Refusal::NotQuarantined { digest: digest('b'), quarantined: vec![digest('c'), digest('d')] },
        ],
        Refusal::Overtaken { .. } => [Refusal::Overtaken { tag: text("main-43"), at: at("07:51:00") }],
        Refusal::NotHeld => [Refusal::NotHeld],
    }
}

/// Writes each reason's name, the words of one line and the sentence.
fn lines<T>(reasons: &[T], words: impl Fn(&T) -> [String; 3]) -> String {
    let lines = reasons.iter().map(|reason| {
        let [name, brief, sentence] = words(reason);
        let brief = if brief.is_empty() {
            brief
        } else {
            format!(" ({brief})")
        };
        format!("{name}{brief}\n  {}", sentence.replace('\n', "\n  "))
    });
    lines.collect::<Vec<String>>().join("\n")
}

#[test]
fn every_failure_and_every_halt_has_its_sentence() {
    let told = lines(&failures(), |one| {
        let brief = crate::message::failure::failure_briefly(one);
        [one.as_str().to_owned(), brief, crate::message::failure(one)]
    });
    snapshot!("every_failure", told);
    let told = lines(&halted(), |one| {
        let brief = reason::halted_briefly(one, None);
        let whole = reason::halted(one, None, &surroundings());
        [one.as_str().to_owned(), brief, whole]
    });
    snapshot!("every_halt", told);
    let stack = stack();
    let told = lines(&halted(), |one| {
        let brief = reason::halted_briefly(one, Some(&stack));
        let whole = reason::halted(one, Some(&stack), &surroundings());
        [one.as_str().to_owned(), brief, whole]
    });
    snapshot!("every_halt_through_a_stack", told);
}

#[test]
fn every_end_without_a_change_has_its_sentence() {
    let told = lines(&rejected(), |one| {
        let whole = reason::rejected(one, &target(), &surroundings());
        [
            one.as_str().to_owned(),
            reason::rejected_briefly(one),
            whole,
        ]
    });
    snapshot!("every_rejection", told);
    let told = lines(&superseded(), |one| {
        let brief = reason::superseded_briefly(one);
        [one.as_str().to_owned(), brief, reason::superseded(one)]
    });
    snapshot!("every_successor", told);
    let told = lines(&ignored(), |one| {
        [one.as_str().to_owned(), String::new(), reason::ignored(one)]
    });
    snapshot!("every_ignored", told);
}

#[test]
fn every_wait_and_every_refusal_has_its_sentence() {
    let told = lines(&waiting(), |one| {
        let whole = crate::message::waiting(one, None);
        [one.as_str().to_owned(), String::new(), whole]
    });
    snapshot!("every_wait", told);
    let through = crate::message::waiting(&Waiting::WayBack, Some(&stack()));
    assert_eq!(
        through,
        "CloudFormation is bringing stack backstage-service back to the last good version"
    );
    let told = lines(&refusals(), |one| {
        let whole = crate::message::refusal(one, &target(), &surroundings());
        [one.as_str().to_owned(), String::new(), whole]
    });
    snapshot!("every_refusal", told);
}

/// Each way back.
pub(crate) fn ways() -> Vec<Way> {
    let by = |by| Way::Observed { by };
    every! { Way:
        Way::Unasked => [Way::Unasked],
        Way::Cancel { .. } => [Way::Cancel { intended_at: at("08:21:05") }],
        Way::Observed { .. } => [by(RolledBackBy::Ecs), by(RolledBackBy::Person)],
        Way::Stop { .. } => [Way::Stop { intended_at: at("08:21:03") }],
        Way::Update { .. } => [
            Way::Update { intended_at: None },
            Way::Update { intended_at: Some(at("08:21:03")) },
        ],
    }
}

pub(crate) fn by_whom() -> Vec<RolledBackBy> {
    every! { RolledBackBy:
        RolledBackBy::Pushboat => [RolledBackBy::Pushboat],
        RolledBackBy::Ecs => [RolledBackBy::Ecs],
        RolledBackBy::CloudFormation => [RolledBackBy::CloudFormation],
        RolledBackBy::Person => [RolledBackBy::Person],
    }
}

pub(crate) fn phases() -> Vec<Phase> {
    let requested = Phase::Requested {
        waiting: Waiting::FirstLook,
        hindered_since: None,
    };
    let starting = Phase::Starting {
        start: start(),
        revision: None,
        update_intended_at: None,
    };
    let baking = Phase::Baking {
        start: start(),
        running: running(),
        until: at("08:26:03"),
        missing_tasks_since: None,
    };
    let News::Rollout(back) = rolling_back(tasks_fail(), Way::Unasked).news else {
        panic!()
    };
    every! { Phase:
        Phase::Requested { .. } => [requested],
        Phase::Starting { .. } => [starting],
        Phase::Progressing { .. } => [Phase::Progressing { start: start(), running: running() }],
        Phase::Baking { .. } => [baking],
        Phase::RollingBack { .. } => [back.rollout.phase],
        Phase::RolledBack { .. } => [Phase::RolledBack {
            failure: tasks_fail(),
            by: RolledBackBy::Pushboat,
            revision: revision(42),
        }],
        Phase::Succeeded { .. } => [Phase::Succeeded { revision: revision(43) }],
        Phase::ScaledToZero { .. } => [Phase::ScaledToZero { revision: revision(43) }],
        Phase::Superseded { .. } => [Phase::Superseded { by: SupersededBy::ServiceGone }],
        Phase::Rejected { .. } => [Phase::Rejected { reason: Rejected::ImageMissing }],
        Phase::Halted { .. } => [Phase::Halted { reason: Halted::WayBackTooLong { failure: alarms() } }],
    }
}

#[test]
fn every_phase_can_be_worded() {
    let lines: Vec<String> = phases()
        .into_iter()
        .map(|phase| {
            let notice = started(phase);
            let outcome = notice.outcome().unwrap_or("-");
            let severity = notice.severity().as_str();
            format!(
                "{} {severity} {outcome}: {}",
                notice.event(),
                crate::message::headline(&notice)
            )
        })
        .collect();
    snapshot!("every_phase", lines.join("\n"));
}
