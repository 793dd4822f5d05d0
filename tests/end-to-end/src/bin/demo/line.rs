//! Lines of the timeline: a call, an event, a function's words or a notice, in one
//! sentence each.

use end_to_end::{LogEntry, Notice};
use jiff::Timestamp;
use local_aws::{CallRecord, EventRecord};
use serde_json::Value;

use crate::version::Versions;

/// An event that comes this much after what it tells of is late.
const LATE_SECONDS: i64 = 5;
/// How wide an email's text is shown.
const EMAIL_WIDTH: usize = 88;

/// Who did or said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The person before the terminal.
    You,
    /// The registry.
    Ecr,
    /// The orchestrator.
    Ecs,
    /// Parameter Store.
    Ssm,
    /// The alarms.
    CloudWatch,
    /// A function, by its package.
    Function(&'static str),
    /// The notification topic.
    Notice,
}

impl Speaker {
    /// The name at the line's begin.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Speaker::You => "you",
            Speaker::Ecr => "ECR",
            Speaker::Ecs => "ECS",
            Speaker::Ssm => "SSM",
            Speaker::CloudWatch => "CloudWatch",
            Speaker::Function(package) => package,
            Speaker::Notice => "notice",
        }
    }

    /// The name's colour, as SGR has it.
    pub(crate) fn colour(self) -> &'static str {
        match self {
            Speaker::You => "1;37",
            Speaker::Ecr | Speaker::Ssm | Speaker::CloudWatch => "33",
            Speaker::Ecs => "34",
            Speaker::Function(_) => "36",
            Speaker::Notice => "1;35",
        }
    }
}

/// One line of the timeline.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// When it happened.
    pub(crate) at: Timestamp,
    /// Who did or said it.
    pub(crate) speaker: Speaker,
    /// What.
    pub(crate) text: String,
    /// More of it, line by line.
    pub(crate) details: Vec<String>,
}

impl Line {
    pub(crate) fn new(at: Timestamp, speaker: Speaker, text: impl Into<String>) -> Self {
        Line {
            at,
            speaker,
            text: text.into(),
            details: Vec::new(),
        }
    }
}

/// A change that `rollout` asked ECS for; nothing else changes ECS.
pub(crate) fn of_call(call: &CallRecord, versions: &Versions) -> Option<Line> {
    call.caller.function.as_ref()?;
    let request = call.request.as_ref()?;
    let mut text = match call.operation.as_str() {
        "RegisterTaskDefinition" => {
            let containers = request["containerDefinitions"].as_array()?;
            let images = containers.iter().map(|container| &container["image"]);
            let images: Vec<String> = images.filter_map(Value::as_str).map(short).collect();
            let family = request["family"].as_str()?;
            format!(
                "registers a revision of {family}: image {}",
                images.join(", ")
            )
        }
        "UpdateService" => format!(
            "updates service {} to {}",
            request["service"].as_str()?,
            versions.of(&request["taskDefinition"])
        ),
        "StopServiceDeployment" => "has ECS take its deployment back".to_owned(),
        _ => return None,
    };
    match (&call.error, call.status) {
        (Some(code), _) => text.push_str(&format!(": refused, {code}")),
        (None, Some(_)) => {}
        (None, None) => text.push_str(": no answer"),
    }
    Some(Line::new(call.at, Speaker::Function("rollout"), text))
}

/// What AWS says about itself, as far as the story needs it.
pub(crate) fn of_event(record: &EventRecord, versions: &Versions) -> Option<Line> {
    let event = &record.event;
    let detail = &event["detail"];
    let (speaker, text) = match event["detail-type"].as_str()? {
        // Parts of an index have no tag; who ignores them says so once.
        "ECR Image Action" => {
            let tag = detail["image-tag"].as_str()?;
            let digest = short(detail["image-digest"].as_str()?);
            let repository = detail["repository-name"].as_str()?;
            let late = lateness(record);
            let text = format!("event{late}: {repository}:{tag} was pushed ({digest})");
            (Speaker::Ecr, text)
        }
        "Parameter Store Change" => {
            let operation = detail["operation"].as_str()?.to_lowercase();
            let text = format!("event: {operation} of {}", detail["name"].as_str()?);
            (Speaker::Ssm, text)
        }
        "ECS Deployment State Change" => {
            let what = detail["eventName"].as_str()?;
            let what = what.trim_start_matches("SERVICE_DEPLOYMENT_");
            let what = what.to_lowercase().replace('_', " ");
            (Speaker::Ecs, format!("event: deployment {what}"))
        }
        "ECS Task State Change" => (Speaker::Ecs, task(detail, versions)?),
        "CloudWatch Alarm State Change" => {
            let state = detail["state"]["value"].as_str()?;
            let text = format!("event: alarm {} is {state}", detail["alarmName"].as_str()?);
            (Speaker::CloudWatch, text)
        }
        _ => return None,
    };
    Some(Line::new(record.at, speaker, text))
}

/// Says so where an event is delivered long after what it tells of.
fn lateness(record: &EventRecord) -> String {
    let happened: Option<Timestamp> = record.event["time"].as_str().and_then(|at| at.parse().ok());
    let seconds = happened.map_or(0, |at| record.at.duration_since(at).as_secs());
    if seconds < LATE_SECONDS {
        return String::new();
    }
    format!(", {seconds} s late")
}

/// A task that has come to run, or has ended; why, where nobody wanted it to.
fn task(detail: &Value, versions: &Versions) -> Option<String> {
    let (last, desired) = (&detail["lastStatus"], &detail["desiredStatus"]);
    let what = match (last.as_str()?, desired.as_str()?) {
        ("RUNNING", "RUNNING") => "runs",
        ("STOPPED", _) => "has stopped",
        _ => return None,
    };
    let task = name(&detail["taskArn"]);
    let definition = versions.of(&detail["taskDefinitionArn"]);
    let task: String = task.chars().take(8).collect();
    let why = match detail["stopCode"].as_str() {
        None | Some("" | "ServiceSchedulerInitiated") => String::new(),
        Some(code) => {
            let exit_code = &detail["containers"][0]["exitCode"];
            format!(": {code}, exit code {exit_code}")
        }
    };
    Some(format!("task {task} of {definition} {what}{why}"))
}

/// What a function says, as far as the story needs it.
pub(crate) fn of_log(entry: &LogEntry) -> Option<Line> {
    let text = match (entry.function, entry.text("message")) {
        // The parts of an index; the act says it once.
        ("image-push", "ignored") if entry.text("reason") == "untagged" => return None,
        ("image-push" | "rollout", "ignored") => {
            format!("ignored: {}", entry.text("explanation"))
        }
        ("image-push" | "service-change" | "alarm", "woken") => {
            format!("wakes {}", targets(entry.text("targets")))
        }
        ("rollout", "decided") if entry.text("from") != entry.text("to") => {
            format!("{} → {}", entry.text("from"), entry.text("to"))
        }
        ("sweep", "swept") if entry.fields["registered"].as_u64()? > 0 => {
            "reads the target's parameter and claims its service".to_owned()
        }
        ("sweep", "swept") if entry.fields["woken"].as_u64()? > 0 => {
            "wakes the target, whose time to look again has come".to_owned()
        }
        ("rollout", "reconciled") if is_unusual_wait(entry.text("waiting")) => {
            format!(
                "waits ({}) until {}",
                entry.text("waiting"),
                entry.text("wake_at")
            )
        }
        (_, message) if entry.text("level") == "ERROR" => {
            format!("{message}: {}", entry.text("error"))
        }
        _ => return None,
    };
    let speaker = Speaker::Function(entry.function);
    Some(Line::new(entry.at, speaker, text))
}

/// Whether a wait is one that a smooth rollout does not have.
fn is_unusual_wait(waiting: &str) -> bool {
    !["", "read-lag", "deployment", "bake-time", "way-back"].contains(&waiting)
}

/// `[TargetName("web")]`, as a log holds it, as `target web`.
fn targets(logged: &str) -> String {
    let names: Vec<&str> = logged.split('"').skip(1).step_by(2).collect();
    format!("target {}", names.join(", "))
}

/// A notice: the whole email where one is sent, one line where none is.
pub(crate) fn of_notice(notice: &Notice) -> Line {
    let speaker = Speaker::Notice;
    if notice.is_emailed() {
        let text = format!("email: {}", notice.subject);
        Line {
            details: wrapped(&notice.email, EMAIL_WIDTH),
            ..Line::new(notice.at, speaker, text)
        }
    } else {
        Line::new(notice.at, speaker, format!("chat:  {}", notice.sms))
    }
}

/// Breaks a text as a mail program does. What is set off by spaces, such as a command
/// or a line of a log, stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.starts_with(' ') || line.chars().count() <= width {
            lines.push(line.to_owned());
            continue;
        }
        let mut broken = String::new();
        for word in line.split(' ') {
            let length = broken.chars().count() + 1 + word.chars().count();
            if length > width && !broken.is_empty() {
                lines.push(std::mem::take(&mut broken));
            }
            if !broken.is_empty() {
                broken.push(' ');
            }
            broken.push_str(word);
        }
        lines.push(broken);
    }
    lines
}

/// The last part of an ARN: `web:2`.
pub(crate) fn name(arn: &Value) -> &str {
    let arn = arn.as_str().unwrap_or_default();
    arn.rsplit('/').next().unwrap_or_default()
}

/// A digest with eight of its digits, and no registry's host before the repository.
pub(crate) fn short(image: &str) -> String {
    let path = match image.split_once('/') {
        Some((host, path)) if host.contains('.') => path,
        _ => image,
    };
    match path.split_once("sha256:") {
        Some((before, digest)) => format!("{before}sha256:{}…", digest.get(..8).unwrap_or(digest)),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_between_words_and_commands_are_not() {
        let text = "one two three\n\n  aws ecs update-service\nfour";
        assert_eq!(
            wrapped(text, 8),
            ["one two", "three", "", "  aws ecs update-service", "four"]
        );
        assert_eq!(
            wrapped("incomprehensibilities", 8),
            ["incomprehensibilities"]
        );
    }
}
