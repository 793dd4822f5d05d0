//! Whatever stands in a task definition survives, known to the SDK or not.
//!
//! The definitions are made by tests/tools/task-definitions from botocore's model.

use end_to_end::{Failure, customer};
use local_aws::oci::multi_arch;
use serde_json::Value;

use crate::live::assert_only_image_and_tags_differ;
use crate::target::{INITIAL, Target, configuration, image, repository};
use crate::world::{CLUSTER, World};

pub(crate) async fn every_leaf_survives(world: &World) -> Result<(), Failure> {
    let definition = include_str!("../../../task-definitions/every-leaf.json");
    survives(world, "every-leaf", definition).await
}

pub(crate) async fn other_choices_survive(world: &World) -> Result<(), Failure> {
    let definition = include_str!("../../../task-definitions/other-choices.json");
    survives(world, "other-choices", definition).await
}

pub(crate) async fn empty_values_survive(world: &World) -> Result<(), Failure> {
    let definition = include_str!("../../../task-definitions/empty.json");
    survives(world, "empty", definition).await
}

pub(crate) async fn unknown_keys_survive(world: &World) -> Result<(), Failure> {
    let definition = include_str!("../../../task-definitions/unknown-keys.json");
    survives(world, "unknown-keys", definition).await
}

async fn survives(world: &World, name: &'static str, definition: &str) -> Result<(), Failure> {
    let mut definition: Value = serde_json::from_str(definition)?;
    let repository = repository(name);
    customer::create_repository(&world.aws, &repository).await?;
    let platforms = ["amd64", "arm64"];
    let v0 = multi_arch(&image(name, "v0"), &platforms);
    world.registry.push(&repository, INITIAL, &v0).await?;
    let reference = format!("{}/{repository}", world.aws.registry_host());
    definition["family"] = name.into();
    definition["containerDefinitions"][0]["image"] = format!("{reference}:{INITIAL}").into();
    let revision = customer::register(&world.aws, &definition).await?;
    let service = customer::web_service(CLUSTER, name, &revision, Some(name));
    customer::create_service(&world.aws, &service).await?;
    let target = Target::named(world, name);
    target.register(&configuration(name)).await?;
    target.told("adopted", "").await?;
    let before = target.definition().await?;

    let v1 = multi_arch(&image(name, "v1"), &platforms);
    let digest = target.push_artifact("v1", &v1).await?;
    target.told("succeeded", "v1").await?;

    // As ECS has it now, and as it was sent.
    let after = target.definition().await?;
    assert_only_image_and_tags_differ(&before, &after, name, &digest);
    let registered = target.registered();
    assert_eq!(registered.len(), 1);
    let mut sent = registered[0].request.clone().unwrap();
    sent["tags"].take();
    definition["tags"].take();
    definition["containerDefinitions"][0]["image"] = format!("{reference}@{digest}").into();
    assert_eq!(sent, definition);
    Ok(())
}
