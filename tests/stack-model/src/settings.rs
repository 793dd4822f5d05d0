//! What a model of CloudFormation is made with: whose account it plays, and how
//! long things take.

use jiff::SignedDuration;

/// What a model of CloudFormation is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Twelve digits.
    pub account_id: String,
    /// Such as `eu-central-1`.
    pub region: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// How long things take.
    pub timings: Timings,
}

/// How long each step takes.
///
/// AWS documents none of these times but the longest wait for a resource; the
/// others are assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How long a change set stays in `CREATE_PENDING`.
    pub change_set_pending: SignedDuration,
    /// How long a change set stays in `CREATE_IN_PROGRESS` after that.
    pub change_set_creation: SignedDuration,
    /// How long it takes from the start of each phase of an operation to its
    /// first resource, or to its end where it has none.
    pub step: SignedDuration,
    /// How long a resource takes of which the owner of the model is not asked.
    pub resource: SignedDuration,
    /// The longest wait for a resource of which the owner of the model is asked:
    /// three hours for a service to become steady.
    /// Source: "until it hits the default timeout (~3 hours), or you trigger a
    /// Cancel" at <https://github.com/aws/containers-roadmap/issues/1303>;
    /// <https://repost.aws/knowledge-center/cloudformation-stack-stuck-progress>
    /// says no more than that the time depends on the kind of resource.
    pub stabilization: SignedDuration,
}

impl Default for Timings {
    fn default() -> Self {
        Timings {
            change_set_pending: SignedDuration::from_secs(2),
            change_set_creation: SignedDuration::from_secs(6),
            step: SignedDuration::from_secs(3),
            resource: SignedDuration::from_secs(10),
            stabilization: SignedDuration::from_hours(3),
        }
    }
}

impl Timings {
    /// Makes everything but the longest wait quick, for a demonstration.
    pub fn fast() -> Self {
        Timings {
            change_set_pending: SignedDuration::from_millis(50),
            change_set_creation: SignedDuration::from_millis(200),
            step: SignedDuration::from_millis(100),
            resource: SignedDuration::from_millis(200),
            stabilization: SignedDuration::from_mins(2),
        }
    }
}
