//! The JSON Schema of a target's parameter, made of the types that the parser fills.
//!
//! What a field means, its bounds, its default and an example stand at the types
//! and nowhere else; `docs/target.schema.json` and the table of
//! `docs/configuration.md` are made of them. Only tests have it: no function
//! carries a schema, and the parser tells mistakes better than a schema could.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use crate::core::policy::Policy;

mod agreement;
mod bounds;
mod document;
mod field;
mod kept;
mod table;

/// Makes the schema, all in one piece.
fn generated() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(as_published));
    let generator = settings.into_generator();
    generator.into_root_schema_for::<Policy>().to_value()
}

/// Takes away what is of Rust: its names of numbers, and where a comment's lines end.
fn as_published(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::String(text)) = schema.get_mut("description") {
        let paragraphs: Vec<String> = text
            .split("\n\n")
            .map(|one| one.replace('\n', " "))
            .collect();
        *text = paragraphs.join("\n\n");
    }
}
