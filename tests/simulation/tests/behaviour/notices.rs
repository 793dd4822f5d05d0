//! Whatever happens is told, at least once and under one id.

use std::collections::BTreeSet;

use simulation::Fault;

use super::*;

/// The ids that were published, in order.
fn published(world: &World) -> Vec<String> {
    let documents = world.topic.documents();
    let ids = documents.iter().map(|document| document["id"].as_str());
    ids.map(|id| id.unwrap().to_owned()).collect()
}

/// The ids that were stored, each once.
fn stored(world: &World) -> BTreeSet<String> {
    let filed = world.ledger.notices();
    assert!(filed.iter().all(|one| one.stored == 1));
    let ids: BTreeSet<String> = filed.iter().map(|one| one.notice.id.clone()).collect();
    assert_eq!(ids.len(), filed.len());
    ids
}

fn unique(ids: &[String]) -> BTreeSet<String> {
    ids.iter().cloned().collect()
}

const ALL: [&str; 4] = ["adopted", "v2 started", "v2 baking", "v2 succeeded"];

#[test]
fn each_change_of_phase_is_stored_once_and_published_once() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(20));
    assert_eq!(told(&world), ALL);
    let published = published(&world);
    assert_eq!(unique(&published), stored(&world));
    assert_eq!(published.len(), ALL.len());
    let filed = world.ledger.notices();
    for one in filed {
        let sent_at = one.sent_at.unwrap();
        assert_eq!(
            sent_at.duration_since(one.notice.at),
            seconds(1),
            "the stream's prompt"
        );
    }
}

#[test]
fn a_notice_whose_prompt_is_lost_is_sent_by_the_sweep() {
    let mut world = adopted();
    world.lost.notice_prompts = true;
    push(&mut world, "v2");
    world.run_for(minutes(20));
    assert_eq!(told(&world), ALL);
    let published = published(&world);
    assert_eq!(unique(&published), stored(&world));
    assert_eq!(published.len(), ALL.len());
    for one in world.ledger.notices().iter().skip(1) {
        let waited = one.sent_at.unwrap().duration_since(one.notice.at);
        assert!(waited > minutes(2) && waited <= minutes(4), "{waited:?}");
    }
}

#[test]
fn a_topic_that_does_not_answer_holds_up_no_rollout_and_loses_no_notice() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::Publish, Fault::Throttled, usize::MAX);
    push(&mut world, "v2");
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(published(&world).len(), 1, "the adoption's");
    world.calls.heal();
    world.run_for(minutes(4));
    assert_eq!(unique(&published(&world)), stored(&world));
}

#[test]
fn one_that_fails_does_not_hold_up_the_others() {
    let mut world = adopted();
    world.lost.notice_prompts = true;
    world.put_target("broken", "{}");
    world.put_target("wrong", "[]");
    world
        .calls
        .fail_next(Operation::Publish, Fault::LostRequest, 1);
    let quiet = world.run_while(minutes(5), |world| published(world).len() < 2);
    assert!(quiet);
    assert_eq!(world.calls.injected(), 1);
    assert_eq!(told(&world).len(), 3);
    assert_eq!(published(&world).len(), 2, "the adoption, and one of two");
    world.run_for(minutes(1));
    assert_eq!(unique(&published(&world)), stored(&world));
}

#[test]
fn a_repeat_has_the_same_id() {
    for fault in [Fault::LostAnswer, Fault::CrashAfter] {
        let mut world = adopted();
        world.calls.fail_next(Operation::Publish, fault, 1);
        push(&mut world, "v2");
        world.run_for(minutes(20));
        let published = published(&world);
        assert_eq!(published.len(), ALL.len() + 1, "{fault:?}");
        assert_eq!(unique(&published), stored(&world));
    }
}

#[test]
fn a_decision_that_is_taken_anew_tells_under_the_same_ids() {
    let play = |fault: Option<Fault>| {
        let mut world = adopted();
        push(&mut world, "v2");
        if let Some(fault) = fault {
            world.calls.fail_next(Operation::SaveTarget, fault, 1);
        }
        world.run_for(minutes(30));
        stored(&world)
    };
    let ids = play(None);
    assert_eq!(ids.len(), ALL.len());
    for fault in [Fault::Conflict, Fault::LostRequest, Fault::CrashBefore] {
        assert_eq!(play(Some(fault)), ids, "{fault:?}");
    }
}

#[test]
fn subscriptions_can_filter_by_what_happened() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(20));
    let attributes: Vec<Vec<String>> = world
        .topic
        .published()
        .iter()
        .map(|one| {
            let attributes = one.attributes.iter();
            attributes
                .map(|(name, value)| format!("{name}={value}"))
                .collect()
        })
        .collect();
    assert_eq!(
        attributes,
        [
            vec!["event=adopted", "target=web", "severity=info"],
            vec!["event=started", "target=web", "severity=info"],
            vec!["event=baking", "target=web", "severity=info"],
            vec![
                "event=succeeded",
                "target=web",
                "severity=info",
                "outcome=succeeded"
            ],
        ]
    );
}

#[test]
fn notices_of_different_targets_never_share_an_id() {
    let mut world = steady();
    for name in ["a", "b"] {
        let image = format!("{REGISTRY}/{REPOSITORY}:v1");
        world
            .ecs
            .create_service(&ServiceSpecification::new("prod", name, &image, name));
        let text = TARGET_TEXT.replace(r#""name": "web""#, &format!(r#""name": "{name}""#));
        world.put_target(name, &text);
        world.put_target(&format!("wrong-{name}"), "[]");
    }
    world.run_for(minutes(3));
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(stored(&world).len(), 2 * (ALL.len() + 1));
    assert_eq!(unique(&published(&world)), stored(&world));
}

/// The ids whose documents are on the event bus, in order.
fn copied(world: &World) -> Vec<String> {
    let documents = world.bus.documents();
    let ids = documents.iter().map(|document| document["id"].as_str());
    ids.map(|id| id.unwrap().to_owned()).collect()
}

#[test]
fn each_notice_has_a_copy_on_the_event_bus() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(20));
    assert_eq!(world.bus.documents(), world.topic.documents());
}

#[test]
fn a_bus_that_does_not_answer_repeats_no_email_and_gets_its_copy_later() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::PutEvents, Fault::Throttled, 5);
    push(&mut world, "v2");
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(published(&world).len(), ALL.len());
    assert_eq!(unique(&copied(&world)), stored(&world));
}

#[test]
fn a_bus_that_refuses_holds_up_no_notice() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::PutEvents, Fault::Refused, usize::MAX);
    push(&mut world, "v2");
    world.run_for(minutes(20));
    assert_eq!(unique(&published(&world)), stored(&world));
    assert_eq!(published(&world).len(), ALL.len());
    assert!(world.ledger.has_sent_everything());
}
