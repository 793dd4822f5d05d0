//! How everything stands, before and at the end.

use std::collections::BTreeSet;

use ecs_model::TaskStatus;
use pushboat::core::name::TargetName;
use pushboat::core::policy::ServiceRef;
use pushboat::core::state::Standing;

use crate::observed::{reason, revision};
use crate::play::Play;

impl Play {
    /// Writes how everything stands at the end; answers the whole transcript.
    pub(crate) fn end(mut self) -> String {
        self.look();
        self.describe("end");
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }

    /// Writes how everything stands.
    pub(crate) fn describe(&mut self, when: &str) {
        self.say(when);
        for service in self.services.clone() {
            let truth = self.world.ecs.truth(&service);
            let Some(truth) = truth else {
                self.add(&format!("service {service}: there is none"));
                continue;
            };
            let runs = truth.primary.as_ref().map(|primary| {
                let going = if primary.completed { "runs" } else { "goes to" };
                format!("{going} {}", revision(&primary.revision))
            });
            let (running, desired) = (truth.running, truth.desired);
            let runs = runs.unwrap_or_else(|| "has no deployment".to_owned());
            let line = format!("service {service} {runs}, {running} of {desired} tasks");
            self.add(&line);
            let contents = self.strange_contents(&service, &runs);
            if !contents.is_empty() {
                self.add(&format!("  but its tasks run {}", contents.join(", ")));
            }
        }
        for target in self.targets.clone() {
            self.describe_target(&target, when == "end");
        }
        let dead = self.world.queue.dead_letters().len() + self.world.dead_letters.len();
        if dead > 0 {
            self.add(&format!("dead letters: {dead}"));
        }
        let notices = self.world.ledger.notices();
        let unsent = notices
            .iter()
            .filter(|filed| filed.sent_at.is_none())
            .count();
        if unsent > 0 {
            self.add(&format!("notices not sent: {unsent}"));
        }
    }

    /// Gives the images that tasks run though the revision does not seem to name them.
    ///
    /// A tag is the name of the image that it was first set on.
    fn strange_contents(&mut self, service: &ServiceRef, runs: &str) -> Vec<String> {
        let digests: BTreeSet<String> = {
            let model = self.world.ecs.read();
            let group = format!("service:{}", service.name);
            let tasks = model.tasks(&service.cluster).map(|(_, task)| task);
            let running = tasks.filter(|task| {
                task.state.last_status == TaskStatus::Running && *task.specification.group == *group
            });
            let containers = running.flat_map(|task| &task.state.containers);
            let digests = containers.filter_map(|container| container.image_digest.as_deref());
            digests.map(str::to_owned).collect()
        };
        let runs = self.plain.plain(runs);
        let names = digests.into_iter().map(|digest| self.plain.plain(&digest));
        let mut names: Vec<String> = names.collect();
        names.retain(|name| !runs.contains(name.trim_start_matches("sha256:")));
        names
    }

    fn describe_target(&mut self, target: &str, with_history: bool) {
        let Ok(name) = TargetName::parse(target) else {
            return;
        };
        let state = self.world.state(target);
        let registration = self.world.ledger.entry(&name).registration;
        let standing = match &state.standing {
            _ if registration.is_none() => "not registered",
            _ if registration.is_some_and(|one| one.policy().is_none()) => "cannot be deployed to",
            Standing::Pending { .. } => "not adopted yet",
            Standing::Adopted { .. } => "adopted",
            Standing::Invalid { .. } => "cannot be deployed to",
        };
        let good = state
            .last_known_good
            .as_ref()
            .map_or("none".to_owned(), |good| {
                let images = good
                    .images
                    .iter()
                    .map(|(name, image)| format!("{name} {image}"));
                format!(
                    "{} ({})",
                    good.task_definition,
                    images.collect::<Vec<_>>().join(", ")
                )
            });
        self.add(&format!(
            "target {target}: {standing}, last known good {good}"
        ));
        if !state.quarantine.is_empty() {
            let kept_out: Vec<String> = state.quarantine.keys().map(ToString::to_string).collect();
            self.add(&format!("  kept out: {}", kept_out.join(", ")));
        }
        for rollout in state.current.iter().chain(&state.waiting) {
            let (tag, phase) = (&rollout.push.tag, &rollout.phase);
            self.add(&format!(
                "  under way: {tag} {}{}",
                phase.as_str(),
                reason(phase)
            ));
        }
        if state.halted.is_some() {
            self.add("  waits for a person");
        }
        if !with_history {
            return;
        }
        for rollout in self.world.ledger.history(&name) {
            let (tag, phase) = (&rollout.push.tag, &rollout.phase);
            self.add(&format!(
                "  ended: {tag} {}{}",
                phase.as_str(),
                reason(phase)
            ));
        }
    }

    /// Writes a line without a time.
    fn add(&mut self, text: &str) {
        let text = self.plain.plain(text);
        self.lines.push(format!("{:9}{text}", ""));
    }
}
