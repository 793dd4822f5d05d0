//! `examples/promotion`: two targets that follow one repository.

use std::collections::BTreeMap;

use end_to_end::{Aws, Example, Failure, customer};
use serde_json::json;

use super::{INVENTED, TAKEN_OUT, push, shorten_bake_time, template};
use crate::role;
use crate::target::{Target, create_definition, repository};
use crate::world::{CLUSTER, World};

const STAGING: &str = "web-staging";
const PRODUCTION: &str = "web-production";

pub(crate) async fn what_staging_ran_well_is_promoted(world: &World) -> Result<(), Failure> {
    let aws = &world.aws;
    // The same image under two definitions; tag and target are called as the README says.
    let revision = create_definition(aws, &world.registry, STAGING).await?;
    let image = customer::definition(aws, &revision).await?;
    let image = customer::text(&image["taskDefinition"]["containerDefinitions"][0]["image"]);
    let production = customer::web_definition(aws, PRODUCTION, &image, "ARM64");
    let production = customer::register(aws, &production).await?;
    for (name, revision) in [(STAGING, revision), (PRODUCTION, production)] {
        let service = customer::web_service(CLUSTER, name, &revision, Some(name));
        customer::create_service(aws, &service).await?;
        customer::create_alarm(aws, &format!("{name}-5xx")).await?;
    }
    let repository = repository(STAGING);
    let parameters = [
        ("RepositoryName", repository.as_str()),
        ("StagingCluster", CLUSTER),
        ("StagingService", STAGING),
        ("StagingAlarm", "web-staging-5xx"),
        ("ProductionCluster", CLUSTER),
        ("ProductionService", PRODUCTION),
        ("ProductionAlarm", "web-production-5xx"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut template = template("promotion/template.yaml").await?;
    shorten_bake_time(&mut template["Resources"]["Staging"]);
    shorten_bake_time(&mut template["Resources"]["Production"]);
    let example = Example {
        name: "web-targets",
        template: &template,
        parameters: &BTreeMap::from(parameters),
        taken_out: &TAKEN_OUT,
        invented: &INVENTED,
    };
    let stack = example.create(aws).await?;
    assert_eq!(stack.missing(aws).await, [""; 0]);

    let staging = Target::named(world, STAGING);
    let production = Target::named(world, PRODUCTION);
    staging.told("adopted", "").await?;
    production.told("adopted", "").await?;
    let digest = push(&world.registry, &repository, "arm64", "main-1").await?;
    staging.told("succeeded", "main-1").await?;
    staging.runs(&digest).await?;
    assert_eq!(production.changes(), [""; 0], "nobody promoted it");

    let status = staging.command("status", &json!({})).await?;
    let good = customer::text(&status["lastKnownGood"]["images"]["web"]);
    let (_, good) = good.split_once('@').unwrap_or_default();
    assert_eq!(good, digest);
    promote(aws, &repository, good, "prod").await?;
    production.told("succeeded", "prod").await?;
    production.runs(&digest).await?;

    stack.delete(aws).await?;
    assert_eq!(stack.left_over(aws).await?, [""; 0]);
    role::is_removed(&staging).await?;
    role::is_removed(&production).await
}

/// Sets a tag on an image, as the README's `promote` does.
async fn promote(aws: &Aws, repository: &str, digest: &str, tag: &str) -> Result<(), Failure> {
    let asked = json!({
        "repositoryName": repository,
        "imageIds": [{"imageDigest": digest}],
        "acceptedMediaTypes": [
            "application/vnd.oci.image.index.v1+json",
            "application/vnd.oci.image.manifest.v1+json",
        ],
    });
    let image = aws.json("ecr", "BatchGetImage", &asked).await?;
    let image = &image["images"][0];
    let put = json!({
        "repositoryName": repository,
        "imageDigest": digest,
        "imageTag": tag,
        "imageManifest": image["imageManifest"],
        "imageManifestMediaType": image["imageManifestMediaType"],
    });
    aws.json("ecr", "PutImage", &put).await?;
    Ok(())
}
