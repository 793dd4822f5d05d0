//! The ledger's records as items, and back; pure.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::core::hold::Hold;
use crate::core::name::TargetName;
use crate::core::observation::Definition;
use crate::core::policy::ServiceRef;
use crate::core::rollout::Rollout;
use crate::core::state::TargetState;
use crate::ledger::key::{ItemKey, REGISTRATION, STATE};
use crate::ledger::stored::{self, StoredText};
use crate::ledger::{
    Chore, Follower, IgnoredPush, LedgerError, NoticeKey, Registration, ReverseKey, TargetEntry,
    Version,
};
use crate::notice::Notice;

/// An item as DynamoDB takes and gives it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The value of `pending` of a state that waits.
pub(super) const PENDING_WAKE: &str = "wake";
/// The value of `pending` of a notice that was not sent.
pub(super) const PENDING_NOTICE: &str = "notice";

/// How long a finished rollout is kept.
const HISTORY_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long a push that was ignored is kept.
const IGNORED_KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Gives the primary key as DynamoDB takes it.
pub(super) fn key(key: &ItemKey) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(&key.partition)),
        ("sk".to_owned(), text(&key.sort)),
    ])
}

pub(super) fn registration(registration: &Registration) -> Result<Item, LedgerError> {
    let mut item = record(
        &ItemKey::registration(&registration.target),
        &format!("the registration of `{}`", registration.target),
        registration,
    )?;
    let changed_at = millisecond(registration.parameter_changed_at);
    set(
        &mut item,
        "parameter_version",
        number(registration.parameter_version),
    );
    set(&mut item, "parameter_changed_at", number(changed_at));
    Ok(item)
}

pub(super) fn listed_registration(registration: &Registration) -> Result<Item, LedgerError> {
    record(
        &ItemKey::listed_registration(&registration.target),
        &format!("the registration of `{}`", registration.target),
        registration,
    )
}

pub(super) fn state(
    target: &TargetName,
    state: &TargetState,
    version: Version,
) -> Result<Item, LedgerError> {
    let what = format!("the state of `{target}`");
    let mut item = record(&ItemKey::state(target), &what, state)?;
    set(&mut item, "version", number(version.0));
    if let Some(due_at) = state.due_at() {
        set_pending(&mut item, PENDING_WAKE, due_at);
    }
    Ok(item)
}

pub(super) fn history(
    target: &TargetName,
    rollout: &Rollout,
    ended_at: Timestamp,
) -> Result<Item, LedgerError> {
    let what = format!("rollout `{}`", rollout.id);
    let mut item = record(&ItemKey::history(target, &rollout.id), &what, rollout)?;
    set(
        &mut item,
        "expires_at",
        number(second_after(ended_at, HISTORY_KEPT)),
    );
    Ok(item)
}

pub(super) fn ignored(target: &TargetName, ignored: &IgnoredPush) -> Result<Item, LedgerError> {
    let what = format!("a push that `{target}` ignored");
    let mut item = record(&ItemKey::ignored(target, &ignored.push), &what, ignored)?;
    let expires_at = second_after(ignored.push.tagged_at, IGNORED_KEPT);
    set(&mut item, "expires_at", number(expires_at));
    Ok(item)
}

pub(super) fn notice(notice: &Notice) -> Result<Item, LedgerError> {
    let key = NoticeKey {
        target: notice.target.clone(),
        id: notice.id.clone(),
    };
    let what = format!("notice `{}`", notice.id);
    let mut item = record(&ItemKey::notice(&key), &what, notice)?;
    set_pending(&mut item, PENDING_NOTICE, notice.at);
    Ok(item)
}

pub(super) fn good_definition(
    target: &TargetName,
    definition: &Definition,
) -> Result<Item, LedgerError> {
    let whole = json!({ "raw": definition.raw, "tags": definition.tags });
    let what = format!("the last-known-good definition of `{target}`");
    record(&ItemKey::good_definition(target), &what, &whole)
}

/// Reads what [`good_definition`] wrote.
pub(super) fn read_good_definition(
    target: &TargetName,
    found: &Item,
) -> Result<Definition, LedgerError> {
    let what = format!("the last-known-good definition of `{target}`");
    let mut whole: Value = read(&what, found)?;
    let mut member = |name: &str| whole.get_mut(name).map(Value::take).unwrap_or_default();
    Ok(Definition {
        raw: member("raw"),
        tags: member("tags"),
    })
}

pub(super) fn follower(key: &ReverseKey, follower: &Follower) -> Result<Item, LedgerError> {
    let what = format!("the follower `{}`", follower.target);
    record(&ItemKey::follower(key, &follower.target), &what, follower)
}

pub(super) fn claim(service: &ServiceRef, target: &TargetName) -> Item {
    let mut item = key(&ItemKey::claim(service));
    set(&mut item, "target", text(target.as_str()));
    item
}

/// Says who holds a claim.
pub(super) fn holder(claim: &Item) -> Option<String> {
    claim.get("target")?.as_s().ok().cloned()
}

pub(super) fn done(chore: Chore, at: Option<Timestamp>) -> Item {
    let mut item = key(&ItemKey::done(chore));
    if let Some(at) = at {
        set(&mut item, "done_at", number(millisecond(at)));
    }
    item
}

pub(super) fn hold(hold: &Hold) -> Result<Item, LedgerError> {
    record(&ItemKey::hold(), "the hold", hold)
}

/// Reads when a chore was done.
pub(super) fn done_at(item: &Item) -> Option<Timestamp> {
    Timestamp::from_millisecond(read_number(item, "done_at")?).ok()
}

/// Reads a target's partition.
pub(super) fn read_entry(target: &TargetName, items: &[Item]) -> Result<TargetEntry, LedgerError> {
    let mut entry = TargetEntry::default();
    for item in items {
        match item
            .get("sk")
            .and_then(|sort| sort.as_s().ok())
            .map(String::as_str)
        {
            Some(REGISTRATION) => {
                let what = format!("the registration of `{target}`");
                entry.registration = Some(read::<Registration>(&what, item)?.into());
            }
            Some(STATE) => {
                let what = format!("the state of `{target}`");
                entry.state = read(&what, item)?;
                let version = read_number(item, "version").and_then(|n| u64::try_from(n).ok());
                entry.version = Version(version.ok_or_else(|| unreadable(&what, "version"))?);
            }
            Some(_) | None => {}
        }
    }
    Ok(entry)
}

/// Reads the record that an item holds.
pub(super) fn read<T: DeserializeOwned>(what: &str, item: &Item) -> Result<T, LedgerError> {
    let format = read_number(item, "format").and_then(|number| u32::try_from(number).ok());
    let body = item.get("body").and_then(|body| body.as_s().ok());
    let stored = StoredText {
        format: format.ok_or_else(|| unreadable(what, "format"))?,
        body: body.ok_or_else(|| unreadable(what, "body"))?.clone(),
    };
    stored::read(what, &stored)
}

/// Says whether an item still waits for what it was stored for.
pub(super) fn is_pending(item: &Item) -> bool {
    item.contains_key("pending")
}

/// Says whether a notice was published.
pub(super) fn is_published(item: &Item) -> bool {
    item.contains_key("published_at")
}

/// Reads an entry of the index of what is pending: where it lies and since when it is due.
pub(super) fn read_pending(item: &Item) -> Option<(ItemKey, Timestamp)> {
    let part = |name: &str| item.get(name)?.as_s().ok().cloned();
    let key = ItemKey {
        partition: part("pk")?,
        sort: part("sk")?,
    };
    let at = Timestamp::from_millisecond(read_number(item, "pending_at")?).ok()?;
    Some((key, at))
}

/// Gives a time in whole milliseconds, rounded up: what is due is never found too early.
pub(super) fn millisecond(at: Timestamp) -> i64 {
    let started = i64::from(at.subsec_nanosecond().rem_euclid(1_000_000) != 0);
    let whole = at.as_nanosecond().div_euclid(1_000_000);
    i64::try_from(whole)
        .unwrap_or(i64::MAX)
        .saturating_add(started)
}

/// Gives a point in time as DynamoDB's time-to-live takes it.
pub(super) fn second_after(at: Timestamp, kept: SignedDuration) -> i64 {
    at.as_second().saturating_add(kept.as_secs())
}

fn record<T: Serialize>(place: &ItemKey, what: &str, record: &T) -> Result<Item, LedgerError> {
    let stored = stored::write(what, record)?;
    let mut item = key(place);
    set(&mut item, "format", number(stored.format));
    set(&mut item, "body", AttributeValue::S(stored.body));
    Ok(item)
}

fn set_pending(item: &mut Item, what_for: &str, at: Timestamp) {
    set(item, "pending", text(what_for));
    set(item, "pending_at", number(millisecond(at)));
}

fn set(item: &mut Item, name: &str, value: AttributeValue) {
    item.insert(name.to_owned(), value);
}

pub(super) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(super) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

fn read_number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn unreadable(what: &str, attribute: &str) -> LedgerError {
    LedgerError::Unreadable {
        what: what.to_owned(),
        problem: format!("its attribute `{attribute}` is missing or of another kind"),
    }
}
