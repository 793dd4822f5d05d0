//! What the functions complain of, after all other scenarios.

use end_to_end::staging::FUNCTIONS;
use end_to_end::{Failure, FunctionLog};

use crate::target::Target;
use crate::world::World;

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
            // A scenario takes the ledger away from image-push.
            is_complaint
                && !entry
                    .fields
                    .to_string()
                    .contains("A fault of the local AWS")
        }));
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}
