//! Whatever comes, the answer is a clear one, and nothing panics.

use proptest::prelude::*;

use super::*;

/// The code and the places of the mistakes of a command that cannot be read.
fn mistakes(command: Value) -> Vec<String> {
    let installation = Installation::new(TargetState::default());
    let answered = installation.answer(command);
    assert_eq!(answered["error"]["code"], "invalid-command", "{answered}");
    assert_eq!(installation.sent.borrow().len(), 0);
    let size = answered.to_string().len();
    assert!(size < 32 * 1024, "an answer of {size} bytes");
    let mistakes = answered["error"]["mistakes"].as_array().unwrap().iter();
    mistakes
        .map(|mistake| {
            for part in ["problem", "fix"] {
                assert_ne!(mistake[part].as_str().unwrap(), "", "{mistake}");
            }
            mistake["place"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// An array in an array in an array, as deep as JSON is read at all.
fn deep() -> Value {
    let depth = 100;
    let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn what_holds_too_much_is_refused_as_a_whole() {
    let long = "x".repeat(1_000_000);
    let many: serde_json::Map<String, Value> = (0..10_000)
        .map(|number| (number.to_string(), json!(1)))
        .collect();
    for payload in [
        json!({ "command": long }),
        json!({ "command": "status", &long: 1 }),
        json!({ "command": "status", "target": vec![json!([]); 20_000] }),
        Value::Object(many),
        json!(long),
    ] {
        assert_eq!(mistakes(payload), ["the payload"]);
    }
}

#[test]
fn what_is_no_object_is_refused() {
    for payload in [
        json!(null),
        json!(7),
        json!("status"),
        json!([{ "command": "status" }]),
        deep(),
    ] {
        assert_eq!(mistakes(payload), ["the payload"]);
    }
    for payload in [
        json!({}),
        json!({ "command": null }),
        json!({ "command": ["status"] }),
        json!({ "command": deep() }),
    ] {
        assert_eq!(mistakes(payload), ["command"]);
    }
    for name in ["", "Status", "status ", "drop", &"x".repeat(10_000)] {
        assert_eq!(
            mistakes(json!({ "command": name, "target": "web" })),
            ["command"]
        );
    }
}

#[test]
fn fields_of_a_wrong_type_are_each_named() {
    let fields: [(&str, &str); 10] = [
        ("status", "target"),
        ("status", "after"),
        ("status", "limit"),
        ("history", "limit"),
        ("show", "rollout"),
        ("deploy", "repository"),
        ("deploy", "tag"),
        ("deploy", "digest"),
        ("release", "digest"),
        ("hold", "reason"),
    ];
    for (command, field) in fields {
        for wrong in [
            json!(null),
            json!(-1),
            json!(true),
            json!({}),
            json!([]),
            json!(1e300),
            deep(),
        ] {
            let mut whole = json!({ "command": command, "target": "web" });
            whole[field] = wrong;
            assert!(
                mistakes(whole.clone()).contains(&field.to_owned()),
                "{whole}"
            );
        }
    }
}

#[test]
fn names_that_aws_would_not_give_are_refused_before_anything_is_asked() {
    let long = "x".repeat(10_000);
    let fields: [(&str, &str, &[&str]); 5] = [
        (
            "explain",
            "target",
            &["", "a b", "a//b", "/web", "w\u{fc}b", "web\n", &long],
        ),
        (
            "deploy",
            "repository",
            &["a", "Team/Web", "team/web:v1", "t\u{0}", &long],
        ),
        (
            "deploy",
            "tag",
            &[" ", "-v1", "team/web:v1", "v1\n", "\u{202e}1v", &long],
        ),
        ("release", "digest", &["", "sha256:0", "sha512:00", &long]),
        ("show", "rollout", &["", "a b", "#", "\u{0}", &long]),
    ];
    for (command, field, names) in fields {
        for name in names {
            let mut whole = json!({ "command": command, "target": "web" });
            if field == "repository" {
                whole["tag"] = json!("v1");
            }
            whole[field] = json!(name);
            let shown: String = name.chars().take(20).collect();
            assert_eq!(
                mistakes(whole),
                [field].map(str::to_owned),
                "{command} {shown:?}"
            );
        }
    }
}

#[test]
fn of_very_many_unknown_fields_the_first_ones_are_told() {
    let fields = (0..150).map(|number| (format!("{number} {}", "y".repeat(90)), json!(0)));
    let mut whole: serde_json::Map<String, Value> = fields.collect();
    whole.insert("command".to_owned(), json!("status"));
    let places = mistakes(Value::Object(whole));
    assert_eq!(places.len(), 21);
    assert_eq!(places[20], "the payload");
}

#[test]
fn a_blank_field_has_a_place_all_the_same() {
    for name in ["", "\u{0}", " \n"] {
        let mut whole = json!({ "command": "status" });
        whole[name] = json!(0);
        assert_eq!(mistakes(whole), ["(blank)"], "{name:?}");
    }
}

#[test]
fn a_long_reason_is_cut_and_the_message_stays_small() {
    let installation = Installation::new(TargetState::default());
    let reason = "\u{1f6a7}".repeat(3_000);
    let answered =
        installation.answer(json!({ "command": "hold", "target": "web", "reason": reason }));
    assert_eq!(answered["accepted"], true);
    let sent = installation.sent.borrow();
    assert!(serde_json::to_string(&sent[0]).unwrap().len() < 4096);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z/.:-]{0,12}".prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        Just(json!("web")),
        Just(json!(digest())),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn command() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "status", "history", "show", "explain", "deploy", "rollback", "release", "hold", "resume",
    ]);
    let field = prop::sample::select(vec![
        "target",
        "after",
        "limit",
        "rollout",
        "repository",
        "tag",
        "digest",
        "reason",
        "x",
    ]);
    let fields = prop::collection::hash_map(field, json_value(), 0..5);
    (name, fields, any::<bool>()).prop_map(|(name, fields, valid_target)| {
        let mut whole: serde_json::Map<String, Value> = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        whole.insert("command".to_owned(), json!(name));
        if valid_target {
            whole.insert("target".to_owned(), json!("web"));
        }
        Value::Object(whole)
    })
}

proptest! {
    #[test]
    fn any_command_gets_an_answer_and_only_an_accepted_one_is_queued(
        command in prop_oneof![command(), json_value()]
    ) {
        let installation = Installation::new(TargetState::default());
        let answered = installation.answer(command);
        prop_assert!(answered.is_object());
        let sent = installation.sent.borrow();
        let accepted = answered["accepted"] == true;
        prop_assert_eq!(sent.len(), usize::from(accepted));
        prop_assert!(!(accepted && answered.get("error").is_some()));
        if let Some(error) = answered.get("error") {
            prop_assert_ne!(error["message"].as_str().unwrap_or_default(), "");
        }
        // What is queued is read by `rollout` as it was written.
        for message in sent.iter() {
            let text = serde_json::to_string(message).unwrap();
            prop_assert_eq!(&serde_json::from_str::<QueueMessage>(&text).unwrap(), message);
        }
    }
}
