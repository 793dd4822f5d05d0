//! What a run says of itself, line by line.

use pushboat::ports::Clock as _;

use super::Chaos;
use crate::chaos::tally::reason;
use crate::deeds::{Deed, Saved, StackDeed, StackDoing};

impl Chaos {
    pub(in crate::chaos) fn say(&mut self, line: impl FnOnce() -> String) {
        let Some(lines) = &mut self.transcript else {
            return;
        };
        let now = self.world.clock.now();
        let seconds = now.duration_since(self.began).as_secs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        lines.push(format!(
            "+{hours}:{minutes:02}:{:02} {}",
            seconds % 60,
            line()
        ));
    }

    pub(super) fn describe(&mut self, deed: &Deed) {
        if self.transcript.is_none() {
            return;
        }
        let line = match deed {
            Deed::Saved(saved) => describe_saved(saved),
            Deed::Updated(updated) => {
                let before = updated.before.as_ref().and_then(|one| one.primary.as_ref());
                let before = before.map(|one| short(&one.revision.arn));
                let service = &updated.service.name;
                let revision = short(&updated.revision.arn);
                format!("Pushboat: UpdateService {service} to {revision}, from {before:?}")
            }
            Deed::Stopped(stopped) => {
                let service = &stopped.service.name;
                format!(
                    "Pushboat: StopServiceDeployment {service}, from {:?}",
                    stopped.sources
                )
            }
            Deed::Stack(deed) => describe_stack(deed),
            _ => return,
        };
        self.say(|| line);
    }
}

fn describe_stack(deed: &StackDeed) -> String {
    let service = &deed.service.name;
    match &deed.what {
        StackDoing::Executed {
            change_set, image, ..
        } => format!(
            "Pushboat: ExecuteChangeSet {change_set} to {}",
            short(image)
        ),
        StackDoing::Cancelled { .. } => format!("Pushboat: CancelUpdateStack of {service}"),
        StackDoing::BySomebody { .. } | StackDoing::CancelledBySomebody => {
            format!("somebody: changes the stack of {service}")
        }
        StackDoing::GoesBack => format!("CloudFormation: goes back with {service}"),
        StackDoing::Updated { revision } => {
            format!(
                "CloudFormation: UpdateService {service} to {}",
                short(&revision.arn)
            )
        }
    }
}

pub(super) fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn describe_saved(saved: &Saved) -> String {
    let state = &saved.state;
    let mut parts = vec![format!("{} saved:", saved.target)];
    for rollout in &saved.finished {
        let (phase, why) = (rollout.phase.as_str(), reason(&rollout.phase));
        parts.push(format!("{} ended {phase} {why};", rollout.push.tag));
    }
    if let Some(current) = &state.current {
        let (phase, why) = (current.phase.as_str(), reason(&current.phase));
        parts.push(format!("{} {phase} {why};", current.push.tag));
    }
    for waiting in &state.waiting {
        parts.push(format!("{} waits;", waiting.push.tag));
    }
    if let Some(good) = &state.last_known_good {
        parts.push(format!("good {};", short(&good.task_definition)));
    }
    if let Some(wake) = &state.wake {
        parts.push(format!(
            "until {} for {}",
            wake.at.strftime("%H:%M:%S"),
            wake.waiting.as_str()
        ));
    }
    parts.join(" ")
}
