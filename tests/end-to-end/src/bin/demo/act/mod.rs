//! The story, an act a file.

mod adoption;
mod ignored;
mod push;

use end_to_end::{Checkout, Failure, Staged};

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
    push::play(stage, "v1", &for_one_platform("v1"), "linux/arm64").await?;
    let platforms = "linux/amd64, linux/arm64, attestations";
    push::play(stage, "v2", &for_many_platforms("v2"), platforms).await?;
    ignored::play(stage).await
}
