//! What was taken back comes again under another tag, and is refused.

use end_to_end::Failure;

use super::{expect, unchanged};
use crate::setting::{REPOSITORY, for_one_platform};
use crate::stage::Stage;

pub(crate) async fn play(stage: &mut Stage, tag: &str, taken_back: &str) -> Result<(), Failure> {
    stage.act(
        &format!("{taken_back} comes again as {tag} and is refused"),
        &[
            "A pipeline runs again and pushes the very same image under a new tag. Pushboat knows it by its",
            "digest, keeps it out, and says how to release it.",
        ],
    );
    let before = stage.changes();
    let image = for_one_platform(taken_back);
    stage
        .push(REPOSITORY, tag, &image, "the image of v4")
        .await?;
    let notice = stage.notice("rejected", tag).await?;
    expect(&notice.document, "/reason/code", "quarantined")?;
    if !notice.email.contains(r#""command":"release""#) {
        return Err("the email does not say how to release the image".into());
    }
    stage.settle().await;
    unchanged(stage, before)?;
    stage
        .terminal
        .remark("ECS was not asked to change anything.");
    Ok(())
}
