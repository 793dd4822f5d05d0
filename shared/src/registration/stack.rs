//! Finds the service of a target that goes through a stack.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use crate::core::policy::Policy;
use crate::ledger::{Registration, RegistrationStatus};
use crate::ports::{CallError, StackResources};
use crate::target::Mistake;
use crate::trigger::ecs::service_of;

/// Where the mistake of a stack without the one service stands.
const STACK_PLACE: &str = "stack.name";
/// How many stacks are looked at side by side: CloudFormation soon throttles.
const STACKS_AT_ONCE: usize = 5;
/// How many services are named of a stack that has several.
const SERVICES_NAMED: usize = 5;

/// What CloudFormation said of each stack.
pub(super) type Looks = BTreeMap<String, Result<Option<Vec<String>>, CallError>>;

/// Looks at each stack once.
pub(super) async fn look<K: StackResources>(stacks: &K, names: BTreeSet<&str>) -> Looks {
    let names: Vec<&str> = names.into_iter().collect();
    let mut looks = Looks::new();
    for some in names.chunks(STACKS_AT_ONCE) {
        let each = some.iter().map(async |name| {
            let services = stacks.services(name).await;
            ((*name).to_owned(), services)
        });
        looks.extend(join_all(each).await);
    }
    looks
}

/// Puts the service of its stack into a configuration that names one.
///
/// The outer error is that of a look that failed.
pub(super) fn with_service(
    mut policy: Policy,
    looks: &Looks,
) -> Result<Result<Policy, Vec<Mistake>>, CallError> {
    let Some(stack) = &policy.stack else {
        return Ok(Ok(policy));
    };
    let services = match looks.get(&stack.name) {
        Some(Ok(services)) => services.as_deref(),
        Some(Err(error)) => return Err(error.clone()),
        None => None,
    };
    let found = match services {
        Some([arn]) => service_of(arn),
        Some(_) | None => None,
    };
    Ok(match found {
        Some(service) => {
            policy.service = service;
            Ok(policy)
        }
        None => Err(vec![without(&stack.name, services)]),
    })
}

/// Says why a stack leads to no service. One whose ARN has the old form, without the cluster,
/// cannot be looked for in ECS.
///
/// Source: ECS developer guide, "Amazon Resource Names (ARNs) and IDs".
fn without(stack: &str, services: Option<&[String]>) -> Mistake {
    let (problem, fix) = match services {
        None => (
            format!("there is no stack `{stack}` in this account and Region"),
            "Create it, or write the name of one that is there. It is looked for each hour, and when a parameter changes.",
        ),
        Some([]) => (
            format!("stack `{stack}` has no ECS service"),
            "Write the stack that has it; a nested stack has a name of its own. It is looked for each hour, and when a parameter changes.",
        ),
        Some([arn]) => (
            format!("the ARN of the ECS service of stack `{stack}` names no cluster: `{arn}`"),
            "Migrate the service to the long ARN format. It is looked for each hour, and when a parameter changes.",
        ),
        Some(several) => (
            format!(
                "stack `{stack}` has {} ECS services: {}",
                several.len(),
                named(several)
            ),
            "Pushboat deploys through stacks that have one: move the others to stacks of their own.",
        ),
    };
    Mistake::new(STACK_PLACE, problem, fix)
}

fn named(services: &[String]) -> String {
    let first = services.iter().take(SERVICES_NAMED);
    let first = first.map(|arn| match service_of(arn) {
        Some(service) => format!("`{service}`"),
        None => format!("`{arn}`"),
    });
    let mut names: Vec<String> = first.collect();
    let more = services.len().saturating_sub(SERVICES_NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

/// Says whether what a parameter means may change while its text does not: a stack's service may
/// come later, or be replaced by one of another name.
pub(super) fn may_differ(registration: &Registration) -> bool {
    match &registration.status {
        RegistrationStatus::Valid { policy } => policy.stack.is_some(),
        RegistrationStatus::Invalid { mistakes } => {
            mistakes.iter().all(|mistake| mistake.place == STACK_PLACE)
        }
        RegistrationStatus::Removed => false,
    }
}
