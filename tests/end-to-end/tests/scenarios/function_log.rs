//! What the functions complain of, after all other scenarios.

use end_to_end::staging::FUNCTIONS;
use end_to_end::{Failure, FunctionLog};

use crate::target::Target;
use crate::world::World;

/// A scenario takes the ledger away from image-push; another names target groups
/// that only its service knows.
const EXPECTED: [&str; 2] = ["A fault of the local AWS", "TargetGroupNotFound"];

pub(crate) async fn no_function_complained_of_anything_unexpected(
    world: &World,
) -> Result<(), Failure> {
    let target = Target::adopted(world, "last").await?;
    target.push("v1").await?;
    target.told("succeeded", "v1").await?;

    let mut complaints = Vec::new();
    for function in FUNCTIONS {
        let log = FunctionLog::of(&world.installation, function);
        let entries = log.since(&world.aws, world.started_at).await?;
        // Only an alarm or a person wakes these, and neither belongs to this scenario.
        let heard = !entries.is_empty() || ["alarm", "operator"].contains(&function);
        assert!(heard, "{function} wrote nothing");
        complaints.extend(entries.into_iter().filter(|entry| {
            let is_complaint = ["ERROR", "WARN"].contains(&entry.text("level"));
            let words = entry.fields.to_string();
            is_complaint && !EXPECTED.iter().any(|expected| words.contains(expected))
        }));
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}
