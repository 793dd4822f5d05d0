//! The endpoint's two clocks: the wall's, and a virtual one that may run faster.
//!
//! ECR, EventBridge and the functions live in wall time; the model of ECS lives
//! in virtual time. At speed 1 they agree.

use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};

/// Reads wall time and virtual time, both from one start.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    started_at: Timestamp,
    started: Instant,
    speed: f64,
}

impl Clock {
    /// Starts both clocks at the present; virtual time runs `speed` times as fast.
    #[expect(
        clippy::disallowed_methods,
        reason = "an endpoint that plays AWS has AWS's clocks; this is the one place that reads them"
    )]
    pub(crate) fn start(speed: f64) -> Self {
        Clock {
            started_at: Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH),
            started: Instant::now(),
            speed,
        }
    }

    /// Says how long the clock has run, in wall time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reads wall time; it never goes back.
    pub(crate) fn wall(&self) -> Timestamp {
        self.started_at + signed(self.elapsed())
    }

    /// Reads virtual time.
    pub(crate) fn now(&self) -> Timestamp {
        self.started_at + signed(self.elapsed().mul_f64(self.speed))
    }

    /// Says how long to wait until virtual time reaches `at`; zero where it has.
    pub(crate) fn wait_until(&self, at: Timestamp) -> Duration {
        let ahead = at.duration_since(self.now());
        Duration::try_from(ahead)
            .unwrap_or(Duration::ZERO)
            .div_f64(self.speed)
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Waits in wall time.
#[expect(
    clippy::disallowed_methods,
    reason = "the endpoint is a server that plays waits of AWS; product code stores a wake_at instead"
)]
pub(crate) async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Renders an instant as EventBridge's `time`: whole seconds, in UTC.
pub(crate) fn event_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
