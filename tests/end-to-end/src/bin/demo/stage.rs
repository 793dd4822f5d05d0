//! Where the acts are played: the local AWS, the timeline and the terminal.

use std::sync::Arc;
use std::time::Duration;

use end_to_end::wait::pass;
use end_to_end::{Aws, Failure, Installation, Notice, Seen, customer, wait};
use jiff::Timestamp;
use local_aws::LocalAws;
use local_aws::oci::{Artifact, Registry};

use crate::line::{Line, Speaker, name, short};
use crate::setting::{CLUSTER, SERVICE};
use crate::terminal::Terminal;
use crate::timeline::Timeline;

/// How long the story waits for anything.
const LIMIT: Duration = Duration::from_secs(40);
/// How long the end of an act waits for the lines of what just happened.
const SETTLING: Duration = Duration::from_millis(1200);

/// Where the acts are played.
pub(crate) struct Stage {
    pub(crate) terminal: Terminal,
    pub(crate) local: Arc<LocalAws>,
    pub(crate) aws: Aws,
    pub(crate) timeline: Timeline,
    registry: Registry,
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
        }
    }

    /// Opens an act.
    pub(crate) fn act(&self, title: &str) {
        self.terminal.heading(title);
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
        Ok(self.registry.push(repository, tag, artifact).await?)
    }

    /// Waits until `look` reaches something, while the timeline goes on.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&Stage) -> Result<Seen<T>, Failure>,
    ) -> Result<T, Failure> {
        wait(what, LIMIT, async || {
            self.show().await;
            look(self).await
        })
        .await
    }

    /// Waits for the notice of this event about this tag (any, where it is empty).
    pub(crate) async fn notice(&mut self, event: &str, tag: &str) -> Result<Notice, Failure> {
        let what = format!(
            "the notice `{event}` of {}",
            if tag.is_empty() { "the target" } else { tag }
        );
        self.until(&what, async |stage| {
            let told = stage.timeline.notices();
            let is_it = |notice: &&Notice| {
                let about = notice.document["rollout"]["tag"]
                    .as_str()
                    .unwrap_or_default();
                notice.attribute("event") == event && (tag.is_empty() || about == tag)
            };
            Ok(match told.iter().find(is_it) {
                Some(notice) => Seen::Reached(notice.clone()),
                None => {
                    let events = told.iter().map(|notice| notice.attribute("event"));
                    let events: Vec<&str> = events.collect();
                    Seen::NotYet(format!("the notices {}", events.join(", ")))
                }
            })
        })
        .await
    }

    /// Waits until the service's only deployment runs an image of this digest.
    pub(crate) async fn runs(&mut self, digest: &str) -> Result<(), Failure> {
        let service = customer::steady(&self.aws, CLUSTER, SERVICE).await?;
        let revision = customer::text(&service["taskDefinition"]);
        let definition = customer::definition(&self.aws, &revision).await?;
        let image =
            customer::text(&definition["taskDefinition"]["containerDefinitions"][0]["image"]);
        if image.ends_with(digest) {
            return Ok(());
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

    /// Says how it ended and what to do next.
    pub(crate) async fn conclude(&self, took: Duration) -> Result<(), Failure> {
        let service = customer::service(&self.aws, CLUSTER, SERVICE).await?;
        let revision = customer::text(&service["taskDefinition"]);
        let definition = customer::definition(&self.aws, &revision).await?;
        let image =
            customer::text(&definition["taskDefinition"]["containerDefinitions"][0]["image"]);
        let tasks = format!(
            "{} of {} tasks run",
            service["runningCount"], service["desiredCount"]
        );
        self.act("At the end");
        self.terminal
            .text(&format!("service {CLUSTER}/{SERVICE}: {tasks}"));
        self.terminal.text(&format!(
            "task definition: {}",
            name(&service["taskDefinition"])
        ));
        self.terminal.text(&format!("image: {}", short(&image)));
        self.terminal.text(&format!(
            "\nThe demo took {:.0} s in all. Next:",
            took.as_secs_f64()
        ));
        self.terminal
            .text("  make test                 every check there is");
        self.terminal
            .text("  make demo ARGS=--keep     leave this AWS running, to poke around");
        self.terminal
            .text("  README.md                 install it on AWS");
        Ok(())
    }

    /// Leaves everything running until a signal comes.
    pub(crate) async fn keep(&mut self) {
        let url = self.aws.endpoint_url().to_owned();
        let region = self.aws.region().to_owned();
        self.terminal
            .text("\nIt goes on running until you press Ctrl-C. For the AWS CLI, SAM or any SDK:");
        self.terminal
            .text(&format!("  export AWS_ENDPOINT_URL={url}"));
        self.terminal.text(&format!(
            "  export AWS_REGION={region} AWS_DEFAULT_REGION={region}"
        ));
        self.terminal
            .text("  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test");
        self.terminal.text("Push an image of your own:");
        self.terminal.text(&format!(
            "  cargo run -p local-aws --example push -- {url} shop/web v9"
        ));
        self.terminal.text(&format!(
            "What it saw: {url}/_local/calls and {url}/_local/events\n"
        ));
        loop {
            self.show().await;
            pass(Duration::from_millis(200)).await;
        }
    }
}

/// Reads the clock.
#[expect(clippy::disallowed_methods, reason = "the demo runs on the real clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
