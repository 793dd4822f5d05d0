//! Pushes that come while another is being deployed or watched.

use end_to_end::Failure;

use crate::target::{Target, configuration};
use crate::world::World;

pub(crate) async fn the_newest_of_those_that_wait_follows(world: &World) -> Result<(), Failure> {
    let name = "one-by-one";
    let mut configuration = configuration(name);
    configuration["bakeTimeSeconds"] = 20.into();
    let target = Target::adopted_as(world, name, &configuration).await?;

    target.push("v1").await?;
    target.told("baking", "v1").await?;
    target.push("v2").await?;
    // The newest of those that wait is told by the event's time, which has whole seconds.
    end_to_end::wait::pass(std::time::Duration::from_secs(1)).await;
    let newest = target.push("v3").await?;
    target.told("succeeded", "v3").await?;

    let told = target.told_so_far();
    let place = |wanted: &str| {
        let place = told.iter().position(|told| told == wanted);
        place.unwrap_or_else(|| panic!("{wanted} is not in {told:?}"))
    };
    assert!(place("succeeded v1") < place("started v3"), "{told:?}");
    place("superseded v2");
    assert!(!told.contains(&"started v2".to_owned()), "{told:?}");
    assert_eq!(target.registered().len(), 2);
    target.runs(&newest).await
}

pub(crate) async fn a_newer_push_takes_over_immediately(world: &World) -> Result<(), Failure> {
    let name = "at-once";
    let mut configuration = configuration(name);
    // It would outlast the scenario.
    configuration["bakeTimeSeconds"] = 600.into();
    configuration["supersede"] = "immediately".into();
    let target = Target::adopted_as(world, name, &configuration).await?;

    target.push("v1").await?;
    target.told("baking", "v1").await?;
    let newest = target.push("v2").await?;
    let superseded = target.told("superseded", "v1").await?;
    target.told("baking", "v2").await?;

    assert_eq!(superseded.document["reason"]["code"], "newer-push");
    assert!(!target.told_so_far().contains(&"succeeded v1".to_owned()));
    assert_eq!(target.registered().len(), 2);
    target.runs(&newest).await
}
