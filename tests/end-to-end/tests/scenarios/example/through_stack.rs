//! `examples/web-service`, deployed to through its own stack.

use end_to_end::{Failure, ServiceStack, customer};
use serde_json::json;

use super::web_service::{ARCHITECTURE, DEV, REPOSITORY, prepare, with_parameters};
use super::{is_taken_back, push, runs, stack_status};
use crate::target::Target;
use crate::world::{World, apart};

const NAME: &str = "web-dev";
/// What the installation has `/` and `targets` after.
const PREFIX: &str = "pushboat";

pub(crate) async fn the_web_service_goes_live_and_back_through_its_stack(
    _: &World,
) -> Result<(), Failure> {
    let roles = [("TaskRolePattern", "web-service/*")];
    apart(&roles, async |world| through_stack(world).await).await
}

async fn through_stack(world: &World) -> Result<(), Failure> {
    let aws = &world.aws;
    let network = prepare(aws, &world.registry).await?;
    let given = [("DeployThrough", "stack")];
    let stack = with_parameters(aws, NAME, DEV, &network, &given).await?;
    customer::steady(aws, &stack.cluster, &stack.service).await?;
    stack.mirror(aws, None).await?;
    // The emulator had no service of the stack when the parameter was written.
    save_target_again(world, &stack).await?;

    let target = Target::named(world, NAME);
    target.told("adopted", "").await?;
    let good = push(&world.registry, REPOSITORY, ARCHITECTURE, "main-2").await?;
    let notice = target.told("succeeded", "main-2").await?;
    assert_eq!(notice.document["rollout"]["stack"], NAME);
    runs(world, &stack, &good).await?;
    assert_eq!(stack_status(aws, NAME).await?, "UPDATE_COMPLETE");

    let bad = push(&world.registry, REPOSITORY, ARCHITECTURE, "main-3").await?;
    let bad = ("main-3", bad.as_str());
    is_taken_back(&target, &stack, bad, "ErrorAlarm", &good).await?;
    assert_eq!(stack_status(aws, NAME).await?, "UPDATE_COMPLETE");
    assert_eq!(
        target.changes(),
        [""; 0],
        "it is CloudFormation that changes ECS"
    );
    stack.delete(aws).await?;
    Ok(())
}

async fn save_target_again(world: &World, stack: &ServiceStack) -> Result<(), Failure> {
    let name = json!({"Name": format!("/{PREFIX}/targets/{}", stack.made.name)});
    let parameter = world.aws.json("ssm", "GetParameter", &name).await?;
    let value = customer::text(&parameter["Parameter"]["Value"]);
    customer::put_target(&world.aws, PREFIX, &stack.made.name, &value).await?;
    Ok(())
}
