//! One scenario's own target: a repository, a service that runs v0, a parameter.

use std::time::Duration;

use end_to_end::wait::{pass, wait};
use end_to_end::{Aws, Failure, Notice, Seen, customer, operator};
use local_aws::CallRecord;
use local_aws::oci::{Artifact, Image, Registry, single};
use serde_json::{Value, json};

use crate::world::{CLUSTER, LIMIT, World};

/// How long it takes until it is sure that nothing happens: several sweeps.
const QUIET: Duration = Duration::from_secs(3);

/// The tag of v0, which no target follows: only what is pushed later is to be deployed.
pub(crate) const INITIAL: &str = "initial";

/// One scenario's own target. Service, task definition family and target have its name.
pub(crate) struct Target<'a> {
    pub(crate) world: &'a World,
    pub(crate) name: &'static str,
}

/// The repository of a target.
pub(crate) fn repository(name: &str) -> String {
    format!("test/{name}")
}

/// An image for the tasks' architecture.
pub(crate) fn image(name: &str, version: &str) -> Image {
    Image::new("arm64")
        .with_label("org.opencontainers.image.title", name)
        .with_label("org.opencontainers.image.version", version)
}

/// The same, of which every task ends with an error after it wrote these lines.
pub(crate) fn crashing(name: &str, version: &str, lines: &str) -> Image {
    image(name, version)
        .with_label("pushboat.test/behaviour", "exit")
        .with_label("pushboat.test/exit-code", "1")
        .with_label("pushboat.test/log", lines)
}

/// Makes a repository with v0 in it and a steady service that runs it.
pub(crate) async fn create_service(
    aws: &Aws,
    registry: &Registry,
    name: &str,
    consent: Option<&str>,
) -> Result<(), Failure> {
    create_service_with(aws, registry, name, consent, &json!({})).await
}

/// The same, with these members of CreateService besides the ordinary ones.
pub(crate) async fn create_service_with(
    aws: &Aws,
    registry: &Registry,
    name: &str,
    consent: Option<&str>,
    members: &Value,
) -> Result<(), Failure> {
    let revision = create_definition(aws, registry, name).await?;
    let mut service = customer::web_service(CLUSTER, name, &revision, consent);
    for (member, value) in members.as_object().into_iter().flatten() {
        service[member] = value.clone();
    }
    customer::create_service(aws, &service).await?;
    customer::steady(aws, CLUSTER, name).await?;
    Ok(())
}

/// Makes a repository with v0 in it and a task definition that names it by its digest.
pub(crate) async fn create_definition(
    aws: &Aws,
    registry: &Registry,
    name: &str,
) -> Result<String, Failure> {
    let repository = repository(name);
    customer::create_repository(aws, &repository).await?;
    let digest = registry
        .push(&repository, INITIAL, &single(&image(name, "v0")))
        .await?;
    let image = format!("{}/{repository}@{digest}", aws.registry_host());
    let definition = customer::web_definition(aws, name, &image, "ARM64");
    Ok(customer::register(aws, &definition).await?)
}

/// A target's configuration as its parameter holds it, without a bake time.
pub(crate) fn configuration(name: &str) -> Value {
    json!({
        "service": {"cluster": CLUSTER, "name": name},
        "images": [{"repository": repository(name), "tags": {"glob": ["v*"]}}],
        "bakeTimeSeconds": 0,
    })
}

impl<'a> Target<'a> {
    /// Names a target without making anything of it.
    pub(crate) fn named(world: &'a World, name: &'static str) -> Self {
        Target { world, name }
    }

    /// Makes a service that runs v0, and a target of it, and waits for its adoption.
    pub(crate) async fn adopted(world: &'a World, name: &'static str) -> Result<Self, Failure> {
        Target::adopted_as(world, name, &configuration(name)).await
    }

    /// The same with a configuration of one's own.
    pub(crate) async fn adopted_as(
        world: &'a World,
        name: &'static str,
        configuration: &Value,
    ) -> Result<Self, Failure> {
        Target::adopted_with(world, name, configuration, &json!({})).await
    }

    /// The same with a service that has these members besides the ordinary ones.
    pub(crate) async fn adopted_with(
        world: &'a World,
        name: &'static str,
        configuration: &Value,
        members: &Value,
    ) -> Result<Self, Failure> {
        let (aws, registry) = (&world.aws, &world.registry);
        create_service_with(aws, registry, name, Some(name), members).await?;
        let target = Target::named(world, name);
        target.register(configuration).await?;
        target.told("adopted", "").await?;
        Ok(target)
    }

    /// Saves the target's parameter.
    pub(crate) async fn register(&self, configuration: &Value) -> Result<(), Failure> {
        self.register_text(&configuration.to_string()).await
    }

    /// Saves the target's parameter, whatever it is.
    pub(crate) async fn register_text(&self, text: &str) -> Result<(), Failure> {
        customer::put_target(&self.world.aws, "pushboat", self.name, text).await?;
        Ok(())
    }

    /// Pushes an image of this version and gives back its digest.
    pub(crate) async fn push(&self, version: &str) -> Result<String, Failure> {
        let artifact = single(&image(self.name, version));
        self.push_artifact(version, &artifact).await
    }

    /// Pushes this image under a tag and gives back its digest.
    pub(crate) async fn push_image(&self, tag: &str, image: Image) -> Result<String, Failure> {
        self.push_artifact(tag, &single(&image)).await
    }

    /// Pushes anything and gives back its digest.
    pub(crate) async fn push_artifact(
        &self,
        tag: &str,
        artifact: &Artifact,
    ) -> Result<String, Failure> {
        let repository = repository(self.name);
        let registry = &self.world.registry;
        Ok(registry.push(&repository, tag, artifact).await?)
    }

    /// Gives `operator` a command about this target, with these members besides.
    pub(crate) async fn command(&self, name: &str, members: &Value) -> Result<Value, Failure> {
        let mut command = json!({"command": name, "target": self.name});
        for (member, value) in members.as_object().into_iter().flatten() {
            command[member] = value.clone();
        }
        let World {
            aws, installation, ..
        } = self.world;
        Ok(operator::command(aws, installation, &command).await?)
    }

    /// Gives a command that is to be taken in.
    pub(crate) async fn order(&self, name: &str, members: &Value) -> Result<(), Failure> {
        let answer = self.command(name, members).await?;
        if answer["accepted"] == true {
            return Ok(());
        }
        Err(format!("`{name}` was not accepted: {answer}").into())
    }

    /// The last rollout, as `operator` shows it.
    pub(crate) async fn last_rollout(&self) -> Result<Value, Failure> {
        Ok(self.command("show", &json!({})).await?["rollout"].clone())
    }

    /// The digests that are kept out.
    pub(crate) async fn quarantine(&self) -> Result<Vec<String>, Failure> {
        let status = self.command("status", &json!({})).await?;
        let kept_out = status["quarantine"].as_object().into_iter().flatten();
        Ok(kept_out.map(|(digest, _)| digest.clone()).collect())
    }

    /// Waits for the notice of this event about this tag (any, where it is empty).
    pub(crate) async fn told(&self, event: &str, tag: &str) -> Result<Notice, Failure> {
        self.told_within(LIMIT, event, tag).await
    }

    /// The same, waiting as long as this.
    pub(crate) async fn told_within(
        &self,
        limit: Duration,
        event: &str,
        tag: &str,
    ) -> Result<Notice, Failure> {
        let what = format!("the notice `{event}` {tag}");
        let is_it = |notice: &Notice| {
            let about = notice.document["rollout"]["tag"].as_str();
            notice.attribute("event") == event && (tag.is_empty() || about == Some(tag))
        };
        self.world.notice(self.name, &what, limit, is_it).await
    }

    /// The names of the events that people were told so far, with the tag.
    pub(crate) fn told_so_far(&self) -> Vec<String> {
        let told = self.world.notices(self.name);
        let told = told.iter().map(|notice| {
            let tag = notice.document["rollout"]["tag"].as_str();
            let event = notice.attribute("event");
            tag.map_or_else(|| event.to_owned(), |tag| format!("{event} {tag}"))
        });
        told.collect()
    }

    /// What Pushboat asked ECS to change, in short: `RegisterTaskDefinition`, ….
    pub(crate) fn changes(&self) -> Vec<String> {
        let changes = self.world.changes(self.name);
        changes.into_iter().map(|call| call.operation).collect()
    }

    /// What Pushboat registered, as it was sent.
    pub(crate) fn registered(&self) -> Vec<CallRecord> {
        let mut changes = self.world.changes(self.name);
        changes.retain(|call| call.operation == "RegisterTaskDefinition");
        changes
    }

    /// Waits until a rollout of this target says why a wake-up is ignored.
    pub(crate) async fn ignored(
        &self,
        function: &'static str,
        reason: &str,
    ) -> Result<(), Failure> {
        let what = format!(
            "{function} ignoring something as {reason} for {}",
            self.name
        );
        let is_it = |entry: &end_to_end::LogEntry| {
            entry.is_ignored()
                && entry.text("reason") == reason
                && entry.text("target_name") == self.name
        };
        let entry = self.world.logged(function, &what, is_it).await?;
        assert!(!entry.text("explanation").is_empty(), "{:?}", entry.fields);
        Ok(())
    }

    /// Waits until the target's last reconciliation ended in a wait for this.
    pub(crate) async fn waits_on(&self, waiting: &str) -> Result<(), Failure> {
        let what = format!("{} waiting on {waiting}", self.name);
        let is_it = |entry: &end_to_end::LogEntry| {
            entry.text("message") == "reconciled"
                && entry.text("waiting") == waiting
                && entry.text("target_name") == self.name
        };
        self.world.logged("rollout", &what, is_it).await?;
        Ok(())
    }

    /// The task definition that the service is to run.
    pub(crate) async fn revision(&self) -> Result<String, Failure> {
        Ok(customer::text(&self.service().await?["taskDefinition"]))
    }

    /// Waits until the service is steady on this revision.
    pub(crate) async fn runs_revision(&self, revision: &str) -> Result<(), Failure> {
        let what = format!("{} running {revision}", self.name);
        self.world
            .until(&what, async || {
                customer::steady(&self.world.aws, CLUSTER, self.name).await?;
                let runs = self.revision().await?;
                Ok(if runs == revision {
                    Seen::Reached(())
                } else {
                    Seen::NotYet(runs)
                })
            })
            .await
    }

    /// The service as ECS shows it.
    pub(crate) async fn service(&self) -> Result<Value, Failure> {
        Ok(customer::service(&self.world.aws, CLUSTER, self.name).await?)
    }

    /// What DescribeTaskDefinition answers about the revision that the service runs.
    pub(crate) async fn definition(&self) -> Result<Value, Failure> {
        let revision = self.revision().await?;
        Ok(customer::definition(&self.world.aws, &revision).await?)
    }

    /// Waits until the service is steady on the image of this digest.
    pub(crate) async fn runs(&self, digest: &str) -> Result<(), Failure> {
        let what = format!("{} running {digest}", self.name);
        self.world
            .until(&what, async || {
                customer::steady(&self.world.aws, CLUSTER, self.name).await?;
                self.image_is(digest).await
            })
            .await
    }

    /// Waits until this tag is published as what is deployed; answers what the parameter says.
    pub(crate) async fn published(&self, tag: &str) -> Result<Value, Failure> {
        let parameter = json!({"Name": format!("/pushboat/deployed/{}", self.name)});
        let until = self.world.until("what is deployed", async || {
            let World { aws, .. } = self.world;
            let Ok(answer) = aws.json("ssm", "GetParameter", &parameter).await else {
                return Ok(Seen::NotYet("no parameter".to_owned()));
            };
            let text = answer["Parameter"]["Value"].as_str().unwrap_or_default();
            let says: Value = serde_json::from_str(text)?;
            Ok(match says["tag"] == tag {
                true => Seen::Reached(says),
                false => Seen::NotYet(says.to_string()),
            })
        });
        until.await
    }

    /// Waits until the service is asked to run the image of this digest.
    pub(crate) async fn is_asked_to_run(
        &self,
        limit: Duration,
        digest: &str,
    ) -> Result<(), Failure> {
        let what = format!("{} being asked to run {digest}", self.name);
        wait(&what, limit, async || self.image_is(digest).await).await
    }

    async fn image_is(&self, digest: &str) -> Result<Seen<()>, Failure> {
        let definition = self.definition().await?;
        let image = &definition["taskDefinition"]["containerDefinitions"][0]["image"];
        Ok(
            if image.as_str().is_some_and(|image| image.ends_with(digest)) {
                Seen::Reached(())
            } else {
                Seen::NotYet(image.to_string())
            },
        )
    }

    /// Looks for some seconds that nothing more is told and nothing is changed.
    pub(crate) async fn stays_quiet(&self) -> Result<(), Failure> {
        let before = (self.told_so_far(), self.changes());
        pass(QUIET).await;
        let after = (self.told_so_far(), self.changes());
        if before == after {
            return Ok(());
        }
        Err(format!("something happened: {before:?} became {after:?}").into())
    }
}
