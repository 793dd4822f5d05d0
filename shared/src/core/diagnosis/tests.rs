//! Each row of the table by an event that matches it and one that nearly does.

mod counting;
mod rows;

use serde_json::json;

use super::stopped_task_reasons::{Exit, Row, TABLE, first};
use super::{Cause, Circumstances, Verdict, cause, diagnose};
use crate::core::evidence::{StoppedContainer, StoppedTask};

const KNOWN: Circumstances = Circumstances {
    image_missing_in_registry: None,
    secret_introduced: None,
    configuration_changed: None,
    old_revision_fails_likewise: None,
};

/// A task that ran, with one container that did not say what it exited with.
fn ran(stop_code: &str, stopped_reason: &str) -> StoppedTask {
    StoppedTask {
        task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/1".to_owned(),
        stop_code: stop_code.to_owned(),
        stopped_reason: stopped_reason.to_owned(),
        started: true,
        containers: vec![StoppedContainer {
            name: "web".to_owned(),
            ..StoppedContainer::default()
        }],
        ..StoppedTask::default()
    }
}

/// A task that never came to run.
fn never_ran(stop_code: &str, stopped_reason: &str) -> StoppedTask {
    StoppedTask {
        started: false,
        ..ran(stop_code, stopped_reason)
    }
}

fn failed_to_start(stopped_reason: &str) -> StoppedTask {
    never_ran("TaskFailedToStart", stopped_reason)
}

/// A task that ended by itself, with one container for each exit code.
fn exited(codes: &[i64]) -> StoppedTask {
    let mut task = ran(
        "EssentialContainerExited",
        "Essential container in task exited",
    );
    task.containers = codes
        .iter()
        .map(|code| StoppedContainer {
            exit_code: Some(*code),
            ..StoppedContainer::default()
        })
        .collect();
    task
}

/// The same task, whose first container says why it stopped.
fn because(mut task: StoppedTask, reason: &str) -> StoppedTask {
    task.containers[0].reason = reason.to_owned();
    task
}

#[test]
fn where_two_rows_match_the_first_one_wins() {
    let maintenance =
        "ECS is performing maintenance on the underlying infrastructure hosting the task";
    let scaling = "Scaling activity initiated by (deployment ecs-svc/1)";
    let both = ran(
        "ServiceSchedulerInitiated",
        &format!("{scaling}: {maintenance}"),
    );
    assert_eq!(cause(&both), Cause::Maintenance);
    // The words of the second row do match: without those of the first it is found.
    assert_eq!(
        cause(&ran("ServiceSchedulerInitiated", scaling)),
        Cause::ScaledIn
    );

    let timeout = "CannotPullContainerError: failed to resolve ref r/web:1: dial tcp 10.0.0.1:443: i/o timeout: not found";
    assert_eq!(cause(&failed_to_start(timeout)), Cause::RegistryUnreachable);
    let oom = because(
        exited(&[137]),
        "OutOfMemoryError: Container killed due to memory usage",
    );
    assert_eq!(cause(&oom), Cause::OutOfMemory);
    let user = because(ran("UserInitiated", maintenance), "OutOfMemoryError");
    assert_eq!(cause(&user), Cause::StoppedByUser);
    assert_eq!(
        cause(&exited(&[0, 1])),
        Cause::ApplicationError,
        "an init container ends with 0"
    );
    assert_eq!(
        cause(&exited(&[139, 0, 143])),
        Cause::Crashed,
        "the others are stopped with it"
    );
}

#[test]
fn what_a_registry_wraps_in_api_error_decides_before_those_words() {
    let wrapped =
        |answer: &str| failed_to_start(&format!("CannotPullContainerError: API error: {answer}"));
    assert_eq!(cause(&wrapped("pull access denied")), Cause::PullDenied);
    assert_eq!(
        cause(&wrapped("manifest unknown")),
        Cause::ImageManifestMissing
    );
    assert_eq!(cause(&wrapped("(500)")), Cause::RegistryUnreachable);
}

/// Makes one task for each way in which a row can match.
fn every_way(row: &Row) -> Vec<StoppedTask> {
    let mut texts = vec![String::new()];
    for group in row.text {
        let with = |text: &String| {
            let text = text.clone();
            group.iter().map(move |piece| format!("{text} {piece}"))
        };
        texts = texts.iter().flat_map(with).collect();
    }
    let exit_codes: &[i64] = match row.exit {
        Exit::Anything | Exit::Never => &[],
        Exit::Normal => &[0],
        Exit::One(codes) => codes,
        Exit::Error => &[1, 2, 3, 64, 255, -1],
    };
    let stop_codes = match (row.stop_codes, exit_codes) {
        ([], []) => &["OfALaterDay"][..],
        ([], _) => &["EssentialContainerExited"],
        (codes, _) => codes,
    };
    let mut tasks = Vec::new();
    for (stop_code, text) in stop_codes
        .iter()
        .flat_map(|code| texts.iter().map(move |text| (code, text)))
    {
        let task = match row.exit {
            Exit::Never => never_ran(stop_code, text),
            _ => ran(stop_code, text),
        };
        tasks.push(task.clone());
        if !exit_codes.is_empty() {
            tasks.pop();
            tasks.extend(exit_codes.iter().map(|code| StoppedTask {
                stop_code: task.stop_code.clone(),
                ..exited(&[*code])
            }));
        }
    }
    tasks
}

#[test]
fn no_row_and_no_word_in_one_is_hidden_by_an_earlier_one() {
    for row in TABLE {
        for task in every_way(row) {
            assert_eq!(
                cause(&task),
                row.cause,
                "{} {:?}",
                task.stop_code,
                task.stopped_reason
            );
        }
    }
}

#[test]
fn words_are_found_whatever_their_case_and_whichever_container_says_them() {
    let shouted = failed_to_start("CANNOTPULLCONTAINERERROR: MANIFEST UNKNOWN");
    assert_eq!(cause(&shouted), Cause::ImageManifestMissing);
    let mut second = failed_to_start("Task failed to start");
    second.containers.push(second.containers[0].clone());
    second.containers[1].reason = "CannotPullContainerError: manifest unknown".to_owned();
    assert_eq!(cause(&second), Cause::ImageManifestMissing);
    // The halves of a row in two containers are two troubles.
    let halves = because(second.clone(), "manifest unknown");
    let mut halves = halves;
    halves.containers[1].reason = "CannotPullContainerError: unpigz".to_owned();
    assert_eq!(cause(&halves), Cause::NeverRan);
}

#[test]
fn a_message_that_was_cut_short_is_not_guessed_at() {
    let cut = "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-west-1.amaz";
    assert_eq!(cause(&failed_to_start(cut)), Cause::NeverRan);
    assert_eq!(
        diagnose(&failed_to_start(cut), &KNOWN).verdict,
        Verdict::Platform
    );
}

#[test]
fn a_missing_stop_code_leaves_the_words_to_decide() {
    assert_eq!(
        cause(&ran("", "Your Spot Task was interrupted.")),
        Cause::SpotInterruption
    );
    assert_eq!(
        cause(&ran("", "Task stopped by user")),
        Cause::StoppedByUser
    );
    assert_eq!(
        cause(&never_ran("", "CannotPullContainerError: manifest unknown")),
        Cause::ImageManifestMissing
    );
    let mut exited = exited(&[1]);
    exited.stop_code = String::new();
    assert_eq!(cause(&exited), Cause::ApplicationError);
    exited.stopped_reason = String::new();
    assert_eq!(cause(&exited), Cause::Unknown);
    assert_eq!(cause(&StoppedTask::default()), Cause::NeverRan);
}

#[test]
fn an_exit_code_says_nothing_of_a_task_that_ecs_stopped() {
    for code in [0, 1, 127, 137, 139, 143] {
        let mut task = exited(&[code]);
        task.stop_code = "ServiceSchedulerInitiated".to_owned();
        task.stopped_reason = "Scaling activity initiated by (deployment ecs-svc/1)".to_owned();
        assert_eq!(
            diagnose(&task, &KNOWN).verdict,
            Verdict::NotAFailure,
            "{code}"
        );
    }
}

#[test]
fn circumstances_decide_what_the_words_cannot_say() {
    use Verdict::{Certain, Likely, Platform};
    let gone = failed_to_start("CannotPullContainerError: manifest unknown");
    let denied = failed_to_start("CannotPullContainerError: pull access denied");
    let missing = |image_missing_in_registry| Circumstances {
        image_missing_in_registry,
        ..KNOWN
    };
    for (task, answer, expected, verdict) in [
        (&gone, None, Cause::ImageManifestMissing, Likely),
        (&gone, Some(true), Cause::ImageManifestMissing, Certain),
        (&gone, Some(false), Cause::ImageManifestMissing, Platform),
        (&denied, None, Cause::PullDenied, Platform),
        (&denied, Some(true), Cause::ImageManifestMissing, Certain),
        (&denied, Some(false), Cause::PullDenied, Platform),
    ] {
        let diagnosis = diagnose(task, &missing(answer));
        assert_eq!(
            (diagnosis.cause, diagnosis.verdict),
            (expected, verdict),
            "{answer:?}"
        );
    }
    let secret = "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException";
    let secret = failed_to_start(secret);
    let introduced = |secret_introduced| Circumstances {
        secret_introduced,
        ..KNOWN
    };
    assert_eq!(diagnose(&secret, &introduced(Some(true))).verdict, Certain);
    assert_eq!(
        diagnose(&secret, &introduced(Some(false))).verdict,
        Platform
    );
    assert_eq!(diagnose(&secret, &introduced(None)).verdict, Platform);
    let logs = failed_to_start("ResourceInitializationError: failed to validate logger args");
    let changed = Circumstances {
        configuration_changed: Some(true),
        ..KNOWN
    };
    assert_eq!(diagnose(&logs, &changed).verdict, Likely);
    assert_eq!(diagnose(&logs, &KNOWN).verdict, Platform);
}

#[test]
fn nothing_is_certain_that_the_old_revision_suffers_too() {
    let likewise = Circumstances {
        old_revision_fails_likewise: Some(true),
        ..KNOWN
    };
    let platform = failed_to_start(
        "image Manifest does not contain descriptor matching platform 'linux/amd64'",
    );
    assert_eq!(diagnose(&platform, &KNOWN).verdict, Verdict::Certain);
    assert_eq!(diagnose(&platform, &likewise).verdict, Verdict::Likely);
    let elb = ran(
        "ServiceSchedulerInitiated",
        "Task failed ELB health checks in (target-group arn:x)",
    );
    assert_eq!(diagnose(&elb, &KNOWN).verdict, Verdict::Likely);
    assert_eq!(diagnose(&elb, &likewise).verdict, Verdict::Platform);
    assert_eq!(
        diagnose(&exited(&[1]), &likewise).verdict,
        Verdict::Likely,
        "the count takes these off"
    );
}

#[test]
fn a_cause_is_stored_under_the_name_it_is_shown_by() {
    for cause in Cause::ALL {
        assert_eq!(json!(cause), json!(cause.as_str()));
    }
}
