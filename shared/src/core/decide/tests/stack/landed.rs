//! Where the way back has led, and whose doing that is.

use super::on_the_way_back::{asked, given, good, ours};
use super::*;

fn cancelled() -> Given {
    given(Way::Cancel {
        intended_at: at(-60),
    })
}

/// The service runs the revision that was good.
fn at_home(word: &str) -> Seen {
    good(word, OURS).service_look(found(service(vec![deployment("web:7", "ecs-svc/9", -5)])))
}

/// The stack went back to a revision that was there before the good one.
fn landed() -> Seen {
    let before = deployment("web:5", "ecs-svc/9", -5);
    let seen = good("UPDATE_ROLLBACK_COMPLETE", OURS).history(|_| ());
    let seen = seen.also_recorded(0, "web:5");
    seen.service_look(found(service(vec![before])))
}

/// The revision that was good names its image by a tag, which stands for this one now.
fn by_tag(image: &str) -> Seen {
    let resolved = digest(image.chars().next().unwrap());
    let seen = at_home("UPDATE_ROLLBACK_COMPLETE").history(|record| {
        record.target_digests = [("app".to_owned(), resolved)].into();
    });
    seen.also_recorded(0, "web:7").change(|seen| {
        seen.good_by_tag = true;
        seen.definition = Look::Taken(definition("team/web:live"));
    })
}

#[test]
fn it_is_back_where_the_service_runs_the_images_that_were_good() {
    check(vec![
        (
            "under its own revision",
            cancelled(),
            at_home("UPDATE_ROLLBACK_COMPLETE"),
            "rolled-back alarm-fired to web:7 by Pushboat | over",
        ),
        (
            "CloudFormation did it",
            given(Way::Observed {
                by: RolledBackBy::CloudFormation,
            }),
            at_home("UPDATE_ROLLBACK_COMPLETE"),
            "rolled-back alarm-fired to web:7 by CloudFormation | over",
        ),
        (
            "under another revision",
            asked(-60),
            good("UPDATE_COMPLETE", BACK),
            "rolling-back alarm-fired to web:9 asked -60s | now",
        ),
        (
            "its tasks are being replaced",
            cancelled(),
            at_home("UPDATE_ROLLBACK_COMPLETE")
                .primary(|primary| primary.state = DeploymentState::InProgress),
            "rolling-back alarm-fired to web:7 cancelled -60s | wait 30s way-back",
        ),
    ]);
}

#[test]
fn who_was_faster_is_told() {
    let failed_then = |seen: Seen| seen.of_stack(|stack| stack.failed = Some(failed()));
    let cloudformation = "rolled-back alarm-fired to web:7 by CloudFormation | over";
    let person = "rolled-back alarm-fired to web:7 by Person | over";
    let unasked = || given(Way::Unasked);
    let mut deployed = unasked();
    if let Phase::RollingBack { back, .. } = &mut deployed.0.phase {
        back.to = "web:8".to_owned();
    }
    check(vec![
        (
            "CloudFormation, which gave the update up",
            unasked(),
            failed_then(at_home("UPDATE_ROLLBACK_COMPLETE")),
            cloudformation,
        ),
        (
            "a person, who cancelled the update",
            unasked(),
            at_home("UPDATE_ROLLBACK_COMPLETE"),
            person,
        ),
        (
            "a person, though somebody else's update failed",
            unasked(),
            failed_then(at_home("UPDATE_ROLLBACK_COMPLETE"))
                .of_stack(|stack| stack.change_set = Some("theirs".to_owned())),
            person,
        ),
        (
            "a person, who left the stack as it was",
            unasked(),
            failed_then(at_home("UPDATE_COMPLETE")),
            person,
        ),
        (
            "nobody: what was deployed has the images that were good",
            deployed,
            ours("UPDATE_COMPLETE", OURS).runs("a"),
            "rolled-back alarm-fired to web:8 by Pushboat | over",
        ),
    ]);
}

#[test]
fn where_the_stack_went_back_to_what_was_not_good_that_is_brought() {
    let brings = "rolling-back alarm-fired to web:7 asked 0s | make change set with sha256:a | now";
    check(vec![
        (
            "the stack went back to something that was not good",
            cancelled(),
            landed().runs("c"),
            brings,
        ),
        (
            "… and somebody deployed since",
            cancelled(),
            landed().runs("c").also_recorded(1, "web:6"),
            "superseded somebody-else | over",
        ),
        (
            "… or what runs is newer than ours, and so nothing that the stack had",
            cancelled(),
            good("UPDATE_ROLLBACK_COMPLETE", OURS)
                .runs("c")
                .history(|_| ())
                .also_recorded(0, "web:9"),
            "superseded somebody-else | over",
        ),
        (
            "… or CloudFormation did not go back",
            cancelled(),
            landed().stack("UPDATE_COMPLETE", Some(OURS)).runs("c"),
            "superseded somebody-else | over",
        ),
        (
            "… or it went back from somebody else's update",
            cancelled(),
            landed()
                .stack("UPDATE_ROLLBACK_COMPLETE", Some("theirs"))
                .runs("c"),
            "superseded somebody-else | over",
        ),
        (
            "… or the service is another one",
            cancelled(),
            good("UPDATE_ROLLBACK_COMPLETE", OURS)
                .runs("c")
                .change(|seen| seen.history = Look::Taken(Vec::new())),
            "superseded somebody-else | over",
        ),
        (
            "… and nobody can tell",
            cancelled(),
            landed()
                .runs("c")
                .change(|seen| seen.history = unavailable()),
            "rolling-back alarm-fired to web:7 cancelled -60s | wait 15s aws",
        ),
    ]);
}

#[test]
fn a_revision_that_names_its_image_by_a_tag_is_held_against_what_that_stood_for() {
    let brings = "rolling-back alarm-fired to web:7 asked 0s | make change set with sha256:a | now";
    check(vec![
        (
            "it names its image by a tag, which stands for another one now",
            cancelled(),
            by_tag("c"),
            brings,
        ),
        (
            "it reads the same, whatever was recorded of it",
            cancelled(),
            at_home("UPDATE_ROLLBACK_COMPLETE").change(|seen| seen.good_by_tag = true),
            "rolled-back alarm-fired to web:7 by Pushboat | over",
        ),
        (
            "… and for the same one",
            cancelled(),
            by_tag("a"),
            "rolled-back alarm-fired to web:7 by Pushboat | over",
        ),
    ]);
}
