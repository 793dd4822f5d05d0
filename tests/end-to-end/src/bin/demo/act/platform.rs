//! An image for another CPU architecture is rejected before anything is registered.

use end_to_end::Failure;

use super::{expect, unchanged};
use crate::setting::{REPOSITORY, for_another_platform};
use crate::stage::Stage;

pub(crate) async fn play(stage: &mut Stage, tag: &str) -> Result<(), Failure> {
    stage.act(
        &format!("{tag} was built for another CPU and is rejected"),
        &["The tasks run on ARM64. Somebody built on a laptop with an Intel CPU."],
    );
    let before = stage.changes();
    let image = for_another_platform(tag);
    stage.push(REPOSITORY, tag, &image, "linux/amd64").await?;
    let notice = stage.notice("rejected", tag).await?;
    expect(&notice.document, "/reason/code", "wrong-platform")?;
    stage.settle().await;
    unchanged(stage, before)?;
    stage
        .terminal
        .remark("Nothing was registered: no task had to fail to find out.");
    Ok(())
}
