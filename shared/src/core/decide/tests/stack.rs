//! Targets that go through a CloudFormation stack (issue 6).

mod before_it_starts;
mod executed;
mod landed;
mod on_the_way_back;
mod starting_through;
mod under_way;

use super::super::super::policy::StackRef;
use super::super::super::rollout::{Approval, StackBack, StackStart};
use super::super::super::stack::{
    ChangeSet, ChangeSetLook, ChangeSetState, FailedResource, ResourceChange, SERVICE, Stack,
    StackLook, StackStatus, TASK_DEFINITION,
};
use super::*;
use crate::core::diagnosis::Cause;

/// The change set that brings the image; it was made a minute ago.
const OURS: &str = "ours";
/// The change set that brings the last-known-good.
const BACK: &str = "back";

fn policy() -> StackRef {
    StackRef {
        name: "web".to_owned(),
        parameter: "Image".to_owned(),
        role_arn: None,
        allow: vec!["Dashboard".to_owned()],
    }
}

fn stack(word: &str) -> Stack {
    Stack {
        arn: "arn:aws:cloudformation:eu-west-1:123456789012:stack/web/1".to_owned(),
        status: StackStatus::parse(word),
        status_word: word.to_owned(),
        status_reason: String::new(),
        role_arn: Some("arn:aws:iam::123456789012:role/stack".to_owned()),
        parameters: ["Image", "Secret"].map(str::to_owned).to_vec(),
        capabilities: vec!["CAPABILITY_IAM".to_owned()],
        change_set: None,
        failed: None,
    }
}

fn failed() -> FailedResource {
    FailedResource {
        logical_id: "Service".to_owned(),
        resource_type: SERVICE.to_owned(),
        reason: "ECS Deployment Circuit Breaker was triggered".to_owned(),
    }
}

fn change(logical_id: &str, resource_type: &str, replacement: &str) -> ResourceChange {
    ResourceChange {
        action: "Modify".to_owned(),
        logical_id: logical_id.to_owned(),
        resource_type: resource_type.to_owned(),
        replacement: Some(replacement.to_owned()),
    }
}

/// The changes that an image brings.
fn changes() -> Vec<ResourceChange> {
    vec![
        change("TaskDefinition", TASK_DEFINITION, "True"),
        change("Service", SERVICE, "False"),
    ]
}

fn unexpected() -> Vec<ResourceChange> {
    vec![change(
        "Listener",
        "AWS::ElasticLoadBalancingV2::Listener",
        "False",
    )]
}

impl Given {
    fn through_stack(self) -> Self {
        let mut given = self.policy(|policy| policy.stack = Some(policy_of_stack()));
        if let Some(start) = given.0.phase.start_mut() {
            start.stack = Some(StackStart {
                change_set: OURS.to_owned(),
                follows: None,
                kept: vec!["Secret".to_owned()],
                capabilities: Vec::new(),
                approval: None,
                cancelled_at: None,
                done: false,
            });
        }
        given
    }

    fn asked(mut self, change: impl FnOnce(&mut StackStart)) -> Self {
        let start = self.0.phase.start_mut().unwrap();
        change(start.stack.as_mut().unwrap());
        self
    }
}

fn policy_of_stack() -> StackRef {
    policy()
}

impl Seen {
    fn stack(self, word: &str, change_set: Option<&str>) -> Self {
        let mut found = stack(word);
        found.change_set = change_set.map(str::to_owned);
        self.change(|seen| seen.stack = Look::Taken(StackLook::Found(Box::new(found))))
    }

    fn of_stack(self, change: impl FnOnce(&mut Stack)) -> Self {
        self.change(|seen| match &mut seen.stack {
            Look::Taken(StackLook::Found(stack)) => change(stack),
            other => panic!("{other:?}"),
        })
    }

    fn change_set(self, state: ChangeSetState, changes: Vec<ResourceChange>) -> Self {
        let found = ChangeSet { state, changes };
        self.change(|seen| seen.change_set = Look::Taken(ChangeSetLook::Found(found)))
    }

    fn no_change_set(self) -> Self {
        self.change(|seen| seen.change_set = Look::Taken(ChangeSetLook::Missing))
    }

    /// The service's primary deployment runs this image.
    fn runs(self, image: &str) -> Self {
        let image = format!("team/web@{}", digest(image.chars().next().unwrap()));
        self.change(|seen| seen.definition = Look::Taken(definition(&image)))
    }
}

#[test]
fn a_phase_asks_to_see_the_stack_and_its_change_set() {
    let wants = |given: Given| wanted(&given.through_stack().0, &good_images(), now());
    let of_primary = Some(WantedDefinition::OfPrimary);

    let requested = wants(Given::new(requested::phase(None)));
    assert!(requested.stack && requested.service);
    assert_eq!(requested.change_set, None);

    let starting = wants(Given::new(starting::phase(None, Some(-10))));
    assert!(starting.stack && starting.service);
    assert_eq!(starting.change_set.as_deref(), Some(OURS));
    assert_eq!(
        (starting.definition, starting.own_revision),
        (of_primary.clone(), None),
        "CloudFormation registers the revision: the service tells which"
    );

    let under_way = wants(Given::new(progressing::phase(-60)));
    assert!(under_way.stack && under_way.change_set.is_none());

    let back = |back: Option<Box<StackBack>>| {
        let Given(mut rollout) = rolling_back::unasked().through_stack();
        match &mut rollout.phase {
            Phase::RollingBack { back: to, .. } => to.stack = back,
            other => panic!("{other:?}"),
        }
        wanted(&rollout, &good_images(), now())
    };
    let unasked = back(None);
    assert!(unasked.stack && unasked.service);
    assert_eq!(unasked.change_set.as_deref(), Some(OURS));
    assert_eq!(
        (unasked.definition, unasked.own_revision),
        (of_primary.clone(), None)
    );
    let asked = back(Some(Box::new(StackBack {
        change_set: BACK.to_owned(),
        approval: None,
    })));
    assert!(asked.stack);
    assert_eq!(asked.change_set.as_deref(), Some(BACK));
    assert_eq!((asked.definition, asked.own_revision), (of_primary, None));

    let over = Given::new(Phase::Succeeded {
        revision: "web:8".to_owned(),
    });
    assert!(!wants(over).stack);
}
