//! Calls, events, logs and notices, merged into one row in the order of their time.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use end_to_end::{AnsweredCalls, Aws, FunctionLog, Installation, LogEntry, Notice, notices};
use jiff::Timestamp;
use local_aws::LocalAws;

use crate::line::{self, Line, Speaker};
use crate::version::Versions;

/// A line waits this long for others that happened before it but are known later:
/// what a function says is known when its invocation ends.
const HELD_BACK: Duration = Duration::from_millis(700);
/// How often the functions' logs are read.
const LOGS_EVERY: Duration = Duration::from_millis(300);

/// The functions whose words are part of the story.
const HEARD: [&str; 5] = ["image-push", "service-change", "alarm", "rollout", "sweep"];

/// Merges what happens.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    calls: AnsweredCalls,
    last_event: u64,
    versions: Versions,
    logs: Vec<FunctionLog>,
    logs_read_at: Timestamp,
    seen: HashSet<(Timestamp, String)>,
    held: Vec<Line>,
    ignored_reasons: BTreeSet<String>,
    notices: Vec<Notice>,
    /// What `service-change` has said in this act.
    said: HashSet<String>,
    /// How many events about parts of an index were ignored.
    pub(crate) untagged_ignored: usize,
}

impl Timeline {
    /// Reads the functions' logs, too, from now on.
    pub(crate) fn hear(&mut self, installation: &Installation, since: Timestamp) {
        let logs = HEARD.map(|function| FunctionLog::of(installation, function));
        self.logs = logs.into();
        // Read at the next look: what they said must not come after what came of it.
        self.logs_read_at = since - LOGS_EVERY;
    }

    /// Begins an act.
    pub(crate) fn begin_act(&mut self) {
        self.said.clear();
    }

    /// Takes a line in.
    pub(crate) fn add(&mut self, line: Line) {
        self.held.push(line);
    }

    /// Takes in what happened since the last look.
    pub(crate) async fn look(&mut self, local: &LocalAws, aws: &Aws, now: Timestamp) {
        let calls = self.calls.take(local);
        let events = local.events(self.last_event);
        if let Some(last) = events.last() {
            self.last_event = last.sequence;
        }
        for event in &events {
            self.versions.learn_event(event);
        }
        for call in &calls {
            self.versions.learn_call(call);
            self.held.extend(line::of_call(call, &self.versions));
        }
        for event in &events {
            self.held.extend(line::of_event(event, &self.versions));
        }
        let told = notices(&calls);
        for notice in told {
            self.held.push(self.line_of(&notice));
            self.notices.push(notice);
        }
        let since = Duration::try_from(now.duration_since(self.logs_read_at));
        if since.is_ok_and(|since| since >= LOGS_EVERY) {
            self.read_logs(aws).await;
            self.logs_read_at = now;
        }
    }

    /// A notice's line; of the emails about what went well only the first is shown whole.
    fn line_of(&self, notice: &Notice) -> Line {
        let mut line = line::of_notice(notice);
        let event = notice.attribute("event");
        let mut before = self.notices.iter();
        if event == "succeeded" && before.any(|notice| notice.attribute("event") == event) {
            line.details.clear();
        }
        line
    }

    async fn read_logs(&mut self, aws: &Aws) {
        // A line reaches the log at its invocation's end, so the last minute is read anew.
        let since = self.logs_read_at - Duration::from_secs(60);
        for log in self.logs.clone() {
            // Should a read fail, the next one sees the same.
            let entries = log.since(aws, since).await.unwrap_or_default();
            for entry in entries {
                self.hear_entry(&entry);
            }
        }
    }

    fn hear_entry(&mut self, entry: &LogEntry) {
        if !self.seen.insert((entry.at, entry.fields.to_string())) {
            return;
        }
        if entry.is_ignored() {
            let reason = entry.text("reason");
            self.ignored_reasons.insert(reason.to_owned());
            self.untagged_ignored += usize::from(reason == "untagged");
        }
        self.held.extend(line::of_log(entry));
    }

    /// Which version each revision runs.
    pub(crate) fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The notices so far, the oldest first.
    pub(crate) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The reasons for which events were ignored so far.
    pub(crate) fn ignored_reasons(&self) -> &BTreeSet<String> {
        &self.ignored_reasons
    }

    /// Gives back the lines that no earlier one can precede any more.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Line> {
        self.held.sort_by_key(|line| line.at);
        let due = self.held.partition_point(|line| line.at + HELD_BACK <= now);
        let due = self.held.drain(..due);
        // It wakes the target for each of ECS's events, which are many: that is said once.
        due.filter(|line| {
            line.speaker != Speaker::Function("service-change")
                || self.said.insert(line.text.clone())
        })
        .collect()
    }
}
