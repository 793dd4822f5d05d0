//! `examples/web-service`.

use std::collections::BTreeMap;

use end_to_end::aws::texts;
use end_to_end::{Aws, Failure, ServiceStack, customer};
use local_aws::oci::Registry;
use serde_json::{Value, json};

use super::{create, is_taken_back, push, read, runs, shown};
use crate::role;
use crate::target::Target;
use crate::world::{World, apart};

const TEMPLATE: &str = "web-service/template.yaml";
pub(super) const DEV: [&str; 2] = [TEMPLATE, "web-service/dev.params.json"];
const PROD: [&str; 2] = [TEMPLATE, "web-service/prod.params.json"];
pub(super) const REPOSITORY: &str = "team/web";
/// What the images are built for, as CpuArchitecture in both files says.
pub(super) const ARCHITECTURE: &str = "amd64";

pub(crate) async fn the_web_service_goes_live_and_back(_: &World) -> Result<(), Failure> {
    // As its README says to install Pushboat.
    let roles = [("TaskRolePattern", "web-service/*")];
    apart(&roles, async |world| web_service(world).await).await
}

async fn web_service(world: &World) -> Result<(), Failure> {
    let network = prepare(&world.aws, &world.registry).await?;
    let stack = with_parameters(&world.aws, "web-dev", DEV, &network, &[]).await?;
    assert_is_whole(world, &stack, &network).await?;

    let target = Target::named(world, "web-dev");
    target.told("adopted", "").await?;
    let good = push(&world.registry, REPOSITORY, ARCHITECTURE, "main-2").await?;
    target.told("succeeded", "main-2").await?;
    runs(world, &stack, &good).await?;

    let bad = push(&world.registry, REPOSITORY, ARCHITECTURE, "main-3").await?;
    let bad = ("main-3", bad.as_str());
    is_taken_back(&target, &stack, bad, "ErrorAlarm", &good).await?;
    role::nothing_is_refused(world).await?;

    stack.delete(&world.aws).await?;
    assert_eq!(stack.made.left_over(&world.aws).await?, [""; 0]);
    role::is_removed(&target).await
}

/// What `prod.params.json` and a migration make otherwise.
pub(crate) async fn the_web_service_of_production_is_whole(world: &World) -> Result<(), Failure> {
    let network = prepare(&world.aws, &world.registry).await?;
    let certificate = "arn:aws:acm:us-east-1:000000000000:certificate/0a1b2c3d";
    let given = [
        ("CertificateArn", certificate),
        ("MigrationCommand", "npm,run,migrate"),
        ("MoreSecurityGroupIds", "sg-0a1b2c3d4e5f60718"),
        // It keeps the load balancer from being deleted.
        ("DeletionProtection", "false"),
    ];
    let stack = with_parameters(&world.aws, "web-prod", PROD, &network, &given).await?;
    assert_eq!(stack.made.missing(&world.aws).await, [""; 0]);
    assert!(stack.made.resources.contains_key("Redirect"), "{stack:?}");
    assert!(stack.made.outputs["Endpoint"].starts_with("https://"));

    let (service, definition) = shown(&world.aws, &stack).await?;
    let containers = &definition["containerDefinitions"];
    assert_eq!(containers[0]["name"], "migrate");
    assert_eq!(containers[0]["command"], json!(["npm", "run", "migrate"]));
    assert_eq!(containers[0]["essential"], false);
    let after = json!([{"containerName": "migrate", "condition": "SUCCESS"}]);
    assert_eq!(containers[1]["dependsOn"], after);
    let network = &service["networkConfiguration"]["awsvpcConfiguration"];
    let own = stack.made.resources["ServiceSecurityGroup"]
        .physical_id
        .as_str();
    assert_eq!(
        network["securityGroups"],
        json!([own, "sg-0a1b2c3d4e5f60718"])
    );
    assert_eq!(service["desiredCount"], 2);

    let target = Target::named(world, "web-prod");
    target.told("adopted", "").await?;
    stack.delete(&world.aws).await?;
    assert_eq!(stack.made.left_over(&world.aws).await?, [""; 0]);
    role::is_removed(&target).await
}

/// Makes what is there before the stack: a network, and a repository with the first image.
pub(super) async fn prepare(aws: &Aws, registry: &Registry) -> Result<Network, Failure> {
    customer::create_repository(aws, REPOSITORY).await?;
    push(registry, REPOSITORY, ARCHITECTURE, "main-1").await?;
    Network::create(aws).await
}

/// A VPC with two subnets, which the example's stack takes as parameters.
pub(super) struct Network {
    vpc: String,
    subnets: String,
}

impl Network {
    async fn create(aws: &Aws) -> Result<Self, Failure> {
        let vpc = [("CidrBlock", "10.20.0.0/16")];
        let vpc = texts(&aws.query("ec2", "CreateVpc", &vpc).await?, "vpcId").concat();
        let mut subnets = Vec::new();
        for (range, zone) in [
            ("10.20.0.0/24", "us-east-1a"),
            ("10.20.1.0/24", "us-east-1b"),
        ] {
            let subnet = [
                ("VpcId", vpc.as_str()),
                ("CidrBlock", range),
                ("AvailabilityZone", zone),
            ];
            let subnet = aws.query("ec2", "CreateSubnet", &subnet).await?;
            subnets.push(texts(&subnet, "subnetId").concat());
        }
        let subnets = subnets.join(",");
        Ok(Network { vpc, subnets })
    }
}

/// Makes the stack with a file of parameters, what is here in the place of each
/// REPLACE-ME, and these besides.
pub(super) async fn with_parameters(
    aws: &Aws,
    name: &str,
    files: [&str; 2],
    network: &Network,
    given: &[(&str, &str)],
) -> Result<ServiceStack, Failure> {
    let (template, parameters) = read_with(aws, files, network, given).await?;
    create(aws, name, template, &parameters).await
}

/// The template, and these parameters.
pub(super) async fn read_with(
    aws: &Aws,
    files: [&str; 2],
    network: &Network,
    given: &[(&str, &str)],
) -> Result<(Value, BTreeMap<String, String>), Failure> {
    let (template, mut parameters) = read(files).await?;
    let image = format!("{}/{REPOSITORY}:main-1", aws.registry_host());
    let here = [
        ("Image", image.as_str()),
        ("VpcId", &network.vpc),
        ("LoadBalancerSubnetIds", &network.subnets),
        ("ServiceSubnetIds", &network.subnets),
    ];
    for (key, value) in here.iter().chain(given) {
        parameters.insert((*key).to_owned(), (*value).to_owned());
    }
    let mut values = parameters.values();
    assert!(
        !values.any(|value| value.contains("REPLACE-ME")),
        "{parameters:?}"
    );
    Ok((template, parameters))
}

/// Everything that the template names is there, and hangs together.
async fn assert_is_whole(
    world: &World,
    stack: &ServiceStack,
    network: &Network,
) -> Result<(), Failure> {
    let aws = &world.aws;
    assert_eq!(stack.made.missing(aws).await, [""; 0]);
    let id = |logical_id: &str| stack.made.resources[logical_id].physical_id.as_str();
    let listener = [("ListenerArns.member.1", id("Listener"))];
    let listener = aws
        .query("elasticloadbalancing", "DescribeListeners", &listener)
        .await?;
    assert_eq!(texts(&listener, "Port"), ["80"]);
    assert_eq!(texts(&listener, "Protocol"), ["HTTP"]);
    assert!(texts(&listener, "TargetGroupArn").contains(&id("TargetGroup").to_owned()));
    let group = [("TargetGroupArns.member.1", id("TargetGroup"))];
    let group = aws
        .query("elasticloadbalancing", "DescribeTargetGroups", &group)
        .await?;
    assert_eq!(texts(&group, "HealthCheckPath"), ["/health"]);
    assert_eq!(texts(&group, "Port"), ["8080"]);
    // The tasks are reached from the load balancer alone.
    let group = [("GroupId.1", id("ServiceSecurityGroup"))];
    let group = aws.query("ec2", "DescribeSecurityGroups", &group).await?;
    let groups = texts(&group, "groupId");
    assert!(
        groups.contains(&id("LoadBalancerSecurityGroup").to_owned()),
        "{group}"
    );
    assert_eq!(stack.made.outputs["ClusterName"], stack.cluster);
    assert_eq!(stack.made.outputs["ServiceName"], stack.service);
    assert_eq!(stack.made.outputs["TargetName"], stack.made.name);
    assert!(
        stack.made.outputs["Endpoint"].starts_with("http://"),
        "{:?}",
        stack.made.outputs
    );
    assert_ecs_is_whole(aws, stack, network).await
}

async fn assert_ecs_is_whole(
    aws: &Aws,
    stack: &ServiceStack,
    network: &Network,
) -> Result<(), Failure> {
    let id = |logical_id: &str| stack.made.resources[logical_id].physical_id.as_str();
    let (service, definition) = shown(aws, stack).await?;
    let balanced = json!([{
        "containerName": "app", "containerPort": 8080, "targetGroupArn": id("TargetGroup"),
    }]);
    assert_eq!(service["loadBalancers"], balanced);
    let subnets: Vec<&str> = network.subnets.split(',').collect();
    let placed = json!({
        "assignPublicIp": "ENABLED",
        "subnets": subnets,
        "securityGroups": [id("ServiceSecurityGroup")],
    });
    assert_eq!(
        service["networkConfiguration"]["awsvpcConfiguration"],
        placed
    );
    assert_eq!(
        service["tags"],
        json!([{"key": "pushboat:target", "value": stack.made.name}])
    );
    assert_eq!(service["desiredCount"], 1);
    assert_eq!(service["launchType"], "FARGATE");
    let breaker = &service["deploymentConfiguration"]["deploymentCircuitBreaker"];
    assert_eq!(
        (&breaker["enable"], &breaker["rollback"]),
        (&true.into(), &true.into())
    );

    let account = aws.account_id();
    for (member, role) in [
        ("taskRoleArn", "TaskRole"),
        ("executionRoleArn", "ExecutionRole"),
    ] {
        let arn = format!("arn:aws:iam::{account}:role/web-service/{}", id(role));
        assert_eq!(definition[member], arn);
    }
    assert_eq!(
        (&definition["cpu"], &definition["memory"]),
        (&"256".into(), &"512".into())
    );
    let secret = format!(
        "arn:aws:ssm:{}:{account}:parameter/web/dev/database-url",
        aws.region()
    );
    let containers = json!([{
        "name": "app",
        "image": format!("{}/{REPOSITORY}:main-1", aws.registry_host()),
        "essential": true,
        "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
        "environment": [{"name": "PORT", "value": "8080"}],
        "secrets": [{"name": "DATABASE_URL", "valueFrom": secret}],
        "logConfiguration": {"logDriver": "awslogs", "options": {
            "awslogs-group": format!("/ecs/{}", stack.made.name),
            "awslogs-region": aws.region(),
            "awslogs-stream-prefix": "web",
        }},
    }]);
    assert_eq!(definition["containerDefinitions"], containers);
    Ok(())
}
