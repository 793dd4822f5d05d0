//! What each phase asks to see before it decides.

use super::*;

/// The images of the last-known-good.
pub(super) fn good_images() -> BTreeMap<String, String> {
    [("app".to_owned(), format!("{REGISTRY}/team/web:v1"))].into()
}

#[test]
fn a_phase_asks_to_see_what_it_decides_on() {
    let wants = |phase| wanted(&Given::new(phase).0, &good_images(), now());
    let requested = wants(requested::phase(None));
    assert!(requested.service && requested.image && requested.alarms && requested.good_images);
    assert_eq!(requested.definition, Some(WantedDefinition::OfPrimary));

    let id = Given::new(requested::phase(None)).0.id;
    let base = WantedDefinition::Named("web:7".to_owned());
    let unregistered = wants(starting::phase(None, Some(-10)));
    let ours = OwnRevision {
        base: "web:7".to_owned(),
        tag: id.to_string(),
        images: [("app".to_owned(), digest('b').to_string())].into(),
    };
    assert_eq!(unregistered.own_revision, Some(ours));
    assert_eq!(unregistered.definition, Some(base.clone()));
    let registered = wants(starting::phase(Some("web:8"), Some(-10)));
    assert_eq!(
        (registered.own_revision, registered.definition),
        (None, None)
    );
    assert!(unregistered.service && registered.service && !registered.image);
    assert!(unregistered.alarms && registered.alarms);
    assert!(!unregistered.good_images && !registered.good_images);

    let under_way = wants(progressing::phase(-60));
    assert!(under_way.service && under_way.alarms && under_way.definition.is_none());

    // What is to become last-known-good is read once the bake time is over.
    let ours = WantedDefinition::Named("web:8".to_owned());
    let baking = wants(baking::phase(1, None));
    assert!(baking.service && baking.alarms && baking.definition.is_none());
    assert_eq!(wants(baking::phase(0, None)).definition, Some(ours));

    let back = wants(rolling_back::phase(Way::Unasked));
    assert!(back.service && back.good_definition && !back.alarms && !back.image);
    assert_eq!(back.definition, Some(base));
    let again = OwnRevision {
        base: "web:7".to_owned(),
        tag: format!("{id}.back"),
        images: good_images(),
    };
    assert_eq!(back.own_revision, Some(again));
}

#[test]
fn the_history_is_read_only_where_the_service_does_not_explain_itself() {
    let reads = |given: Given, seen: Seen| match seen.0.service {
        Look::Taken(ServiceLook::Found(service)) => {
            super::super::history_wanted(&given.0, &service, now()).is_some()
        }
        other => panic!("{other:?}"),
    };
    let hooks = |seen: Seen| seen.service(|service| service.has_pause_hooks = true);
    let other = || progressing::foreign("web:9", -5);
    assert!(!reads(progressing::given(), progressing::under_way()));
    assert!(reads(progressing::given(), other()));
    assert!(reads(Given::new(baking::phase(60, None)), other()));
    assert!(!reads(Given::new(requested::phase(None)), other()));
    assert!(!reads(Given::new(starting::phase(None, None)), other()));
    assert!(!reads(
        Given::new(starting::phase(None, Some(-29))),
        other()
    ));
    assert!(reads(Given::new(starting::phase(None, Some(-30))), other()));

    assert!(!reads(progressing::asked(-1800), progressing::under_way()));
    assert!(reads(progressing::given(), hooks(progressing::under_way())));
    assert!(!reads(progressing::given(), hooks(progressing::done())));

    let asked = || rolling_back::asked(-60);
    let back = || rolling_back::back(DeploymentState::InProgress);
    assert!(reads(rolling_back::unasked(), rolling_back::stoppable()));
    assert!(!reads(rolling_back::unasked(), rolling_back::ours()));
    assert!(!reads(asked(), back()) && !reads(rolling_back::asked(-29), rolling_back::ours()));
    assert!(reads(rolling_back::asked(-30), rolling_back::ours()));
    assert!(!reads(rolling_back::turned_away(), rolling_back::ours()));
    assert!(reads(asked(), hooks(back())));
    assert!(reads(rolling_back::stopped(-60), back()));
    let again = |seen: Seen| seen.primary(|primary| primary.id = "ecs-svc/10".to_owned());
    assert!(reads(asked(), again(rolling_back::ours())));
    let older = rolling_back::to("web:7", -3600, DeploymentState::Completed);
    assert!(reads(asked(), older));
}

#[test]
fn the_history_is_read_from_just_before_our_deployment_was_made() {
    let from = |Given(rollout): Given, Seen(seen): Seen| match seen.service {
        Look::Taken(ServiceLook::Found(service)) => {
            super::super::history_wanted(&rollout, &service, now())
        }
        other => panic!("{other:?}"),
    };
    let foreign = || progressing::foreign("web:9", -5);
    assert_eq!(from(progressing::given(), foreign()), Some(at(-60 - 60)));
    let starting = Given::new(starting::phase(None, Some(-30)));
    assert_eq!(
        from(starting, foreign()),
        Some(at(-3600 - 60)),
        "ours is not known yet: from what ran before, and two may be made at one instant"
    );
}

#[test]
fn only_where_a_task_stopped_for_want_of_its_image_is_ecr_asked_again() {
    let doubted = |given: Given| wanted(&given.0, &good_images(), now()).image;
    let missing = || stopped_tasks::ours("1", stopped_tasks::NOT_FOUND);
    for phase in [progressing::phase(-60), baking::phase(60, None)] {
        let given = || Given::new(phase.clone());
        assert!(!doubted(given()));
        assert!(!doubted(given().stopped(stopped_tasks::crashed("1"))));
        assert!(doubted(given().stopped(missing())));
        let of_the_old = StoppedTask {
            started_by: "ecs-svc/7".to_owned(),
            ..missing()
        };
        assert!(!doubted(given().stopped(of_the_old)));
    }
}
