//! The ledger as one DynamoDB table.
//!
//! Every item has `pk` and `sk` (see `ledger::key`), and a record its text in
//! `body` with the number of its `format`. Beside the text stand only the
//! attributes that DynamoDB itself has to see: `version` and
//! `parameter_version` in conditions, `target` of a claim, `pending` and
//! `pending_at` for the index that the sweep reads, `expires_at` for the
//! time-to-live. All registrations are listed by one Query of a partition of
//! copies that the same transaction writes, so nothing is ever scanned.

mod condition;
mod item;
mod page;
#[cfg(test)]
mod tests;
mod transaction;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use jiff::Timestamp;

use futures_util::future::join;

use super::client::Clients;
use super::failure::call_error;
use crate::core::hold::Hold;
use crate::core::name::TargetName;
use crate::core::observation::Definition;
use crate::core::rollout::Rollout;
use crate::ledger::key::{
    ItemKey, REGISTRATIONS, history_partition, ignored_partition, target_partition,
};
use crate::ledger::{
    Chore, Follower, IgnoredPush, LedgerError, NoticeKey, Registration, RegistrationChange,
    ReverseKey, SaveError, StateWrite, StoredNotice, TargetEntry, Version,
};
use crate::ports::{IgnoredPushes, Outbox, Records, Registrations, ReverseItems, Targets};
use condition::Change;
use item::{Item, PENDING_NOTICE, PENDING_WAKE};
use transaction::Transaction;

/// The ledger on the AWS SDK.
#[derive(Clone, Debug)]
pub struct Dynamo {
    client: Client,
    table: String,
}

impl Dynamo {
    /// Makes it on the shared clients; `table` is the table's name.
    #[must_use]
    pub fn new(clients: &Clients, table: impl Into<String>) -> Self {
        Self {
            client: Client::new(&clients.config),
            table: table.into(),
        }
    }

    async fn get(&self, doing: &str, key: &ItemKey) -> Result<Option<Item>, LedgerError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(item::key(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unreachable(doing, &call_error("dynamodb:GetItem", &error)))?;
        Ok(answer.item)
    }

    async fn stored_hold(&self) -> Result<Option<Hold>, LedgerError> {
        let found = self.get("read the hold", &ItemKey::hold()).await?;
        found
            .map(|found| item::read("the hold", &found))
            .transpose()
    }
}

impl Targets for Dynamo {
    async fn load(&self, target: &TargetName) -> Result<TargetEntry, LedgerError> {
        let doing = format!("load target `{target}`");
        let partition = target_partition(target);
        let (items, hold) = join(self.partition(&doing, &partition), self.stored_hold()).await;
        let entry = item::read_entry(target, &items?)?;
        Ok(TargetEntry {
            hold: hold?,
            ..entry
        })
    }

    async fn good_definition(
        &self,
        target: &TargetName,
    ) -> Result<Option<Arc<Definition>>, LedgerError> {
        let doing = format!("load the last-known-good definition of `{target}`");
        let found = self.get(&doing, &ItemKey::good_definition(target)).await?;
        found
            .map(|found| item::read_good_definition(target, &found).map(Arc::new))
            .transpose()
    }

    async fn save(&self, write: &StateWrite) -> Result<Version, SaveError> {
        let target = &write.target;
        let version = write.expected.next();
        let mut transaction = Transaction::new(&self.table, format!("save target `{target}`"));
        transaction.put_if(
            item::state(target, &write.state, version)?,
            &condition::still_at(write.expected),
        )?;
        for rollout in &write.finished {
            // Each phase change has its notice, so one of them says when the rollout ended.
            let told_at = write.notices.iter().map(|notice| notice.at).max();
            let ended_at = told_at.unwrap_or(rollout.requested_at);
            transaction.put(item::history(target, rollout, ended_at)?)?;
        }
        for notice in &write.notices {
            transaction.put(item::notice(notice)?)?;
        }
        if let Some(definition) = &write.good_definition {
            transaction.put(item::good_definition(target, definition)?)?;
        }
        transaction.commit(&self.client).await?;
        Ok(version)
    }
}

impl ReverseItems for Dynamo {
    async fn followers(&self, key: &ReverseKey) -> Result<Vec<Follower>, LedgerError> {
        let partition = key.partition();
        let doing = format!("find the targets that follow `{partition}`");
        let items = self.partition(&doing, &partition).await?;
        items
            .iter()
            .map(|found| item::read(&format!("a follower of `{partition}`"), found))
            .collect()
    }
}

impl IgnoredPushes for Dynamo {
    async fn keep_ignored(
        &self,
        target: &TargetName,
        ignored: &IgnoredPush,
    ) -> Result<(), LedgerError> {
        let doing = format!("keep that target `{target}` ignored a push");
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item::ignored(target, ignored)?))
            .send()
            .await
            .map_err(|error| unreachable(&doing, &call_error("dynamodb:PutItem", &error)))?;
        Ok(())
    }
}

impl Records for Dynamo {
    async fn all_registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        self.registrations().await
    }

    async fn entry(&self, target: &TargetName) -> Result<TargetEntry, LedgerError> {
        self.load(target).await
    }

    async fn history(
        &self,
        target: &TargetName,
        limit: usize,
    ) -> Result<Vec<Rollout>, LedgerError> {
        let doing = format!("list the finished rollouts of `{target}`");
        let partition = history_partition(target);
        let items = self.latest(&doing, &partition, limit).await?;
        let what = format!("a finished rollout of `{target}`");
        items.iter().map(|found| item::read(&what, found)).collect()
    }

    async fn ignored(
        &self,
        target: &TargetName,
        limit: usize,
    ) -> Result<Vec<IgnoredPush>, LedgerError> {
        let doing = format!("list the pushes that `{target}` ignored");
        let partition = ignored_partition(target);
        let items = self.latest(&doing, &partition, limit).await?;
        let what = format!("a push that `{target}` ignored");
        items.iter().map(|found| item::read(&what, found)).collect()
    }

    async fn finished(
        &self,
        target: &TargetName,
        id: &str,
    ) -> Result<Option<Rollout>, LedgerError> {
        let what = format!("a finished rollout of `{target}`");
        let found = self.get(&what, &ItemKey::finished(target, id)).await?;
        found.map(|found| item::read(&what, &found)).transpose()
    }
}

impl Registrations for Dynamo {
    async fn registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        let items = self
            .partition("list the registrations", REGISTRATIONS)
            .await?;
        items
            .iter()
            .map(|found| item::read("a registration", found))
            .collect()
    }

    async fn apply(&self, change: &RegistrationChange) -> Result<(), SaveError> {
        let registration = &change.registration;
        let target = &registration.target;
        let mut transaction = Transaction::new(&self.table, format!("register target `{target}`"));
        transaction.put_if(
            item::registration(registration)?,
            &condition::still_registered(change.expected.as_ref()),
        )?;
        transaction.put(item::listed_registration(registration)?)?;
        if let Some(service) = &change.claim {
            transaction.claim(
                item::claim(service, target),
                &condition::free_or_held_by(target),
            )?;
        }
        if let Some(service) = &change.release {
            let claim = ItemKey::claim(service);
            transaction.delete_if(&claim, &condition::free_or_held_by(target))?;
        }
        for (key, follower) in &change.follow {
            transaction.put(item::follower(key, follower)?)?;
        }
        for key in &change.unfollow {
            transaction.delete(&ItemKey::follower(key, target))?;
        }
        if let Some(notice) = &change.notice {
            transaction.put(item::notice(notice)?)?;
        }
        transaction.commit(&self.client).await
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<(TargetName, Timestamp)>, LedgerError> {
        let doing = "find the targets that are due";
        let until = item::millisecond(now);
        let found = self.pending(doing, PENDING_WAKE, until).await?;
        Ok(found
            .into_iter()
            .filter_map(|(key, at)| Some((key.as_state()?, at)))
            .collect())
    }

    async fn note_woken(&self, registration: &Registration) -> Result<(), LedgerError> {
        let target = &registration.target;
        let doing = format!("note that target `{target}` was woken");
        let Some(stored) = self.get(&doing, &ItemKey::registration(target)).await? else {
            return Ok(());
        };
        if item::read::<Registration>("a registration", &stored)? != *registration {
            return Ok(());
        }
        let woken = Registration {
            woken: true,
            ..registration.clone()
        };
        let mut transaction = Transaction::new(&self.table, doing);
        transaction.put_if(
            item::registration(&woken)?,
            &condition::still_as_read(&stored),
        )?;
        transaction.put(item::listed_registration(&woken)?)?;
        match transaction.commit(&self.client).await {
            // Whoever wrote in between will have the target woken anew.
            Ok(()) | Err(SaveError::Conflict | SaveError::Claimed { .. }) => Ok(()),
            Err(SaveError::Ledger(error)) => Err(error),
        }
    }

    async fn done_at(&self, chore: Chore) -> Result<Option<Timestamp>, LedgerError> {
        let doing = "read when the sweep did a chore";
        let found = self.get(doing, &ItemKey::done(chore)).await?;
        Ok(found.as_ref().and_then(item::done_at))
    }

    async fn note_done(&self, chore: Chore, at: Option<Timestamp>) -> Result<(), LedgerError> {
        let doing = "note that the sweep did a chore";
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item::done(chore, at)))
            .send()
            .await
            .map_err(|error| unreachable(doing, &call_error("dynamodb:PutItem", &error)))?;
        Ok(())
    }

    async fn hold(&self) -> Result<Option<Hold>, LedgerError> {
        self.stored_hold().await
    }

    async fn note_hold(&self, hold: Option<&Hold>) -> Result<(), LedgerError> {
        let doing = "note the hold";
        let mut transaction = Transaction::new(&self.table, doing.to_owned());
        match hold {
            Some(hold) => transaction.put(item::hold(hold)?)?,
            None => transaction.delete(&ItemKey::hold())?,
        }
        match transaction.commit(&self.client).await {
            Ok(()) => Ok(()),
            Err(SaveError::Ledger(error)) => Err(error),
            // A write without a condition only fails so beside another sweep's.
            Err(error @ (SaveError::Conflict | SaveError::Claimed { .. })) => {
                Err(unreachable(doing, &error))
            }
        }
    }
}

impl Outbox for Dynamo {
    async fn unsent(&self, key: &NoticeKey) -> Result<Option<StoredNotice>, LedgerError> {
        let doing = format!("read notice `{}` of target `{}`", key.id, key.target);
        let found = self.get(&doing, &ItemKey::notice(key)).await?;
        match found.filter(item::is_pending) {
            Some(found) => {
                let notice = item::read(&format!("notice `{}`", key.id), &found)?;
                let published = item::is_published(&found);
                Ok(Some(StoredNotice { notice, published }))
            }
            None => Ok(None),
        }
    }

    async fn unsent_before(&self, before: Timestamp) -> Result<Vec<NoticeKey>, LedgerError> {
        let doing = "find the notices that were not sent";
        let until = item::millisecond(before).saturating_sub(1);
        let found = self.pending(doing, PENDING_NOTICE, until).await?;
        Ok(found
            .into_iter()
            .filter_map(|(key, _)| key.as_notice())
            .collect())
    }

    async fn note_published(&self, key: &NoticeKey, at: Timestamp) -> Result<(), LedgerError> {
        self.note(key, "published", condition::published(at)).await
    }

    async fn mark_sent(&self, key: &NoticeKey, at: Timestamp) -> Result<(), LedgerError> {
        self.note(key, "sent", condition::sent(at)).await
    }
}

impl Dynamo {
    /// Notes how far a notice has come.
    async fn note(&self, key: &NoticeKey, what: &str, change: Change) -> Result<(), LedgerError> {
        let doing = format!(
            "note that notice `{}` of target `{}` was {what}",
            key.id, key.target
        );
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(item::key(&ItemKey::notice(key))))
            .update_expression(change.update)
            .condition_expression(change.condition.expression)
            .set_expression_attribute_names(change.condition.names())
            .set_expression_attribute_values(change.condition.values())
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => {
                    let failure = call_error("dynamodb:UpdateItem", &error);
                    Err(unreachable(&doing, &failure))
                }
            },
        }
    }
}

fn unreachable(doing: &str, problem: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Unreachable {
        doing: doing.to_owned(),
        problem: problem.to_string(),
    }
}
