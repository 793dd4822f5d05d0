//! The stack is upgraded, or deleted and made again, while a version is on its way.

use end_to_end::{Failure, Seen, customer};
use serde_json::json;

use crate::target::{Target, configuration};
use crate::world::{CLUSTER, LIMIT, World, apart};

/// Longer than `sam deploy` takes here.
const BAKE_TIME_SECONDS: u32 = 25;

pub(crate) async fn an_upgrade_disturbs_no_rollout(_: &World) -> Result<(), Failure> {
    apart(&[], async |world| upgrade(world).await).await
}

pub(crate) async fn a_stack_that_is_deleted_leaves_the_services_and_the_next_one_adopts_them(
    _: &World,
) -> Result<(), Failure> {
    apart(&[], async |world| delete(world).await).await
}

async fn upgrade(world: &mut World) -> Result<(), Failure> {
    let good = bakes(world, "good").await?;
    let bad = bakes(world, "bad").await?;
    let before = world.installation.clone();
    // It fires while the functions are being replaced.
    customer::set_alarm(&world.aws, &alarm("bad"), "ALARM").await?;
    world.deploy_again(&[("Tracing", "Active")]).await?;

    assert_eq!(world.installation.ledger_table, before.ledger_table);
    assert_eq!(world.installation.queue_url, before.queue_url);
    let target = Target::named(world, "bad");
    target.told("rolled-back", "v1").await?;
    customer::steady(&world.aws, CLUSTER, "bad").await?;
    assert!(!image(&target).await?.ends_with(&bad));
    let target = Target::named(world, "good");
    target.told("succeeded", "v1").await?;
    target.runs(&good).await?;
    assert_eq!(
        target.changes(),
        ["RegisterTaskDefinition", "UpdateService"]
    );
    let told = target.told_so_far();
    let started = told.iter().filter(|one| *one == "started v1");
    assert_eq!(started.count(), 1, "{told:?}");
    Ok(())
}

async fn delete(world: &mut World) -> Result<(), Failure> {
    let left = bakes(world, "left").await?;
    let ledger = world.installation.ledger_table.clone();
    end_to_end::stack::delete(&world.aws, &world.installation.stack_name).await?;

    let target = Target::named(world, "left");
    target.runs(&left).await?;
    let before = target.told_so_far();
    assert_eq!(before.last().map(String::as_str), Some("baking v1"));

    // It was retained; the emulator would give it to the next stack, which has a new one on AWS.
    let unprotected = json!({"TableName": ledger, "DeletionProtectionEnabled": false});
    let aws = &world.aws;
    aws.json("dynamodb", "UpdateTable", &unprotected).await?;
    let table = json!({"TableName": ledger});
    aws.json("dynamodb", "DeleteTable", &table).await?;
    world.deploy_again(&[]).await?;
    let target = Target::named(world, "left");
    let adopts = target.world.until("another adoption", async || {
        let told = target.told_so_far();
        Ok(match told[before.len()..].contains(&"adopted".to_owned()) {
            true => Seen::Reached(()),
            false => Seen::NotYet(format!("{told:?}")),
        })
    });
    adopts.await?;
    let digest = target.push("v2").await?;
    target.told("succeeded", "v2").await?;
    target.runs(&digest).await
}

fn alarm(name: &str) -> String {
    format!("{name}-5xx")
}

/// The image that a target's service is to run.
async fn image(target: &Target<'_>) -> Result<String, Failure> {
    let definition = target.definition().await?;
    let container = &definition["taskDefinition"]["containerDefinitions"][0];
    Ok(customer::text(&container["image"]))
}

/// Makes a target with a version of it that bakes, and answers its digest.
async fn bakes(world: &World, name: &'static str) -> Result<String, Failure> {
    customer::create_alarm(&world.aws, &alarm(name)).await?;
    let mut configuration = configuration(name);
    configuration["alarms"] = json!([alarm(name)]);
    configuration["bakeTimeSeconds"] = BAKE_TIME_SECONDS.into();
    let target = Target::adopted_as(world, name, &configuration).await?;
    let pushed = target.push("v1").await?;
    target.told_within(LIMIT, "baking", "v1").await?;
    Ok(pushed)
}
