//! From a parameter to a target that is deployed to.

use end_to_end::{Failure, customer};
use serde_json::json;

use crate::target::{Target, configuration, create_definition, create_service, repository};
use crate::world::{CLUSTER, World};

pub(crate) async fn a_target_waits_for_its_service(world: &World) -> Result<(), Failure> {
    let name = "later";
    let revision = create_definition(&world.aws, &world.registry, name).await?;
    let target = Target::named(world, name);
    target.register(&configuration(name)).await?;
    target.waits_on("service").await?;
    // One stack may make parameter and service in any order: nobody is told yet.
    let digest = target.push("v1").await?;
    target.stays_quiet().await?;
    assert_eq!(target.told_so_far(), [""; 0]);

    let service = customer::web_service(CLUSTER, name, &revision, Some(name));
    customer::create_service(&world.aws, &service).await?;

    target.told("succeeded", "v1").await?;
    let told = target.told_so_far();
    assert_eq!(told, ["adopted", "started v1", "baking v1", "succeeded v1"]);
    target.runs(&digest).await
}

pub(crate) async fn a_target_waits_for_its_cluster(world: &World) -> Result<(), Failure> {
    let name = "nowhere";
    create_definition(&world.aws, &world.registry, name).await?;
    let mut configuration = configuration(name);
    configuration["service"]["cluster"] = "not-made-yet".into();
    let target = Target::named(world, name);
    target.register(&configuration).await?;

    target.waits_on("service").await?;
    target.stays_quiet().await?;
    assert_eq!(target.told_so_far(), [""; 0]);
    assert_eq!(target.changes(), [""; 0]);
    Ok(())
}

pub(crate) async fn a_push_before_the_registration_is_explained(
    world: &World,
) -> Result<(), Failure> {
    let name = "too-early";
    create_service(&world.aws, &world.registry, name, Some(name)).await?;
    let target = Target::named(world, name);
    let digest = target.push("v1").await?;
    target.register(&configuration(name)).await?;
    target.told("adopted", "").await?;

    // The event of that push was held up on its way.
    world.local.emit(&json!({
        "source": "aws.ecr",
        "detail-type": "ECR Image Action",
        "time": "2026-01-01T00:00:00Z",
        "detail": {
            "result": "SUCCESS",
            "repository-name": repository(name),
            "image-digest": digest,
            "action-type": "PUSH",
            "image-tag": "v1",
        },
    }));

    target.ignored("rollout", "before-registration").await?;
    target.stays_quiet().await?;
    assert_eq!(target.changes(), [""; 0]);
    Ok(())
}
