//! A service runs v0; Pushboat is installed and adopts it.

use end_to_end::{Checkout, Failure, Installation, Staged, customer};

use crate::line::Speaker;
use crate::setting::{
    ALARM, CLUSTER, OTHER_REPOSITORY, REPOSITORY, SERVICE, TASK_ARCHITECTURE, for_one_platform,
    parameters,
};
use crate::stage::Stage;

pub(crate) async fn play(
    stage: &mut Stage,
    checkout: &Checkout,
    staged: &Staged,
) -> Result<(), Failure> {
    stage.act(
        "A service runs v0, and Pushboat is installed",
        &["Pushboat is told what to follow. What runs already is adopted as the version to go back to."],
    );
    let v0 = create_service(stage).await?;
    customer::steady(&stage.aws, CLUSTER, SERVICE).await?;
    stage.say(Speaker::You, "sam deploy");
    stage.settle().await;
    let installation = install(stage, checkout, staged).await?;
    stage.hear(&installation);
    let adopted = stage.notice("adopted", "").await?;
    let images = adopted.document["images"].to_string();
    if !images.contains(&format!("{REPOSITORY}@{v0}")) {
        return Err(format!("what was adopted is not v0: {images}").into());
    }
    stage.notice("target-warned", "").await?;
    stage.settle().await;
    stage.terminal.remark(
        "The weak point: the alarm needs a minute to fire, and a version is watched for 3 seconds.",
    );
    Ok(())
}

/// Makes what was there before: repositories, a cluster, a service that runs v0; answers
/// v0's digest.
async fn create_service(stage: &mut Stage) -> Result<String, Failure> {
    stage.say(
        Speaker::You,
        format!("create cluster {CLUSTER}, alarm {ALARM}, two repositories"),
    );
    customer::create_repository(&stage.aws, REPOSITORY).await?;
    customer::create_repository(&stage.aws, OTHER_REPOSITORY).await?;
    customer::create_alarm(&stage.aws, ALARM).await?;
    let v0 = for_one_platform("v0");
    let digest = stage.push(REPOSITORY, "v0", &v0, "linux/arm64").await?;
    let aws = stage.aws.clone();
    let image = format!("{}/{REPOSITORY}:v0", aws.registry_host());
    let definition = customer::web_definition(&aws, SERVICE, &image, TASK_ARCHITECTURE);
    let revision = customer::register(&aws, &definition).await?;
    customer::create_cluster(&aws, CLUSTER).await?;
    stage.say(
        Speaker::You,
        format!("create service {CLUSTER}/{SERVICE}, two tasks of {SERVICE}:1"),
    );
    // No tag: the service that the template's own parameters name needs none.
    let service = customer::web_service(CLUSTER, SERVICE, &revision, None);
    customer::create_service(&aws, &service).await?;
    Ok(digest)
}

async fn install(
    stage: &mut Stage,
    checkout: &Checkout,
    staged: &Staged,
) -> Result<Installation, Failure> {
    stage.terminal.step("Installing Pushboat with sam deploy");
    let parameters = parameters();
    let parameters: Vec<(&str, &str)> = parameters
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut made = 0;
    let terminal = &stage.terminal;
    let on_line = |line: &str| {
        // The last one is the stack itself.
        if line.starts_with("CREATE_COMPLETE") && !line.contains("AWS::CloudFormation") {
            made += 1;
            terminal.progress(&format!("{made} resources are there"));
        }
    };
    let installation =
        Installation::deploy(checkout, staged, &stage.aws, &parameters, on_line).await?;
    let found = format!("all {} resources are there", installation.resources.len());
    stage.terminal.done(&found);
    Ok(installation)
}
