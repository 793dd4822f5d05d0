//! The parser against what people write.

use proptest::prelude::*;

use super::*;
use crate::core::diagnosis::failed_tasks::MaxFailedTasks;
use crate::core::policy::{AlarmsAtStart, Supersede, TagPolicy};

fn target() -> TargetName {
    TargetName::parse("team/web").unwrap()
}

fn places(text: &str) -> Vec<String> {
    let mistakes = parse(&target(), text).unwrap_err();
    mistakes.into_iter().map(|mistake| mistake.place).collect()
}

#[test]
fn a_short_target_gets_the_defaults() {
    let text = r#"{ "service": { "cluster": "prod", "name": "web" },
                    "images": [ { "repository": "team/web" } ] }"#;
    let policy = parse(&target(), text).unwrap();
    assert_eq!(policy.images[0].tags, TagPolicy::Glob(vec!["*".to_owned()]));
    assert_eq!(
        (policy.bake_time_seconds, policy.deadline_seconds),
        (300, 1800)
    );
    assert_eq!(policy.supersede, Supersede::WhenFinished);
    assert!(policy.alarms.is_empty());
    assert_eq!(policy.alarms_at_start, AlarmsAtStart::Ignore);
    let two_or_a_tenth = MaxFailedTasks {
        at_least: 2,
        percent_of_desired: 10,
    };
    assert_eq!(policy.max_failed_tasks, two_or_a_tenth);
}

/// What is told is stored, queued and sent: DynamoDB takes items of 400 KB, SNS messages of 256 KB.
#[test]
fn of_very_many_mistakes_the_first_ones_are_told_and_each_is_short() {
    let nothings = "0,".repeat(4000);
    let strangers: String = (0..500).map(|number| format!("\"{number}\":0,")).collect();
    let range = "\\n".repeat(4000);
    for text in [
        format!(r#"{{"images":[{nothings}0]}}"#),
        format!(r#"{{{strangers}"":0}}"#),
        format!(r#"{{"images":[{{"repository":"aa","tags":{{"semver":"{range}"}}}}]}}"#),
    ] {
        let mistakes = parse(&target(), &text).unwrap_err();
        assert!(mistakes.len() <= 21, "{}", mistakes.len());
        for mistake in &mistakes {
            let shown = mistake.to_string();
            assert!(shown.len() < 500 && !shown.contains('\n'), "{shown:?}");
        }
        let last = mistakes.get(20);
        assert!(last.is_none_or(|last| last.place == "the parameter"));
    }
}

#[test]
fn a_mistake_has_a_place_even_where_a_fields_name_is_blank() {
    for name in ["", "\u{a0}", "\\u0000"] {
        let places = places(&format!(r#"{{"{name}":0}}"#));
        assert_eq!(places[0], "(blank)", "{name:?}");
    }
}

fn with(fields: &str) -> Result<Policy, Vec<Mistake>> {
    let text = format!(
        r#"{{ "service": {{ "cluster": "c", "name": "s" }}, "images": [{{"repository":"aa"}}], {fields} }}"#
    );
    parse(&target(), &text)
}

#[test]
fn a_field_that_stands_twice_is_refused_beside_what_else_is_wrong() {
    let mistakes = with(r#""bakeTimeSeconds": 60, "bakeTimeSeconds": -1"#).unwrap_err();
    let places: Vec<_> = mistakes.iter().map(|mistake| &*mistake.place).collect();
    assert_eq!(places, ["bakeTimeSeconds", "bakeTimeSeconds"]);
}

/// CloudWatch counts an alarm's name in characters.
#[test]
fn a_name_may_be_as_long_as_aws_allows_whatever_its_letters() {
    let named = |count| with(&format!(r#""alarms": ["{}"]"#, "ü".repeat(count)));
    assert!(named(255).is_ok());
    assert_eq!(named(256).unwrap_err().len(), 1);
}

#[test]
fn what_is_done_about_alarms_at_the_start_is_one_of_three_words() {
    for (word, choice) in [
        ("ignore", AlarmsAtStart::Ignore),
        ("wait", AlarmsAtStart::Wait),
        ("reject", AlarmsAtStart::Reject),
    ] {
        let policy = with(&format!(r#""alarmsAtStart": "{word}""#)).unwrap();
        assert_eq!(policy.alarms_at_start, choice);
    }
    for wrong in [r#""Wait""#, "1", "null"] {
        let mistakes = with(&format!(r#""alarmsAtStart": {wrong}"#)).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{wrong}");
        assert_eq!(mistakes[0].place, "alarmsAtStart");
        assert_eq!(mistakes[0].fix, r#"Write "ignore" or "wait" or "reject"."#);
    }
}

#[test]
fn how_many_tasks_may_fail_is_read_with_its_halves() {
    let read = |text: &str| {
        with(&format!(r#""maxFailedTasks": {text}"#)).map(|policy| {
            let most = policy.max_failed_tasks;
            (most.at_least, most.percent_of_desired)
        })
    };
    assert_eq!(read("{}"), Ok((2, 10)));
    assert_eq!(read(r#"{ "atLeast": 1 }"#), Ok((1, 10)));
    assert_eq!(read(r#"{ "percentOfDesired": 0 }"#), Ok((2, 0)));
    assert_eq!(
        read(r#"{ "atLeast": 1000, "percentOfDesired": 100 }"#),
        Ok((1000, 100))
    );
    let places = |text: &str| -> Vec<String> {
        let mistakes = read(text).unwrap_err().into_iter();
        mistakes.map(|mistake| mistake.place).collect()
    };
    assert_eq!(
        places(r#"{ "atLeast": 0, "percentOfDesired": 101 }"#),
        ["maxFailedTasks.atLeast", "maxFailedTasks.percentOfDesired"]
    );
    assert_eq!(places(r#"{ "atLeast": "2" }"#), ["maxFailedTasks.atLeast"]);
    assert_eq!(places(r#"{ "most": 2 }"#), ["maxFailedTasks.most"]);
    assert_eq!(places("2"), ["maxFailedTasks"]);
}

#[test]
fn more_alarms_than_a_registration_can_write_are_refused() {
    let alarms = |count: usize| {
        let names: Vec<String> = (0..count).map(|one| format!("\"a{one}\"")).collect();
        with(&format!(r#""alarms": [{}]"#, names.join(", ")))
    };
    assert_eq!(alarms(20).unwrap().alarms.len(), 20);
    assert_eq!(alarms(21).unwrap_err()[0].place, "alarms");
}

#[test]
fn a_whole_target_is_read() {
    let text = r#"{ "service": { "cluster": "prod", "name": "web" },
        "images": [ { "repository": "team/web", "tags": { "semver": "^1.2" }, "containers": ["app"] } ],
        "alarms": ["5xx"], "bakeTimeSeconds": 0, "deadlineSeconds": 60, "supersede": "immediately" }"#;
    let policy = parse(&target(), text).unwrap();
    assert_eq!(policy.images[0].tags, TagPolicy::Semver("^1.2".to_owned()));
    assert_eq!(policy.images[0].containers, ["app"]);
    assert_eq!((policy.bake_time_seconds, policy.deadline_seconds), (0, 60));
    assert_eq!(policy.supersede, Supersede::Immediately);
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let text = r#"{ "service": { "cluster": "arn:aws:ecs:x", "nmae": "web" },
        "images": [ { "repository": "Team/Web", "tags": { "glob": ["[a"], "semver": "1" } },
                    { "repository": "team/web", "tags": { "glob": ["[a"] } },
                    { "repository": "team/web", "tags": { "semver": "x.y" } } ],
        "alarms": "5xx", "bakeTimeSeconds": "300", "deadlineSeconds": 1, "supersede": "never",
        "approval": "none" }"#;
    assert_eq!(
        places(text),
        [
            "approval",
            "service.nmae",
            "service.cluster",
            "service.name",
            "images[0].repository",
            "images[0].tags",
            "images[1].tags.glob[0]",
            "images[2].tags.semver",
            "images[2].repository",
            "alarms",
            "bakeTimeSeconds",
            "deadlineSeconds",
            "supersede",
        ]
    );
}

#[test]
fn text_that_is_no_json_is_told_with_line_and_column() {
    assert_eq!(places("{\n  oops"), ["line 2, column 3"]);
    assert_eq!(places(""), ["line 1, column 0"]);
    assert_eq!(places("[]"), ["the value"]);
    assert_eq!(places(&" ".repeat(9000)), ["the parameter"]);
}

#[test]
fn gates_that_do_not_exist_yet_are_unknown_fields() {
    for gate in ["approval", "windows", "scan", "promote", "beforeDeploy"] {
        let text = format!(
            r#"{{ "service": {{ "cluster": "c", "name": "s" }}, "images": [{{"repository":"aa"}}], "{gate}": 1 }}"#
        );
        assert_eq!(places(&text), [gate]);
    }
}

#[test]
fn what_a_stranger_wrote_is_shortened() {
    let text = format!(
        r#"{{ "service": {{ "cluster": "{}", "name": "s" }}, "images": [] }}"#,
        "x y".repeat(200)
    );
    let mistakes = parse(&target(), &text).unwrap_err();
    assert!(mistakes.iter().all(|mistake| mistake.problem.len() < 200));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_each_refusal_names_a_mistake(text in ".{0,200}") {
        if let Err(mistakes) = parse(&target(), &text) {
            prop_assert!(!mistakes.is_empty());
        }
    }
}
