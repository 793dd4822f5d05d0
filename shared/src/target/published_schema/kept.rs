//! The files below `docs/` that are made of the schema. `UPDATE_SCHEMA=1` rewrites them.

use std::fs;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::{generated, table};
use crate::core::name::TargetName;
use crate::target::parse;

const BEGIN: &str =
    "<!-- Begin of what `UPDATE_SCHEMA=1 cargo test -p pushboat schema` writes. -->\n";
const END: &str = "<!-- End of what is written. -->\n";

#[test]
fn the_committed_schema_is_what_the_types_give() {
    let text = serde_json::to_string_pretty(&generated()).unwrap() + "\n";
    check("target.schema.json", &text);
}

#[test]
fn the_table_of_fields_is_what_the_schema_gives() {
    let page = page();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a begin marker");
    let (_, after) = rest.split_once(END).expect("the page has an end marker");
    let table = table::markdown(&generated());
    check(
        "configuration.md",
        &format!("{before}{BEGIN}\n{table}\n{END}{after}"),
    );
}

#[test]
fn each_target_on_the_page_is_accepted() {
    let page = page();
    let in_json = page.split("```json\n").skip(1);
    let in_json = in_json.map(|rest| rest.split("```").next().unwrap().to_owned());
    let in_yaml = page.split("Value: !Sub |\n").skip(1).map(|rest| {
        let block = rest.split("```").next().unwrap();
        let lines = block
            .lines()
            .take_while(|line| line.starts_with("        "));
        let text: String = lines.collect();
        text.replace("${Cluster}", "prod")
            .replace("${Service.Name}", "backstage")
            .replace("${AWS::StackName}", "backstage")
            .replace("${StackRole.Arn}", "arn:aws:iam::123456789012:role/stack")
    });
    let texts: Vec<String> = in_json.chain(in_yaml).collect();
    assert!(texts.len() >= 2, "one in JSON, and one in YAML");
    for text in texts {
        let target = TargetName::parse("backstage").unwrap();
        assert_eq!(parse(&target, &text).err(), None, "{text}");
    }
}

fn docs(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs")
        .join(file)
}

fn page() -> String {
    fs::read_to_string(docs("configuration.md")).expect("the page is there")
}

/// Compares a file with what it should be, or writes it.
fn check(file: &str, expected: &str) {
    let path = docs(file);
    let found = fs::read_to_string(&path).unwrap_or_default();
    if found == expected {
        return;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "it is how a person says that files are to be rewritten"
    )]
    let update = std::env::var_os("UPDATE_SCHEMA").is_some_and(|value| value != "0");
    if update {
        fs::write(&path, expected).expect("the file can be written");
        return;
    }
    let difference = TextDiff::from_lines(found.as_str(), expected);
    let difference = difference.unified_diff().context_radius(2).to_string();
    panic!(
        "docs/{file} is not what the types in shared/src/core/policy.rs give:\n{difference}\
         UPDATE_SCHEMA=1 writes it; read it before you commit it."
    );
}
