//! The stacks of `examples/`, made from their own templates: whole, deployed to by a push,
//! taken back by an alarm, and deleted.

mod backstage;
mod web_service;

use std::collections::BTreeMap;
use std::fs;

use end_to_end::{Aws, Checkout, Example, ExampleStack, Failure, Seen, customer, template};
use local_aws::oci::{Image, single};
use serde_json::Value;

pub(crate) use self::backstage::backstage_goes_live;
pub(crate) use self::web_service::{
    the_web_service_goes_live_and_back, the_web_service_of_production_is_whole,
};
use crate::target::Target;
use crate::world::World;

/// What the emulator is not to make, and why.
const TAKEN_OUT: [(&str, &str); 5] = [
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
    (
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "the emulator refuses a template that has one",
    ),
    (
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "the emulator refuses a template that has one",
    ),
];
/// A bake time that a test can wait for.
const BAKE_TIME_SECONDS: u32 = 8;

/// The files of an example below `examples/`: its template, and its parameters.
type Files = [&'static str; 2];

/// A template as JSON, and the parameters of a file.
async fn read([template, parameters]: Files) -> Result<(Value, BTreeMap<String, String>), Failure> {
    let checkout = Checkout::find()?;
    let folder = checkout.root().join("examples");
    let template = template::plain(&checkout, &folder.join(template)).await?;
    let pairs: Vec<Value> = serde_json::from_str(&fs::read_to_string(folder.join(parameters))?)?;
    let pairs = pairs.iter().map(|pair| {
        let text = |member: &str| customer::text(&pair[member]);
        (text("ParameterKey"), text("ParameterValue"))
    });
    Ok((template, pairs.collect()))
}

/// Makes a stack with a bake time of the target that a test can wait for.
async fn create(
    aws: &Aws,
    name: &str,
    mut template: Value,
    parameters: &BTreeMap<String, String>,
    exports: &BTreeMap<String, String>,
) -> Result<ExampleStack, Failure> {
    shorten_bake_time(&mut template["Resources"]["Target"]);
    let example = Example {
        name,
        template: &template,
        parameters,
        exports,
        taken_out: &TAKEN_OUT,
    };
    Ok(example.create(aws).await?)
}

fn shorten_bake_time(target: &mut Value) {
    let value = &mut target["Properties"]["Value"]["Fn::Sub"];
    let text = customer::text(value);
    let parts = text.split_once(r#""bakeTimeSeconds": "#);
    let (before, after) = parts.expect("the target has a bake time");
    let after = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
    *value = format!(r#"{before}"bakeTimeSeconds": {BAKE_TIME_SECONDS}{after}"#).into();
}

/// Pushes an image of this version for these CPUs, and gives back its digest.
async fn push(
    world: &World,
    repository: &str,
    architecture: &str,
    version: &str,
) -> Result<String, Failure> {
    let image = Image::new(architecture)
        .with_label("org.opencontainers.image.title", repository)
        .with_label("org.opencontainers.image.version", version);
    let image = single(&image);
    let pushed = world.registry.push(repository, version, &image);
    Ok(pushed.await?)
}

/// The service as ECS shows it, and the task definition that it runs.
async fn shown(aws: &Aws, stack: &ExampleStack) -> Result<(Value, Value), Failure> {
    let service = customer::service(aws, &stack.cluster, &stack.service).await?;
    let revision = customer::text(&service["taskDefinition"]);
    let mut definition = customer::definition(aws, &revision).await?;
    Ok((service, definition["taskDefinition"].take()))
}

/// Waits until the service is steady on the image of this digest.
async fn runs(world: &World, stack: &ExampleStack, digest: &str) -> Result<(), Failure> {
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
    stack: &ExampleStack,
    (bad_tag, bad): (&str, &str),
    alarm: &str,
    good: &str,
) -> Result<(), Failure> {
    let world = target.world;
    target.told("baking", bad_tag).await?;
    runs(world, stack, bad).await?;
    let alarm = &stack.resources[alarm].physical_id;
    customer::set_alarm(&world.aws, alarm, "ALARM").await?;
    let notice = target.told("rolled-back", bad_tag).await?;
    assert_eq!(notice.document["reason"]["code"], "alarm-fired");
    assert!(notice.email.contains(alarm), "{}", notice.email);
    runs(world, stack, good).await?;
    assert_eq!(target.quarantine().await?, [bad]);
    Ok(())
}
