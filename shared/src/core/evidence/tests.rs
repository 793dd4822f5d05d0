use super::*;
use crate::core::alarm::AlarmState;
use crate::core::diagnosis::Cause;

fn task(id: u32, version: i64) -> StoppedTask {
    StoppedTask {
        task_arn: format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{id}"),
        version,
        started_by: "ecs-svc/1".to_owned(),
        stop_code: "EssentialContainerExited".to_owned(),
        started: true,
        stopped_at: Timestamp::from_second(i64::from(id)).ok(),
        containers: vec![StoppedContainer {
            exit_code: Some(1),
            ..StoppedContainer::default()
        }],
        ..StoppedTask::default()
    }
}

fn ids(tasks: &StoppedTasks) -> Vec<&str> {
    let id = |task: &'_ StoppedTask| task.task_arn.rfind('/').unwrap() + 1;
    tasks
        .kept()
        .iter()
        .map(|task| &task.task_arn[id(task)..])
        .collect()
}

#[test]
fn the_latest_version_of_a_task_is_kept_in_whatever_order_they_come() {
    let mut tasks = StoppedTasks::default();
    assert!(tasks.keep(task(1, 5)));
    assert!(!tasks.keep(task(1, 5)), "a repeat");
    assert!(!tasks.keep(task(1, 4)), "an older one");
    let mut newer = task(1, 6);
    newer.stopped_reason = "Essential container in task exited".to_owned();
    assert!(tasks.keep(newer.clone()));
    assert_eq!(tasks.kept(), [newer]);
}

#[test]
fn the_first_and_the_last_are_kept_whole_and_the_others_counted() {
    let mut tasks = StoppedTasks::default();
    for id in [7, 3, 1, 2, 4, 5, 6].into_iter().chain(8..=30) {
        assert!(tasks.keep(task(id, 1)));
    }
    let expected: Vec<String> = (1..=10).chain(21..=30).map(|id| id.to_string()).collect();
    assert_eq!(ids(&tasks), expected);
    assert_eq!(tasks.dropped(), 10);
    let dropped: Vec<_> = tasks.dropped_of("ecs-svc/1").collect();
    assert_eq!(dropped, [(Cause::ApplicationError, 10)]);
    assert_eq!(tasks.dropped_of("ecs-svc/2").count(), 0);
    assert!(!tasks.keep(task(15, 9)), "one that was dropped is known");
    assert_eq!(tasks.dropped(), 10);
}

#[test]
fn a_task_that_is_about_to_stop_counts_as_the_last() {
    let mut tasks = StoppedTasks::default();
    tasks.keep(StoppedTask {
        stopped_at: None,
        ..task(1, 1)
    });
    tasks.keep(task(2, 1));
    assert_eq!(ids(&tasks), ["2", "1"]);
}

#[test]
fn the_containers_that_say_most_are_kept() {
    let container = |name: &str, exit_code, reason: &str| StoppedContainer {
        name: name.to_owned(),
        exit_code,
        reason: reason.to_owned(),
        ..StoppedContainer::default()
    };
    let mut many = task(1, 1);
    many.containers = (0..8)
        .map(|n| container(&n.to_string(), Some(0), ""))
        .collect();
    many.containers.push(container("failed", Some(1), ""));
    many.containers
        .push(container("told", None, "OutOfMemoryError"));
    let kept = many.bounded().containers;
    let names: Vec<&str> = kept
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    assert_eq!(names, ["told", "failed", "0", "1"]);
}

#[test]
fn where_all_containers_are_kept_they_stay_in_their_order() {
    let mut few = task(1, 1);
    few.containers = ["fine", "told", "odd", "silent"]
        .map(|name| StoppedContainer {
            name: name.to_owned(),
            exit_code: Some(0),
            ..StoppedContainer::default()
        })
        .into();
    few.containers[1].reason = "OutOfMemoryError".to_owned();
    let before = few.containers.clone();
    assert_eq!(few.bounded().containers, before);
}

#[test]
fn the_reasons_of_one_task_have_room_for_two_long_ones() {
    let talks = StoppedContainer {
        reason: "r".repeat(5000),
        ..StoppedContainer::default()
    };
    let mut many = task(1, 1);
    many.containers = vec![talks; 3];
    let kept = many.bounded().containers;
    let lengths: Vec<usize> = kept.iter().map(|one| one.reason.len()).collect();
    assert_eq!(lengths, [TEXT_LIMIT_BYTES, TEXT_LIMIT_BYTES, 0]);
}

#[test]
fn of_very_many_deployments_the_later_ones_are_counted_together() {
    let mut tasks = StoppedTasks::default();
    for id in 1..=45 {
        tasks.keep(StoppedTask {
            started_by: id.to_string(),
            ..task(id, 1)
        });
    }
    let dropped = |deployment| {
        let counts = tasks.dropped_of(deployment).map(|(_, count)| count);
        counts.sum::<u32>()
    };
    assert_eq!((dropped("11"), dropped("30")), (1, 1));
    assert_eq!((dropped("31"), dropped("")), (0, 5));
    assert_eq!(tasks.dropped(), 25);
}

#[test]
fn a_long_text_keeps_its_beginning_and_its_end() {
    let text = format!(
        "CannotPullContainerError: {}: not found",
        "ä\n".repeat(5000)
    );
    let short = cut(&text, TEXT_LIMIT_BYTES);
    assert!(
        short.len() <= TEXT_LIMIT_BYTES && short.len() > TEXT_LIMIT_BYTES - 8,
        "{}",
        short.len()
    );
    assert!(short.starts_with("CannotPullContainerError: ä ä") && short.ends_with("ä : not found"));
    assert_eq!(cut("short\ttext", TEXT_LIMIT_BYTES), "short text");
    assert_eq!(cut("äää", 2), "");
    assert_eq!(cut("äää", 3), "…");
    let mut task = task(1, 1);
    task.stopped_reason = text;
    let mut tasks = StoppedTasks::default();
    tasks.keep(task);
    assert_eq!(tasks.kept()[0].stopped_reason, short);
}

fn change(name: &str, second: i64, state: AlarmState) -> AlarmChange {
    AlarmChange {
        alarm_arn: format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}"),
        name: name.to_owned(),
        state,
        previous: None,
        reason: "r".repeat(5000),
        at: Timestamp::from_second(second).unwrap(),
    }
}

#[test]
fn a_flap_is_two_changes_and_a_repeat_is_none() {
    let mut changes = AlarmChanges::default();
    assert!(changes.keep(change("5xx", 20, AlarmState::Ok)));
    assert!(changes.keep(change("5xx", 10, AlarmState::Alarm)));
    assert!(!changes.keep(change("5xx", 10, AlarmState::Alarm)));
    let states: Vec<_> = changes.kept().iter().map(|change| change.state).collect();
    assert_eq!(states, [AlarmState::Alarm, AlarmState::Ok]);
    assert_eq!(changes.kept()[0].reason.len(), TEXT_LIMIT_BYTES);
}

#[test]
fn a_noisy_alarm_does_not_drive_out_a_quiet_one() {
    let mut changes = AlarmChanges::default();
    for second in 0..200 {
        let state = [AlarmState::Alarm, AlarmState::Ok][usize::try_from(second % 2).unwrap()];
        changes.keep(change("noisy", second, state));
        if second == 50 {
            changes.keep(change("quiet", second, AlarmState::Alarm));
        }
    }
    assert_eq!((changes.kept().len(), changes.dropped()), (KEPT, 181));
    assert!(changes.kept().iter().any(|change| change.name == "quiet"));
    let noisy = |change: &&AlarmChange| change.name == "noisy";
    let first: Vec<_> = changes
        .kept()
        .iter()
        .filter(noisy)
        .map(|change| change.at.as_second())
        .collect();
    assert_eq!(first[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(
        first.last(),
        Some(&199),
        "the last word of an alarm is kept"
    );
}

#[test]
fn a_target_has_one_health_the_last() {
    let health = |target: u32, state: &str, at| TargetHealth {
        target_group_arn: "arn".to_owned(),
        target: target.to_string(),
        port: Some(80),
        state: state.to_owned(),
        reason: String::new(),
        description: "d".repeat(5000),
        at: Timestamp::from_second(at).unwrap(),
    };
    let mut kept = Vec::new();
    keep_health(&mut kept, health(1, "initial", 1));
    keep_health(&mut kept, health(1, "unhealthy", 2));
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].state.as_str(), kept[0].description.len()),
        ("unhealthy", TEXT_LIMIT_BYTES)
    );
    for target in 0..100 {
        keep_health(&mut kept, health(target, "unhealthy", 3));
    }
    assert_eq!(kept.len(), KEPT);
}

#[test]
fn a_rollouts_evidence_has_room_in_one_record() {
    // DynamoDB takes 400 KiB, and the rollout itself has to fit in beside it.
    const ROOM_BYTES: usize = 300 * 1024;
    let long = || "n".repeat(520);
    let quoted = || "\"".repeat(1030);
    let mut evidence = Evidence::default();
    for id in 0..1100_u32 {
        evidence.stopped_tasks.keep(StoppedTask {
            task_arn: format!("{id}{}", long()),
            task_definition: long(),
            started_by: format!("{id}{}", long()),
            group: long(),
            cluster_arn: long(),
            stopped_reason: quoted(),
            containers: vec![
                StoppedContainer {
                    name: long(),
                    image: long(),
                    image_digest: long(),
                    exit_code: Some(1),
                    reason: quoted(),
                    last_status: long(),
                };
                5
            ],
            ..task(id, 1)
        });
    }
    for second in 0..100 {
        let mut change = change("a", second, AlarmState::Alarm);
        (change.reason, change.alarm_arn, change.name) = (quoted(), long(), long());
        evidence.alarm_changes.keep(change);
    }
    let stored = serde_json::to_value(&evidence.stopped_tasks).unwrap();
    assert_eq!(stored["known"].as_array().map(Vec::len), Some(1000));
    assert_eq!(evidence.stopped_tasks.dropped(), 1080);
    let size = serde_json::to_string(&evidence).unwrap().len();
    assert!(size < ROOM_BYTES, "{size}");
    let read: Evidence = serde_json::from_str(&serde_json::to_string(&evidence).unwrap()).unwrap();
    assert_eq!(read, evidence);
    assert_eq!(
        serde_json::from_str::<Evidence>("{}").unwrap(),
        Evidence::default()
    );
}
