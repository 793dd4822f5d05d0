//! An image is pushed and goes live.

use end_to_end::Failure;
use local_aws::oci::Artifact;

use crate::setting::REPOSITORY;
use crate::stage::Stage;

pub(crate) async fn play(
    stage: &mut Stage,
    tag: &str,
    artifact: &Artifact,
    platforms: &str,
) -> Result<(), Failure> {
    stage.act(&format!("{tag} is pushed and goes live"));
    let ignored_before = stage.timeline.untagged_ignored;
    let digest = stage.push(REPOSITORY, tag, artifact, platforms).await?;
    stage.notice("started", tag).await?;
    stage.notice("succeeded", tag).await?;
    stage.runs(&digest).await?;
    stage.settle().await;
    let ignored = stage.timeline.untagged_ignored - ignored_before;
    if ignored != artifact.children.len() {
        let parts = artifact.children.len();
        return Err(format!("{ignored} of the {parts} parts of {tag} were ignored").into());
    }
    if ignored > 0 {
        stage.terminal.text(&format!(
            "          (image-push was woken by {ignored} untagged parts of {tag}, too, and ignored each)"
        ));
    }
    Ok(())
}
