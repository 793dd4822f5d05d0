//! Task definitions, and the edit that leaves all else as it was.
//!
//! The input is an answer to DescribeTaskDefinition; `containers` beside it
//! names those that are to change.

use pushboat::core::evidence::StoppedTask;
use pushboat::core::name::ImageDigest;
use pushboat::core::observation::Definition;
use pushboat::findings::{FailedContainer, log_place};
use pushboat::task_definition::{
    DESCRIBE_ONLY, ROLLOUT_TAG, TARGET_TAG, arn, image_reference, images, is_active,
    matching_containers, platform, pulled_from, registered_again, registry_of, runs, with_image,
};
use serde_json::{Map, Value};

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

pub(crate) fn check(input: &[u8]) {
    let Ok(mut answer) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let mut member = |name: &str| answer.get_mut(name).map(Value::take);
    let Some(raw @ Value::Object(_)) = member("taskDefinition") else {
        return;
    };
    let tags = member("tags").unwrap_or_else(|| Value::Array(Vec::new()));
    let named: Vec<String> = member("containers")
        .and_then(|named| serde_json::from_value(named).ok())
        .unwrap_or_default();
    let definition = Definition { raw, tags };
    read(&definition);
    let repository = images(&definition)
        .values()
        .map(|image| image_reference(image).repository)
        .find(|repository| !repository.is_empty() && !repository.contains('@'))
        .unwrap_or("team/web")
        .to_owned();
    let matched = matching_containers(&definition, REGISTRY, &repository, &named);
    for container in &matched.missing {
        assert!(named.contains(container) && !matched.containers.contains(container));
    }
    edited(&definition, &matched.containers, &repository);
}

/// Reads all that is read of a definition.
fn read(definition: &Definition) {
    _ = (is_active(definition), registry_of(arn(definition)));
    assert!(!platform(definition).os.contains(char::is_uppercase));
    let task = StoppedTask::default();
    for (name, image) in images(definition) {
        _ = pulled_from(&image, REGISTRY);
        let (task, name) = (&task, name.as_str());
        _ = log_place(definition, &FailedContainer { task, name }, "eu-west-1");
    }
}

/// Checks that only the images of these containers and our own tags differ.
fn edited(before: &Definition, containers: &[String], repository: &str) {
    let digest = format!("sha256:{}", "0a".repeat(32));
    let digest = ImageDigest::parse(&digest).expect("it is one");
    let own = [(TARGET_TAG, "team/web"), (ROLLOUT_TAG, "1")];
    let kept = registered_again(before, &own);
    let edited = with_image(before, containers, REGISTRY, repository, &digest, &own);
    assert_eq!(without(&kept, &[]), without(&before.raw, &[]));
    assert_eq!(
        without(&edited, containers),
        without(&before.raw, containers)
    );
    assert_eq!(kept["tags"], edited["tags"]);
    our_tags(&before.tags, &edited["tags"]);
    let after = Definition {
        tags: edited["tags"].clone(),
        raw: edited,
    };
    let pinned = images(&after);
    for name in containers {
        let image = &pinned[name];
        assert!(image.ends_with(digest.as_str()), "{image}");
        assert_eq!(image_reference(image).repository, repository, "{image}");
    }
    assert!(runs(&after, containers, &digest));
    let again = with_image(&after, containers, REGISTRY, repository, &digest, &own);
    assert_eq!(again, after.raw, "a second edit changes nothing more");
}

/// Gives what may not change: all but what is only described, the tags, and these images.
fn without(definition: &Value, containers: &[String]) -> Map<String, Value> {
    let mut fields = definition.as_object().cloned().unwrap_or_default();
    fields.remove("tags");
    for name in DESCRIBE_ONLY {
        fields.remove(name);
    }
    let list = fields.get_mut("containerDefinitions");
    for container in list.and_then(Value::as_array_mut).into_iter().flatten() {
        let name = container.get("name").and_then(Value::as_str);
        let changes = name.is_some_and(|name| containers.iter().any(|one| one == name));
        if let (true, Some(fields)) = (changes, container.as_object_mut()) {
            fields.remove("image");
        }
    }
    fields
}

/// Checks that the tags are the ones before, without AWS's own, and ours.
fn our_tags(before: &Value, after: &Value) {
    let key = |tag: &Value| tag["key"].as_str().unwrap_or_default().to_owned();
    let is_ours = |tag: &&Value| [TARGET_TAG, ROLLOUT_TAG].contains(&key(tag).as_str());
    let after = after.as_array().expect("a list");
    assert_eq!(after.iter().filter(is_ours).count(), 2);
    let of_others: Vec<&Value> = after.iter().filter(|tag| !is_ours(tag)).collect();
    let list = before.as_array().map(Vec::as_slice).unwrap_or_default();
    let expected: Vec<&Value> = list
        .iter()
        .filter(|tag| !is_ours(tag) && !key(tag).starts_with("aws:"))
        .collect();
    assert_eq!(of_others, expected);
}
