//! Pushboat: push a container image to ECR and it goes live on ECS Fargate.
//!
//! # Follow a push
//!
//! 1. ECR says through EventBridge that an image was pushed. The function
//!    `image-push` reads the event ([`trigger::ecr`]), asks the ledger which
//!    targets follow the repository, and puts one message for each on the FIFO
//!    queue ([`wake`]).
//! 2. The queue gives the message to `rollout`, one message of a target at a
//!    time. [`reconcile`](mod@reconcile) loads the target, takes the push in
//!    ([`core::intake`]: is it followed, is it the newest?), and goes on until
//!    it has to wait: it looks at AWS ([`core::observation`]), decides
//!    ([`core::decide`]), saves, and acts.
//! 3. What it decided is stored with the notice that tells of it. The table's
//!    stream wakes `notify`, which writes the notice ([`message`]) and publishes
//!    it ([`outbox`]).
//! 4. While it waits, ECS's events wake it through `service-change`, alarms'
//!    through `alarm`, stacks' through `stack-change`, people's commands through
//!    `operator`, and the `sweep` does each minute, whatever events were lost.
//!    The sweep also reads the targets' parameters ([`registration`]) and sends
//!    forgotten notices.
//!
//! # Where things are
//!
//! | where | what |
//! | --- | --- |
//! | [`core`] | what a rollout is, what was seen, what to do next: pure, no AWS types, no clock, no I/O |
//! | [`trigger`] | EventBridge's JSON into our types, one file a source |
//! | [`core::deployed`] | what is published of what is deployed, and when it is tried again |
//! | [`core::evidence`], [`core::diagnosis`] | what AWS forgets and a rollout keeps; why a task stopped, and whose fault that is |
//! | [`target`] | a target's configuration, parsed strictly |
//! | [`task_definition`], [`image`] | the lossless edit; what a manifest is |
//! | [`reconcile`](mod@reconcile), [`registration`], [`sweep`], [`wake`], [`outbox`], [`operator`] | the shell: what is done in which order |
//! | [`ports`] | the few traits that the shell needs of the world |
//! | [`ledger`], [`queue`], [`notice`] | what is stored, sent and told |
//! | [`message`] | every sentence that a person reads |
//! | [`findings`] | what is looked up for a notice of a failure before it is sent |
//! | [`redact`](mod@redact) | takes secrets out of what strangers wrote |
//! | `aws` | the ports on the AWS SDK, behind the feature `aws` |
//!
//! A target may go through the CloudFormation stack that has its service
//! ([`core::stack`]): then a change set takes the place of RegisterTaskDefinition
//! and UpdateService. The phases and the look at the service are the same.
//!
//! # Invariants
//!
//! - An event is a wake-up, not a fact: what is done rests on what AWS says now.
//! - A decision is saved before its effect. A crash in between is repaired by
//!   the next wake-up, by looking, never from memory. UpdateService is not sent
//!   again while the first one could still be seen
//!   ([`core::decide::READ_LAG`]).
//! - A service belongs to one target, a target's changes go through one queue
//!   in order, and only `rollout` may change ECS or a stack.
//! - An older push never replaces a newer one.
//! - Somebody else's change is never overwritten.
//! - Only the image of the matched containers and Pushboat's own tags differ
//!   between the old and the new task definition. Of a stack only the image's
//!   parameter does, and what else that would change waits for a person.
//! - `Succeeded` is said only of what finished its bake time, alone, on all its
//!   tasks, with no alarm but one that recovered when another target that shares it went back
//!   ([`core::shared_alarm`]).
//! - Only an unreachable ledger or queue fails an invocation. Every other
//!   trouble is a stored reason and a time to look again.
//!
//! What is deliberately absent: a clock, an environment or a random number
//! outside `main.rs`; retries of RegisterTaskDefinition and UpdateService; any
//! use of a previous revision that was not recorded as good.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

#[cfg(feature = "aws")]
pub mod aws;
pub mod core;
pub mod findings;
pub mod image;
pub mod ledger;
pub mod message;
pub mod notice;
pub mod operator;
pub mod outbox;
pub mod ports;
pub mod queue;
pub mod reconcile;
pub mod redact;
pub mod registration;
pub mod sweep;
pub mod target;
pub mod task_definition;
pub mod trigger;
pub mod wake;
