//! Targets that go through the stack of their service, `examples/web-service` first.

use std::collections::BTreeMap;

use end_to_end::aws::members;
use end_to_end::{Failure, Notice, ServiceStack, customer};
use local_aws::CallRecord;
use serde_json::{Value, json};

use super::web_service::{ARCHITECTURE, DEV, REPOSITORY, prepare, with_parameters};
use super::{image, is_taken_back, push, runs, stack_status};
use crate::role;
use crate::target::Target;
use crate::world::{World, apart};

const NAME: &str = "web-dev";
/// What the installation has `/` and `targets` after.
const PREFIX: &str = "pushboat";
/// The stack's parameter that has the image, in each of the examples.
const PARAMETER: &str = "Image";

pub(crate) async fn the_web_service_goes_live_and_back_through_its_stack(
    _: &World,
) -> Result<(), Failure> {
    let roles = [("TaskRolePattern", "web-service/*")];
    apart(&roles, async |world| through_stack(world).await).await
}

async fn through_stack(world: &World) -> Result<(), Failure> {
    let network = prepare(&world.aws, &world.registry).await?;
    let given = [("DeployThrough", "stack")];
    let stack = with_parameters(&world.aws, NAME, DEV, &network, &given).await?;
    let through = Through::adopted(world, stack, NAME).await?;
    let good = push(&world.registry, REPOSITORY, ARCHITECTURE, "main-2").await?;
    through.goes_live("main-2", &good).await?;
    let bad = push(&world.registry, REPOSITORY, ARCHITECTURE, "main-3").await?;
    let bad = ("main-3", bad.as_str());
    through.goes_back(bad, "ErrorAlarm", &good).await?;

    let image = |digest: &str| image(&world.aws, REPOSITORY, digest);
    assert_eq!(through.asked(), [&good, bad.1, &good].map(image));
    assert_only_stacks_were_changed(world);
    role::nothing_is_refused(world).await?;
    through.stack.delete(&world.aws).await?;
    Ok(())
}

/// A target that goes through the stack of its service.
pub(super) struct Through<'a> {
    pub(super) target: Target<'a>,
    pub(super) stack: ServiceStack,
    /// What the stack's parameters were before the first push, but for the image.
    kept: BTreeMap<String, String>,
}

impl<'a> Through<'a> {
    /// Lets the updates of a stack, which makes its own target, be played from now on, and
    /// waits until that is adopted.
    pub(super) async fn adopted(
        world: &'a World,
        stack: ServiceStack,
        target: &'static str,
    ) -> Result<Self, Failure> {
        let aws = &world.aws;
        let through = Through::mirrored(world, stack, target, None).await?;
        // The emulator had no service of the stack when the parameter was written.
        let name = json!({"Name": format!("/{PREFIX}/targets/{target}")});
        let parameter = aws.json("ssm", "GetParameter", &name).await?;
        let value = customer::text(&parameter["Parameter"]["Value"]);
        customer::put_target(aws, PREFIX, target, &value).await?;
        through.target.told("adopted", "").await?;
        Ok(through)
    }

    /// Lets the updates of a stack with this role be played from now on.
    pub(super) async fn mirrored(
        world: &'a World,
        stack: ServiceStack,
        target: &'static str,
        role_arn: Option<&str>,
    ) -> Result<Self, Failure> {
        let aws = &world.aws;
        assert_eq!(stack.made.missing(aws).await, [""; 0]);
        customer::steady(aws, &stack.cluster, &stack.service).await?;
        stack.mirror(aws, role_arn).await?;
        let mut through = Through {
            target: Target::named(world, target),
            stack,
            kept: BTreeMap::new(),
        };
        (_, through.kept) = through.parameters().await?;
        Ok(through)
    }

    /// What was pushed goes live by an update of the stack.
    pub(super) async fn goes_live(&self, tag: &str, digest: &str) -> Result<(), Failure> {
        let notice = self.target.told("succeeded", tag).await?;
        self.assert_names_stack(&notice);
        self.has(digest).await
    }

    /// A version that is live bakes until an alarm of the stack fires; then the stack is
    /// updated to the good one.
    pub(super) async fn goes_back(
        &self,
        bad: (&str, &str),
        alarm: &str,
        good: &str,
    ) -> Result<(), Failure> {
        let notice = is_taken_back(&self.target, &self.stack, bad, alarm, good).await?;
        self.assert_names_stack(&notice);
        let name = &self.stack.made.name;
        let by_hand =
            format!("aws cloudformation update-stack --region us-east-1 --stack-name {name} ");
        assert!(notice.email.contains(&by_hand), "{}", notice.email);
        assert!(!notice.email.contains("update-service"), "{}", notice.email);
        self.has(good).await
    }

    fn assert_names_stack(&self, notice: &Notice) {
        assert_eq!(
            notice.document["rollout"]["stack"],
            self.stack.made.name.as_str()
        );
    }

    /// Stack and service have the image of this digest, and nothing else of the stack changed.
    pub(super) async fn has(&self, digest: &str) -> Result<(), Failure> {
        let world = self.target.world;
        runs(world, &self.stack, digest).await?;
        let status = stack_status(&world.aws, &self.stack.made.name).await?;
        assert_eq!(status, "UPDATE_COMPLETE");
        let (image, kept) = self.parameters().await?;
        assert!(image.ends_with(&format!("@{digest}")), "{image}");
        assert_eq!(kept, self.kept);
        Ok(())
    }

    /// The stack's image, and its other parameters.
    async fn parameters(&self) -> Result<(String, BTreeMap<String, String>), Failure> {
        let name = [("StackName", self.stack.made.name.as_str())];
        let aws = &self.target.world.aws;
        let stack = aws.query("cloudformation", "DescribeStacks", &name).await?;
        let pairs = members(&stack, "Parameters").into_iter();
        let mut parameters: BTreeMap<String, String> = pairs
            .filter_map(|mut pair| {
                let value = pair.remove("ParameterValue").unwrap_or_default();
                Some((pair.remove("ParameterKey")?, value))
            })
            .collect();
        let image = parameters.remove(PARAMETER);
        Ok((image.ok_or("the stack has no image")?, parameters))
    }

    /// The images that the functions made change sets for, each of which keeps everything else.
    pub(super) fn asked(&self) -> Vec<String> {
        let calls = self.target.world.local.calls(0).into_iter();
        let made = calls.filter(|call| {
            let request = call.request.as_ref().unwrap_or(&Value::Null);
            call.operation == "CreateChangeSet"
                && call.caller.function.is_some()
                && request["StackName"] == self.stack.made.name.as_str()
        });
        made.map(|call| self.only_image(&call)).collect()
    }

    /// The image of a change set that keeps the template and every other parameter.
    fn only_image(&self, call: &CallRecord) -> String {
        let form = call.request.as_ref().unwrap_or(&Value::Null);
        assert_eq!(form["UsePreviousTemplate"], "true", "{form}");
        let mut image = None;
        let mut kept = Vec::new();
        for number in 1.. {
            let member = |name: &str| form[format!("Parameters.member.{number}.{name}")].as_str();
            let Some(key) = member("ParameterKey") else {
                break;
            };
            match member("ParameterValue") {
                Some(value) if key == PARAMETER => image = Some(value.to_owned()),
                value => {
                    assert_eq!(
                        (value, member("UsePreviousValue")),
                        (None, Some("true")),
                        "{key}"
                    );
                    kept.push(key);
                }
            }
        }
        kept.sort_unstable();
        assert_eq!(kept, self.kept.keys().collect::<Vec<_>>());
        image.expect("the change set has an image")
    }
}

/// It is CloudFormation that changes ECS, on an installation whose targets all go through stacks.
pub(super) fn assert_only_stacks_were_changed(world: &World) {
    let calls = world.local.calls(0).into_iter();
    let changes = calls.filter(|call| {
        let reading = ["Describe", "List"];
        let reads = reading
            .iter()
            .any(|prefix| call.operation.starts_with(prefix));
        call.service == "ecs" && call.caller.function.is_some() && !reads
    });
    let changes: Vec<String> = changes.map(|call| call.operation).collect();
    assert_eq!(changes, [""; 0]);
}
