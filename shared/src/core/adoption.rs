//! Taking a running service's present state as last-known-good when a target is first seen.

use jiff::{SignedDuration, Timestamp};

use super::alarm::{AlarmSeen, AlarmState};
use super::decide::{stack_problem, unsuitable};
use super::observation::{Definition, Look, Observation, Service, ServiceLook};
use super::policy::Policy;
use super::reason::{StackProblem, Unsuitable, Waiting};
use super::stack::StackLook;
use crate::target::{MOST_BAKE_TIME_SECONDS, Mistake};
use crate::task_definition::{TARGET_TAG, images, matching_containers, registry_of};

/// How long a service may take to appear or to settle before people are told.
///
/// The parameter and the service may be made by one stack, in any order (issue 2).
pub const PATIENCE: SignedDuration = SignedDuration::from_mins(15);
const RETRY: SignedDuration = SignedDuration::from_secs(30);

/// What to do about a target that is not adopted.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// What runs is good: it becomes the last-known-good.
    Good,
    /// The service is deployed to, and there is nothing to go back to.
    NothingGood,
    /// Look again later.
    Wait {
        /// When.
        until: Timestamp,
        /// What for.
        waiting: Waiting,
        /// It has waited so long that people are to be told this.
        tell: Option<Mistake>,
    },
    /// Somebody has to change something first.
    Invalid(Vec<Mistake>),
}

/// Says which of the repositories that a target follows ECR does not have.
pub type MissingRepositories = Vec<String>;

/// Decides about a target that has been pending since `since`.
pub fn decide(
    policy: &Policy,
    observation: &Observation,
    missing_repositories: &Look<MissingRepositories>,
    since: Timestamp,
    now: Timestamp,
) -> Adoption {
    let service = match &observation.service {
        Look::Taken(ServiceLook::Found(service)) if service.active => service,
        Look::Taken(ServiceLook::ClusterMissing) => {
            return missing(cluster_missing(policy), since, now);
        }
        Look::Taken(ServiceLook::Missing | ServiceLook::Found(_)) => {
            return missing(service_missing(policy), since, now);
        }
        Look::Unavailable(trouble) => return unavailable(&trouble.words, since, now),
        Look::NotTaken => return unavailable("the service was not looked at", since, now),
    };
    let definition = match &observation.definition {
        Look::Taken(definition) => Some(definition.as_ref()),
        Look::Unavailable(trouble) => return unavailable(&trouble.words, since, now),
        // Under another controller task sets stand in the place of deployments: there is none to see.
        Look::NotTaken if unsuitable(policy, service).is_some() => None,
        Look::NotTaken => return unavailable("the task definition was not looked at", since, now),
    };
    let (repositories, alarms) = match (missing_repositories, &observation.alarms) {
        (Look::Taken(repositories), Look::Taken(alarms)) => (repositories, alarms),
        (Look::Unavailable(trouble), _) | (_, Look::Unavailable(trouble)) => {
            return unavailable(&trouble.words, since, now);
        }
        (Look::NotTaken, _) | (_, Look::NotTaken) => {
            return unavailable("the repositories and alarms were not looked at", since, now);
        }
    };
    let mut mistakes = mistakes(policy, service, definition, repositories, alarms);
    match stack_mistake(policy, &observation.stack) {
        Ok(mistake) => mistakes.extend(mistake),
        Err(trouble) => return unavailable(trouble, since, now),
    }
    if !mistakes.is_empty() {
        return Adoption::Invalid(mistakes);
    }
    judge(service, alarms, since, now)
}

/// Warns of the alarms that cannot fire before the bake time is over, or that are gone; it is
/// deployed all the same.
#[must_use]
pub fn warnings(policy: &Policy, alarms: &[AlarmSeen]) -> Vec<Mistake> {
    let bake_seconds = policy.bake_time_seconds;
    let places = policy.alarms.iter().enumerate();
    places
        .filter_map(|(index, name)| {
            let seen = alarms.iter().find(|seen| seen.name == *name)?;
            if seen.state.is_none() {
                return Some(gone(index, name));
            }
            let window_seconds = seen.window_seconds?;
            (window_seconds > bake_seconds).then(|| slow(index, name, window_seconds, bake_seconds))
        })
        .collect()
}

fn gone(index: usize, name: &str) -> Mistake {
    Mistake::new(
        format!("alarms[{index}]"),
        format!(
            "CloudWatch has no alarm `{name}` any more: nothing is watched by it, and versions may count as good that it would have taken back"
        ),
        "Make the alarm again, or take it out of the target's parameter.",
    )
}

fn slow(index: usize, name: &str, window_seconds: u32, bake_seconds: u32) -> Mistake {
    let fix = if window_seconds <= MOST_BAKE_TIME_SECONDS {
        format!("Set `bakeTimeSeconds` to {window_seconds} or more, or shorten the alarm's period.")
    } else {
        "Shorten the alarm's period, or let it fire after fewer of them.".to_owned()
    };
    Mistake::new(
        format!("alarms[{index}]"),
        format!(
            "alarm `{name}` fires after {window_seconds} seconds of bad data, but the bake time is {bake_seconds} seconds: a version may count as good before the alarm can tell"
        ),
        fix,
    )
}

fn judge(service: &Service, alarms: &[AlarmSeen], since: Timestamp, now: Timestamp) -> Adoption {
    if service.desired == 0 {
        return Adoption::NothingGood;
    }
    let fails = service.deployments.len() == 1
        && service
            .primary()
            .is_some_and(|primary| primary.failed_tasks > 0 && service.running == 0);
    let firing = alarms
        .iter()
        .any(|alarm| alarm.state == Some(AlarmState::Alarm));
    let waiting = match (
        service.settled() && service.running >= service.desired,
        firing,
    ) {
        (true, false) => return Adoption::Good,
        (true, true) => Waiting::AlarmQuiet,
        (false, _) => Waiting::ServiceBusy,
    };
    if fails || now.duration_since(since) >= PATIENCE {
        return Adoption::NothingGood;
    }
    Adoption::Wait {
        until: now + RETRY,
        waiting,
        tell: None,
    }
}

fn missing(mistake: Mistake, since: Timestamp, now: Timestamp) -> Adoption {
    let overdue = now.duration_since(since) >= PATIENCE;
    Adoption::Wait {
        until: now + RETRY,
        waiting: Waiting::Service,
        tell: overdue.then_some(mistake),
    }
}

/// AWS gave no usable answer: it is asked again, and past all patience people are told.
pub fn unavailable(trouble: &str, since: Timestamp, now: Timestamp) -> Adoption {
    let overdue = now.duration_since(since) >= PATIENCE;
    let mistake = || {
        Mistake::new(
            "AWS",
            format!("the target could not be looked at: {trouble}"),
            "If that says that something is denied, let whoever owns the account's policies allow it; Pushboat keeps looking.",
        )
    };
    Adoption::Wait {
        until: now + RETRY,
        waiting: Waiting::Aws {
            trouble: trouble.to_owned(),
        },
        tell: overdue.then(mistake),
    }
}

fn cluster_missing(policy: &Policy) -> Mistake {
    Mistake::new(
        "service.cluster",
        format!(
            "there is no cluster `{}` in this account and Region",
            policy.service.cluster
        ),
        "Correct the name, or create the cluster; Pushboat keeps looking.",
    )
}

fn service_missing(policy: &Policy) -> Mistake {
    let service = &policy.service;
    Mistake::new(
        "service.name",
        format!(
            "there is no active service `{}` in cluster `{}`",
            service.name, service.cluster
        ),
        "Correct the name, or create the service; Pushboat keeps looking.",
    )
}

fn mistakes(
    policy: &Policy,
    service: &Service,
    definition: Option<&Definition>,
    missing_repositories: &[String],
    alarms: &[AlarmSeen],
) -> Vec<Mistake> {
    let mut mistakes: Vec<Mistake> = unsuitable(policy, service)
        .map(|what| unsuitable_mistake(policy, &what))
        .into_iter()
        .collect();
    for (index, image) in policy.images.iter().enumerate() {
        if missing_repositories.contains(&image.repository) {
            mistakes.push(Mistake::new(
                format!("images[{index}].repository"),
                format!(
                    "ECR has no repository `{}` in this account and Region",
                    image.repository
                ),
                "Correct the name, or create the repository and save the parameter again.",
            ));
        }
    }
    if let Some(definition) = definition {
        mistakes.extend(container_mistakes(policy, service, definition));
    }
    for (index, alarm) in policy.alarms.iter().enumerate() {
        if alarms
            .iter()
            .any(|seen| seen.name == *alarm && seen.state.is_none())
        {
            mistakes.push(Mistake::new(
                format!("alarms[{index}]"),
                format!("CloudWatch has no alarm `{alarm}` in this account and Region"),
                "Correct the name, or create the alarm and save the parameter again.",
            ));
        }
    }
    mistakes
}

/// Says what is wrong with the stack that the target goes through; one that is wedged may be mended
/// before the next push.
fn stack_mistake<'a>(
    policy: &Policy,
    look: &'a Look<StackLook>,
) -> Result<Option<Mistake>, &'a str> {
    let Some(stack) = &policy.stack else {
        return Ok(None);
    };
    let problem = match look {
        Look::Taken(look) => stack_problem(stack, look),
        Look::Unavailable(trouble) => return Err(&trouble.words),
        Look::NotTaken => return Err("the stack was not looked at"),
    };
    let name = &stack.name;
    Ok(match problem {
        Some(StackProblem::Missing) => Some(Mistake::new(
            "stack.name",
            format!("there is no stack `{name}` in this account and Region"),
            "Correct the name, or create the stack and save the parameter again.",
        )),
        Some(StackProblem::NoParameter { parameter, found }) => Some(Mistake::new(
            "stack.parameter",
            format!("stack `{name}` has no parameter `{parameter}`"),
            format!("Name one of: {}.", found.join(", ")),
        )),
        Some(StackProblem::NoRole) => Some(Mistake::new(
            "stack.roleArn",
            format!("neither stack `{name}` nor the target names a service role"),
            "Name a role that CloudFormation may change the stack's resources with, or update the stack once with a role of its own.",
        )),
        Some(_) | None => None,
    })
}

fn unsuitable_mistake(policy: &Policy, what: &Unsuitable) -> Mistake {
    let service = &policy.service;
    match what {
        Unsuitable::Daemon => Mistake::new(
            "service",
            format!("service `{service}` uses the DAEMON scheduling strategy"),
            "Name a REPLICA service: Fargate runs no daemons.",
        ),
        Unsuitable::Controller { controller } => Mistake::new(
            "service",
            format!("service `{service}` is under the {controller} deployment controller"),
            "Move it to the ECS controller (UpdateService, deploymentController ECS): two deployers on one service would fight.",
        ),
        Unsuitable::NoConsent { found } => {
            let problem = match found {
                None => format!("service `{service}` has no tag `{TARGET_TAG}`"),
                Some(value) => {
                    format!(
                        "service `{service}` is tagged `{TARGET_TAG}` = `{value}`, which names another target"
                    )
                }
            };
            Mistake::new(
                "service",
                problem,
                format!(
                    "Let the service's owner tag it `{TARGET_TAG}` = `{}`.",
                    policy.target
                ),
            )
        }
    }
}

fn container_mistakes(policy: &Policy, service: &Service, definition: &Definition) -> Vec<Mistake> {
    let registry = registry_of(&service.arn).unwrap_or_default();
    let names: Vec<String> = images(definition).into_keys().collect();
    let mut mistakes = Vec::new();
    for (index, image) in policy.images.iter().enumerate() {
        let matched =
            matching_containers(definition, &registry, &image.repository, &image.containers);
        for missing in &matched.missing {
            mistakes.push(Mistake::new(
                format!("images[{index}].containers"),
                format!("the task definition has no container `{missing}`"),
                format!("Name one of: {}.", names.join(", ")),
            ));
        }
        if matched.containers.is_empty() && matched.missing.is_empty() {
            mistakes.push(Mistake::new(
                format!("images[{index}]"),
                format!(
                    "no container of the task definition runs an image of `{}`",
                    image.repository
                ),
                format!(
                    "Name the containers it is for in `containers`; there are: {}.",
                    names.join(", ")
                ),
            ));
        }
    }
    mistakes
}

#[cfg(test)]
mod tests;
