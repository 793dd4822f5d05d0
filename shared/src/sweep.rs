//! What happens each minute, whatever events were lost.
//!
//! Wakes what is due, sends notices that were forgotten, and reads the targets'
//! parameters: each hour, when one of them changed, and at once while the
//! ledger knows no target. Each quarter of an hour it looks for what was
//! overlooked.

mod overlooked;

use jiff::{SignedDuration, Timestamp};

use crate::core::hold::Hold;
use crate::ledger::{Chore, Registration};
use crate::message::Surroundings;
use crate::outbox::{self, Channels, SendError};
use crate::ports::{
    CallError, Clock, EventBus, ImageLists, Outbox, Parameters, Queue, Records, Registrations,
    StackResources, Topic,
};
use crate::queue::{QueueMessage, Trigger};
use crate::registration::{self, RegisterError, Registered};

/// How often the parameters are read where no event says that one changed.
const PARAMETERS_READ_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// The parameter, below the prefix, that holds everything.
const HOLD_PARAMETER: &str = "hold";
/// How much of its text is kept, in characters: it stands in each notice.
const HOLD_REASON_LIMIT: usize = 500;
/// How often a due target is woken again while nothing comes of it.
const WAKE_REPEATED_EVERY_SECONDS: i64 = 300;
/// For how long a wake-up may come too early: more than the functions' clocks are ever apart,
/// and less than the minute between two sweeps.
const MAY_BE_EARLY_SECONDS: i64 = 30;

/// The outside world, as the sweep needs it.
#[derive(Clone, Debug)]
pub struct Ports<L, P, K, Q, T, E, I, C> {
    /// The ledger.
    pub ledger: L,
    /// Parameter Store.
    pub parameters: P,
    /// CloudFormation.
    pub stacks: K,
    /// The FIFO queue.
    pub queue: Q,
    /// The notification topic.
    pub topic: T,
    /// The event bus.
    pub bus: E,
    /// ECR.
    pub images: I,
    /// The clock.
    pub clock: C,
}

/// Why the sweep runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The schedule's minute.
    Tick,
    /// A target's parameter changed.
    ParameterChanged,
}

/// What the installation fixes for all sweeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Parameters stand below `/<prefix>/`.
    pub prefix: String,
    /// What messages have to name of the installation.
    pub surroundings: Surroundings,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Whether everything is held.
    pub held: bool,
    /// How many targets were woken because they were due.
    pub woken: usize,
    /// How many forgotten notices were sent.
    pub notices_sent: usize,
    /// What reading the parameters came to, if they were read.
    pub registered: Option<Registered>,
    /// How many targets were woken because something of theirs was overlooked.
    pub overlooked: usize,
}

/// One part of the sweep failed; the others were done, and the next sweep tries again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// Waking or reading what is due failed.
    #[error("waking what is due failed")]
    Wake(#[source] RegisterError),
    /// Copying the hold failed.
    #[error("copying the hold for everything failed")]
    Hold(#[source] RegisterError),
    /// Reading the parameters failed.
    #[error("reading the targets' parameters failed")]
    Register(#[source] RegisterError),
    /// Looking for what was overlooked failed.
    #[error("looking for what was overlooked failed")]
    Overlooked(#[source] RegisterError),
    /// Sending notices failed.
    #[error("sending forgotten notices failed")]
    Send(#[from] SendError),
}

/// Sweeps once.
///
/// # Errors
///
/// Every part is tried before the first failure is answered.
pub async fn sweep<L, P, K, Q, T, E, I, C>(
    ports: &Ports<L, P, K, Q, T, E, I, C>,
    settings: &Settings,
    occasion: Occasion,
) -> Result<Swept, SweepError>
where
    L: Registrations + Records + Outbox,
    P: Parameters,
    K: StackResources,
    Q: Queue,
    T: Topic,
    E: EventBus,
    I: ImageLists,
    C: Clock,
{
    let now = ports.clock.now();
    // Before anything is woken: what is held since a minute is not to be changed once more.
    let held = copy_hold(ports, &settings.prefix, now)
        .await
        .map_err(SweepError::Hold);
    let woken = wake_due(ports, now).await.map_err(SweepError::Wake);
    let registered = register(ports, &settings.prefix, occasion, now)
        .await
        .map_err(SweepError::Register);
    let overlooked = overlooked::wake(ports, occasion, now)
        .await
        .map_err(SweepError::Overlooked);
    let channels = Channels {
        topic: &ports.topic,
        bus: &ports.bus,
    };
    let sent = outbox::send_forgotten(&ports.ledger, &channels, &settings.surroundings, now).await;
    Ok(Swept {
        held: held?,
        woken: woken?,
        registered: registered?,
        overlooked: overlooked?,
        notices_sent: sent?,
    })
}

/// Copies the hold for everything into the ledger; answers whether one stands.
async fn copy_hold<L, P, K, Q, T, E, I, C>(
    ports: &Ports<L, P, K, Q, T, E, I, C>,
    prefix: &str,
    now: Timestamp,
) -> Result<bool, RegisterError>
where
    L: Registrations,
    P: Parameters,
    K: StackResources,
{
    let name = format!("/{}/{HOLD_PARAMETER}", prefix.trim_matches('/'));
    let value = ports.parameters.value(&name).await?;
    let reason = value.as_deref().and_then(hold_reason);
    let stored = ports.ledger.hold().await?;
    if stored.as_ref().map(|hold| hold.reason.as_str()) != reason.as_deref() {
        let hold = reason.clone().map(|reason| Hold { reason, since: now });
        ports.ledger.note_hold(hold.as_ref()).await?;
    }
    Ok(reason.is_some())
}

/// Reads the parameter: anything but nothing and `off` holds, and says why.
fn hold_reason(value: &str) -> Option<String> {
    let reason = value.trim();
    let off = reason.is_empty() || reason.eq_ignore_ascii_case("off");
    (!off).then(|| reason.chars().take(HOLD_REASON_LIMIT).collect())
}

async fn wake_due<L, P, K, Q, T, E, I, C>(
    ports: &Ports<L, P, K, Q, T, E, I, C>,
    now: Timestamp,
) -> Result<usize, RegisterError>
where
    L: Registrations,
    Q: Queue,
{
    let messages: Vec<QueueMessage> = ports
        .ledger
        .due(now)
        .await?
        .into_iter()
        .map(|(target, wake_at)| QueueMessage {
            target,
            trigger: Trigger::Due,
            // The queue drops what was sent in this stretch already.
            event_id: format!("due.{}.{}", wake_at.as_millisecond(), stretch(wake_at, now)),
        })
        .collect();
    send(&ports.queue, &messages).await?;
    Ok(messages.len())
}

/// Numbers the stretches of time in each of which a due target is woken once.
///
/// By `rollout`'s clock it may not be due yet in the first one, which is short: the next
/// minute's wake-up belongs to the second one, and is no repeat.
fn stretch(wake_at: Timestamp, now: Timestamp) -> i64 {
    let overdue_seconds = now.duration_since(wake_at).as_secs();
    match overdue_seconds < MAY_BE_EARLY_SECONDS {
        true => 0,
        false => 1 + overdue_seconds / WAKE_REPEATED_EVERY_SECONDS,
    }
}

async fn register<L, P, K, Q, T, E, I, C>(
    ports: &Ports<L, P, K, Q, T, E, I, C>,
    prefix: &str,
    occasion: Occasion,
    now: Timestamp,
) -> Result<Option<Registered>, RegisterError>
where
    L: Registrations,
    P: Parameters,
    K: StackResources,
    Q: Queue,
{
    let due = match (occasion, ports.ledger.done_at(Chore::ReadParameters).await?) {
        (Occasion::ParameterChanged, _) | (Occasion::Tick, None) => true,
        (Occasion::Tick, Some(read_at)) => now.duration_since(read_at) >= PARAMETERS_READ_EVERY,
    };
    if !due {
        return Ok(None);
    }
    if occasion == Occasion::ParameterChanged {
        // Should this read die half-way, the next minute's sweep takes its place.
        let read = Chore::ReadParameters;
        ports.ledger.note_done(read, None).await?;
    }
    let (parameters, stacks) = (&ports.parameters, &ports.stacks);
    let registered = registration::register(parameters, stacks, &ports.ledger, prefix, now).await?;
    let to_wake = registered.to_wake.iter();
    let messages: Vec<QueueMessage> = to_wake.map(|one| of_registration(one, now)).collect();
    send(&ports.queue, &messages).await?;
    for registration in &registered.to_wake {
        ports.ledger.note_woken(registration).await?;
    }
    // Only a whole read counts, whose targets were all woken. While there is no parameter at
    // all, each sweep looks for the first one.
    let not_looked = registered.not_looked.clone();
    let whole = registered.found > 0 && !registered.outrun && not_looked.is_none();
    ports
        .ledger
        .note_done(Chore::ReadParameters, whole.then_some(now))
        .await?;
    match not_looked {
        Some(error) => Err(RegisterError::Stack(error)),
        None => Ok(Some(registered)),
    }
}

/// Wakes `rollout` for a registration.
fn of_registration(registration: &Registration, now: Timestamp) -> QueueMessage {
    let version = registration.parameter_version;
    QueueMessage {
        target: registration.target.clone(),
        trigger: Trigger::Registered,
        event_id: format!("registered.{version}.{}", now.as_millisecond()),
    }
}

async fn send<Q: Queue>(queue: &Q, messages: &[QueueMessage]) -> Result<(), CallError> {
    if messages.is_empty() {
        return Ok(());
    }
    queue.send(messages).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_but_blanks_and_off_holds_and_is_the_reason() {
        for value in ["", " ", "off", "OFF", " off\n"] {
            assert_eq!(hold_reason(value), None, "{value:?}");
        }
        assert_eq!(hold_reason(" offsite \n").as_deref(), Some("offsite"));
        assert_eq!(hold_reason("on").as_deref(), Some("on"));
        let long = hold_reason(&"ä".repeat(9_000)).unwrap();
        assert_eq!(long.chars().count(), HOLD_REASON_LIMIT);
    }

    #[test]
    fn what_is_due_is_woken_anew_after_a_minute_and_then_every_five() {
        let swept_at = |first: i64| (0..20).map(move |minute| first + 60 * minute);
        for first in 0..60 {
            let mut woken = Vec::new();
            let mut last = None;
            for overdue in swept_at(first) {
                let due_at = Timestamp::UNIX_EPOCH;
                let now = due_at + SignedDuration::from_secs(overdue);
                if last.replace(stretch(due_at, now)) != last {
                    woken.push(overdue - first);
                }
            }
            let expected: &[i64] = match first < MAY_BE_EARLY_SECONDS {
                true => &[0, 60, 300, 600, 900],
                false => &[0, 300, 600, 900],
            };
            assert_eq!(woken, expected, "swept {first} s after it was due");
        }
    }
}
