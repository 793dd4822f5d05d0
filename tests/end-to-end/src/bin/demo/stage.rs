//! Where the acts are played: the local AWS, the timeline and the terminal.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use end_to_end::wait::pass;
use end_to_end::{Aws, Failure, Installation, Notice, Seen, WaitError, customer, wait};
use jiff::Timestamp;
use local_aws::LocalAws;
use local_aws::oci::{Artifact, Registry};

use crate::line::{Line, Speaker};
use crate::setting::{CLUSTER, SERVICE};
use crate::terminal::Terminal;
use crate::timeline::Timeline;

/// How long the story waits for anything.
const LIMIT: Duration = Duration::from_secs(120);
/// How long the end of an act waits for the lines of what just happened.
const SETTLING: Duration = Duration::from_millis(1200);

/// Something else happened than was waited for.
#[derive(Debug, thiserror::Error)]
#[error("waited for:   {what}\n  saw instead:  {seen}")]
struct Otherwise {
    what: String,
    seen: String,
}

/// Where the acts are played.
pub(crate) struct Stage {
    pub(crate) terminal: Terminal,
    pub(crate) local: Arc<LocalAws>,
    pub(crate) aws: Aws,
    pub(crate) timeline: Timeline,
    registry: Registry,
    /// When the last push was begun.
    pushed_at: Timestamp,
    acts: usize,
    title: String,
}

impl Stage {
    pub(crate) fn new(terminal: Terminal, local: Arc<LocalAws>) -> Self {
        let endpoint_url = local.endpoint_url();
        Stage {
            terminal,
            aws: Aws::new(&endpoint_url, "000000000000", "us-east-1"),
            registry: Registry::new(&endpoint_url),
            local,
            timeline: Timeline::default(),
            pushed_at: now(),
            acts: 0,
            title: String::new(),
        }
    }

    /// Opens an act, and says what is going to happen.
    pub(crate) fn act(&mut self, title: &str, plot: &[&str]) {
        self.acts += 1;
        self.title = format!("act {}, \"{title}\",", self.acts);
        self.timeline.begin_act();
        self.terminal.act(&format!("{}. {title}", self.acts), now());
        for line in plot {
            self.terminal.text(line);
        }
        self.terminal.text("");
    }

    /// Ends an act: shows what has just happened, and says what came of it.
    pub(crate) async fn close(&mut self, remark: &str) {
        self.settle().await;
        self.terminal.remark(remark);
    }

    /// The act that is being played.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// How many seconds after the last push a notice was published.
    pub(crate) fn since_push(&self, notice: &Notice) -> f64 {
        notice.at.duration_since(self.pushed_at).as_secs_f64()
    }

    /// How few tasks of a revision ran at the same time since the last push.
    pub(crate) fn fewest_running(&self, revision: &str) -> usize {
        let mut running = BTreeSet::new();
        let mut fewest = usize::MAX;
        for record in self.local.events(0) {
            let detail = &record.event["detail"];
            if detail["taskDefinitionArn"] != revision {
                continue;
            }
            if record.at >= self.pushed_at {
                fewest = fewest.min(running.len());
            }
            let task = detail["taskArn"].as_str().unwrap_or_default().to_owned();
            if detail["lastStatus"] == "RUNNING" && detail["desiredStatus"] == "RUNNING" {
                running.insert(task);
            } else {
                running.remove(&task);
            }
        }
        fewest.min(running.len())
    }

    /// How many changes functions have asked ECS for so far.
    pub(crate) fn changes(&self) -> usize {
        let calls = self.local.calls(0);
        let changing = [
            "RegisterTaskDefinition",
            "UpdateService",
            "StopServiceDeployment",
        ];
        let changes = calls.iter().filter(|call| {
            call.caller.function.is_some() && changing.contains(&call.operation.as_str())
        });
        changes.count()
    }

    /// Puts a line of our own into the timeline.
    pub(crate) fn say(&mut self, speaker: Speaker, text: impl Into<String>) {
        self.timeline.add(Line::new(now(), speaker, text));
    }

    /// Lets the timeline hear the functions.
    pub(crate) fn hear(&mut self, installation: &Installation) {
        self.timeline.hear(installation, now());
    }

    /// Pushes an image as any client does, and gives back its digest.
    pub(crate) async fn push(
        &mut self,
        repository: &str,
        tag: &str,
        artifact: &Artifact,
        platforms: &str,
    ) -> Result<String, Failure> {
        self.say(
            Speaker::You,
            format!("docker push {repository}:{tag}   ({platforms})"),
        );
        self.pushed_at = now();
        Ok(self.registry.push(repository, tag, artifact).await?)
    }

    /// Waits until `look` reaches something, while the timeline goes on.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&Stage) -> Result<Seen<T>, Failure>,
    ) -> Result<T, Failure> {
        let waited = wait(what, LIMIT, async || {
            self.show().await;
            look(self).await
        });
        let waited: Result<T, Failure> = waited.await;
        waited.map_err(|error| match error.downcast::<WaitError>() {
            Ok(error) => Otherwise {
                what: format!("{what}, for {} s", error.limit.as_secs()),
                seen: error.seen,
            }
            .into(),
            Err(error) => error,
        })
    }

    /// Waits for the notice of this event about this tag (any, where it is empty).
    pub(crate) async fn notice(&mut self, event: &str, tag: &str) -> Result<Notice, Failure> {
        let about = if tag.is_empty() { "the target" } else { tag };
        let what = format!("the notice `{event}` about {about}");
        self.until(&what, async |stage| {
            let told = stage.timeline.notices().iter().filter(|notice| {
                tag.is_empty() || notice.document["rollout"]["tag"].as_str() == Some(tag)
            });
            let told: Vec<&Notice> = told.collect();
            let found = told
                .iter()
                .find(|notice| notice.attribute("event") == event);
            if let Some(notice) = found {
                return Ok(Seen::Reached((*notice).clone()));
            }
            let events: Vec<&str> = told
                .iter()
                .map(|notice| notice.attribute("event"))
                .collect();
            let seen = match events.as_slice() {
                [] => format!("no notice about {about}"),
                events => format!("the notices about {about}: {}", events.join(", ")),
            };
            // After an outcome nothing more comes.
            if !tag.is_empty() && told.iter().any(|notice| notice.is_emailed()) {
                let what = what.clone();
                return Err(Otherwise { what, seen }.into());
            }
            Ok(Seen::NotYet(seen))
        })
        .await
    }

    /// Waits until an event about `what` was ignored for this reason.
    pub(crate) async fn ignored(&mut self, reason: &str, what: &str) -> Result<(), Failure> {
        let what = format!("the explanation why {what} is ignored");
        self.until(&what, async |stage| {
            let reasons = stage.timeline.ignored_reasons();
            Ok(if reasons.contains(reason) {
                Seen::Reached(())
            } else {
                Seen::NotYet(format!("ignored for {reasons:?}"))
            })
        })
        .await
    }

    /// Waits until the service's only deployment runs an image of this digest, and gives
    /// back the revision that names it.
    pub(crate) async fn runs(&mut self, digest: &str) -> Result<String, Failure> {
        let service = customer::steady(&self.aws, CLUSTER, SERVICE).await?;
        let revision = customer::text(&service["taskDefinition"]);
        let definition = customer::definition(&self.aws, &revision).await?;
        let image =
            customer::text(&definition["taskDefinition"]["containerDefinitions"][0]["image"]);
        if image.ends_with(digest) {
            return Ok(revision);
        }
        Err(format!("the service runs {image}, and not {digest}").into())
    }

    /// Shows what happened up to now.
    pub(crate) async fn show(&mut self) {
        self.timeline.look(&self.local, &self.aws, now()).await;
        for line in self.timeline.due(now()) {
            self.terminal.line(&line);
        }
    }

    /// Shows what has just happened, too.
    pub(crate) async fn settle(&mut self) {
        let until = now() + SETTLING;
        while now() < until {
            self.show().await;
            pass(Duration::from_millis(100)).await;
        }
    }
}

/// Reads the clock.
#[expect(clippy::disallowed_methods, reason = "the demo runs on the real clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
