//! Services with their task definitions, and what a revision changes.

use serde_json::{Map, Value, json};
use simulation::{Image, REGISTRY};

use crate::options::Made;
use crate::play::Play;

/// What differs between any two revisions and says nothing.
const OF_EACH: [&str; 4] = ["taskDefinitionArn", "revision", "registeredAt", "status"];

impl Play {
    pub(crate) fn make_service(&mut self, made: &Made) {
        let Made {
            specification,
            images,
            document,
        } = made;
        for image in images {
            let name = format!("{}@{}", image.repository, image.tag);
            if !self.images.contains_key(image) {
                self.put(image, &Image::healthy(&name));
            }
        }
        let containers = ["app", "side", "more"]
            .iter()
            .zip(images)
            .map(|(name, image)| {
                let mut container = json!({
                    "name": name, "image": format!("{REGISTRY}/{image}"), "essential": true,
                });
                if specification.balanced.is_some() {
                    container["portMappings"] = json!([{ "containerPort": 8080 }]);
                }
                container
            });
        let mut definition = json!({
            "family": specification.service.name, "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "containerDefinitions": containers.collect::<Vec<_>>(),
        });
        for (name, value) in document {
            definition[name] = value.clone();
        }
        let revision = self.world.ecs.register_document(definition);
        self.world.ecs.create_service_of(specification, &revision);
        if !self.services.contains(&specification.service) {
            self.services.push(specification.service.clone());
        }
    }

    /// Writes what a revision changes of another one, leaf by leaf.
    pub(crate) fn show(&mut self, revision: &str, base: &str) -> Result<(), String> {
        let differences = differences(&self.document(base)?, &self.document(revision)?);
        self.say(&format!(
            "{revision} is {base} but for:\n{}",
            differences.join("\n")
        ));
        Ok(())
    }

    fn document(&self, revision: &str) -> Result<Value, String> {
        let model = self.world.ecs.read();
        let entry = model.task_definition(revision);
        let entry = entry.ok_or_else(|| format!("there is no revision {revision}"))?;
        let mut document = Value::Object(entry.definition.document.clone());
        for (key, value) in entry.tags.iter() {
            document[format!("tag {key}")] = json!(value);
        }
        Ok(document)
    }
}

/// Gives what differs, as `where: before -> after`.
fn differences(before: &Value, after: &Value) -> Vec<String> {
    let (before, after) = (leaves(before), leaves(after));
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    let differing = names.filter(|name| before.get(*name) != after.get(*name));
    differing
        .filter(|name| !OF_EACH.contains(&name.as_str()))
        .map(|name| match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => format!("{name}: {before} -> {after}"),
            (Some(before), None) => format!("{name}: {before} is gone"),
            (None, after) => format!("{name}: {} is new", after.unwrap_or(&Value::Null)),
        })
        .collect()
}

fn leaves(value: &Value) -> Map<String, Value> {
    let mut found = Map::new();
    gather("", value, &mut found);
    found
}

fn gather(path: &str, value: &Value, found: &mut Map<String, Value>) {
    let dot = if path.is_empty() { "" } else { "." };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                gather(&format!("{path}{dot}{name}"), value, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                gather(&format!("{path}[{index}]"), value, found);
            }
        }
        leaf => {
            found.insert(path.to_owned(), leaf.clone());
        }
    }
}
