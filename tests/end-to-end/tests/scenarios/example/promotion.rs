//! `examples/promotion`: two targets that follow one repository.

use end_to_end::{Aws, Example, Failure, MadeStack, ServiceStack, customer};
use serde_json::json;

use super::through_stack::{Through, assert_only_stacks_were_changed};
use super::web_service::{ARCHITECTURE, DEV, Network, REPOSITORY, prepare, read_with};
use super::{INVENTED, TAKEN_OUT, create, image, push, shorten_bake_time, template};
use crate::role;
use crate::target::{Target, create_definition, repository};
use crate::world::{CLUSTER, World, apart};

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
    let stack = create_targets(aws, &parameters).await?;

    let staging = Target::named(world, STAGING);
    let production = Target::named(world, PRODUCTION);
    staging.told("adopted", "").await?;
    production.told("adopted", "").await?;
    let digest = push(&world.registry, &repository, "arm64", "main-1").await?;
    staging.told("succeeded", "main-1").await?;
    staging.runs(&digest).await?;
    assert_eq!(production.changes(), [""; 0], "nobody promoted it");

    assert_eq!(good(&staging, "web").await?, digest);
    promote(aws, &repository, &digest, "prod").await?;
    production.told("succeeded", "prod").await?;
    production.runs(&digest).await?;

    stack.delete(aws).await?;
    assert_eq!(stack.left_over(aws).await?, [""; 0]);
    role::is_removed(&staging).await?;
    role::is_removed(&production).await
}

/// Each goes through the stack of its service, of which one has a role of its own and the
/// other gets one from its target. What staging ran well may be bad in production all the same.
pub(crate) async fn what_staging_ran_well_is_promoted_through_the_stacks(
    _: &World,
) -> Result<(), Failure> {
    let roles = [("TaskRolePattern", "web-service/*")];
    apart(&roles, async |world| through_the_stacks(world).await).await
}

async fn through_the_stacks(world: &World) -> Result<(), Failure> {
    let aws = &world.aws;
    let network = prepare(aws, &world.registry).await?;
    let staging = service_stack(aws, STAGING, &network).await?;
    let production = service_stack(aws, PRODUCTION, &network).await?;
    let [staging_role, production_role] =
        [&staging, &production].map(|stack| stack.known["StackRole.Arn"].clone());
    let staging = Through::mirrored(world, staging, STAGING, None).await?;
    let production =
        Through::mirrored(world, production, PRODUCTION, Some(&production_role)).await?;
    let alarm = |through: &Through<'_>| {
        let made = &through.stack.made;
        made.resources["ErrorAlarm"].physical_id.clone()
    };
    let (staging_alarm, production_alarm) = (alarm(&staging), alarm(&production));
    let parameters = [
        ("DeployThrough", "stack"),
        ("RepositoryName", REPOSITORY),
        ("ProductionTag", "release-*"),
        ("StagingStack", STAGING),
        ("StagingRoleArn", &staging_role),
        ("StagingAlarm", &staging_alarm),
        ("ProductionStack", PRODUCTION),
        ("ProductionAlarm", &production_alarm),
    ];
    let targets = create_targets(aws, &parameters).await?;
    staging.target.told("adopted", "").await?;
    production.target.told("adopted", "").await?;

    let well = push(&world.registry, REPOSITORY, ARCHITECTURE, "main-2").await?;
    staging.goes_live("main-2", &well).await?;
    assert_eq!(production.asked(), [""; 0], "nobody promoted it");
    assert_eq!(good(&staging.target, "app").await?, well);
    promote(aws, REPOSITORY, &well, "release-1").await?;
    production.goes_live("release-1", &well).await?;

    let ill = push(&world.registry, REPOSITORY, ARCHITECTURE, "main-3").await?;
    staging.goes_live("main-3", &ill).await?;
    promote(aws, REPOSITORY, &ill, "release-2").await?;
    let taken_back = ("release-2", ill.as_str());
    production
        .goes_back(taken_back, "ErrorAlarm", &well)
        .await?;
    staging.has(&ill).await?;

    let image = |digest: &String| image(aws, REPOSITORY, digest);
    assert_eq!(staging.asked(), [&well, &ill].map(image));
    assert_eq!(production.asked(), [&well, &ill, &well].map(image));
    assert_only_stacks_were_changed(world);
    role::nothing_is_refused(world).await?;
    targets.delete(aws).await?;
    assert_eq!(targets.left_over(aws).await?, [""; 0]);
    staging.stack.delete(aws).await?;
    production.stack.delete(aws).await?;
    Ok(())
}

/// A stack of web-service whose target stands elsewhere.
async fn service_stack(aws: &Aws, name: &str, network: &Network) -> Result<ServiceStack, Failure> {
    let given = [("DeployThrough", "stack")];
    let (mut template, parameters) = read_with(aws, DEV, network, &given).await?;
    if let Some(resources) = template["Resources"].as_object_mut() {
        resources.remove("Target");
    }
    create(aws, name, template, &parameters).await
}

/// Makes the example's stack, with bake times that a test can wait for.
async fn create_targets(aws: &Aws, parameters: &[(&str, &str)]) -> Result<MadeStack, Failure> {
    let parameters = parameters.iter();
    let parameters = parameters.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut template = template("promotion/template.yaml").await?;
    shorten_bake_time(&mut template["Resources"]["Staging"]);
    shorten_bake_time(&mut template["Resources"]["Production"]);
    let example = Example {
        name: "web-targets",
        template: &template,
        parameters: &parameters.collect(),
        taken_out: &TAKEN_OUT,
        invented: &INVENTED,
    };
    let stack = example.create(aws).await?;
    assert_eq!(stack.missing(aws).await, [""; 0]);
    Ok(stack)
}

/// The digest of a container of the target's last good version, as the README's `good` asks.
async fn good(target: &Target<'_>, container: &str) -> Result<String, Failure> {
    let status = target.command("status", &json!({})).await?;
    let image = customer::text(&status["lastKnownGood"]["images"][container]);
    let (_, digest) = image.split_once('@').unwrap_or_default();
    Ok(digest.to_owned())
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
