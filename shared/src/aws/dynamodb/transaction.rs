//! Several writes, all taken or none.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};

use super::condition::Condition;
use super::item::{self, Item};
use super::unreachable;
use crate::aws::failure::call_error;
use crate::ledger::key::ItemKey;
use crate::ledger::{LedgerError, SaveError};

/// Writes being gathered.
///
/// The SDK adds a token that is new for each [`Transaction::commit`] and the
/// same for all its attempts, so that an attempt whose answer was lost is not
/// taken for somebody else's write. A token made of the content would go too
/// far: within ten minutes a late twin of an old write would be answered as if
/// it had been taken. Source: DynamoDB API reference, TransactWriteItems,
/// `ClientRequestToken`.
pub(super) struct Transaction<'a> {
    table: &'a str,
    doing: String,
    writes: Vec<TransactWriteItem>,
    /// Which of the writes is the claim on a service.
    claim: Option<usize>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(table: &'a str, doing: String) -> Self {
        Self {
            table,
            doing,
            writes: Vec::new(),
            claim: None,
        }
    }

    pub(super) fn put(&mut self, item: Item) -> Result<(), LedgerError> {
        let put = Put::builder().table_name(self.table).set_item(Some(item));
        let put = self.built(put.build())?;
        self.writes
            .push(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    pub(super) fn put_if(&mut self, item: Item, condition: &Condition) -> Result<(), LedgerError> {
        let put = Put::builder()
            .table_name(self.table)
            .set_item(Some(item))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = self.built(put.build())?;
        self.writes
            .push(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Puts the claim on a service; a failed condition names its holder.
    pub(super) fn claim(&mut self, item: Item, condition: &Condition) -> Result<(), LedgerError> {
        self.claim = Some(self.writes.len());
        self.put_if(item, condition)
    }

    pub(super) fn delete(&mut self, key: &ItemKey) -> Result<(), LedgerError> {
        let delete = Delete::builder()
            .table_name(self.table)
            .set_key(Some(item::key(key)));
        let delete = self.built(delete.build())?;
        self.writes
            .push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    pub(super) fn delete_if(
        &mut self,
        key: &ItemKey,
        condition: &Condition,
    ) -> Result<(), LedgerError> {
        let delete = Delete::builder()
            .table_name(self.table)
            .set_key(Some(item::key(key)))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(condition.names())
            .set_expression_attribute_values(condition.values());
        let delete = self.built(delete.build())?;
        self.writes
            .push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }

    /// Sends the writes.
    pub(super) async fn commit(self, client: &Client) -> Result<(), SaveError> {
        let answer = client
            .transact_write_items()
            .set_transact_items(Some(self.writes))
            .send()
            .await;
        let Err(error) = answer else {
            return Ok(());
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
            error.as_service_error()
            && let Some(lost) = lost_to(cancelled.cancellation_reasons(), self.claim)
        {
            return Err(lost);
        }
        let failure = call_error("dynamodb:TransactWriteItems", &error);
        Err(unreachable(&self.doing, &failure).into())
    }

    fn built<T>(&self, built: Result<T, BuildError>) -> Result<T, LedgerError> {
        built.map_err(|error| unreachable(&self.doing, &error))
    }
}

/// Says to whom a cancelled transaction was lost; `None` where it was cancelled for another cause.
///
/// The reasons stand in the order of the writes. Source: DynamoDB API
/// reference, TransactWriteItems, "Errors".
fn lost_to(reasons: &[CancellationReason], claim: Option<usize>) -> Option<SaveError> {
    let mut lost = None;
    for (place, reason) in reasons.iter().enumerate() {
        match (reason.code(), reason.item().and_then(item::holder)) {
            (Some("ConditionalCheckFailed"), Some(holder)) if Some(place) == claim => {
                lost = Some(SaveError::Claimed { holder });
            }
            // What was decided rests on a stale read: who holds the service is asked again.
            (Some("ConditionalCheckFailed" | "TransactionConflict"), _) => {
                return Some(SaveError::Conflict);
            }
            _ => {}
        }
    }
    lost
}
