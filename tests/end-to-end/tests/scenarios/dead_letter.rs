//! An event that cannot be dealt with ends in a dead-letter queue.

use end_to_end::{Failure, Seen};
use local_aws::{CallEffect, CallFault, FaultRule, When};
use serde_json::{Value, json};

use crate::target::Target;
use crate::world::World;

pub(crate) async fn an_event_that_the_function_fails_on_is_kept(
    world: &World,
) -> Result<(), Failure> {
    let target = Target::adopted(world, "ledger-lost").await?;
    // The ledger is out of reach of image-push for longer than Lambda tries.
    world.local.add_fault(FaultRule::Call(CallFault {
        service: Some("dynamodb".to_owned()),
        operation: None,
        function: Some("ImagePush".to_owned()),
        mentions: None,
        when: When::Always,
        effect: CallEffect::Error,
    }));
    let digest = target.push("v1").await?;

    let message = dead_letter(world, "ImagePushFailures", &digest).await;
    let struck = world.local.clear_faults();
    let message = message?;

    assert!(struck[0].injected > 0, "{struck:?}");
    assert!(message.contains(&digest), "{message}");
    assert_eq!(target.changes(), [""; 0]);
    // Once the ledger is back, pushing the tag again is all there is to do.
    target.push("v1").await?;
    target.told("succeeded", "v1").await?;
    Ok(())
}

pub(crate) async fn an_event_that_cannot_be_handed_over_is_kept(
    world: &World,
) -> Result<(), Failure> {
    let target = Target::adopted(world, "no-way-in").await?;
    let function = world.installation.physical_id("ImagePushFunction");
    let policy = format!("/2015-03-31/functions/{function}/policy");
    let allowed = world.aws.get("lambda", &policy).await?;
    let allowed: Value = serde_json::from_str(allowed["Policy"].as_str().unwrap_or_default())?;
    let statement = &allowed["Statement"][0];
    let id = statement["Sid"].as_str().unwrap_or_default();
    world
        .aws
        .delete("lambda", &format!("{policy}/{id}"))
        .await?;
    let digest = target.push("v1").await?;

    let message = dead_letter(world, "ImagePushUndelivered", &digest).await;
    let again = json!({
        "StatementId": id,
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": statement["Condition"]["ArnLike"]["AWS:SourceArn"],
    });
    world.aws.post("lambda", &policy, &again).await?;
    let message = message?;

    assert!(message.contains("NO_PERMISSIONS"), "{message}");
    assert_eq!(target.changes(), [""; 0]);
    target.push("v1").await?;
    target.told("succeeded", "v1").await?;
    Ok(())
}

/// Waits for a message about this digest in a queue of the template.
async fn dead_letter(world: &World, queue: &str, digest: &str) -> Result<String, Failure> {
    let url = world.installation.physical_id(queue);
    let what = format!("a message about {digest} in {queue}");
    world
        .until(&what, async || {
            let asked = json!({
                "QueueUrl": url,
                "MaxNumberOfMessages": 10,
                "VisibilityTimeout": 0,
                "MessageAttributeNames": ["All"],
            });
            let got = world.aws.json("sqs", "ReceiveMessage", &asked).await?;
            let messages = got["Messages"].as_array().cloned().unwrap_or_default();
            let about = messages.iter().map(Value::to_string);
            let found = about.into_iter().find(|message| message.contains(digest));
            Ok(match found {
                Some(message) => Seen::Reached(message),
                None => Seen::NotYet(format!("{} others", messages.len())),
            })
        })
        .await
}
