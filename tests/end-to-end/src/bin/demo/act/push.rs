//! An image is pushed and goes live.

use end_to_end::{Failure, Seen};
use local_aws::oci::Artifact;

use crate::setting::REPOSITORY;
use crate::stage::Stage;

pub(crate) async fn play(
    stage: &mut Stage,
    tag: &str,
    artifact: &Artifact,
    platforms: &str,
    plot: &str,
) -> Result<(), Failure> {
    stage.act(&format!("{tag} is pushed and goes live"), &[plot]);
    let ignored_before = stage.timeline.untagged_ignored;
    let digest = stage.push(REPOSITORY, tag, artifact, platforms).await?;
    stage.notice("started", tag).await?;
    let notice = stage.notice("succeeded", tag).await?;
    stage.runs(&digest).await?;
    let parts = artifact.children.len();
    parts_ignored(stage, ignored_before + parts).await?;
    let took = stage.since_push(&notice);
    stage
        .close(&format!("{tag} counts as good {took:.1} s after its push."))
        .await;
    if parts > 0 {
        stage.terminal.remark(&format!(
            "ECR told of the {parts} untagged parts of {tag}, too: image-push ignored each."
        ));
    }
    Ok(())
}

/// Waits until the parts of an index are ignored: they have no tag, and ECR tells of each.
async fn parts_ignored(stage: &mut Stage, expected: usize) -> Result<(), Failure> {
    stage
        .until("that each part of the index is ignored", async |stage| {
            let ignored = stage.timeline.untagged_ignored;
            Ok(match ignored == expected {
                true => Seen::Reached(()),
                false => Seen::NotYet(format!("{ignored} of {expected} were")),
            })
        })
        .await
}
