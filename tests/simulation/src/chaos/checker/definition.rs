//! Invariant 8: what is registered differs from what it is made of in the image of
//! the matched containers and in Pushboat's own tags, and in nothing else.

use std::collections::{BTreeMap, BTreeSet};

use pushboat::core::name::TargetName;
use pushboat::core::rollout::{Phase, Rollout};
use pushboat::core::state::LastKnownGood;
use serde_json::{Map, Value};

use super::Checker;
use crate::deeds::Registered;
use crate::images::REGISTRY;

const LOSSLESS: &str = "8 (the edit of a task definition loses nothing)";
/// What the keys of Pushboat's own tags begin with.
const OWN: &str = "pushboat:";

/// A task definition revision, as it was registered.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    document: Map<String, Value>,
    tags: BTreeMap<String, String>,
}

impl Checker {
    pub(super) fn check_registered(&mut self, registered: &Registered) {
        self.at = registered.at;
        let found = match registered.by_pushboat {
            true => self.differences(registered),
            false => Vec::new(),
        };
        let target = registered.tags.get("pushboat:target").map(String::as_str);
        for saw in found {
            let saw = format!("{}: {saw}", registered.arn);
            self.report(LOSSLESS, target.unwrap_or("-"), saw);
        }
        let definition = Definition {
            document: registered.document.clone(),
            tags: registered.tags.clone(),
        };
        self.definitions.insert(registered.arn.clone(), definition);
    }

    /// Names what differs and must not.
    fn differences(&self, registered: &Registered) -> Vec<String> {
        let tag = |name: &str| registered.tags.get(&format!("{OWN}{name}"));
        let target = tag("target").and_then(|name| TargetName::parse(name).ok());
        let Some(known) = target.and_then(|target| self.targets.get(&target)) else {
            return vec!["its tag names no target".to_owned()];
        };
        let Some(current) = &known.state.current else {
            return vec!["no rollout is under way".to_owned()];
        };
        if tag("rollout").is_none_or(|rollout| !rollout.starts_with(current.id.as_str())) {
            return vec![format!("its tag does not name rollout {}", current.id)];
        }
        let good = known.state.last_known_good.as_ref();
        let (base, replaced) = match &current.phase {
            Phase::Starting { start, .. } => (Some(&start.base_task_definition), true),
            Phase::RollingBack { .. } => (good.map(|good| &good.task_definition), false),
            other => return vec![format!("rollout {} is {}", current.id, other.as_str())],
        };
        let Some(base) = base.and_then(|base| self.definitions.get(base)) else {
            return vec![format!("nobody registered {base:?}, of which it is made")];
        };
        let mut expected = base.document.clone();
        match good {
            _ if replaced => replace_images(&mut expected, current),
            Some(good) => name_exactly(&mut expected, good),
            None => {}
        }
        let mut found = documents(&expected, &registered.document);
        if others(&base.tags) != others(&registered.tags) {
            found.push(format!("tags {:?} of {:?}", registered.tags, base.tags));
        }
        found
    }
}

/// Has each container that runs the rollout's repository run its digest.
fn replace_images(document: &mut Map<String, Value>, current: &Rollout) {
    let name = format!("{REGISTRY}/{}", current.push.repository);
    let containers = document.get_mut("containerDefinitions");
    let containers = containers.and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        let image = container["image"].as_str().unwrap_or_default();
        let version = image.strip_prefix(&name);
        if version.is_some_and(|version| version.is_empty() || version.starts_with([':', '@'])) {
            container["image"] = Value::String(format!("{name}@{}", current.digest()));
        }
    }
}

/// Has each container that names its image by a tag name the digest that was good.
fn name_exactly(document: &mut Map<String, Value>, good: &LastKnownGood) {
    let containers = document.get_mut("containerDefinitions");
    let containers = containers.and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        let exact = container["name"]
            .as_str()
            .and_then(|name| good.images.get(name));
        let spelled = container["image"].as_str().unwrap_or_default();
        let same = |exact: &&String| {
            let named = exact.split_once('@').map(|(name, _)| name);
            named.is_some_and(|name| {
                spelled
                    .strip_prefix(name)
                    .is_some_and(|tag| tag.is_empty() || tag.starts_with(':'))
            })
        };
        if let Some(exact) = exact.filter(same) {
            container["image"] = Value::String(exact.clone());
        }
    }
}

/// Names the members in which two documents differ.
fn documents(expected: &Map<String, Value>, registered: &Map<String, Value>) -> Vec<String> {
    let names: BTreeSet<&String> = expected.keys().chain(registered.keys()).collect();
    let differ = |name: &&String| expected.get(*name) != registered.get(*name);
    let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
    let differing = names.into_iter().filter(differ);
    differing
        .map(|name| {
            let (wanted, is) = (shown(expected.get(name)), shown(registered.get(name)));
            format!("{name} is {is} and not {wanted}")
        })
        .collect()
}

/// Gives the tags that are not Pushboat's own, and not AWS's.
fn others(tags: &BTreeMap<String, String>) -> BTreeMap<&String, &String> {
    let other = |(key, _): &(&String, &String)| !key.starts_with(OWN) && !key.starts_with("aws:");
    tags.iter().filter(other).collect()
}
