//! What is told of a target that goes through a stack.

use super::*;
use crate::core::policy::StackRef;
use crate::core::rollout::{Approval, StackBack, StackStart};
use crate::core::stack::ResourceChange;

fn asked() -> Approval {
    let change =
        |logical_id: &str, resource_type: &str, replacement: Option<&str>| ResourceChange {
            action: "Modify".to_owned(),
            logical_id: logical_id.to_owned(),
            resource_type: resource_type.to_owned(),
            replacement: replacement.map(str::to_owned),
        };
    Approval {
        change_set: "pushboat-20261120T081512Z-1a2b3c4d-1800000000".to_owned(),
        unexpected: vec![
            change("Dashboard", "AWS::CloudWatch::Dashboard", Some("False")),
            change(
                "Listener",
                "AWS::ElasticLoadBalancingV2::Listener",
                Some("Conditional"),
            ),
            ResourceChange {
                action: "Remove".to_owned(),
                replacement: None,
                ..change("Queue", "AWS::SQS::Queue", None)
            },
        ],
        asked_at: at("08:15:20"),
    }
}

pub(super) fn stack() -> StackRef {
    StackRef {
        name: "backstage-service".to_owned(),
        parameter: "Image".to_owned(),
        role_arn: None,
        allow: Vec::new(),
    }
}

/// The rollout's target goes through a stack.
fn through_stack(mut rollout: Rollout) -> Rollout {
    rollout.policy.stack = Some(stack());
    rollout
}

fn start_of_stack(approval: Option<Approval>) -> Shared<Start> {
    let mut start = start();
    start.stack = Some(StackStart {
        change_set: asked().change_set,
        follows: None,
        kept: vec!["Subnets".to_owned(), "Size".to_owned()],
        capabilities: vec!["CAPABILITY_NAMED_IAM".to_owned()],
        approval,
        cancelled_at: None,
        done: false,
    });
    start
}

pub(super) fn approval_asked(way_back: bool) -> Notice {
    let phase = if way_back {
        let News::Rollout(news) = rolling_back(alarms(), Way::Update { intended_at: None }).news
        else {
            panic!("it is a rollout's")
        };
        match news.rollout.phase {
            Phase::RollingBack {
                running,
                failure,
                back,
                ..
            } => Phase::RollingBack {
                start: start_of_stack(None),
                running,
                failure,
                back: Back {
                    stack: Some(Box::new(StackBack {
                        change_set: asked().change_set,
                        approval: Some(asked()),
                    })),
                    ..back
                },
            },
            other => panic!("{other:?}"),
        }
    } else {
        Phase::Starting {
            start: start_of_stack(Some(asked())),
            revision: None,
            update_intended_at: Some(at("08:15:15")),
        }
    };
    notice(News::ApprovalAsked {
        rollout: Box::new(through_stack(rollout(phase))),
    })
}

#[test]
fn a_change_set_that_waits_for_approval() {
    snapshot!(
        "approval_asked",
        shown(&[
            ("on the way out", approval_asked(false)),
            ("on the way back", approval_asked(true)),
        ])
    );
}

fn of_stack(mut notice: Notice) -> Notice {
    if let News::Rollout(news) = &mut notice.news {
        news.rollout = through_stack(news.rollout.clone());
        news.start = Some(start_of_stack(None));
        news.exact_images = good_images();
    }
    notice
}

#[test]
fn a_rollback_through_a_stack() {
    let by_cloudformation = rolled_back(every::failures()[7].clone(), RolledBackBy::CloudFormation);
    snapshot!(
        "rolled_back_through_a_stack",
        shown(&[
            ("it begins", of_stack(rolling_back(alarms(), Way::Unasked))),
            ("CloudFormation did it", of_stack(by_cloudformation)),
        ])
    );
}

#[test]
fn a_stack_that_did_not_bring_the_last_good_version_back() {
    let elsewhere = started(Phase::Halted {
        reason: Halted::WentElsewhere {
            failure: alarms(),
            task_definition: revision(41),
        },
    });
    snapshot!(
        "halted_through_a_stack",
        shown(&[("the service does not follow", of_stack(elsewhere))])
    );
}
