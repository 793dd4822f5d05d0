//! What happened, as a stack's own events and as the account's event bus tell it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::stack::StackKey;
use crate::stacks::Stacks;
use crate::status::{ResourceStatus, StackStatus};

/// The kind under which a stack stands in its own events.
pub(crate) const STACK: &str = "AWS::CloudFormation::Stack";

/// One event of a stack: of itself, or of one of its resources.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackEvent {
    /// Unlike any other's.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The resource's logical id, or the stack's name.
    pub logical_id: String,
    /// The resource's physical id, empty where there is none yet, or the stack's
    /// ARN.
    pub physical_id: String,
    /// The resource's kind, or `AWS::CloudFormation::Stack`.
    pub resource_type: String,
    /// The status in the API.
    pub status: &'static str,
    /// Why.
    pub reason: Option<String>,
    /// The token of the call that began the operation.
    pub client_request_token: Option<String>,
}

/// One change of a stack's status, as the event bus hears of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackChange {
    /// Unlike any other's.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The stack's ARN.
    pub stack_arn: String,
    /// How it stands now.
    pub status: StackStatus,
    /// Why.
    pub reason: Option<String>,
    /// The token of the call that began the operation.
    pub client_request_token: Option<String>,
}

impl Stacks {
    /// Puts a stack in a status, and tells of it.
    pub(crate) fn turn(&mut self, key: StackKey, status: StackStatus, reason: Option<&str>) {
        let (event_id, change_id) = (self.identifiers.uuid(), self.identifiers.uuid());
        let now = self.now;
        let stack = &mut self.stacks[key.0];
        stack.status = status;
        stack.status_reason = reason.map(str::to_owned);
        let token = stack.operation.as_ref().and_then(|one| one.token.clone());
        stack.events.push(StackEvent {
            id: event_id,
            at: now,
            logical_id: stack.name.clone(),
            physical_id: stack.arn.clone(),
            resource_type: STACK.to_owned(),
            status: status.as_str(),
            reason: stack.status_reason.clone(),
            client_request_token: token.clone(),
        });
        self.changes.push(StackChange {
            id: change_id,
            at: now,
            stack_arn: stack.arn.clone(),
            status,
            reason: stack.status_reason.clone(),
            client_request_token: token,
        });
    }

    /// Puts a resource in a status, and tells of it.
    pub(crate) fn turn_resource(
        &mut self,
        key: StackKey,
        logical_id: &str,
        status: ResourceStatus,
        reason: Option<&str>,
    ) {
        let now = self.now;
        let stack = &mut self.stacks[key.0];
        let Some(resource) = stack.resources.get_mut(logical_id) else {
            return;
        };
        resource.status = status;
        resource.status_reason = reason.map(str::to_owned);
        resource.updated_at = now;
        let physical_id = resource.physical_id.clone().unwrap_or_default();
        let type_name = resource.type_name.clone();
        self.tell(key, logical_id, &type_name, physical_id, status, reason);
    }

    /// Writes an event of a resource.
    pub(crate) fn tell(
        &mut self,
        key: StackKey,
        logical_id: &str,
        type_name: &str,
        physical_id: String,
        status: ResourceStatus,
        reason: Option<&str>,
    ) {
        let id = format!(
            "{logical_id}-{}-{}",
            status.as_str(),
            self.identifiers.uuid()
        );
        let stack = &mut self.stacks[key.0];
        let token = stack.operation.as_ref().and_then(|one| one.token.clone());
        stack.events.push(StackEvent {
            id,
            at: self.now,
            logical_id: logical_id.to_owned(),
            physical_id,
            resource_type: type_name.to_owned(),
            status: status.as_str(),
            reason: reason.map(str::to_owned),
            client_request_token: token,
        });
    }

    /// Hands over what happened to stacks since the last time, without making
    /// JSON of it.
    pub fn take_changes(&mut self) -> Vec<StackChange> {
        std::mem::take(&mut self.changes)
    }

    /// Hands over the EventBridge events of what happened since the last time.
    ///
    /// They are whole envelopes; the same changes are not in
    /// [`take_changes`](Stacks::take_changes) any more.
    pub fn take_events(&mut self) -> Vec<Value> {
        let changes = self.take_changes();
        changes.iter().map(|change| self.envelope(change)).collect()
    }

    /// Renders a change as EventBridge delivers it; what is not there is empty.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html>.
    pub fn envelope(&self, change: &StackChange) -> Value {
        json!({
            "version": "0",
            "id": change.id,
            "detail-type": "CloudFormation Stack Status Change",
            "source": "aws.cloudformation",
            "account": self.settings.account_id,
            "time": to_second(change.at),
            "region": self.settings.region,
            "resources": [change.stack_arn],
            "detail": {
                "stack-id": change.stack_arn,
                "status-details": {
                    "status": change.status.as_str(),
                    "status-reason": change.reason.as_deref().unwrap_or_default(),
                },
                "client-request-token":
                    change.client_request_token.as_deref().unwrap_or_default(),
            },
        })
    }
}

fn to_second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}
