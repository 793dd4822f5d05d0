//! The table of fields on the page about configuration, one row each.

use serde_json::Value;

use super::field::{Field, in_order, shapes};

/// Writes the table in Markdown.
pub(super) fn markdown(schema: &Value) -> String {
    let fields = Field::all(schema).into_iter();
    let rows = fields.filter(Field::is_named).map(|field| row(&field));
    let head = "| field | example | meaning | type and bounds | default |\n\
                | --- | --- | --- | --- | --- |\n";
    head.to_owned() + &rows.collect::<String>()
}

fn row(field: &Field) -> String {
    let cells = [
        code(&field.path),
        code(&field.schema["examples"][0].to_string()),
        meaning(field),
        bounds(&field.schema),
        default(field),
    ];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    format!("| {} |\n", cells.join(" | "))
}

fn meaning(field: &Field) -> String {
    let mut meaning = field.meaning.replace("\n\n", "<br>");
    for choice in field.schema["oneOf"].as_array().into_iter().flatten() {
        if let (Some(word), Some(said)) = (choice.get("const"), choice["description"].as_str()) {
            meaning += &format!("<br>{}: {said}", code(&word.to_string()));
        }
    }
    meaning
}

fn default(field: &Field) -> String {
    match field.schema.get("default") {
        Some(default) => code(&default.to_string()),
        None if field.required => "required".to_owned(),
        None => String::new(),
    }
}

/// Says what may stand there.
fn bounds(schema: &Value) -> String {
    if schema["oneOf"].is_array() {
        return choices(schema);
    }
    match schema["type"].as_str() {
        Some("integer") => format!("whole number, {}", between(schema, "minimum", "maximum")),
        Some("string") => "text".to_owned() + &characters(schema),
        Some("array") => {
            let count = between(schema, "minItems", "maxItems");
            let items = match schema["items"]["type"].as_str() {
                Some("string") => "texts".to_owned() + &characters(&schema["items"]),
                _ => "objects".to_owned(),
            };
            let distinct = schema["uniqueItems"] == true;
            let each_once = if distinct { ", each once" } else { "" };
            format!("list of {count} {items}{each_once}")
        }
        _ => "object".to_owned(),
    }
}

fn characters(schema: &Value) -> String {
    if schema["minLength"] == 1 && schema.get("maxLength").is_none() {
        return ", not empty".to_owned();
    }
    let length = between(schema, "minLength", "maxLength");
    let pattern = schema["pattern"].as_str();
    let pattern = pattern.map(|pattern| format!(" matching {}", code(pattern)));
    format!(" of {length} characters{}", pattern.unwrap_or_default())
}

fn between(schema: &Value, least: &str, most: &str) -> String {
    match (schema.get(least), schema.get(most)) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => panic!("a field has no bounds: {schema}"),
    }
}

fn choices(schema: &Value) -> String {
    let words = schema["oneOf"].as_array().into_iter().flatten();
    let words = words.filter_map(|choice| choice.get("const"));
    let words: Vec<String> = words.map(|word| code(&word.to_string())).collect();
    let names: Vec<String> = shapes(schema)
        .into_iter()
        .flat_map(in_order)
        .map(|name| code(&name))
        .collect();
    match names.is_empty() {
        true => words.join(" or "),
        false => format!("object with {}", names.join(" or ")),
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
