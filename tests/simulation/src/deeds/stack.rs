//! What was done to a stack, and what CloudFormation did to its service.

use jiff::Timestamp;
use pushboat::core::policy::ServiceRef;
use pushboat::core::stack::ResourceChange;

use super::{RevisionTruth, ServiceTruth};

/// Something that was done to a stack.
#[derive(Clone, Debug)]
pub struct StackDeed {
    /// When.
    pub at: Timestamp,
    /// The stack's service.
    pub service: ServiceRef,
    /// How it stood before.
    pub before: Option<ServiceTruth>,
    /// What was done.
    pub what: StackDoing,
}

/// What was done to a stack.
#[derive(Clone, Debug)]
pub enum StackDoing {
    /// Pushboat had a change set executed, and CloudFormation began to.
    Executed {
        /// The change set's name.
        change_set: String,
        /// What it makes of the image parameter.
        image: String,
        /// The parameters besides that it gives another value, of those whose value is written
        /// in the stack.
        others: Vec<String>,
        /// What it changes.
        changes: Vec<ResourceChange>,
    },
    /// Pushboat had the stack's update cancelled, and CloudFormation began to go back.
    Cancelled {
        /// Whether that was one of Pushboat's change sets.
        ours: bool,
    },
    /// Somebody else updated the stack, executed a change set or went on with a rollback.
    BySomebody {
        /// The change set that was executed, if that is what was done.
        change_set: Option<String>,
    },
    /// Somebody else had the stack's update cancelled.
    CancelledBySomebody,
    /// CloudFormation begins to go back, whoever had it do so.
    GoesBack,
    /// CloudFormation updated the service, as a change set that Pushboat made wants it, or to go
    /// back from that.
    Updated {
        /// What it is to run.
        revision: RevisionTruth,
    },
}
