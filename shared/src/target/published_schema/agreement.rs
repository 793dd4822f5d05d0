//! The schema against the parser: what either refuses, the other has to refuse too.
//!
//! Each test goes over all that the schema says. A field that the parser does not
//! know, or a keyword for which nobody wrote what lies outside of it, fails.

use std::cell::Cell;

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::bounds::{far_from_any_bound, just_outside, just_within};
use super::field::{Field, in_order, sample, shapes};
use super::{document, generated};
use crate::core::name::TargetName;
use crate::core::policy::Policy;
use crate::target::Mistake;

/// What a schema cannot say, in the words of the parser's mistakes.
const ONLY_THE_PARSER_SEES: [&str; 4] = [
    "is no pattern",
    "is no version range",
    "is followed twice",
    "go through one parameter",
];

#[test]
fn each_field_has_a_meaning_and_examples_that_both_take() {
    let both = Both::new();
    let fields = Field::all(&both.schema);
    for field in fields.iter().filter(|field| field.is_named()) {
        let path = &field.path;
        assert!(!field.meaning.is_empty(), "{path} has no meaning");
        let examples = field.schema["examples"].as_array();
        for example in examples.unwrap_or_else(|| panic!("{path} has no example")) {
            both.accept(&field.document(example.clone()));
        }
    }
}

#[test]
fn both_take_what_is_just_within_each_bound() {
    let both = Both::new();
    for field in Field::all(&both.schema) {
        for value in just_within(&field.schema) {
            both.accept(&field.document(value));
        }
    }
}

#[test]
fn both_refuse_what_is_just_outside_of_each_bound() {
    let both = Both::new();
    for field in Field::all(&both.schema) {
        for keyword in field.schema.as_object().unwrap().keys() {
            for value in just_outside(&field.schema, keyword) {
                both.refuse(&field, &field.document(value));
            }
        }
    }
}

/// A bound that only the parser has would show here.
#[test]
fn both_agree_on_what_is_far_from_any_bound() {
    let both = Both::new();
    for field in Field::all(&both.schema) {
        for value in far_from_any_bound(&field.schema) {
            both.agree(&field.document(value));
        }
    }
}

#[test]
fn a_field_that_is_left_out_has_the_default() {
    let both = Both::new();
    for field in Field::all(&both.schema) {
        if let Some(default) = field.schema.get("default") {
            let policy = both.accept(&field.document(default.clone()));
            assert_eq!(policy, both.accept(&field.without), "{}", field.path);
        }
    }
}

#[test]
fn both_know_the_same_fields_and_no_other() {
    let both = Both::new();
    for field in Field::all(&both.schema) {
        let shapes = shapes(&field.schema);
        if shapes.is_empty() {
            continue;
        }
        let mut names: Vec<String> = shapes.into_iter().flat_map(in_order).collect();
        let mut object = sample(&field.schema, 0);
        object["stranger"] = json!(1);
        let mistakes = both.refuse(&field, &field.document(object));
        let (_, known) = mistakes[0].fix.split_once("use one of: ").unwrap();
        let mut known: Vec<&str> = known.trim_end_matches('.').split(", ").collect();
        known.sort_unstable();
        names.sort_unstable();
        assert_eq!(known, names, "{}", field.path);
    }
}

#[test]
fn both_know_the_same_words_and_no_other() {
    let both = Both::new();
    for field in Field::all(&both.schema) {
        let choices = field.schema["oneOf"].as_array().into_iter().flatten();
        let words = choices.filter_map(|choice| choice.get("const"));
        let words: Vec<String> = words.map(ToString::to_string).collect();
        if words.is_empty() {
            continue;
        }
        let mistakes = both.refuse(&field, &field.document(json!("stranger")));
        let known = format!("Write {}.", words.join(" or "));
        assert_eq!(mistakes[0].fix, known, "{}", field.path);
    }
}

#[test]
fn both_take_the_same_characters() {
    let both = Both::new();
    let characters: Vec<char> = ('\0'..='\u{17f}').chain(['‐', '\u{2028}', '😀']).collect();
    let fields = Field::all(&both.schema);
    let has_pattern = |field: &&Field| field.schema.get("pattern").is_some();
    for field in fields.iter().filter(has_pattern) {
        for character in &characters {
            both.agree(&field.document(json!(format!("{character}1"))));
            both.agree(&field.document(json!(format!("1{character}"))));
        }
    }
}

#[test]
fn both_agree_on_any_target_but_for_what_a_schema_cannot_say() {
    let both = Both::new();
    let mut runner = TestRunner::default();
    let accepted = Cell::new(0);
    let verdict = runner.run(&document::any(&both.schema), |document| {
        accepted.set(accepted.get() + u32::from(both.agree(&document)));
        Ok(())
    });
    verdict.unwrap_or_else(|failure| panic!("{failure}"));
    let wanted = runner.config().cases / 20;
    assert!(accepted.get() >= wanted, "hardly any target is accepted");
}

/// The schema is looser than the parser: a change here belongs on the page too.
#[test]
fn some_mistakes_only_the_parser_sees() {
    let both = Both::new();
    let image = |tags: Value| json!({"repository": "aa", "tags": tags});
    for images in [
        json!([image(json!({"glob": ["[a"]}))]),
        json!([image(json!({"semver": "x.y"}))]),
        json!([image(json!({"glob": ["a"]})), image(json!({"glob": ["b"]}))]),
    ] {
        let document = json!({"service": {"cluster": "c", "name": "s"}, "images": images});
        assert_eq!(both.validate(&document), Ok(()), "{document}");
        assert!(parse(&document).is_err(), "{document}");
    }
    let images = json!([{"repository": "aa"}, {"repository": "bb"}]);
    let document = json!({"stack": {"name": "s", "parameter": "Image"}, "images": images});
    assert_eq!(both.validate(&document), Ok(()), "{document}");
    assert!(parse(&document).is_err(), "{document}");
}

fn parse(document: &Value) -> Result<Policy, Vec<Mistake>> {
    let target = TargetName::parse("team/web").unwrap();
    crate::target::parse(&target, &document.to_string())
}

/// The schema and the parser.
struct Both {
    schema: Value,
    compiled: Schemas,
    root: SchemaIndex,
}

impl Both {
    fn new() -> Self {
        const NAME: &str = "https://pushboat.invalid/target.schema.json";
        let schema = generated();
        let (mut compiler, mut compiled) = (Compiler::new(), Schemas::new());
        compiler.add_resource(NAME, schema.clone()).unwrap();
        let root = compiler.compile(NAME, &mut compiled);
        let root = root.unwrap_or_else(|error| panic!("it is no JSON Schema: {error:#}"));
        Self {
            schema,
            compiled,
            root,
        }
    }

    fn validate(&self, document: &Value) -> Result<(), String> {
        let verdict = self.compiled.validate(document, self.root);
        verdict.map_err(|error| format!("{error:#}"))
    }

    fn accept(&self, document: &Value) -> Policy {
        assert_eq!(self.validate(document), Ok(()), "{document}");
        parse(document).unwrap_or_else(|mistakes| panic!("{document}: {mistakes:?}"))
    }

    /// Both refuse it, and the parser tells only mistakes in that field.
    fn refuse(&self, field: &Field, document: &Value) -> Vec<Mistake> {
        let verdict = self.validate(document);
        assert!(verdict.is_err(), "the schema takes {document}");
        let mistakes = parse(document).expect_err(&format!("the parser takes {document}"));
        let place = field.path.replace("[]", "[0]");
        let mut told = mistakes.iter();
        let elsewhere = told.find(|mistake| !mistake.place.starts_with(&place));
        assert_eq!(elsewhere, None, "{document}: the mistake is in {place}");
        mistakes
    }

    /// Either takes it where the other one does; gives whether they do.
    fn agree(&self, document: &Value) -> bool {
        match (self.validate(document), parse(document)) {
            (Ok(()), Ok(_)) => return true,
            (Err(_), Err(_)) => {}
            (Err(problem), Ok(_)) => {
                panic!("the parser takes {document}, the schema not: {problem}")
            }
            (Ok(()), Err(mistakes)) => {
                let only_here = |problem: &str| {
                    let mut said = ONLY_THE_PARSER_SEES.into_iter();
                    said.any(|words| problem.contains(words))
                };
                let mut told = mistakes.iter();
                let other = told.find(|mistake| !only_here(&mistake.problem));
                assert_eq!(other, None, "the schema takes {document}");
            }
        }
        false
    }
}
