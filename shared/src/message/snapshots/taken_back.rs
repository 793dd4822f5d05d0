//! How a version is taken back, and why a person has to decide.

use super::*;

/// Three tasks crashed, a fourth could not pull its image, one was scaled in.
pub(super) fn with_stopped_tasks(mut notice: Notice) -> Notice {
    let task = |id: &str, stop_code: &str, stopped_reason: &str, exit_code: Option<i64>| {
        let container = |name: &str, exit_code, reason: &str| StoppedContainer {
            name: name.to_owned(),
            exit_code,
            reason: reason.to_owned(),
            ..StoppedContainer::default()
        };
        StoppedTask {
            task_arn: format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{id}"),
            task_definition: revision(43),
            started_by: "ecs-svc/2".to_owned(),
            stop_code: stop_code.to_owned(),
            stopped_reason: stopped_reason.to_owned(),
            started: exit_code.is_some(),
            stopped_at: Some(at("08:17:00")),
            containers: vec![
                container("backstage", exit_code, ""),
                container("envoy", exit_code.map(|_| 143), ""),
            ],
            ..StoppedTask::default()
        }
    };
    let exited = "Essential container in task exited";
    let crashed = |id: &str| task(id, "EssentialContainerExited", exited, Some(1));
    let pull = "CannotPullContainerError: pull image manifest has been retried 5 time(s): dial tcp 10.0.0.10:443: i/o timeout";
    let scaled_in = "Scaling activity initiated by (deployment ecs-svc/3)";
    let News::Rollout(news) = &mut notice.news else {
        panic!("{notice:?}")
    };
    let stopped = &mut news.rollout.evidence.stopped_tasks;
    for task in [
        task("0a", "ServiceSchedulerInitiated", scaled_in, Some(143)),
        crashed("0b"),
        crashed("0c"),
        task("0d", "TaskFailedToStart", pull, None),
        crashed("0e"),
    ] {
        assert!(stopped.keep(task));
    }
    notice
}

pub(super) fn alarms() -> Failure {
    Failure::AlarmFired {
        alarms: vec!["backstage-5xx".to_owned(), "backstage-latency".to_owned()],
    }
}

pub(super) fn tasks_fail() -> Failure {
    Failure::TasksFail {
        cause: Cause::ApplicationError,
        failed: 2,
        limit: 2,
    }
}

pub(super) fn rolling_back(failure: Failure, way: Way) -> Notice {
    started(Phase::RollingBack {
        start: start(),
        running: running(),
        failure,
        back: Back {
            to: revision(42),
            began_at: at("08:21:03"),
            way,
            corrected: None,
            stack: None,
            paused_at: None,
        },
    })
}

/// The images of the last good version.
pub(super) fn good_images() -> BTreeMap<String, String> {
    let image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/backstage";
    let image = format!("{image}@sha256:{}", "a".repeat(64));
    [("backstage".to_owned(), image)].into()
}

pub(super) fn paused_hook(timeout_action: &str) -> PausedHook {
    PausedHook {
        service_deployment:
            "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/backstage/x1".to_owned(),
        hook_id: "ecs-pause-1".to_owned(),
        expires_at: Some(at("20:21:03")),
        timeout_action: timeout_action.to_owned(),
    }
}

pub(super) fn deployment_paused(timeout_action: &str) -> Notice {
    notice(News::DeploymentPaused {
        rollout: Box::new(rollout(Phase::Progressing {
            start: start(),
            running: running(),
        })),
        hook: paused_hook(timeout_action),
    })
}

pub(super) fn way_back_paused() -> Notice {
    let News::Rollout(news) = rolling_back(alarms(), Way::Unasked).news else {
        panic!("it is a rollout's")
    };
    notice(News::WayBackPaused {
        rollout: Box::new(news.rollout),
        hook: paused_hook("ROLLBACK"),
    })
}

#[test]
fn a_deployment_that_waits_at_a_hook() {
    let no_end = PausedHook {
        expires_at: None,
        ..paused_hook("ROLLBACK")
    };
    let mut without_end = deployment_paused("ROLLBACK");
    if let News::DeploymentPaused { hook, .. } = &mut without_end.news {
        *hook = no_end;
    }
    snapshot!(
        "deployment_paused",
        shown(&[
            ("it is taken back in the end", deployment_paused("ROLLBACK")),
            ("it goes on in the end", deployment_paused("CONTINUE")),
            ("ECS tells no end", without_end),
        ])
    );
}

pub(super) fn rolled_back(failure: Failure, by: RolledBackBy) -> Notice {
    started(Phase::RolledBack {
        failure,
        by,
        revision: revision(42),
    })
}

#[test]
fn how_a_version_is_taken_back() {
    let by_ecs = Way::Observed {
        by: RolledBackBy::Ecs,
    };
    let by_hand = Way::Observed {
        by: RolledBackBy::Person,
    };
    let words = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
    let failed = || Failure::DeploymentFailed {
        reason: words.clone(),
        platform: None,
    };
    let mut held = rolling_back(alarms(), Way::Unasked);
    if let News::Rollout(news) = &mut held.news {
        news.held = true;
    }
    let mut inactive = rolling_back(alarms(), Way::Unasked);
    if let News::Rollout(news) = &mut inactive.news {
        news.exact_images = good_images();
        news.good_inactive = true;
    }
    snapshot!(
        "rolling_back",
        shown(&[
            (
                "its tasks fail",
                with_stopped_tasks(rolling_back(tasks_fail(), Way::Unasked))
            ),
            ("an alarm fired", rolling_back(alarms(), Way::Unasked)),
            ("… and a hold keeps it", held),
            ("… and the revision to go back to is INACTIVE", inactive),
            ("ECS is at it", rolling_back(failed(), by_ecs)),
            ("a hook stops it", way_back_paused()),
            (
                "a person is at it",
                rolling_back(Failure::PutBackByHand, by_hand)
            ),
            (
                "it is done: its tasks failed",
                with_stopped_tasks(rolled_back(tasks_fail(), RolledBackBy::Pushboat))
            ),
            (
                "the platform hindered it",
                rolled_back(
                    Failure::DeadlineReached { cause: None },
                    RolledBackBy::Pushboat
                )
            ),
            ("ECS did it", rolled_back(failed(), RolledBackBy::Ecs)),
            (
                "a person did it",
                rolled_back(Failure::PutBackByHand, RolledBackBy::Person)
            ),
        ])
    );
}

#[test]
fn why_a_person_has_to_decide() {
    let told = |reason| started(Phase::Halted { reason });
    let failure = alarms;
    let with = |mut notice: Notice, change: fn(&mut RolloutNews)| {
        let News::Rollout(news) = &mut notice.news else {
            panic!("{notice:?}")
        };
        change(news);
        notice
    };
    let too_long = || told(Halted::WayBackTooLong { failure: failure() });
    snapshot!(
        "halted",
        shown(&[
            (
                "nothing to go back to",
                with(
                    with_stopped_tasks(told(Halted::NothingToGoBackTo {
                        failure: tasks_fail()
                    })),
                    |news| news.last_known_good = None
                )
            ),
            ("the way back takes too long", too_long()),
            (
                "… told again after an hour",
                with(too_long(), |news| news.halted_since = Some(at("07:21:03")))
            ),
            (
                "the last good one fails too",
                told(Halted::WayBackFailed {
                    failure: failure(),
                    reason: "ECS deployment circuit breaker: tasks failed to start.".to_owned(),
                })
            ),
            (
                "ECS goes elsewhere",
                told(Halted::WentElsewhere {
                    failure: failure(),
                    task_definition: revision(41),
                })
            ),
            (
                "AWS refuses the way back",
                told(Halted::WayBackRefused {
                    failure: failure(),
                    call: "UpdateService prod/backstage".to_owned(),
                    code: "InvalidParameterException".to_owned(),
                    message: "The subnet does not exist.".to_owned(),
                })
            ),
            (
                "nobody could see whether it is good",
                told(Halted::NotVerified {
                    trouble: "ecs:DescribeServices prod/backstage was throttled".to_owned(),
                })
            ),
        ])
    );
}
