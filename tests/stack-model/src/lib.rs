//! A model of CloudFormation stacks, as far as a deployer needs it that changes
//! an image parameter: a pure, deterministic state machine in virtual time.
//!
//! It plays AWS, so it knows nothing of `pushboat`. It does no I/O, reads no
//! clock and draws no random numbers: time is an argument. Each rule names the
//! page of AWS's documentation it comes from, and has a test; what no page says
//! is called assumed, or seen where only users tell of it.
//!
//! # Two ways in
//!
//! - [`Stacks::call`] answers the operations of the API, with their members as
//!   JSON, for an endpoint that turns forms into them and answers into XML.
//! - The typed methods beneath it ([`Stacks::create_change_set`],
//!   [`Stacks::execute_change_set`], [`Stacks::stack`], …) cost no JSON, for a
//!   simulation. They act at the time of the last [`Stacks::advance`].
//!
//! # What the owner of the model does
//!
//! - Makes stacks with [`Stacks::create_stack`]: they are there at once, with the
//!   physical ids of what exists elsewhere.
//! - Takes what is to be done to task definitions and services with
//!   [`Stacks::take_effects`], and says with [`Stacks::answer`] what came of it:
//!   that a service is steady, or why it will not be. CloudFormation waits for
//!   three hours. Every other kind of resource is done by itself after a while,
//!   or fails as [`Stacks::fail_resource`] says.
//! - Writes Parameter Store with [`Stacks::set_ssm_parameter`], and says what other
//!   stacks export with [`Stacks::set_export`].
//! - Takes what is told to the event bus with [`Stacks::take_events`] or
//!   [`Stacks::take_changes`].
//! - Puts a stack in any status with [`Stacks::set_status`].
//!
//! # What it leaves out
//!
//! How stacks are created and imported (change sets are of the type `UPDATE`);
//! updates without rollback, rollback triggers, express mode, stack policies,
//! hooks, nested stacks, macros, outputs and drift; templates in YAML, functions
//! other than `Ref`, `Fn::GetAtt`, `Fn::Sub`, `Fn::Join`, `Fn::Split`,
//! `Fn::Select`, `Fn::FindInMap`, `Fn::ImportValue`, `Fn::If` and those of conditions, dynamic
//! references, deletion policies, and the patterns and
//! lengths of parameters; tags of stacks on their resources; property values in
//! change sets; quotas, pages, and how often operations may be called. A member
//! of a request that would switch one of them on is refused.

mod agenda;
mod capability;
mod change;
mod change_set;
mod cleanup;
pub mod ecs_request;
mod effect;
mod error;
mod event;
mod execution;
mod failure;
mod identifier;
mod lookup;
mod operation;
mod parameter;
mod protocol;
mod recreation;
mod reference;
mod request;
mod resolve;
mod rollback;
mod settings;
mod stack;
mod stacks;
mod status;
mod template;
mod update;

pub use change::{ChangeAction, ChangeDetail, ChangeSource, Replacement, ResourceChange};
pub use change_set::{ChangeSet, ChangeSetKey, CreateChangeSet, UpdateRequest};
pub use effect::{Effect, EffectAction, EffectId, Failure, Outcome};
pub use error::ServiceError;
pub use event::{StackChange, StackEvent};
pub use parameter::{Parameter, ParameterInput, ParameterValue};
pub use recreation::RequiresRecreation;
pub use settings::{Settings, Timings};
pub use stack::{Desired, Resource, Stack, StackKey};
pub use stacks::{CreateStack, Stacks};
pub use status::{ChangeSetStatus, ExecutionStatus, ResourceStatus, StackStatus};
pub use template::{ParameterDeclaration, ResourceDeclaration, Template};
