//! A push goes live.

use end_to_end::{Failure, Seen, customer};
use local_aws::oci::{attested, single};
use serde_json::{Value, json};

use crate::target::{Target, configuration, create_definition, image};
use crate::world::{CLUSTER, FIRST, World};

pub(crate) async fn a_push_goes_live(world: &World) -> Result<(), Failure> {
    let target = Target::adopted(world, "live").await?;
    let before = target.definition().await?;

    let digest = target.push("v1").await?;
    let succeeded = target.told("succeeded", "v1").await?;

    target.runs(&digest).await?;
    assert_eq!(
        target.changes(),
        ["RegisterTaskDefinition", "UpdateService"]
    );
    let after = target.definition().await?;
    let published = target.published("v1").await?;
    let image = after["taskDefinition"]["containerDefinitions"][0]["image"].as_str();
    assert!(image.unwrap().ends_with(&digest));
    assert_eq!(published["images"], json!({ "web": image }));
    assert_eq!(
        published["taskDefinition"],
        after["taskDefinition"]["taskDefinitionArn"]
    );
    assert_only_image_and_tags_differ(&before, &after, "live", &digest);
    let told = target.told_so_far();
    assert_eq!(told, ["adopted", "started v1", "baking v1", "succeeded v1"]);
    assert_eq!(succeeded.attribute("outcome"), "succeeded");
    assert_eq!(succeeded.attribute("severity"), "info");
    assert!(succeeded.is_emailed());
    let rollout = &succeeded.document["rollout"];
    assert_eq!(rollout["digest"], digest);
    assert_eq!(
        rollout["taskDefinition"],
        after["taskDefinition"]["taskDefinitionArn"]
    );
    assert_eq!(
        rollout["taskDefinitionBefore"],
        before["taskDefinition"]["taskDefinitionArn"]
    );
    copied_to_the_bus(world, &succeeded.document).await
}

/// Waits for a notice's copy on the default event bus, which follows its publication.
async fn copied_to_the_bus(world: &World, document: &Value) -> Result<(), Failure> {
    let is_copy = |entry: &&Value| {
        let detail = entry["Detail"].as_str().unwrap_or_default();
        entry["Source"] == "pushboat" && detail.parse::<Value>().ok().as_ref() == Some(document)
    };
    let copied = world.until("the notice's copy on the event bus", async || {
        let calls = world.local.calls(0);
        let calls = calls.iter().filter(|call| call.operation == "PutEvents");
        let entries: Vec<&Value> = calls
            .filter_map(|call| call.request.as_ref())
            .map(|request| &request["Entries"][0])
            .collect();
        Ok(match entries.iter().copied().find(is_copy) {
            Some(copy) => Seen::Reached(copy.clone()),
            None => Seen::NotYet(format!("{} events put", entries.len())),
        })
    });
    let copy = copied.await?;
    assert_eq!(copy["DetailType"], "Pushboat Notice");
    assert_eq!(copy["EventBusName"], "default");
    Ok(())
}

/// Compares two answers of DescribeTaskDefinition.
pub(crate) fn assert_only_image_and_tags_differ(
    before: &Value,
    after: &Value,
    target: &str,
    digest: &str,
) {
    let mut wanted = before["taskDefinition"].clone();
    let mut found = after["taskDefinition"].clone();
    // What ECS itself says of each revision.
    for member in ["taskDefinitionArn", "revision", "registeredAt"] {
        assert_ne!(wanted[member], found[member], "{member}");
        wanted[member] = Value::Null;
        found[member] = Value::Null;
    }
    let image = before["taskDefinition"]["containerDefinitions"][0]["image"].as_str();
    let repository = image.unwrap().split([':', '@']).next().unwrap();
    wanted["containerDefinitions"][0]["image"] = format!("{repository}@{digest}").into();
    assert_eq!(found, wanted);

    let mut tags = before["tags"].as_array().cloned().unwrap_or_default();
    tags.retain(|tag| !is_ours(tag));
    let mut kept = after["tags"].as_array().cloned().unwrap_or_default();
    let own: Vec<Value> = kept.extract_if(.., |tag| is_ours(tag)).collect();
    // ECS has them in an order of its own.
    let by_key = |tag: &Value| customer::text(&tag["key"]);
    kept.sort_by_key(by_key);
    tags.sort_by_key(by_key);
    assert_eq!(kept, tags);
    assert!(
        own.contains(&json!({"key": "pushboat:target", "value": target})),
        "{own:?}"
    );
    assert_eq!(own.len(), 2, "{own:?}");
}

fn is_ours(tag: &Value) -> bool {
    tag["key"]
        .as_str()
        .is_some_and(|key| key.starts_with("pushboat:"))
}

pub(crate) async fn an_index_goes_live(world: &World) -> Result<(), Failure> {
    let target = Target::adopted(world, "index").await?;
    let index = attested(&image("index", "v1"), &["amd64", "arm64"]);

    let digest = target.push_artifact("v1", &index).await?;
    target.told("succeeded", "v1").await?;

    target.runs(&digest).await?;
    assert_eq!(
        target.changes(),
        ["RegisterTaskDefinition", "UpdateService"]
    );
    Ok(())
}

pub(crate) async fn the_first_target_needs_no_tag(world: &World) -> Result<(), Failure> {
    let target = Target::named(world, FIRST);
    target.told("adopted", "").await?;
    let service = target.service().await?;
    assert_eq!(service["tags"], Value::Null, "the service has no tag");

    let digest = target.push("v1").await?;
    target.told("succeeded", "v1").await?;

    target.runs(&digest).await
}

pub(crate) async fn an_exact_tag_can_go_back(world: &World) -> Result<(), Failure> {
    let mut configuration = configuration("exact");
    configuration["images"][0]["tags"] = json!({"glob": ["prod"]});
    let target = Target::adopted_as(world, "exact", &configuration).await?;
    let old = single(&image("exact", "v1"));
    let new = single(&image("exact", "v2"));

    for artifact in [&old, &new, &old] {
        let before = target.told_so_far().len();
        target.push_artifact("prod", artifact).await?;
        let what = "one more success";
        world
            .until(what, async || {
                let told = target.told_so_far();
                let is_more = told[before..].contains(&"succeeded prod".to_owned());
                Ok(if is_more {
                    Seen::Reached(())
                } else {
                    Seen::NotYet(format!("{told:?}"))
                })
            })
            .await?;
        target.runs(artifact.digest()).await?;
    }
    assert_eq!(target.registered().len(), 3);
    Ok(())
}

pub(crate) async fn a_service_scaled_to_zero_is_deployed_and_said_so(
    world: &World,
) -> Result<(), Failure> {
    let name = "asleep";
    let revision = create_definition(&world.aws, &world.registry, name).await?;
    let mut service = customer::web_service(CLUSTER, name, &revision, Some(name));
    service["desiredCount"] = 0.into();
    customer::create_service(&world.aws, &service).await?;
    let target = Target::named(world, name);
    target.register(&configuration(name)).await?;
    let adopted = target.told("adopted", "").await?;
    assert_eq!(adopted.document["images"], json!({}), "nothing is good yet");

    let digest = target.push("v1").await?;
    let told = target.told("scaled-to-zero", "v1").await?;

    assert_eq!(told.attribute("outcome"), "scaled-to-zero");
    assert_eq!(told.attribute("severity"), "warning");
    target.runs(&digest).await?;
    assert!(!target.told_so_far().contains(&"succeeded v1".to_owned()));
    Ok(())
}
