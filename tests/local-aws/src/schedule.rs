//! Rules with a schedule, fired by the endpoint: faster than AWS would, or only by hand.
//!
//! ministack would fire them too, in its own time and unseen. So the endpoint
//! disables each `rate(…)` rule there and shows it as enabled where it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::bus::Bus;
use crate::call::Call;
use crate::clock::{Clock, pause};
use crate::event::Source;
use crate::http::{Answer, Request};
use crate::options::Schedules;
use crate::rule::{Rule, Rules};
use crate::upstream::Upstream;

/// How often new rules with a schedule are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Fires the rules that have a schedule.
#[derive(Debug)]
pub(crate) struct Scheduler {
    schedules: Schedules,
    upstream: Upstream,
    rules: Arc<Rules>,
    bus: Bus,
    source: Source,
    clock: Clock,
    /// The rules that are disabled in ministack only because they are fired here.
    held: Mutex<BTreeSet<String>>,
}

impl Scheduler {
    /// Makes a scheduler; [`run`](Self::run) must run for it to fire by itself.
    pub(crate) fn new(
        schedules: Schedules,
        upstream: Upstream,
        rules: Arc<Rules>,
        bus: Bus,
        source: Source,
        clock: Clock,
    ) -> Self {
        Scheduler {
            schedules,
            upstream,
            rules,
            bus,
            source,
            clock,
            held: Mutex::default(),
        }
    }

    /// Holds new rules and fires those that are due, until the task is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut due_at: BTreeMap<String, Duration> = BTreeMap::new();
        loop {
            let scheduled = self.scheduled().await;
            due_at.retain(|name, _| scheduled.iter().any(|(rule, _)| rule.name == *name));
            let mut wait = LOOK_EVERY;
            for (rule, every) in scheduled {
                let Schedules::Speed(speed) = self.schedules else {
                    continue;
                };
                let every = every.div_f64(speed);
                let now = self.clock.elapsed();
                // The first firing comes one interval after the rule was made.
                let due = due_at.entry(rule.name.clone()).or_insert(now + every);
                if *due <= now {
                    *due = now + every;
                    self.fire(&rule);
                }
                wait = wait.min(due.saturating_sub(now));
            }
            pause(wait).await;
        }
    }

    /// Fires the schedules whose rule's name contains `name`, now; gives back their names.
    pub(crate) async fn fire_by_hand(&self, name: &str) -> Vec<String> {
        let mut scheduled = self.scheduled().await;
        scheduled.retain(|(rule, _)| rule.name.contains(name));
        let names = scheduled
            .iter()
            .map(|(rule, _)| rule.name.clone())
            .collect();
        for (rule, _) in scheduled {
            self.fire(&rule);
        }
        names
    }

    /// Keeps track of who is really enabled, on calls about rules that passed through.
    pub(crate) fn after_events_call(
        &self,
        call: &Call,
        request: &Request,
        answer: Answer,
    ) -> Answer {
        let body = request.json().unwrap_or_default();
        let name = body["Name"].as_str().unwrap_or_default();
        match call.operation.as_str() {
            "PutRule" | "DisableRule" | "DeleteRule" | "EnableRule" => {
                self.held().remove(name);
                answer
            }
            "DescribeRule" | "ListRules" => self.shown_as_enabled(answer),
            _ => answer,
        }
    }

    fn shown_as_enabled(&self, answer: Answer) -> Answer {
        let Some(mut body) = answer.body_json() else {
            return answer;
        };
        let held = self.held();
        let show = |rule: &mut Value| {
            if rule["Name"]
                .as_str()
                .is_some_and(|name| held.contains(name))
            {
                rule["State"] = "ENABLED".into();
            }
        };
        show(&mut body);
        if let Some(rules) = body["Rules"].as_array_mut() {
            rules.iter_mut().for_each(show);
        }
        answer.with_json(&body)
    }

    /// The rules with a rate that are enabled, held from ministack.
    async fn scheduled(&self) -> Vec<(Rule, Duration)> {
        let Ok(rules) = self.rules.current().await else {
            return Vec::new();
        };
        let mut scheduled = Vec::new();
        for rule in rules.iter() {
            let Some(every) = rule.schedule.as_deref().and_then(rate) else {
                continue;
            };
            if rule.is_enabled {
                self.hold(&rule.name).await;
            }
            if self.held().contains(&rule.name) {
                scheduled.push((rule.clone(), every));
            }
        }
        scheduled
    }

    async fn hold(&self, name: &str) {
        let disabled = self
            .upstream
            .json("events", "AWSEvents.DisableRule", &json!({"Name": name}))
            .await;
        if disabled.is_ok() {
            self.held().insert(name.to_owned());
        }
    }

    fn fire(&self, rule: &Rule) {
        let event = self.source.scheduled(&rule.arn, self.clock.wall());
        self.bus.emit_to(rule, &event);
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The interval of `rate(5 minutes)`; nothing for `cron(…)`, which ministack keeps
/// firing.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>
fn rate(expression: &str) -> Option<Duration> {
    let (count, unit) = expression
        .strip_prefix("rate(")?
        .strip_suffix(')')?
        .split_once(' ')?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(seconds * count.parse::<u64>().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_crons_left_alone() {
        assert_eq!(rate("rate(1 minute)"), Some(Duration::from_secs(60)));
        assert_eq!(rate("rate(2 hours)"), Some(Duration::from_secs(7200)));
        assert_eq!(rate("rate(7 days)"), Some(Duration::from_secs(604_800)));
        assert_eq!(rate("rate(1 week)"), None);
        assert_eq!(rate("cron(0 12 * * ? *)"), None);
    }
}
