//! A version that turns out bad is taken back, and one message says why.

use std::time::Duration;

use end_to_end::{Failure, Notice, Seen, customer};
use local_aws::oci::single;
use serde_json::{Value, json};

use crate::target::{Target, configuration, crashing, image};
use crate::world::{CLUSTER, World};

/// What Pushboat asks ECS for to deploy a version.
const THERE: [&str; 2] = ["RegisterTaskDefinition", "UpdateService"];

pub(crate) async fn a_version_that_crashes_is_explained(world: &World) -> Result<(), Failure> {
    let name = "crashes";
    let target = Target::adopted(world, name).await?;
    let good = target.revision().await?;

    let lines = "starting up\npassword=hunter2\npanic: no such table: orders";
    let digest = target.push_image("v1", crashing(name, "v1", lines)).await?;
    let notice = target.told("rolled-back", "v1").await?;

    target.runs_revision(&good).await?;
    let told = ["adopted", "started v1", "rolling-back v1", "rolled-back v1"];
    assert_eq!(target.told_so_far(), told);
    assert_there_and_back(&target.changes());
    assert_eq!(notice.attribute("outcome"), "rolled-back");
    assert_eq!(notice.attribute("severity"), "error");
    // What was pushed and tried, what it means, and what to do.
    let dossier = &notice.document["dossier"];
    assert_eq!(notice.document["rollout"]["digest"], digest);
    assert_eq!(notice.document["reason"]["code"], "tasks-fail");
    assert_eq!(dossier["failure"]["cause"], "application-error");
    assert_eq!(dossier["image"]["version"], "v1");
    assert_eq!(dossier["runs"], good);
    let task = &dossier["stoppedTasks"][0];
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    assert_eq!(task["containers"][0]["exitCode"], 1);
    let log = [
        "starting up",
        "password=[redacted]",
        "panic: no such table: orders",
    ];
    assert_eq!(dossier["log"]["lines"], json!(log));
    let region = world.aws.region();
    let by_hand = format!(
        "aws ecs update-service --region {region} --cluster {CLUSTER} --service {name} \
         --task-definition {good}"
    );
    assert_eq!(dossier["byHand"], by_hand);
    let release = release_payload(name, &digest);
    for needed in log.iter().chain([&by_hand.as_str(), &release.as_str()]) {
        assert!(notice.email.contains(needed), "{needed}: {}", notice.email);
    }
    assert!(!notice.email.contains("hunter2"), "{}", notice.email);
    assert_taken_back(&target, "pushboat", &digest).await
}

pub(crate) async fn an_alarm_in_the_bake_time_takes_it_back(world: &World) -> Result<(), Failure> {
    let name = "alarmed";
    let (target, alarm) = baking_target(world, name, 600).await?;
    let good = target.revision().await?;

    let digest = target.push("v1").await?;
    target.told("baking", "v1").await?;
    // It is quiet again before anybody can have looked: that it fired counts all the same.
    customer::set_alarm(&world.aws, &alarm, "ALARM").await?;
    customer::set_alarm(&world.aws, &alarm, "OK").await?;
    let notice = target.told("rolled-back", "v1").await?;

    target.runs_revision(&good).await?;
    assert_eq!(notice.document["reason"]["code"], "alarm-fired");
    assert!(notice.email.contains(&alarm), "{}", notice.email);
    let changes = &notice.document["dossier"]["alarmChanges"];
    assert_eq!(changes[0]["alarm"], alarm);
    assert_eq!(changes[0]["state"], "ALARM");
    assert_there_and_back(&target.changes());
    assert_taken_back(&target, "pushboat", &digest).await
}

pub(crate) async fn a_digest_that_was_taken_back_stays_out_until_released(
    world: &World,
) -> Result<(), Failure> {
    let name = "kept-out";
    let (target, alarm) = baking_target(world, name, 20).await?;
    let bad = single(&image(name, "v1"));
    let digest = target.push_artifact("v1", &bad).await?;
    target.told("baking", "v1").await?;
    customer::set_alarm(&world.aws, &alarm, "ALARM").await?;
    target.told("rolled-back", "v1").await?;
    customer::set_alarm(&world.aws, &alarm, "OK").await?;

    // The same digest under another tag.
    target.push_artifact("v2", &bad).await?;
    let refused = target.told("rejected", "v2").await?;

    assert_eq!(refused.document["reason"]["code"], "quarantined");
    let release = release_payload(name, &digest);
    assert!(refused.email.contains(&release), "{}", refused.email);
    assert!(refused.is_emailed());
    assert_there_and_back(&target.changes());

    target.order("release", &json!({"digest": digest})).await?;
    target.told("released", "").await?;
    assert_eq!(target.quarantine().await?, [""; 0]);
    assert!(!target.told_so_far().contains(&"started v2".to_owned()));
    target.push_artifact("v3", &bad).await?;
    target.told("succeeded", "v3").await?;
    target.runs(&digest).await
}

pub(crate) async fn what_ecs_takes_back_by_itself_is_only_watched(
    world: &World,
) -> Result<(), Failure> {
    let name = "breaker";
    let mut configuration = configuration(name);
    // So that ECS is the first to lose patience.
    configuration["maxFailedTasks"] = json!({"atLeast": 100});
    let breaker = json!({"enable": true, "rollback": true});
    let service = json!({
        "deploymentConfiguration": {"deploymentCircuitBreaker": breaker},
        "loadBalancers": [{
            "targetGroupArn": target_group("breaker"),
            "containerName": "web",
            "containerPort": 8080,
        }],
    });
    let target = Target::adopted_with(world, name, &configuration, &service).await?;
    let good = target.revision().await?;

    // The breaker counts what never gets healthy, not what ends after it ran.
    let ill = image(name, "v1").with_label("pushboat.test/behaviour", "elb-unhealthy");
    let digest = target.push_image("v1", ill).await?;
    let notice = target.told("rolled-back", "v1").await?;

    target.runs_revision(&good).await?;
    assert_eq!(notice.document["reason"]["code"], "deployment-failed");
    let by_itself = "ECS went back to the last good version by itself.";
    assert!(notice.email.contains(by_itself), "{}", notice.email);
    assert_eq!(target.changes(), THERE, "nothing competes with ECS");
    assert_taken_back(&target, "ecs", &digest).await
}

pub(crate) async fn blue_green_goes_live_and_back(world: &World) -> Result<(), Failure> {
    let name = "blue-green";
    let service = json!({
        "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0},
        "loadBalancers": [{
            "targetGroupArn": target_group("blue"),
            "containerName": "web",
            "containerPort": 8080,
            "advancedConfiguration": {
                "alternateTargetGroupArn": target_group("green"),
                "productionListenerRule": "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener-rule/app/web/1/2/3",
                "roleArn": "arn:aws:iam::000000000000:role/demo-load-balancer",
            },
        }],
    });
    let configuration = configuration(name);
    let target = Target::adopted_with(world, name, &configuration, &service).await?;

    let good = target.push("v1").await?;
    target.told("succeeded", "v1").await?;
    target.runs(&good).await?;
    let revision = target.revision().await?;
    let bad = target.push_image("v2", crashing(name, "v2", "bye")).await?;
    let notice = target.told("rolled-back", "v2").await?;

    target.runs_revision(&revision).await?;
    assert_eq!(notice.document["reason"]["code"], "tasks-fail");
    let changes = target.changes();
    assert_eq!(changes[..2], THERE, "{changes:?}");
    assert_there_and_back(&changes[2..]);
    let strategy = &target.service().await?["deploymentConfiguration"]["strategy"];
    assert_eq!(strategy, "BLUE_GREEN", "it stays as its owner set it");
    assert_taken_back(&target, "pushboat", &bad).await
}

pub(crate) async fn a_person_takes_it_back(world: &World) -> Result<(), Failure> {
    let name = "by-command";
    let (target, _) = baking_target(world, name, 600).await?;
    let good = target.revision().await?;
    let idle = target.command("rollback", &json!({})).await?;
    assert_eq!(idle["error"]["code"], "nothing-under-way", "{idle}");

    let digest = target.push("v1").await?;
    target.told("baking", "v1").await?;
    target.order("rollback", &json!({})).await?;
    let notice = target.told("rolled-back", "v1").await?;

    target.runs_revision(&good).await?;
    assert_eq!(notice.document["reason"]["code"], "asked-by-operator");
    assert_there_and_back(&target.changes());
    let told = target.told_so_far();
    assert!(told.contains(&"rollback-accepted".to_owned()), "{told:?}");
    assert_taken_back(&target, "pushboat", &digest).await
}

pub(crate) async fn a_hold_stops_every_write_until_it_is_gone(
    world: &World,
) -> Result<(), Failure> {
    let name = "held";
    let (target, alarm) = baking_target(world, name, 600).await?;
    let good = target.revision().await?;
    let digest = target.push("v1").await?;
    target.told("baking", "v1").await?;
    customer::hold_everything(&world.aws, "pushboat", "incident 4711").await?;
    is_held(&target, true).await?;

    // Not even a way back is gone under a hold.
    customer::set_alarm(&world.aws, &alarm, "ALARM").await?;
    let held = target.told("rollout-held", "").await;
    let quiet = target.stays_quiet().await;
    let changes = target.changes();
    customer::let_everything_go(&world.aws, "pushboat").await?;
    let held: Notice = held?;
    quiet?;

    assert!(held.email.contains("incident 4711"), "{}", held.email);
    assert_eq!(changes, THERE);
    let told = target.told_so_far();
    let times = told.iter().filter(|told| told.starts_with("rollout-held"));
    assert_eq!(times.count(), 1, "{told:?}");
    is_held(&target, false).await?;
    // It looks again once a minute while it is held.
    let limit = Duration::from_secs(240);
    target.told_within(limit, "rolled-back", "v1").await?;
    target.runs_revision(&good).await?;
    assert_there_and_back(&target.changes());
    assert_taken_back(&target, "pushboat", &digest).await
}

/// A target with an alarm of its own and so long a bake time.
async fn baking_target<'a>(
    world: &'a World,
    name: &'static str,
    bake_time_seconds: u32,
) -> Result<(Target<'a>, String), Failure> {
    let alarm = format!("{name}-5xx");
    customer::create_alarm(&world.aws, &alarm).await?;
    let mut configuration = configuration(name);
    configuration["alarms"] = json!([alarm]);
    configuration["bakeTimeSeconds"] = bake_time_seconds.into();
    let target = Target::adopted_as(world, name, &configuration).await?;
    Ok((target, alarm))
}

/// Waits until the hold for everything stands, or until it does not any more.
async fn is_held(target: &Target<'_>, wanted: bool) -> Result<(), Failure> {
    let what = match wanted {
        true => "the hold",
        false => "the end of the hold",
    };
    let look = async || {
        let hold = &target.command("status", &json!({})).await?["hold"];
        Ok(if hold.is_object() == wanted {
            Seen::Reached(())
        } else {
            Seen::NotYet(hold.to_string())
        })
    };
    target.world.until(what, look).await
}

/// What the ledger says of a version that was taken back.
async fn assert_taken_back(target: &Target<'_>, by: &str, digest: &str) -> Result<(), Failure> {
    let phase = &target.last_rollout().await?["phase"];
    assert_eq!(phase["phase"], "rolledBack", "{phase}");
    assert_eq!(phase["by"], by);
    assert_eq!(target.quarantine().await?, [digest]);
    Ok(())
}

/// A version was deployed and taken back, each by one change of the service.
fn assert_there_and_back(changes: &[String]) {
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert_eq!(changes[..2], THERE, "{changes:?}");
    let ways_back = ["UpdateService", "StopServiceDeployment"];
    assert!(ways_back.contains(&changes[2].as_str()), "{changes:?}");
}

/// The command that releases a digest, as it stands in notices.
fn release_payload(target: &str, digest: &str) -> String {
    format!(r#"{{"command":"release","target":"{target}","digest":"{digest}"}}"#)
}

fn target_group(name: &str) -> Value {
    format!(
        "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/{name}/0123456789abcdef"
    )
    .into()
}
