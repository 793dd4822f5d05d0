//! The stacks of `examples/`, made from their own templates: whole, deployed to by a push,
//! taken back by an alarm, and deleted.

mod backstage;
mod github_actions;
mod promotion;
mod stack_update;
mod through_stack;
mod web_service;

use std::collections::BTreeMap;
use std::fs;

use end_to_end::aws::texts;
use end_to_end::{Aws, Checkout, Example, Failure, Notice, Seen, ServiceStack, customer, template};
use local_aws::oci::{Image, Registry, single};
use serde_json::Value;

pub(crate) use self::backstage::{
    backstage_goes_live, backstage_goes_live_and_back_through_its_stack,
    backstage_of_production_is_whole,
};
pub(crate) use self::github_actions::the_role_of_github_actions_is_made;
pub(crate) use self::promotion::{
    what_staging_ran_well_is_promoted, what_staging_ran_well_is_promoted_through_the_stacks,
};
pub(crate) use self::stack_update::{
    an_update_fails_with_its_service_and_is_taken_back, an_update_waits_for_its_service,
};
pub(crate) use self::through_stack::the_web_service_goes_live_and_back_through_its_stack;
pub(crate) use self::web_service::{
    the_web_service_goes_live_and_back, the_web_service_of_production_is_whole,
};
use crate::target::Target;
use crate::world::World;

/// What the emulator is not to make, and why.
const TAKEN_OUT: [(&str, &str); 10] = [
    (
        "AWS::ECS::Cluster",
        "ECS is a model of ours in front of the emulator; it gets the cluster from the template",
    ),
    (
        "AWS::ECS::TaskDefinition",
        "the same; and the emulator loses secrets and dependsOn, and makes texts of numbers",
    ),
    (
        "AWS::ECS::Service",
        "the same; and the emulator takes no parameter for DesiredCount",
    ),
    ("AWS::ApplicationAutoScaling::ScalableTarget", REFUSED),
    ("AWS::ApplicationAutoScaling::ScalingPolicy", REFUSED),
    ("AWS::EC2::EIP", REFUSED),
    ("AWS::EC2::FlowLog", REFUSED),
    ("AWS::EC2::NatGateway", REFUSED),
    ("AWS::EC2::SecurityGroupIngress", REFUSED),
    ("AWS::IAM::OIDCProvider", REFUSED),
];
const REFUSED: &str = "the emulator refuses a template that has one";
/// What others refer to and the emulator has not: some of what is taken out, and attributes
/// that it knows nothing of.
const INVENTED: [(&str, &str); 7] = [
    (
        "Provider",
        "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com",
    ),
    ("NatA", "nat-0a1b2c3d4e5f60718"),
    ("NatB", "nat-0a1b2c3d4e5f60719"),
    ("NatC", "nat-0a1b2c3d4e5f6071a"),
    ("Database.MasterUserSecret.SecretArn", DATABASE_SECRET),
    ("AuroraCluster.MasterUserSecret.SecretArn", DATABASE_SECRET),
    (
        "Users.ProviderURL",
        "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE",
    ),
];
const DATABASE_SECRET: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:rds!db-0a1b2c3d-AbCdEf";
/// A bake time that a test can wait for, and in which it can set an alarm on a slow machine.
const BAKE_TIME_SECONDS: u32 = 20;

/// A template below `examples/`, as JSON.
async fn template(file: &str) -> Result<Value, Failure> {
    let checkout = Checkout::find()?;
    let file = checkout.root().join("examples").join(file);
    Ok(template::plain(&checkout, &file).await?)
}

/// The same, with the parameters of a file there.
async fn read(
    [template_file, parameters]: [&str; 2],
) -> Result<(Value, BTreeMap<String, String>), Failure> {
    let template = template(template_file).await?;
    let folder = Checkout::find()?.root().join("examples");
    let pairs: Vec<Value> = serde_json::from_str(&fs::read_to_string(folder.join(parameters))?)?;
    let pairs = pairs.iter().map(|pair| {
        let text = |member: &str| customer::text(&pair[member]);
        (text("ParameterKey"), text("ParameterValue"))
    });
    Ok((template, pairs.collect()))
}

/// Makes a stack with a service; its target, where it has one, gets a bake time that a test
/// can wait for.
async fn create(
    aws: &Aws,
    name: &str,
    mut template: Value,
    parameters: &BTreeMap<String, String>,
) -> Result<ServiceStack, Failure> {
    if let Some(target) = template["Resources"].get_mut("Target") {
        shorten_bake_time(target);
    }
    let example = Example {
        name,
        template: &template,
        parameters,
        taken_out: &TAKEN_OUT,
        invented: &INVENTED,
    };
    Ok(example.create_with_service(aws).await?)
}

fn shorten_bake_time(target: &mut Value) {
    let mut value = &mut target["Properties"]["Value"]["Fn::Sub"];
    if value.is_array() {
        value = &mut value[0];
    }
    let text = customer::text(value);
    let parts = text.split_once(r#""bakeTimeSeconds": "#);
    let (before, after) = parts.expect("the target has a bake time");
    let after = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
    *value = format!(r#"{before}"bakeTimeSeconds": {BAKE_TIME_SECONDS}{after}"#).into();
}

/// Pushes an image of this version for these CPUs, and gives back its digest.
async fn push(
    registry: &Registry,
    repository: &str,
    architecture: &str,
    version: &str,
) -> Result<String, Failure> {
    let image = Image::new(architecture)
        .with_label("org.opencontainers.image.title", repository)
        .with_label("org.opencontainers.image.version", version);
    let image = single(&image);
    let pushed = registry.push(repository, version, &image);
    Ok(pushed.await?)
}

/// An image by its digest, as a task definition names it.
fn image(aws: &Aws, repository: &str, digest: &str) -> String {
    format!("{}/{repository}@{digest}", aws.registry_host())
}

/// The service as ECS shows it, and the task definition that it runs.
async fn shown(aws: &Aws, stack: &ServiceStack) -> Result<(Value, Value), Failure> {
    let service = customer::service(aws, &stack.cluster, &stack.service).await?;
    let revision = customer::text(&service["taskDefinition"]);
    let mut definition = customer::definition(aws, &revision).await?;
    Ok((service, definition["taskDefinition"].take()))
}

/// The status of a stack.
async fn stack_status(aws: &Aws, name: &str) -> Result<String, Failure> {
    let stack = [("StackName", name)];
    let stack = aws
        .query("cloudformation", "DescribeStacks", &stack)
        .await?;
    Ok(texts(&stack, "StackStatus").concat())
}

/// Waits until the service is steady on the image of this digest.
async fn runs(world: &World, stack: &ServiceStack, digest: &str) -> Result<(), Failure> {
    let look = async || {
        customer::steady(&world.aws, &stack.cluster, &stack.service).await?;
        let (_, definition) = shown(&world.aws, stack).await?;
        let image = customer::text(&definition["containerDefinitions"][0]["image"]);
        Ok(match image.ends_with(digest) {
            true => Seen::Reached(()),
            false => Seen::NotYet(image),
        })
    };
    let what = format!("{} running {digest}", stack.service);
    world.until(&what, look).await
}

/// A version bakes until an alarm of the stack fires; then this good one runs again.
async fn is_taken_back(
    target: &Target<'_>,
    stack: &ServiceStack,
    (bad_tag, bad): (&str, &str),
    alarm: &str,
    good: &str,
) -> Result<Notice, Failure> {
    let world = target.world;
    target.told("baking", bad_tag).await?;
    runs(world, stack, bad).await?;
    let alarm = &stack.made.resources[alarm].physical_id;
    customer::set_alarm(&world.aws, alarm, "ALARM").await?;
    let notice = target.told("rolled-back", bad_tag).await?;
    assert_eq!(notice.document["reason"]["code"], "alarm-fired");
    assert!(notice.email.contains(alarm), "{}", notice.email);
    runs(world, stack, good).await?;
    assert_eq!(target.quarantine().await?, [bad]);
    Ok(notice)
}
