//! The world that Pushboat runs in, in memory and in virtual time.
//!
//! What runs here is the shipped core and shell of `pushboat` over its ports:
//! no second implementation of a decision. The rest is played: ECS by
//! `ecs-model`, CloudFormation by `stack-model`, and here ECR, CloudWatch, Parameter Store, SNS, the ledger's
//! table, the FIFO queue, EventBridge and Lambda. There is no network, no
//! wall clock and no random number but those a seed decides, so a run repeats
//! exactly.
//!
//! A [`World`] holds it all. Each port goes through [`Calls`], which counts
//! what is asked and breaks what it is told to break: a call is turned away,
//! its answer is lost, or the function dies before or after it.

mod agenda;
mod alarms;
mod calls;
pub mod chaos;
mod clock;
mod deeds;
mod ecs;
mod functions;
mod images;
mod ledger;
mod load_balancers;
mod owner;
mod parameters;
mod queue;
mod retries;
mod services;
mod stacks;
mod topic;
mod watched;
mod world;

pub use agenda::Event;
pub use alarms::Alarms;
pub use calls::{Call, CallRates, Calls, Fault, Function, Operation};
pub use clock::VirtualClock;
pub use deeds::{
    Deed, DeploymentTruth, RevisionTruth, Saved, ServiceTruth, StackDeed, StackDoing, Stopped,
    Updated,
};
pub use ecs::{Ecs, ReadLag, ServiceSpecification};
pub use functions::{FunctionClocks, Invocation, Outcome};
pub use images::{Image, Images, REGISTRY};
pub use ledger::{FiledNotice, Ledger};
pub use load_balancers::LoadBalancers;
pub use parameters::Parameters;
pub use queue::{Delivery, FifoQueue};
pub use retries::{DeadLetterQueue, Hindrance};
pub use stacks::{StackSpecification, Stacks};
pub use topic::{Bus, Topic};
pub use watched::Watched;
pub use world::{DeadLetter, EventRates, Lost, Outage, World};
