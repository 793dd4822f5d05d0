//! Looking at something until it is so, with a limit.

use std::time::{Duration, Instant};

/// How soon to look again.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What one look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// It is so; this is what was waited for.
    Reached(T),
    /// It is not so yet; in words, this is how it stands.
    NotYet(String),
}

/// Something did not come about in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} did not come about within {} s; last seen: {seen}", limit.as_secs())]
pub struct WaitError {
    /// What was waited for.
    pub what: String,
    /// For how long.
    pub limit: Duration,
    /// How it stood at the last look.
    pub seen: String,
}

/// Looks every 100 milliseconds until `look` reaches what is waited for.
///
/// # Errors
///
/// Says what was waited for and what was seen last; a look that fails ends the wait.
#[expect(
    clippy::disallowed_methods,
    reason = "the end-to-end tests run on the real clock: what they watch is real processes"
)]
pub async fn wait<T, E: From<WaitError>>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Result<Seen<T>, E>,
) -> Result<T, E> {
    let started = Instant::now();
    loop {
        let seen = match look().await? {
            Seen::Reached(reached) => return Ok(reached),
            Seen::NotYet(seen) => seen,
        };
        if started.elapsed() >= limit {
            return Err(E::from(WaitError {
                what: what.to_owned(),
                limit,
                seen,
            }));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Lets some time pass, where nothing can be looked at: to see that nothing happens.
#[expect(
    clippy::disallowed_methods,
    reason = "that nothing happens can only be seen by waiting"
)]
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}
