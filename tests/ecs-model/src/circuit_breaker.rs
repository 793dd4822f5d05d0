//! How the deployment circuit breaker is set: what it does, and after how many
//! failed tasks.

use serde::Deserialize;

use crate::error::ServiceError;

/// The lowest and the highest threshold that `BOUNDED_PERCENT` comes to.
///
/// Source: "Failure threshold" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>.
const BOUNDS: (u32, u32) = (3, 200);

/// How the deployment circuit breaker is set.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitBreaker {
    /// Whether it fails deployments.
    pub is_enabled: bool,
    /// Whether the service then goes back to what completed last.
    pub rolls_back: bool,
    /// Whether a healthy task sets the count of failures back to 0.
    pub resets_on_healthy_task: bool,
    /// After how many failures it trips.
    pub threshold: Threshold,
}

/// After how many failures the circuit breaker trips.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ThresholdConfiguration.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// Percent of the desired count, rounded up, at least 3 and at most 200.
    BoundedPercent(u32),
    /// Percent of the desired count, rounded up.
    UnboundedPercent(u32),
    /// That many.
    Count(u32),
}

impl Threshold {
    /// Says how many failures it is for a desired count; at least one, so that a
    /// service without desired tasks has not failed before it began.
    pub fn failures(self, desired_count: u32) -> u32 {
        let share = |percent: u32| {
            let tasks = (u64::from(desired_count) * u64::from(percent)).div_ceil(100);
            u32::try_from(tasks).unwrap_or(u32::MAX)
        };
        match self {
            Threshold::BoundedPercent(percent) => share(percent).clamp(BOUNDS.0, BOUNDS.1),
            Threshold::UnboundedPercent(percent) => share(percent).max(1),
            Threshold::Count(count) => count.max(1),
        }
    }
}

impl Default for CircuitBreaker {
    /// Off; 50 percent, bounded; set back by a healthy task.
    fn default() -> Self {
        CircuitBreaker {
            is_enabled: false,
            rolls_back: false,
            resets_on_healthy_task: true,
            threshold: Threshold::BoundedPercent(50),
        }
    }
}

/// The members of the API.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CircuitBreakerMembers {
    enable: bool,
    rollback: bool,
    reset_on_healthy_task: Option<bool>,
    threshold_configuration: Option<ThresholdMembers>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ThresholdMembers {
    #[serde(rename = "type")]
    kind: Option<String>,
    value: Option<i64>,
}

impl CircuitBreakerMembers {
    /// Reads them, with the API's defaults.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` for an unknown type, and for a value that is
    /// not positive (which the reference does not say, but nothing else makes sense).
    pub(crate) fn read(self) -> Result<CircuitBreaker, ServiceError> {
        let defaults = CircuitBreaker::default();
        let threshold = match self.threshold_configuration {
            None => defaults.threshold,
            Some(members) => members.read()?,
        };
        Ok(CircuitBreaker {
            is_enabled: self.enable,
            rolls_back: self.rollback,
            resets_on_healthy_task: self
                .reset_on_healthy_task
                .unwrap_or(defaults.resets_on_healthy_task),
            threshold,
        })
    }
}

impl ThresholdMembers {
    fn read(self) -> Result<Threshold, ServiceError> {
        let value = self.value.unwrap_or(50);
        let value = u32::try_from(value).ok().filter(|value| *value > 0);
        let value = value.ok_or_else(|| {
            ServiceError::invalid_parameter(
                "The value of the deployment circuit breaker's threshold must be positive.",
            )
        })?;
        match self.kind.as_deref() {
            None | Some("BOUNDED_PERCENT") => Ok(Threshold::BoundedPercent(value)),
            Some("UNBOUNDED_PERCENT") => Ok(Threshold::UnboundedPercent(value)),
            Some("COUNT") => Ok(Threshold::Count(value)),
            Some(other) => Err(ServiceError::invalid_parameter(format!(
                "Invalid type of the deployment circuit breaker's threshold: {other}."
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the developer guide, and what the reference adds to it.
    #[test]
    fn the_documented_examples_of_thresholds_come_out() {
        let bounded = Threshold::BoundedPercent(50);
        let rows = [(1, 3), (25, 13), (400, 200), (800, 200)];
        for (desired_count, threshold) in rows {
            assert_eq!(bounded.failures(desired_count), threshold);
        }
        assert_eq!(Threshold::BoundedPercent(10).failures(100), 10);
        assert_eq!(Threshold::UnboundedPercent(50).failures(1), 1);
        assert_eq!(Threshold::UnboundedPercent(50).failures(25), 13);
        assert_eq!(Threshold::UnboundedPercent(50).failures(800), 400);
        assert_eq!(Threshold::UnboundedPercent(50).failures(0), 1);
        assert_eq!(Threshold::Count(5).failures(1), 5);
        assert_eq!(Threshold::Count(500).failures(1), 500);
    }
}
