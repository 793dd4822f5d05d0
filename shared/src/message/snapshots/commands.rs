//! What is told of commands, holds and alarms, and that every kind of news is told.

use super::*;
use crate::core::alarm::AlarmState;
use crate::core::evidence::AlarmChange;
use crate::core::hold::Hold;
use crate::core::operate::{OperatorCommand, Order, Refusal, WantedImage};
use crate::core::push::PushSource;
use crate::notice::Runs;

fn command(order: Order, refused: Option<Refusal>) -> Notice {
    let command = OperatorCommand {
        request_id: "9f0b1c2d-3e4f-5a6b-7c8d-9e0f1a2b3c4d".to_owned(),
        at: at("08:21:00"),
        order,
    };
    notice(News::Command { command, refused })
}

pub(crate) fn orders() -> Vec<Order> {
    let repository = || Some("team/backstage".to_owned());
    every! { Order:
        Order::Deploy { .. } => [
            Order::Deploy { repository: repository(), image: WantedImage::Tag("main-41".to_owned()) },
            Order::Deploy { repository: None, image: WantedImage::Digest(digest('b')) },
        ],
        Order::Rollback => [Order::Rollback],
        Order::Release { .. } => [Order::Release { digest: digest('b') }],
        Order::Hold { .. } => [Order::Hold { reason: "database maintenance until noon".to_owned() }],
        Order::Resume => [Order::Resume],
    }
}

#[test]
fn what_is_told_of_a_command() {
    let accepted = orders()
        .into_iter()
        .map(|order| (order.as_str(), command(order, None)));
    let refused = [
        (
            "deploy, refused",
            command(
                orders().remove(0),
                Some(Refusal::NotDeployable {
                    reason: Rejected::Quarantined {
                        digest: digest('b'),
                        rollout: RolloutId::new(at("07:40:00"), &["main-41"]),
                        at: at("07:51:00"),
                        failure: "alarm-fired".to_owned(),
                    },
                }),
            ),
        ),
        (
            "rollback, refused",
            command(
                Order::Rollback,
                Some(Refusal::NothingUnderWay {
                    good: Some(revision(42)),
                }),
            ),
        ),
    ];
    let all: Vec<(&str, Notice)> = accepted.chain(refused).collect();
    snapshot!("command", shown(&all));
}

fn held(phase: Phase, by_command: bool) -> Notice {
    let hold = Hold {
        reason: if by_command {
            "database maintenance until noon"
        } else {
            "incident 4711"
        }
        .to_owned(),
        since: at("08:00:00"),
    };
    let rollout = Box::new(rollout(phase));
    notice(News::RolloutHeld {
        rollout,
        hold,
        by_command,
        exact_images: BTreeMap::new(),
        good_inactive: false,
    })
}

fn requested() -> Phase {
    Phase::Requested {
        waiting: Waiting::Held {
            reason: "incident 4711".to_owned(),
        },
        hindered_since: None,
    }
}

fn on_its_way_back() -> Phase {
    let News::Rollout(news) = rolling_back(tasks_fail(), Way::Unasked).news else {
        panic!()
    };
    news.rollout.phase
}

#[test]
fn what_is_told_of_a_hold() {
    let mut by_tag = held(on_its_way_back(), true);
    if let News::RolloutHeld { exact_images, .. } = &mut by_tag.news {
        *exact_images = good_images();
    }
    snapshot!(
        "held",
        shown(&[
            (
                "everything is held, and a push waits",
                held(requested(), false)
            ),
            (
                "the target is held, and a push waits",
                held(requested(), true)
            ),
            (
                "a bad version cannot be taken back",
                held(on_its_way_back(), true)
            ),
            ("… to what names its image by a tag", by_tag),
        ])
    );
}

#[test]
fn what_a_person_asked_for_is_not_called_a_push() {
    let asked = |tag: &str| {
        let mut notice = started(Phase::Succeeded {
            revision: revision(43),
        });
        let News::Rollout(news) = &mut notice.news else {
            panic!()
        };
        news.rollout.push.source = PushSource::Operator;
        news.rollout.push.tag = tag.to_owned();
        notice
    };
    let short = digest('b').short().to_owned();
    snapshot!(
        "asked",
        shown(&[
            ("by its tag", asked("main-41")),
            ("by its digest", asked(&short))
        ])
    );
}

fn alarm(runs: Option<Runs>) -> Notice {
    let change = AlarmChange {
        alarm_arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:backstage-5xx".to_owned(),
        name: "backstage-5xx".to_owned(),
        state: AlarmState::Alarm,
        previous: Some(AlarmState::Ok),
        reason: "Threshold Crossed: 1 datapoint [7.0] was greater than the threshold (5.0)."
            .to_owned(),
        at: at("11:00:00"),
    };
    notice(News::AlarmFired { change, runs })
}

#[test]
fn what_is_told_of_an_alarm_while_nothing_is_under_way() {
    let runs = Runs {
        task_definition: revision(43),
        since: at("08:15:15"),
    };
    snapshot!(
        "alarm",
        shown(&[
            ("with what runs", alarm(Some(runs))),
            ("what runs could not be read", alarm(None)),
        ])
    );
}

pub(crate) fn all_news() -> Vec<News> {
    let mistake = Mistake::new("alarms[0]", "there is none", "Correct the name.");
    every! { News:
        News::Rollout(_) => [started(Phase::Succeeded { revision: revision(43) }).news],
        News::TargetInvalid { .. } => [News::TargetInvalid { mistakes: vec![mistake.clone()] }],
        News::ServiceMissing { .. } => [News::ServiceMissing { mistake: mistake.clone() }],
        News::AlarmFired { .. } => [alarm(None).news],
        News::TargetWarned { .. } => [News::TargetWarned { warnings: vec![mistake.clone()] }],
        News::RolloutYields { .. } => [News::RolloutYields {
            rollout: Box::new(rollout(requested())),
            alarm: "backstage-5xx".to_owned(),
            to: TargetName::parse("team/api").unwrap(),
        }],
        News::Adopted { .. } => [News::Adopted { images: BTreeMap::new() }],
        News::Command { .. } => [command(Order::Rollback, None).news, command(Order::Resume, Some(Refusal::NotHeld)).news],
        News::DeploymentPaused { .. } => [deployment_paused("ROLLBACK").news],
        News::ApprovalAsked { .. } => [
            super::stack::approval_asked(false).news,
            super::stack::approval_asked(true).news,
        ],
        News::WayBackPaused { .. } => [way_back_paused().news],
        News::RolloutHeld { .. } => [held(requested(), true).news],
    }
}

#[test]
fn every_kind_of_news_is_told_under_its_own_name() {
    let lines: Vec<String> = all_news()
        .into_iter()
        .map(|news| {
            let notice = notice(news);
            let outcome = notice.outcome().unwrap_or("-");
            let severity = notice.severity().as_str();
            let headline = crate::message::headline(&notice);
            assert!(
                publication(&notice, &surroundings(), &Findings::default())
                    .bodies
                    .len()
                    == 3
            );
            format!("{} {severity} {outcome}: {headline}", notice.event())
        })
        .collect();
    snapshot!("every_news", lines.join("\n"));
}
