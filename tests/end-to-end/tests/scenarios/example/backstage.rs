//! `examples/backstage`: the last of its five stacks, which Pushboat deploys to.

use std::collections::BTreeMap;

use end_to_end::Failure;
use serde_json::json;

use super::{Files, create, is_taken_back, push, read, runs, shown};
use crate::role;
use crate::target::Target;
use crate::world::{World, apart};

const SERVICE: Files = [
    "backstage/service.yaml",
    "backstage/development.params.json",
];
/// The stack, the target, the repository and the cluster.
const NAME: &str = "backstage-development";
/// What the images are built for, as CpuArchitecture in the file says.
const ARCHITECTURE: &str = "arm64";
/// What the other four stacks export, invented.
const EXPORTS: [(&str, &str); 12] = [
    ("ClientId", "1h57kf5cpq17m0eml12EXAMPLE"),
    (
        "ClientSecret",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:client-AbCdEf",
    ),
    ("DatabaseDimension", "DBInstanceIdentifier"),
    (
        "DatabaseHost",
        "backstage.example.us-east-1.rds.amazonaws.com",
    ),
    ("DatabaseIdentifier", "backstage-development"),
    (
        "DatabaseSecret",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:database-AbCdEf",
    ),
    ("LoadBalancerFullName", "app/backstage/0123456789abcdef"),
    (
        "MetadataUrl",
        "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE/.well-known/openid-configuration",
    ),
    (
        "PrivateSubnets",
        "subnet-0a1b2c3d4e5f60718,subnet-0a1b2c3d4e5f60719",
    ),
    ("ServiceGroup", "sg-0a1b2c3d4e5f60718"),
    (
        "SessionSecret",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:session-AbCdEf",
    ),
    (
        "TargetGroupFullName",
        "targetgroup/backstage/0123456789abcdef",
    ),
];
const TARGET_GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/backstage/0123456789abcdef";

pub(crate) async fn backstage_goes_live(_: &World) -> Result<(), Failure> {
    // As its README says to install Pushboat.
    let roles = [("TaskRolePattern", "backstage/*")];
    apart(&roles, async |world| portal(world).await).await
}

async fn portal(world: &World) -> Result<(), Failure> {
    let (template, mut parameters) = read(SERVICE).await?;
    // The file is for all five stacks.
    parameters.retain(|name, _| template["Parameters"].get(name).is_some());
    let exports = EXPORTS.iter().chain([&("TargetGroup", TARGET_GROUP)]);
    let exports = exports.map(|(name, value)| (format!("{NAME}-{name}"), (*value).to_owned()));
    let exports: BTreeMap<String, String> = exports.collect();
    let stack = create(&world.aws, NAME, template, &parameters, &exports).await?;
    assert_eq!(stack.missing(&world.aws).await, [""; 0]);
    assert_eq!(
        (stack.cluster.as_str(), stack.service.as_str()),
        (NAME, "backstage")
    );
    let (service, definition) = shown(&world.aws, &stack).await?;
    let balanced = json!([{
        "containerName": "backstage", "containerPort": 7007, "targetGroupArn": TARGET_GROUP,
    }]);
    assert_eq!(service["loadBalancers"], balanced);
    let strategy = json!([
        {"capacityProvider": "FARGATE", "base": 0, "weight": 0},
        {"capacityProvider": "FARGATE_SPOT", "weight": 1},
    ]);
    assert_eq!(service["capacityProviderStrategy"], strategy);
    let secrets = &definition["containerDefinitions"][0]["secrets"];
    let password = format!("{}:password::", exports[&format!("{NAME}-DatabaseSecret")]);
    assert_eq!(
        secrets[1],
        json!({"name": "POSTGRES_PASSWORD", "valueFrom": password})
    );

    let target = Target::named(world, NAME);
    target.told("adopted", "").await?;
    let good = push(world, NAME, ARCHITECTURE, "main-1").await?;
    target.told("succeeded", "main-1").await?;
    runs(world, &stack, &good).await?;
    let (_, definition) = shown(&world.aws, &stack).await?;
    assert_eq!(definition["containerDefinitions"][0]["secrets"], *secrets);
    let bad = push(world, NAME, ARCHITECTURE, "main-2").await?;
    let bad = ("main-2", bad.as_str());
    is_taken_back(&target, &stack, bad, "AnswersAlarm", &good).await?;
    role::nothing_is_refused(world).await?;

    stack.delete(&world.aws).await?;
    // It outlives the stack, as the template says, with the images in it.
    assert_eq!(stack.left_over(&world.aws).await?, ["Repository"]);
    role::is_removed(&target).await
}
