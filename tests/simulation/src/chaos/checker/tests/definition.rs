//! Invariant 8.

use serde_json::{Value, json};

use super::*;
use crate::deeds::Registered;
use crate::images::REGISTRY;

fn base() -> Value {
    json!({
        "family": "web",
        "somethingNew": { "ratio": 0.25 },
        "containerDefinitions": [
            { "name": "app", "image": format!("{REGISTRY}/app:v1"), "unknown": null },
            { "name": "router", "image": format!("{REGISTRY}/apple:v1") },
        ],
    })
}

fn with_digest(mut document: Value) -> Value {
    let image = format!("{REGISTRY}/app@{}", digest('a'));
    document["containerDefinitions"][0]["image"] = json!(image);
    document
}

fn register(checker: &mut Checker, arn: &str, document: Value, tags: Option<&[(&str, &str)]>) {
    let Value::Object(document) = document else {
        panic!("it is an object")
    };
    let mut all = vec![("team", "a")];
    all.extend(tags.into_iter().flatten());
    checker.take(&Deed::Registered(Box::new(Registered {
        at: at(600),
        by_pushboat: tags.is_some(),
        arn: arn.to_owned(),
        document,
        tags: all
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    })));
}

/// Has a rollout register a document with more tags than its own two.
fn registered(phase: Phase, document: Value, more: &[(&str, &str)]) -> Checker {
    let ours = rollout("main-1", 'a', 10, phase);
    let mut checker = checker(Tags::Pattern);
    register(&mut checker, GOOD, base(), None);
    save(
        &mut checker,
        saved(state(Some(ours.clone())), Vec::new(), None),
    );
    let mut tags = vec![
        ("pushboat:target", "web"),
        ("pushboat:rollout", ours.id.as_str()),
    ];
    tags.extend(more);
    register(&mut checker, OURS, document, Some(&tags));
    checker
}

#[test]
fn an_edit_that_changes_more_than_the_image_is_reported() {
    let fine = || with_digest(base());
    assert_quiet(&registered(starting('a'), fine(), &[]));
    type Change = fn(&mut Value);
    let changes: [Change; 6] = [
        |document| document["somethingNew"]["ratio"] = json!(0.5),
        |document| document["status"] = json!("ACTIVE"),
        |document| document["containerDefinitions"][0]["unknown"] = json!(false),
        |document| document["containerDefinitions"][1]["image"] = json!("other"),
        |document| document["containerDefinitions"][0]["image"] = json!("app:v2"),
        |document| _ = document.as_object_mut().unwrap().remove("somethingNew"),
    ];
    for change in changes {
        let mut document = fine();
        change(&mut document);
        assert_reported(&registered(starting('a'), document, &[]), "8 ");
    }
    let tagged = registered(starting('a'), fine(), &[("team", "b")]);
    assert_reported(&tagged, "8 ");
}

#[test]
fn a_way_back_to_another_definition_is_reported() {
    assert_quiet(&registered(rolling_back('a'), base(), &[]));
    let changed = registered(rolling_back('a'), with_digest(base()), &[]);
    assert_reported(&changed, "8 ");
    assert_reported(&registered(baking('a'), with_digest(base()), &[]), "8 ");
}

#[test]
fn a_definition_that_belongs_to_nobody_is_reported() {
    let mut checker = checker(Tags::Pattern);
    register(&mut checker, OURS, base(), Some(&[]));
    assert_reported(&checker, "8 ");
}
