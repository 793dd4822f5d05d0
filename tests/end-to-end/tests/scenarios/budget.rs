//! How many calls stand between a push and the accepted UpdateService.

use std::time::Duration;

use end_to_end::{Failure, Seen, customer};
use jiff::{SignedDuration, Timestamp};
use local_aws::{CallEffect, CallFault, CallRecord, FaultRule, When};
use serde_json::json;

use crate::target::{Target, configuration};
use crate::world::World;

/// The design's budget.
const MOST_IN_SEQUENCE: usize = 9;
/// Each call takes this long, so that those made side by side overlap.
const DELAY: Duration = Duration::from_millis(60);

pub(crate) async fn a_push_takes_at_most_nine_calls_in_sequence(
    world: &World,
) -> Result<(), Failure> {
    // A watched alarm is one more thing to look at.
    customer::create_alarm(&world.aws, "budget-alarm").await?;
    let mut configuration = configuration("budget");
    configuration["alarms"] = json!(["budget-alarm"]);
    let target = Target::adopted_as(world, "budget", &configuration).await?;
    target.push("v1").await?;
    target.told("succeeded", "v1").await?;
    // The last that `rollout` does for v1.
    target.published("v1").await?;
    let before = world.local.calls(0).last().map_or(0, |call| call.sequence);
    for function in ["ImagePush", "Rollout"] {
        world.local.add_fault(FaultRule::Call(CallFault {
            service: None,
            operation: None,
            function: Some(function.to_owned()),
            mentions: None,
            when: When::Always,
            effect: CallEffect::DelayMilliseconds(60),
        }));
    }
    target.push("v2").await?;
    let updated = world
        .until("UpdateService for v2", async || {
            let calls = world.local.calls(before);
            let updated = calls.iter().find(|call| call.operation == "UpdateService");
            Ok(match updated {
                Some(updated) if updated.status.is_some() => Seen::Reached(updated.sequence),
                _ => Seen::NotYet(format!("{} calls", calls.len())),
            })
        })
        .await;
    world.local.clear_faults();
    let updated = updated?;

    let mut calls = world.local.calls(before);
    calls.retain(|call| call.sequence <= updated && is_on_the_way(call));
    // What the version before still woke is none of its business.
    let begins_at = calls.iter().position(|call| is_of(call, "ImagePush"));
    calls.drain(..begins_at.unwrap_or_default());
    let steps = in_sequence(&calls);
    println!(
        "from a push to an accepted UpdateService: {} calls, {} in sequence",
        calls.len(),
        steps.len()
    );
    for (number, step) in steps.iter().enumerate() {
        println!("  {}. {}", number + 1, step.join(", "));
    }
    assert!(steps.len() <= MOST_IN_SEQUENCE, "{steps:#?}");
    assert!(
        calls
            .iter()
            .any(|call| call.operation == "RegisterTaskDefinition")
    );
    target.told("succeeded", "v2").await?;
    Ok(())
}

/// Whether image-push or rollout made it.
fn is_on_the_way(call: &CallRecord) -> bool {
    is_of(call, "ImagePush") || is_of(call, "Rollout")
}

fn is_of(call: &CallRecord, function: &str) -> bool {
    let caller = call.caller.function.as_deref();
    caller.is_some_and(|caller| caller.contains(function))
}

/// The calls in the order they came, those made side by side in one step.
fn in_sequence(calls: &[CallRecord]) -> Vec<Vec<String>> {
    let mut steps: Vec<Vec<String>> = Vec::new();
    let mut step_ends_at = Timestamp::UNIX_EPOCH;
    for call in calls {
        let name = format!("{} {}", call.service, call.operation);
        let ends_at = call.at + SignedDuration::try_from(DELAY).unwrap_or_default();
        match steps.last_mut() {
            // Nobody can have waited for an answer that was not there yet.
            Some(step) if call.at < step_ends_at => step.push(name),
            _ => {
                steps.push(vec![name]);
                step_ends_at = ends_at;
            }
        }
    }
    steps
}
