//! Request throttling: how often the operations may be called.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>:
//! a token bucket for each kind of operation, per account and Region, to which
//! tokens are added each second. That they are added when the clock's second
//! begins, and that a call that is refused takes none, is assumed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ecs::Ecs;
use crate::error::ServiceError;

/// Operations that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bucket {
    ClusterModify,
    ClusterRead,
    TaskDefinitionModify,
    TaskDefinitionRead,
    TagModify,
    TagRead,
    TaskModify,
    TaskRead,
    ServiceModify,
    ServiceRead,
    ServiceDeploymentRead,
    ServiceRevisionRead,
}

impl Bucket {
    /// Finds where an operation is counted; the page names none for stopping
    /// and continuing service deployments.
    fn of(operation: &str) -> Option<Self> {
        Some(match operation {
            "CreateCluster" | "DeleteCluster" => Bucket::ClusterModify,
            "DescribeClusters" | "ListClusters" => Bucket::ClusterRead,
            "RegisterTaskDefinition" | "DeregisterTaskDefinition" => Bucket::TaskDefinitionModify,
            "DescribeTaskDefinition" | "ListTaskDefinitions" | "ListTaskDefinitionFamilies" => {
                Bucket::TaskDefinitionRead
            }
            "TagResource" | "UntagResource" => Bucket::TagModify,
            "ListTagsForResource" => Bucket::TagRead,
            "RunTask" | "StopTask" => Bucket::TaskModify,
            "DescribeTasks" | "ListTasks" => Bucket::TaskRead,
            "CreateService" | "UpdateService" | "DeleteService" => Bucket::ServiceModify,
            "DescribeServices" | "ListServices" => Bucket::ServiceRead,
            "DescribeServiceDeployments" | "ListServiceDeployments" => {
                Bucket::ServiceDeploymentRead
            }
            "DescribeServiceRevisions" => Bucket::ServiceRevisionRead,
            _ => return None,
        })
    }

    /// The most calls in one second, and how many a second in the long run.
    fn burst_and_sustained(self) -> (u32, u32) {
        match self {
            Bucket::ClusterModify | Bucket::TaskDefinitionModify => (20, 1),
            Bucket::TagModify => (20, 10),
            Bucket::ServiceModify => (50, 5),
            Bucket::ClusterRead
            | Bucket::TaskDefinitionRead
            | Bucket::TagRead
            | Bucket::ServiceDeploymentRead
            | Bucket::ServiceRevisionRead => (50, 20),
            Bucket::TaskRead | Bucket::ServiceRead => (100, 20),
            Bucket::TaskModify => (100, 40),
        }
    }
}

/// The buckets that were taken from; every other one is full.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateLimits {
    is_on: bool,
    levels: BTreeMap<Bucket, Level>,
}

/// How full a bucket was in a second.
#[derive(Clone, Copy, Debug)]
struct Level {
    tokens: u32,
    second: i64,
}

impl RateLimits {
    /// Takes a token, and says whether there was one.
    fn take(&mut self, bucket: Bucket, now: Timestamp) -> bool {
        let (burst, sustained) = bucket.burst_and_sustained();
        let second = now.as_second();
        let full = Level {
            tokens: burst,
            second,
        };
        let level = self.levels.entry(bucket).or_insert(full);
        let elapsed = u32::try_from(second - level.second).unwrap_or(u32::MAX);
        let added = elapsed.saturating_mul(sustained);
        let tokens = level.tokens.saturating_add(added).min(burst);
        *level = Level {
            tokens: tokens.saturating_sub(1),
            second,
        };
        tokens > 0
    }
}

impl Ecs {
    /// Has operations refused, or not, that are called more often than AWS
    /// documents; at first none is.
    pub fn limit_rates(&mut self, is_on: bool) {
        self.rate_limits = RateLimits {
            is_on,
            levels: BTreeMap::new(),
        };
    }

    /// Counts a call of an operation at the present time, as
    /// [`call`](Ecs::call) does: for whoever uses the typed operations.
    ///
    /// # Errors
    ///
    /// `ThrottlingException`, if it was called too often.
    pub fn count_call(&mut self, operation: &str) -> Result<(), ServiceError> {
        if !self.rate_limits.is_on {
            return Ok(());
        }
        let now = self.now;
        match Bucket::of(operation) {
            Some(bucket) if !self.rate_limits.take(bucket, now) => {
                Err(ServiceError::new("ThrottlingException", "Rate exceeded"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
