//! `examples/backstage`: its five stacks, of which Pushboat deploys to the last.

use std::collections::BTreeMap;

use end_to_end::{Aws, Example, Failure, MadeStack, ServiceStack, customer, resource, stack};
use serde_json::{Value, json};

use super::through_stack::{Through, assert_only_stacks_were_changed};
use super::{INVENTED, TAKEN_OUT, create, image, is_taken_back, push, read, runs, shown};
use crate::role;
use crate::target::Target;
use crate::world::{World, apart};

/// The stacks that the service's needs, in the README's order.
const BEFORE: [&str; 4] = ["network", "database", "identity", "entrance"];
/// The target of development, and its repository.
const DEVELOPMENT: &str = "backstage-development";
/// As the README says to install Pushboat.
const INSTALLED: [(&str, &str); 2] = [
    ("TaskRolePattern", "backstage/*"),
    ("ClusterPattern", "backstage-*"),
];
/// What the images are built for, as CpuArchitecture in both files says.
const ARCHITECTURE: &str = "arm64";

/// One portal's stacks.
struct Portal {
    before: Vec<MadeStack>,
    service: ServiceStack,
}

pub(crate) async fn backstage_goes_live(_: &World) -> Result<(), Failure> {
    apart(&INSTALLED, async |world| go_live(world).await).await
}

async fn go_live(world: &World) -> Result<(), Failure> {
    let name = DEVELOPMENT;
    let portal = Portal::create(&world.aws, "development", &[]).await?;
    assert_eq!(portal.missing(&world.aws).await, [""; 0]);
    let stack = &portal.service;
    let secrets = portal.assert_is_whole(&world.aws, name).await?;

    let target = Target::named(world, name);
    target.told("adopted", "").await?;
    let good = push(&world.registry, name, ARCHITECTURE, "main-1").await?;
    target.told("succeeded", "main-1").await?;
    runs(world, stack, &good).await?;
    let (_, definition) = shown(&world.aws, stack).await?;
    assert_eq!(definition["containerDefinitions"][0]["secrets"], secrets);
    let bad = push(&world.registry, name, ARCHITECTURE, "main-2").await?;
    let bad = ("main-2", bad.as_str());
    is_taken_back(&target, stack, bad, "AnswersAlarm", &good).await?;
    role::nothing_is_refused(world).await?;

    // These outlive their stacks, as the templates say: what was pushed, signed up and logged.
    let kept = portal.delete(&world.aws).await?;
    assert_eq!(kept, ["Repository", "AccessLogs", "Users"]);
    role::is_removed(&target).await
}

/// The very first version is taken back: the placeholder runs again, which the stack has by its
/// digest then.
pub(crate) async fn backstage_goes_live_and_back_through_its_stack(
    _: &World,
) -> Result<(), Failure> {
    apart(&INSTALLED, async |world| through_stack(world).await).await
}

async fn through_stack(world: &World) -> Result<(), Failure> {
    let aws = &world.aws;
    let given = [("DeployThrough", "stack")];
    let portal = Portal::create(aws, "development", &given).await?;
    assert_eq!(portal.missing(aws).await, [""; 0]);
    let Portal { before, service } = portal;
    let through = Through::adopted(world, service, DEVELOPMENT).await?;
    let status = through.target.command("status", &json!({})).await?;
    let placeholder = customer::text(&status["lastKnownGood"]["images"]["backstage"]);
    let (_, first) = placeholder.split_once('@').unwrap_or_default();
    let (_, was) = shown(aws, &through.stack).await?;

    let bad = push(&world.registry, DEVELOPMENT, ARCHITECTURE, "main-1").await?;
    let taken_back = ("main-1", bad.as_str());
    through.goes_back(taken_back, "AnswersAlarm", first).await?;
    let good = push(&world.registry, DEVELOPMENT, ARCHITECTURE, "main-2").await?;
    through.goes_live("main-2", &good).await?;
    let image = |digest: &str| image(aws, DEVELOPMENT, digest);
    assert_eq!(
        through.asked(),
        [image(&bad), placeholder.clone(), image(&good)]
    );
    let (_, is) = shown(aws, &through.stack).await?;
    let mut expected = was["containerDefinitions"].clone();
    expected[0]["image"] = image(&good).into();
    assert_eq!(is["containerDefinitions"], expected);
    assert_only_stacks_were_changed(world);
    role::nothing_is_refused(world).await?;
    let service = through.stack;
    Portal { before, service }.delete(aws).await?;
    Ok(())
}

/// What `production.params.json` makes otherwise, and Aurora.
pub(crate) async fn backstage_of_production_is_whole(world: &World) -> Result<(), Failure> {
    let aurora = [("DatabaseEngine", "aurora")];
    let portal = Portal::create(&world.aws, "production", &aurora).await?;
    assert_eq!(portal.missing(&world.aws).await, [""; 0]);
    let database = &portal.before[1].resources;
    assert!(database.contains_key("AuroraSecond") && !database.contains_key("Database"));
    let (service, definition) = shown(&world.aws, &portal.service).await?;
    assert_eq!(service["desiredCount"], 2);
    assert_eq!(
        (&definition["cpu"], &definition["memory"]),
        (&"1024".into(), &"4096".into())
    );
    let target = Target::named(world, "backstage-production");
    target.told("adopted", "").await?;
    portal.delete(&world.aws).await?;
    role::is_removed(&target).await
}

impl Portal {
    /// Makes all stacks with an environment's file of parameters, and these besides.
    async fn create(aws: &Aws, environment: &str, given: &[(&str, &str)]) -> Result<Self, Failure> {
        let zone = hosted_zone(aws, environment).await?;
        let given = [given, &[("HostedZoneId", zone.as_str())]].concat();
        let mut before = Vec::new();
        for part in BEFORE {
            let (template, parameters) = part_of(environment, part, &given).await?;
            let name = format!("backstage-{environment}-{part}");
            let example = Example {
                name: &name,
                template: &template,
                parameters: &parameters,
                taken_out: &TAKEN_OUT,
                invented: &INVENTED,
            };
            before.push(example.create(aws).await?);
        }
        let (template, parameters) = part_of(environment, "service", &given).await?;
        let name = format!("backstage-{environment}-service");
        let service = create(aws, &name, template, &parameters).await?;
        Ok(Portal { before, service })
    }

    async fn missing(&self, aws: &Aws) -> Vec<String> {
        let mut missing = self.service.made.missing(aws).await;
        for stack in &self.before {
            missing.extend(stack.missing(aws).await);
        }
        missing
    }

    /// What ECS was told hangs together with the other stacks; answers the secrets.
    async fn assert_is_whole(&self, aws: &Aws, name: &str) -> Result<Value, Failure> {
        let [network, database, identity, entrance] = &self.before[..] else {
            panic!("the other stacks are four");
        };
        let stack = &self.service;
        assert_eq!(
            (stack.cluster.as_str(), stack.service.as_str()),
            (name, "backstage")
        );
        let (service, definition) = shown(aws, stack).await?;
        let balanced = json!([{
            "containerName": "backstage",
            "containerPort": 7007,
            "targetGroupArn": entrance.outputs["TargetGroup"],
        }]);
        assert_eq!(service["loadBalancers"], balanced);
        let subnets: Vec<&str> = network.outputs["PrivateSubnets"].split(',').collect();
        let placed = json!({
            "assignPublicIp": "DISABLED",
            "subnets": subnets,
            "securityGroups": [network.outputs["ServiceGroup"]],
        });
        assert_eq!(
            service["networkConfiguration"]["awsvpcConfiguration"],
            placed
        );
        let strategy = json!([
            {"capacityProvider": "FARGATE", "base": 0, "weight": 0},
            {"capacityProvider": "FARGATE_SPOT", "weight": 1},
        ]);
        assert_eq!(service["capacityProviderStrategy"], strategy);
        let of =
            |stack: &MadeStack, output: &str, key: &str| format!("{}{key}", stack.outputs[output]);
        let container = &definition["containerDefinitions"][0];
        let secrets = json!([
            {"name": "POSTGRES_USER", "valueFrom": of(database, "DatabaseSecret", ":username::")},
            {"name": "POSTGRES_PASSWORD", "valueFrom": of(database, "DatabaseSecret", ":password::")},
            {"name": "AUTH_OIDC_CLIENT_SECRET", "valueFrom": of(identity, "ClientSecret", ":clientSecret::")},
            {"name": "SESSION_SECRET", "valueFrom": identity.outputs["SessionSecret"]},
        ]);
        assert_eq!(container["secrets"], secrets);
        let host = json!({"name": "POSTGRES_HOST", "value": database.outputs["DatabaseHost"]});
        let environment = container["environment"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        assert!(environment.contains(&host), "{environment:?}");
        Ok(secrets)
    }

    /// Deletes all stacks, the last first, and answers what outlives them.
    async fn delete(&self, aws: &Aws) -> Result<Vec<String>, Failure> {
        self.service.delete(aws).await?;
        let mut left_over = self.service.made.left_over(aws).await?;
        for stack in self.before.iter().rev() {
            stack.delete(aws).await?;
            left_over.extend(stack.left_over(aws).await?);
        }
        Ok(left_over)
    }
}

/// The template of one of the stacks, and of the file's parameters those that it takes.
async fn part_of(
    environment: &str,
    part: &str,
    given: &[(&str, &str)],
) -> Result<(Value, BTreeMap<String, String>), Failure> {
    let template = format!("backstage/{part}.yaml");
    let parameters = format!("backstage/{environment}.params.json");
    let (template, mut parameters) = read([&template, &parameters]).await?;
    for (key, value) in given {
        parameters.insert((*key).to_owned(), (*value).to_owned());
    }
    parameters.retain(|name, _| template["Parameters"].get(name).is_some());
    Ok((template, parameters))
}

/// The id of a zone for the portal's name, which people have before.
async fn hosted_zone(aws: &Aws, environment: &str) -> Result<String, Failure> {
    let zone = json!({"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "shop.example"}});
    let template = json!({"Resources": {"Zone": zone}});
    let name = format!("zone-{environment}");
    stack::create(aws, &name, &template, &BTreeMap::new()).await?;
    let made = resource::resources(aws, &name).await?;
    Ok(made["Zone"].physical_id.clone())
}
