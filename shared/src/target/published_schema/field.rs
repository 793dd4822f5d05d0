//! The schema's fields, one by one, and small documents to try a value in.

use std::rc::Rc;

use serde_json::{Map, Value, json};

/// A field of a target, or what stands in one of its lists.
pub(super) struct Field {
    /// Where it lies, such as `images[].tags`; empty for the target itself.
    pub(super) path: String,
    /// What it means.
    pub(super) meaning: String,
    /// The field has to be there.
    pub(super) required: bool,
    /// Its own part of the schema.
    pub(super) schema: Value,
    /// The smallest target around it, without it.
    pub(super) without: Value,
    around: Rc<dyn Fn(Value) -> Value>,
}

impl Field {
    /// Gives the whole target, and after it every field below.
    pub(super) fn all(schema: &Value) -> Vec<Self> {
        let whole = Self {
            path: String::new(),
            meaning: text(schema, "description"),
            required: true,
            schema: schema.clone(),
            without: Value::Null,
            around: Rc::new(|value| value),
        };
        let mut fields = Vec::new();
        whole.walk(&mut fields);
        fields
    }

    /// Says whether it has a name of its own.
    pub(super) fn is_named(&self) -> bool {
        !self.path.is_empty() && !self.path.ends_with("[]")
    }

    /// Gives the smallest target in which this field has that value.
    pub(super) fn document(&self, value: Value) -> Value {
        (self.around)(value)
    }

    fn walk(self, fields: &mut Vec<Self>) {
        let mut below = Vec::new();
        for shape in shapes(&self.schema) {
            let names = in_order(shape);
            below.extend(names.iter().map(|name| self.property(shape, name)));
        }
        if self.schema.get("items").is_some() {
            below.push(self.item());
        }
        fields.push(self);
        for field in below {
            field.walk(fields);
        }
    }

    fn property(&self, shape: &Value, name: &str) -> Self {
        let schema = shape["properties"][name].clone();
        // Of a choice, the choice itself is described.
        let described = match self.schema.get("oneOf") {
            Some(_) => shape,
            None => &schema,
        };
        let meaning = text(described, "description");
        let dot = if self.path.is_empty() { "" } else { "." };
        let (around, mut siblings, key) =
            (Rc::clone(&self.around), sample(shape, 0), name.to_owned());
        if let Some(siblings) = siblings.as_object_mut() {
            for replaced in replaced_by(shape, name) {
                siblings.remove(replaced);
            }
        }
        let mut others = siblings.clone();
        if let Some(others) = others.as_object_mut() {
            others.remove(name);
        }
        Self {
            path: format!("{}{dot}{name}", self.path),
            meaning,
            required: required(&self.schema).any(|one| one == name),
            schema,
            without: around(others),
            around: Rc::new(move |value| {
                let mut object = siblings.clone();
                object[&key] = value;
                around(object)
            }),
        }
    }

    fn item(&self) -> Self {
        let around = Rc::clone(&self.around);
        Self {
            path: format!("{}[]", self.path),
            meaning: String::new(),
            required: false,
            schema: self.schema["items"].clone(),
            without: (self.around)(json!([])),
            around: Rc::new(move |value| around(json!([value]))),
        }
    }
}

/// Gives the kinds of object that may stand there: mostly one, several where there is a choice.
pub(super) fn shapes(schema: &Value) -> Vec<&Value> {
    let shapes = schema["oneOf"].as_array().into_iter().flatten();
    let shapes = shapes.chain(std::iter::once(schema));
    shapes
        .filter(|shape| shape.get("properties").is_some())
        .collect()
}

/// Names an object's properties: those that have to be there first, the others by the alphabet.
pub(super) fn in_order(shape: &Value) -> Vec<String> {
    let properties = shape["properties"].as_object().into_iter();
    let names = properties.flat_map(Map::keys).map(String::as_str);
    let others = names.filter(|name| required(shape).all(|one| one != *name));
    required(shape).chain(others).map(str::to_owned).collect()
}

/// Names the properties that have to be there; of alternatives the first one.
pub(super) fn required(shape: &Value) -> impl Iterator<Item = &str> {
    let alternatives = shape["anyOf"].as_array().into_iter().flatten();
    let first = alternatives.take(1).chain(std::iter::once(shape));
    let names = first.flat_map(|one| one["required"].as_array().into_iter().flatten());
    names.filter_map(Value::as_str)
}

/// Names the properties that a property stands in the place of.
fn replaced_by<'a>(shape: &'a Value, name: &str) -> Vec<&'a str> {
    let alternatives = shape["anyOf"].as_array();
    let alternatives = alternatives.map_or(&[] as &[Value], Vec::as_slice);
    let Some((first, others)) = alternatives.split_first() else {
        return Vec::new();
    };
    let is_other = others
        .iter()
        .any(|one| required(one).any(|other| other == name));
    match is_other {
        true => required(first).collect(),
        false => Vec::new(),
    }
}

/// Gives a small value that fits; another one for each number.
///
/// Texts are digits, which names, patterns and ranges of versions all can be.
pub(super) fn sample(schema: &Value, number: usize) -> Value {
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return sample(&choices[0], number);
    }
    match schema["type"].as_str() {
        Some("string") => json!(format!("{}{}", prefix(schema), 10 + number)),
        Some("integer") => schema["minimum"].clone(),
        Some("array") => list(schema, schema["minItems"].as_u64().unwrap_or(0)),
        Some("object") => required(schema)
            .map(|name| (name.to_owned(), sample(&schema["properties"][name], number)))
            .collect::<Map<String, Value>>()
            .into(),
        other => panic!("nothing is known of values of type {other:?}"),
    }
}

/// Gives what a text has to begin with, where digits alone do not fit.
pub(super) fn prefix(schema: &Value) -> &'static str {
    match schema["pattern"].as_str() {
        Some(pattern) if pattern.starts_with("^arn:") => "arn:aws:iam::123456789012:role/",
        Some(_) | None => "",
    }
}

/// Gives a list of so many values, no two of them alike.
pub(super) fn list(schema: &Value, length: u64) -> Value {
    let numbers = 0..usize::try_from(length).expect("it is small");
    numbers
        .map(|number| sample(&schema["items"], number))
        .collect()
}

fn text(schema: &Value, keyword: &str) -> String {
    schema[keyword].as_str().unwrap_or_default().to_owned()
}
