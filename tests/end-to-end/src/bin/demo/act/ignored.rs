//! Pushes that concern nobody: each is explained, and nothing is changed.

use end_to_end::Failure;

use super::unchanged;
use crate::setting::{OTHER_REPOSITORY, REPOSITORY, for_one_platform};
use crate::stage::Stage;

pub(crate) async fn play(stage: &mut Stage) -> Result<(), Failure> {
    stage.act(
        "Pushes that nobody follows are ignored",
        &["The target follows repository shop/web, and there the tags v*."],
    );
    let before = stage.changes();
    push_ignored(stage, OTHER_REPOSITORY, "v1", "not-followed").await?;
    push_ignored(stage, REPOSITORY, "nightly", "tag-not-followed").await?;
    stage.settle().await;
    unchanged(stage, before)?;
    stage
        .terminal
        .remark("ECS was not asked to change anything.");
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
    stage.ignored(reason, &format!("{repository}:{tag}")).await
}
