//! What no event, and no record of the ledger's stream, told of: the sweep finds it.

use std::time::Duration;

use end_to_end::wait::pass;
use end_to_end::{Failure, Seen};
use local_aws::{CallEffect, CallFault, CallRecord, EventEffect, EventFault, FaultRule, When};
use serde_json::json;

use crate::role::is_of;
use crate::target::{Target, repository};
use crate::world::World;

/// For so long the event of a push may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(5 * 60);
/// How often the sweep is made to look at the most.
const LOOKS: usize = 5;
/// How long a look takes until what it found is begun, and a little more.
const LOOK_TAKES: Duration = Duration::from_secs(10);
/// After so long a notice that was not sent counts as forgotten, and a little more.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(2 * 60 + 30);

pub(crate) async fn a_push_whose_event_is_lost_goes_live(world: &World) -> Result<(), Failure> {
    let name = "unheard";
    let target = Target::adopted(world, name).await?;
    let lost = FaultRule::Event(EventFault {
        source: Some("aws.ecr".to_owned()),
        detail_type: None,
        mentions: Some(repository(name)),
        when: When::Always,
        effect: EventEffect::Drop,
    });
    world.local.add_fault(lost.clone());
    // What is pushed in the second in which the parameter was written does not count.
    pass(Duration::from_secs(2)).await;
    let digest = target.push("v1").await?;

    compare_with_ecr(world).await?;
    pass(ON_ITS_WAY).await;
    assert_eq!(target.told_so_far(), ["adopted"], "it may be on its way");
    // A look that began before, and was long at it, may be the one that is seen.
    for _ in 0..LOOKS {
        compare_with_ecr(world).await?;
        pass(LOOK_TAKES).await;
        if target.told_so_far().len() > 1 {
            break;
        }
    }
    target.told("succeeded", "v1").await?;
    let struck = world.local.end_fault(&lost).map(|count| count.injected);
    assert_eq!(struck, Some(1), "its event was lost");
    target.runs(&digest).await
}

pub(crate) async fn a_notice_that_is_never_sent_from_the_stream_is_sent_by_the_sweep(
    world: &World,
) -> Result<(), Failure> {
    let name = "unsent";
    let target = Target::adopted(world, name).await?;
    let fails = FaultRule::Call(CallFault {
        service: Some("sns".to_owned()),
        operation: Some("Publish".to_owned()),
        function: Some("NotifyFunction".to_owned()),
        mentions: Some(name.to_owned()),
        when: When::Always,
        effect: CallEffect::Error,
    });
    world.local.add_fault(fails.clone());
    target.push("v1").await?;
    for event in ["started", "baking", "succeeded"] {
        target.told_within(FORGOTTEN_WITHIN, event, "v1").await?;
    }
    let struck = world.local.end_fault(&fails).map(|count| count.injected);
    assert!(struck >= Some(3), "{struck:?}");
    Ok(())
}

/// Has the sweep look in ECR for what was overlooked, a quarter of an hour before its time.
pub(crate) async fn compare_with_ecr(world: &World) -> Result<(), Failure> {
    let before = world.local.calls(0).last().map_or(0, |call| call.sequence);
    let noted = json!({
        "TableName": world.installation.ledger_table,
        "Key": {"pk": {"S": "sweep"}, "sk": {"S": "overlooked"}},
    });
    world.aws.json("dynamodb", "DeleteItem", &noted).await?;
    let until = world.until("the sweep's look in ECR", async || {
        let calls = world.local.calls(before);
        let is_it = |call: &CallRecord| call.operation == "DescribeImages" && is_of(call, "sweep");
        Ok(match calls.iter().any(is_it) {
            true => Seen::Reached(()),
            false => Seen::NotYet(format!("{} calls", calls.len())),
        })
    });
    until.await
}
