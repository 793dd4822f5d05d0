//! Pushes that concern nobody: each is explained, and nothing is changed.

use end_to_end::{Failure, Seen, customer};

use crate::setting::{CLUSTER, OTHER_REPOSITORY, REPOSITORY, SERVICE, for_one_platform};
use crate::stage::Stage;

pub(crate) async fn play(stage: &mut Stage) -> Result<(), Failure> {
    stage.act("Pushes that nobody follows are ignored and explained");
    let before = customer::service(&stage.aws, CLUSTER, SERVICE).await?;
    push_ignored(stage, OTHER_REPOSITORY, "v3", "not-followed").await?;
    push_ignored(stage, REPOSITORY, "nightly", "tag-not-followed").await?;
    stage.settle().await;
    let after = customer::service(&stage.aws, CLUSTER, SERVICE).await?;
    if before["taskDefinition"] != after["taskDefinition"] {
        return Err("a push that nobody follows changed the service".into());
    }
    Ok(())
}

async fn push_ignored(
    stage: &mut Stage,
    repository: &str,
    tag: &str,
    reason: &str,
) -> Result<(), Failure> {
    let image = for_one_platform(tag);
    stage.push(repository, tag, &image, "linux/arm64").await?;
    let what = format!("the explanation why {repository}:{tag} is ignored");
    stage
        .until(&what, async |stage| {
            let reasons = stage.timeline.ignored_reasons();
            Ok(if reasons.contains(reason) {
                Seen::Reached(())
            } else {
                Seen::NotYet(format!("ignored for {reasons:?}"))
            })
        })
        .await
}
