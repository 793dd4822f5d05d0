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

    let message = dead_letter(world, "Failures", &digest).await;
    let struck = world.local.clear_faults();
    let message = message?;

    assert!(struck[0].injected > 0, "{struck:?}");
    // As the alarm on the queue says: here stands which function it was.
    let body: Value = serde_json::from_str(message["Body"].as_str().unwrap_or_default())?;
    let function = world.installation.physical_id("ImagePushFunction");
    let failed = body["requestContext"]["functionArn"].as_str();
    let is_of = |arn: &str| arn.contains(&format!(":function:{function}"));
    assert!(failed.is_some_and(is_of), "{body}");
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

    let message = dead_letter(world, "Undelivered", &digest).await;
    let again = json!({
        "StatementId": id,
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": statement["Condition"]["ArnLike"]["AWS:SourceArn"],
    });
    world.aws.post("lambda", &policy, &again).await?;
    let message = message?;

    // As the alarm on the queue says: here stands which rule it was, and why.
    let attribute = |name: &str| message["MessageAttributes"][name]["StringValue"].clone();
    let rule = world
        .installation
        .physical_id("ImagePushFunctionImagePushed");
    let failed = attribute("RULE_ARN");
    let is_of = |arn: &str| arn.ends_with(&format!("/{rule}"));
    assert!(failed.as_str().is_some_and(is_of), "{message}");
    assert_eq!(attribute("ERROR_CODE"), "NO_PERMISSIONS", "{message}");
    let why = attribute("ERROR_MESSAGE");
    assert!(why.as_str().is_some_and(|why| !why.is_empty()), "{message}");
    assert_eq!(target.changes(), [""; 0]);
    target.push("v1").await?;
    target.told("succeeded", "v1").await?;
    Ok(())
}

/// Waits for a message about this digest in a queue of the template, which holds others', too.
async fn dead_letter(world: &World, queue: &str, digest: &str) -> Result<Value, Failure> {
    let url = world.installation.physical_id(queue);
    let what = format!("a message about {digest} in {queue}");
    world
        .until(&what, async || {
            let asked = json!({
                "QueueUrl": url,
                "MaxNumberOfMessages": 10,
                // Hides the others from the next looks, until all were seen.
                "VisibilityTimeout": 5,
                "MessageAttributeNames": ["All"],
            });
            let got = world.aws.json("sqs", "ReceiveMessage", &asked).await?;
            let messages = got["Messages"].as_array().cloned().unwrap_or_default();
            let others = messages.len();
            let is_about = |message: &Value| message.to_string().contains(digest);
            Ok(match messages.into_iter().find(is_about) {
                Some(message) => Seen::Reached(message),
                None => Seen::NotYet(format!("{others} others")),
            })
        })
        .await
}
