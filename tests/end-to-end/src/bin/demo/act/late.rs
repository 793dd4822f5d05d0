//! The event of an older push comes late, and is ignored.

use end_to_end::Failure;

use super::unchanged;
use crate::setting::REPOSITORY;
use crate::stage::Stage;

pub(crate) async fn play(stage: &mut Stage, tag: &str) -> Result<(), Failure> {
    stage.act(
        &format!("The event of {tag}'s push comes again, late, and is ignored"),
        &[
            "EventBridge delivers each event at least once, in any order. This one has an id of its own, so",
            "the queue does not drop it as a repeat.",
        ],
    );
    let before = stage.changes();
    let events = stage.local.events(0);
    let pushed = events.into_iter().find(|record| {
        let detail = &record.event["detail"];
        detail["repository-name"] == REPOSITORY && detail["image-tag"] == tag
    });
    let mut event = pushed
        .ok_or(format!("there was no event about {tag}"))?
        .event;
    // The local AWS gives it a new one.
    if let Some(event) = event.as_object_mut() {
        event.remove("id");
    }
    stage.local.emit(&event);
    stage
        .ignored("older", &format!("the late event of {tag}"))
        .await?;
    stage.settle().await;
    unchanged(stage, before)?;
    stage
        .terminal
        .remark("ECS was not asked to change anything: an event only wakes, it decides nothing.");
    Ok(())
}
