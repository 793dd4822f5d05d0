//! Events come twice, late and out of order.

use end_to_end::Failure;
use serde_json::{Value, json};

use crate::target::{Target, repository};
use crate::world::World;

pub(crate) async fn one_push_told_five_times_beside_a_newer_one(
    world: &World,
) -> Result<(), Failure> {
    let name = "told-again";
    let target = Target::adopted(world, name).await?;

    target.push("v1").await?;
    let v1 = pushed_event(world, name, "v1")?;
    tell_again(world, &v1);
    tell_again(world, &v1);
    target.told("started", "v1").await?;
    let newest = target.push("v2").await?;
    let v2 = pushed_event(world, name, "v2")?;
    tell_again(world, &v1);
    target.told("succeeded", "v2").await?;
    tell_again(world, &v1);
    tell_again(world, &v2);

    // Of one second it is remembered what was heard: then the older one is a repeat, too.
    if v1["time"] != v2["time"] {
        target.ignored("rollout", "older").await?;
    }
    target.ignored("rollout", "repeat").await?;
    target.stays_quiet().await?;
    let update = ["RegisterTaskDefinition", "UpdateService"];
    assert_eq!(
        target.changes(),
        [update, update].concat(),
        "once for each digest"
    );
    target.runs(&newest).await
}

pub(crate) async fn an_older_push_told_late_changes_nothing(world: &World) -> Result<(), Failure> {
    let name = "told-late";
    let target = Target::adopted(world, name).await?;
    // Pushed under tags that nobody follows: the events about those that are
    // followed come from here, the newer one first.
    let older = target.push("build-1").await?;
    let newer = target.push("build-2").await?;
    let at = |tag: &str| -> Result<Value, Failure> {
        Ok(pushed_event(world, name, tag)?["time"].clone())
    };
    let (older_at, newer_at) = (at("build-1")?, at("build-2")?);
    let newer_at = if older_at == newer_at {
        later_by_a_second(&newer_at)?
    } else {
        newer_at
    };
    tell(world, name, "v2", &newer, &newer_at);
    target.told("started", "v2").await?;
    for _ in 0..5 {
        tell(world, name, "v1", &older, &older_at);
    }

    target.told("succeeded", "v2").await?;
    target.ignored("rollout", "older").await?;
    target.stays_quiet().await?;
    assert_eq!(
        target.changes(),
        ["RegisterTaskDefinition", "UpdateService"]
    );
    target.runs(&newer).await
}

/// The event of a push that happened.
fn pushed_event(world: &World, name: &str, tag: &str) -> Result<Value, Failure> {
    let events = world.local.events(0);
    let found = events.into_iter().rev().find(|record| {
        let detail = &record.event["detail"];
        detail["repository-name"] == repository(name) && detail["image-tag"] == tag
    });
    let found = found.map(|record| record.event);
    found.ok_or_else(|| format!("no event about {name}:{tag}").into())
}

/// Sends an event again as EventBridge's own retry does not: under another id, which
/// the queue does not take for a repeat.
fn tell_again(world: &World, event: &Value) {
    let mut event = event.clone();
    if let Some(event) = event.as_object_mut() {
        event.remove("id");
    }
    world.local.emit(&event);
}

fn tell(world: &World, name: &str, tag: &str, digest: &str, time: &Value) {
    world.local.emit(&json!({
        "source": "aws.ecr",
        "detail-type": "ECR Image Action",
        "time": time,
        "detail": {
            "result": "SUCCESS",
            "repository-name": repository(name),
            "image-digest": digest,
            "action-type": "PUSH",
            "image-tag": tag,
        },
    }));
}

fn later_by_a_second(time: &Value) -> Result<Value, Failure> {
    let time: jiff::Timestamp = time.as_str().unwrap_or_default().parse()?;
    let later = time + jiff::SignedDuration::from_secs(1);
    Ok(later.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into())
}
