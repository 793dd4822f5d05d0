//! The story, an act a file.

mod adoption;
mod alarm;
mod crash;
mod ignored;
mod late;
mod platform;
mod push;
mod refused;

use end_to_end::{Checkout, Failure, Staged};
use serde_json::Value;

use crate::setting::{for_many_platforms, for_one_platform};
use crate::stage::Stage;

/// Plays all acts.
///
/// # Errors
///
/// Says what of the story did not happen.
pub(crate) async fn play(
    stage: &mut Stage,
    checkout: &Checkout,
    staged: &Staged,
) -> Result<(), Failure> {
    adoption::play(stage, checkout, staged).await?;
    let plot =
        "One docker push and nothing else. v1 counts as good once it has been watched for a while.";
    let v1 = for_one_platform("v1");
    push::play(stage, "v1", &v1, "linux/arm64", plot).await?;
    let plot =
        "This one is built for two CPU architectures, with attestations, as docker buildx does it.";
    let v2 = for_many_platforms("v2");
    let platforms = "linux/amd64, linux/arm64, attestations";
    push::play(stage, "v2", &v2, platforms, plot).await?;
    ignored::play(stage).await?;
    crash::play(stage, "v3", v2.digest()).await?;
    alarm::play(stage, "v4", v2.digest()).await?;
    refused::play(stage, "v4.1", "v4").await?;
    late::play(stage, "v1").await?;
    platform::play(stage, "v5").await
}

/// Checks that a notice's document says this.
fn expect(document: &Value, pointer: &str, expected: &str) -> Result<(), Failure> {
    let found = document.pointer(pointer);
    if found.and_then(Value::as_str) == Some(expected) {
        return Ok(());
    }
    let found = found.unwrap_or(&Value::Null);
    Err(format!("the notice says {found} in {pointer}, and not \"{expected}\"").into())
}

/// Checks that no function has asked ECS to change anything since.
fn unchanged(stage: &Stage, before: usize) -> Result<(), Failure> {
    match stage.changes() - before {
        0 => Ok(()),
        changes => Err(format!("ECS was asked for {changes} changes, and not for none").into()),
    }
}
