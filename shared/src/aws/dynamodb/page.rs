//! Reading many items, to the last page.

use jiff::Timestamp;

use super::item::{self, Item};
use super::{Dynamo, unreachable};
use crate::aws::failure::call_error;
use crate::ledger::LedgerError;
use crate::ledger::key::ItemKey;

/// The index of what waits for something.
const PENDING_INDEX: &str = "pending";

/// How much of what is pending is read at once; the next sweep goes on.
const PENDING_LIMIT: usize = 1_000;

impl Dynamo {
    /// Reads a whole partition, consistently.
    pub(super) async fn partition(
        &self,
        doing: &str,
        partition: &str,
    ) -> Result<Vec<Item>, LedgerError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", item::text(partition))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unreachable(doing, &call_error("dynamodb:Query", &error)))?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Reads the last items of a partition, the last one first.
    pub(super) async fn latest(
        &self,
        doing: &str,
        partition: &str,
        limit: usize,
    ) -> Result<Vec<Item>, LedgerError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let left = i32::try_from(limit.saturating_sub(items.len())).unwrap_or(i32::MAX);
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", item::text(partition))
                .scan_index_forward(false)
                .limit(left.max(1))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unreachable(doing, &call_error("dynamodb:Query", &error)))?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() || items.len() >= limit {
                items.truncate(limit);
                return Ok(items);
            }
        }
    }

    /// Reads where what waits for `what_for` lies, up to `until_millisecond`, earliest first.
    pub(super) async fn pending(
        &self,
        doing: &str,
        what_for: &str,
        until_millisecond: i64,
    ) -> Result<Vec<(ItemKey, Timestamp)>, LedgerError> {
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(PENDING_INDEX)
                .key_condition_expression("#pending = :pending AND #pending_at <= :pending_at")
                .expression_attribute_names("#pending", "pending")
                .expression_attribute_names("#pending_at", "pending_at")
                .expression_attribute_values(":pending", item::text(what_for))
                .expression_attribute_values(":pending_at", item::number(until_millisecond))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| unreachable(doing, &call_error("dynamodb:Query", &error)))?;
            found.extend(page.items().iter().filter_map(item::read_pending));
            start = page.last_evaluated_key;
            if start.is_none() || found.len() >= PENDING_LIMIT {
                found.truncate(PENDING_LIMIT);
                return Ok(found);
            }
        }
    }
}
