//! Updates of `examples/web-service` by hand: what the local AWS makes of them.

use end_to_end::aws::texts;
use end_to_end::{Aws, Failure, Seen, ServiceStack, customer, wait};
use local_aws::oci::{Image, single};
use serde_json::json;

use super::web_service::{ARCHITECTURE, DEV, REPOSITORY, prepare, with_parameters};
use super::{image, push, shown};
use crate::world::{Bare, LIMIT};

const NAME: &str = "web-dev";
const CHANGE_SET: &str = "to-the-next-version";

pub(crate) async fn an_update_waits_for_its_service(bare: &Bare) -> Result<(), Failure> {
    let (stack, id) = mirrored(bare).await?;
    let aws = &bare.aws;
    let (before, definition) = shown(aws, &stack).await?;
    let digest = push(&bare.registry, REPOSITORY, ARCHITECTURE, "main-2").await?;

    let changes = change_set(aws, &stack, &digest).await?;
    assert_eq!(texts(&changes, "StackId"), [id.as_str()]);
    let changed = texts(&changes, "LogicalResourceId");
    // `Target` takes the name of the service, which CloudFormation knows once the update runs.
    assert_eq!(changed, ["Service", "Target", "TaskDefinition"]);
    assert_eq!(texts(&changes, "Replacement"), ["False", "False", "True"]);
    let statuses = execute(bare).await?;
    let last = statuses.last().map(String::as_str);
    assert_eq!(last, Some("UPDATE_COMPLETE"), "{statuses:?}");

    let (service, updated) = shown(aws, &stack).await?;
    assert_eq!(service["deployments"].as_array().map(Vec::len), Some(1));
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(service["desiredCount"], before["desiredCount"]);
    let same = ["networkConfiguration", "loadBalancers", "tags"];
    for member in same {
        assert_eq!(service[member], before[member], "{member}");
    }
    // But for the image it is the same task definition.
    let mut expected = definition["containerDefinitions"].clone();
    expected[0]["image"] = image(aws, REPOSITORY, &digest).into();
    assert_eq!(updated["containerDefinitions"], expected);
    for member in ["taskRoleArn", "executionRoleArn", "cpu", "memory"] {
        assert_eq!(updated[member], definition[member], "{member}");
    }
    assert_waited(bare, &id);

    stack.delete(aws).await?;
    assert_eq!(stack.made.left_over(aws).await?, [""; 0]);
    Ok(())
}

pub(crate) async fn an_update_fails_with_its_service_and_is_taken_back(
    bare: &Bare,
) -> Result<(), Failure> {
    let (stack, id) = mirrored(bare).await?;
    let aws = &bare.aws;
    let (before, definition) = shown(aws, &stack).await?;
    // The circuit breaker counts what never gets healthy, not what ends after it ran.
    let ill = Image::new(ARCHITECTURE).with_label("pushboat.test/behaviour", "elb-unhealthy");
    let ill = single(&ill);
    let digest = bare.registry.push(REPOSITORY, "main-2", &ill).await?;

    change_set(aws, &stack, &digest).await?;
    let statuses = execute(bare).await?;
    let last = statuses.last().map(String::as_str);
    assert_eq!(last, Some("UPDATE_ROLLBACK_COMPLETE"), "{statuses:?}");

    let events = [("StackName", NAME)];
    let events = aws.query("cloudformation", "DescribeStackEvents", &events);
    let reasons = texts(&events.await?, "ResourceStatusReason").join("\n");
    let words = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.";
    assert!(reasons.contains(words), "{reasons}");
    let (service, now) = shown(aws, &stack).await?;
    assert_eq!(service["taskDefinition"], before["taskDefinition"]);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(
        now["containerDefinitions"],
        definition["containerDefinitions"]
    );
    assert_eq!(now["status"], "ACTIVE");
    let told = told(bare, &id);
    assert!(
        told.contains(&"UPDATE_ROLLBACK_IN_PROGRESS".to_owned()),
        "{told:?}"
    );
    assert_eq!(told.last().map(String::as_str), last);
    Ok(())
}

/// Makes the stack, and lets its updates be played.
async fn mirrored(bare: &Bare) -> Result<(ServiceStack, String), Failure> {
    let network = prepare(&bare.aws, &bare.registry).await?;
    // Health checks that fail count at once.
    let given = [("HealthCheckGracePeriodSeconds", "0")];
    let stack = with_parameters(&bare.aws, NAME, DEV, &network, &given).await?;
    customer::steady(&bare.aws, &stack.cluster, &stack.service).await?;
    let id = stack.mirror(&bare.aws, None).await?;
    Ok((stack, id))
}

/// Makes a change set in which everything stays but the image, and gives back what it
/// would change, once that is known.
async fn change_set(aws: &Aws, stack: &ServiceStack, digest: &str) -> Result<String, Failure> {
    let image = image(aws, REPOSITORY, digest);
    let mut request = vec![
        ("StackName".to_owned(), NAME),
        ("ChangeSetName".to_owned(), CHANGE_SET),
        ("UsePreviousTemplate".to_owned(), "true"),
        ("Capabilities.member.1".to_owned(), "CAPABILITY_IAM"),
    ];
    let parameters = stack.template["Parameters"].as_object();
    for (number, (key, _)) in (1..).zip(parameters.into_iter().flatten()) {
        let member = format!("Parameters.member.{number}");
        request.push((format!("{member}.ParameterKey"), key));
        request.push(match key.as_str() {
            "Image" => (format!("{member}.ParameterValue"), image.as_str()),
            _ => (format!("{member}.UsePreviousValue"), "true"),
        });
    }
    let request: Vec<(&str, &str)> = request
        .iter()
        .map(|(key, value)| (key.as_str(), *value))
        .collect();
    let made = aws.query("cloudformation", "CreateChangeSet", &request);
    let id = texts(&made.await?, "Id").concat();
    wait("the change set", LIMIT, async || {
        let request = [("ChangeSetName", id.as_str())];
        let shown = aws.query("cloudformation", "DescribeChangeSet", &request);
        let shown = shown.await?;
        Ok::<_, Failure>(match texts(&shown, "Status").concat().as_str() {
            "CREATE_COMPLETE" => Seen::Reached(shown),
            status => Seen::NotYet(status.to_owned()),
        })
    })
    .await
}

/// Executes the change set, and gives back the statuses of the stack until it rests.
async fn execute(bare: &Bare) -> Result<Vec<String>, Failure> {
    let aws = &bare.aws;
    let request = [("StackName", NAME), ("ChangeSetName", CHANGE_SET)];
    aws.query("cloudformation", "ExecuteChangeSet", &request)
        .await?;
    let mut statuses: Vec<String> = Vec::new();
    wait("the end of the update", LIMIT, async || {
        let stack = [("StackName", NAME)];
        let stack = aws.query("cloudformation", "DescribeStacks", &stack);
        let status = texts(&stack.await?, "StackStatus").concat();
        if statuses.last() != Some(&status) {
            statuses.push(status.clone());
        }
        Ok::<_, Failure>(match status.ends_with("_IN_PROGRESS") {
            true => Seen::NotYet(status),
            false => Seen::Reached(()),
        })
    })
    .await?;
    let first = statuses.first().map(String::as_str);
    assert_eq!(first, Some("UPDATE_IN_PROGRESS"));
    Ok(statuses)
}

/// The bus heard that the service is steady before it heard that the update is done.
fn assert_waited(bare: &Bare, id: &str) {
    let events = bare.local.events(0);
    let mut told = events.iter().filter_map(|record| {
        let detail = &record.event["detail"];
        match detail["stack-id"] == id {
            true => detail["status-details"]["status"].as_str(),
            false => detail["eventName"].as_str(),
        }
    });
    let began = told.find(|one| *one == "UPDATE_IN_PROGRESS");
    assert!(began.is_some(), "{events:?}");
    let of_interest = [
        "SERVICE_DEPLOYMENT_COMPLETED",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ];
    let order: Vec<&str> = told.filter(|one| of_interest.contains(one)).collect();
    assert_eq!(order, of_interest);
}

/// The statuses of the stack that the event bus was told.
fn told(bare: &Bare, id: &str) -> Vec<String> {
    let events = bare.local.events(0).into_iter();
    let of_it = events.filter(|record| {
        record.event["source"] == "aws.cloudformation" && record.event["resources"] == json!([id])
    });
    let statuses = of_it.map(|record| {
        let details = &record.event["detail"]["status-details"];
        customer::text(&details["status"])
    });
    statuses.collect()
}
