//! The record of every call that came in, in memory and, if asked, in a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::caller::Caller;
use crate::http::{Answer, Request};
use crate::upstream::error_of;

/// The largest body that is kept, in bytes: more than any AWS call but a package takes.
const KEPT_BODY: usize = 1024 * 1024;

/// How many calls are kept in memory; the oldest go first.
const KEPT_CALLS: usize = 200_000;

/// One call, as it came in and as it was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// Counts calls in the order they came in, from 1.
    pub sequence: u64,
    /// When it came in, in wall time.
    pub at: Timestamp,
    /// The service's signing name, such as `ecs`; `registry` for `/v2/`.
    pub service: String,
    /// The operation, such as `UpdateService`.
    pub operation: String,
    /// What it concerns, in short.
    pub resource: String,
    /// The request's body for the JSON protocols, the form of the query protocols as an
    /// object of its fields, and of CBOR what of it is text; nothing for other bodies, or
    /// ones above 1 MiB.
    pub request: Option<Value>,
    /// The HTTP status of the answer; nothing while it is under way, or if it was lost.
    pub status: Option<u16>,
    /// The code of an error answer.
    pub error: Option<String>,
    /// From the request's end to the answer's begin.
    pub duration_milliseconds: Option<u64>,
    /// Who called.
    pub caller: Caller,
    /// The faults that were injected into it, by their kind.
    pub faults: Vec<String>,
}

impl CallRecord {
    /// Whether a text stands somewhere in the request: in the name of what it concerns,
    /// or in a string of its body.
    pub fn mentions(&self, text: &str) -> bool {
        fn holds(value: &Value, text: &str) -> bool {
            match value {
                Value::String(string) => string.contains(text),
                Value::Array(items) => items.iter().any(|item| holds(item, text)),
                Value::Object(members) => members.values().any(|member| holds(member, text)),
                Value::Null | Value::Bool(_) | Value::Number(_) => false,
            }
        }
        let request = self.request.as_ref();
        self.resource.contains(text) || request.is_some_and(|request| holds(request, text))
    }
}

/// Holds the records of calls.
#[derive(Debug)]
pub(crate) struct CallLog {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    next_sequence: u64,
    records: VecDeque<CallRecord>,
    file: Option<File>,
}

impl CallLog {
    /// Makes an empty log that also appends each finished call to `file`.
    pub(crate) fn new(file: Option<&Path>) -> std::io::Result<Self> {
        let file = file.map(File::create).transpose()?;
        Ok(CallLog {
            inner: Mutex::new(Inner {
                next_sequence: 1,
                records: VecDeque::new(),
                file,
            }),
        })
    }

    /// Records a call's arrival and gives back its sequence.
    pub(crate) fn begin(
        &self,
        call: &Call,
        request: &Request,
        caller: &Caller,
        at: Timestamp,
        faults: &[&'static str],
    ) -> u64 {
        let mut inner = self.lock();
        let sequence = inner.next_sequence;
        inner.next_sequence += 1;
        inner.records.push_back(CallRecord {
            sequence,
            at,
            service: call.service.clone(),
            operation: call.operation.clone(),
            resource: call.resource.clone(),
            request: recorded(request),
            status: None,
            error: None,
            duration_milliseconds: None,
            caller: Caller {
                user_agent: request.header("user-agent").map(str::to_owned),
                ..caller.clone()
            },
            faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        });
        if inner.records.len() > KEPT_CALLS {
            inner.records.pop_front();
        }
        sequence
    }

    /// Records how a call ended; no answer stands for one that was lost.
    pub(crate) fn end(&self, sequence: u64, answer: Option<&Answer>, duration: Duration) {
        let mut inner = self.lock();
        let Some(record) = inner
            .records
            .iter_mut()
            .rev()
            .find(|record| record.sequence == sequence)
        else {
            return;
        };
        record.status = answer.map(|answer| answer.status.as_u16());
        record.error = answer
            .filter(|answer| !answer.status.is_success())
            .and_then(|answer| error_of(answer).0);
        record.duration_milliseconds = u64::try_from(duration.as_millis()).ok();
        let line = serde_json::to_string(record);
        if let (Some(file), Ok(line)) = (&mut inner.file, line) {
            // A full disk must not stop the calls; the records in memory remain.
            let _ = writeln!(file, "{line}");
        }
    }

    /// The sequence of the last call; 0 before the first.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.lock().next_sequence - 1
    }

    /// The calls after a sequence, the oldest first.
    pub(crate) fn since(&self, sequence: u64) -> Vec<CallRecord> {
        self.selected(sequence, |_| true)
    }

    /// Those of the calls after a sequence that are wanted, the oldest first.
    pub(crate) fn selected(
        &self,
        sequence: u64,
        is_wanted: impl Fn(&CallRecord) -> bool,
    ) -> Vec<CallRecord> {
        let inner = self.lock();
        let records = &inner.records;
        let first_later = records.partition_point(|record| record.sequence <= sequence);
        let later = records.range(first_later..);
        later.filter(|record| is_wanted(record)).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn recorded(request: &Request) -> Option<Value> {
    if request.body.len() > KEPT_BODY {
        return None;
    }
    if request.is_form() {
        let fields = form_urlencoded::parse(&request.body);
        return Some(Value::Object(
            fields
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect(),
        ));
    }
    if request.path().contains("/operation/") {
        // Strings stand in CBOR byte for byte.
        return Some(String::from_utf8_lossy(&request.body).into());
    }
    request.json()
}
