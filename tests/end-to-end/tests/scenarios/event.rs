//! Every sample of an event, and what is no event at all, given to the functions as built:
//! each is taken or explained, none fails, and nothing is changed.

use std::collections::BTreeMap;
use std::fs;

use end_to_end::{Checkout, Failure, FunctionLog, LogEntry, Seen};
use serde_json::{Value, json};

use crate::target::Target;
use crate::world::World;

/// Which functions hear of events. All but the sweep say of each what came of it.
const SAYING: [&str; 4] = ["image-push", "service-change", "stack-change", "alarm"];
const SILENT: &str = "sweep";

pub(crate) async fn every_sample_is_taken_or_explained(world: &World) -> Result<(), Failure> {
    let target = Target::adopted(world, "unimpressed").await?;
    let there = samples()?;
    let here = there.iter().map(|(name, event)| {
        let event = moved_here(world, event);
        (name.replace("there", "here"), event)
    });
    let events: BTreeMap<String, Value> = here.chain(there.clone()).chain(hostile()).collect();

    for function in SAYING {
        for (id, event) in &events {
            invoke(world, function, event)
                .await
                .map_err(|why| format!("{function} on {id}: {why}"))?;
        }
        let said = said_of_all(world, function, &events).await?;
        // What has no account is no event of EventBridge.
        let elsewhere = there
            .iter()
            .filter(|(_, event)| event["account"].is_string());
        for (id, _) in elsewhere {
            assert_eq!(said[id].text("reason"), "elsewhere", "{function} on {id}");
        }
    }
    for (id, event) in &events {
        invoke(world, SILENT, event)
            .await
            .map_err(|why| format!("{SILENT} on {id}: {why}"))?;
    }

    assert_eq!(target.changes(), [""; 0]);
    target.push("v1").await?;
    target.told("succeeded", "v1").await?;
    Ok(())
}

/// Reads the samples, each with an id of its own.
fn samples() -> Result<BTreeMap<String, Value>, Failure> {
    let folder = Checkout::find()?.root().join("tests/events");
    let mut samples = BTreeMap::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let mut event: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let id = format!("{} there", path.display());
        let id = id.rsplit('/').next().unwrap_or_default().to_owned();
        event["id"] = id.clone().into();
        samples.insert(id, event);
    }
    assert!(samples.len() >= 45, "{samples:?}");
    Ok(samples)
}

/// The same event, as if it had happened in this account and Region.
fn moved_here(world: &World, event: &Value) -> Value {
    let mut text = event.to_string().replace(" there\"", " here\"");
    for (member, ours) in [
        ("account", world.aws.account_id()),
        ("region", world.aws.region()),
    ] {
        if let Some(theirs) = event[member].as_str() {
            text = text.replace(theirs, ours);
        }
    }
    text.parse().expect("names were replaced by names")
}

/// What nobody sends who means well.
fn hostile() -> BTreeMap<String, Value> {
    let huge = "x".repeat(200_000);
    let deep = (0..100).fold(json!("deep"), |inner, _| json!([inner]));
    let envelope = |id: &str, change: &[(&str, Value)]| {
        let mut event = json!({
            "version": "0", "id": id, "source": "aws.ecr", "detail-type": "ECR Image Action",
            "account": "000000000000", "region": "us-east-1", "time": "2026-01-01T00:00:00Z",
            "resources": [],
            "detail": { "action-type": "PUSH", "result": "SUCCESS", "repository-name": "a",
                        "image-tag": "v1", "image-digest": format!("sha256:{}", "a".repeat(64)) },
        });
        for (pointer, value) in change {
            *event.pointer_mut(pointer).expect("it is there") = value.clone();
        }
        (id.to_owned(), event)
    };
    [
        envelope("no such day", &[("/time", json!("2026-02-31T25:61:00Z"))]),
        envelope(
            "an unknown kind",
            &[("/detail-type", json!("ECR Dream Action"))],
        ),
        envelope(
            "an unknown value",
            &[("/detail/action-type", json!("PULL_REQUEST"))],
        ),
        envelope("no detail", &[("/detail", Value::Null)]),
        envelope("a text for a detail", &[("/detail", json!("PUSH"))]),
        envelope(
            "a huge repository",
            &[("/detail/repository-name", json!(huge))],
        ),
        envelope("a huge tag", &[("/detail/image-tag", json!(huge))]),
        envelope(
            "control characters",
            &[("/detail/image-tag", json!("\u{0}\u{1b}[31m\n\"'`${}"))],
        ),
        envelope(
            "no digest",
            &[("/detail/image-digest", json!("../../etc/passwd"))],
        ),
        envelope(
            "numbers for names",
            &[("/account", json!(1e300)), ("/detail/image-tag", json!(-1))],
        ),
        envelope("deep", &[("/detail", deep)]),
        ("nothing".to_owned(), json!({})),
        ("a list".to_owned(), json!([[], {}, null])),
        ("a text".to_owned(), json!("aws.ecr")),
        ("a number".to_owned(), json!(0)),
    ]
    .into()
}

/// Has a function hear an event; fails where the function does.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
async fn invoke(world: &World, function: &str, event: &Value) -> Result<(), Failure> {
    let name = end_to_end::function_log::logical_name(function);
    let function = world.installation.physical_id(&format!("{name}Function"));
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let answer = world.aws.post("lambda", &path, event).await?;
    match answer["errorMessage"].as_str() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Waits until a function has said something of each event that has an id; of the others only
/// that it did not fail is seen.
async fn said_of_all(
    world: &World,
    function: &'static str,
    events: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, LogEntry>, Failure> {
    let log = FunctionLog::of(&world.installation, function);
    let what = format!("what {function} says of each event");
    let ids = || events.values().filter_map(|event| event["id"].as_str());
    world
        .until(&what, async || {
            let entries = log.since(&world.aws, world.started_at).await?;
            let came_of_it =
                |entry: &LogEntry| ["ignored", "woken"].contains(&entry.text("message"));
            let said: BTreeMap<String, LogEntry> = entries
                .into_iter()
                .filter(came_of_it)
                .map(|entry| (entry.text("event_id").to_owned(), entry))
                .collect();
            let unsaid: Vec<&str> = ids().filter(|id| !said.contains_key(*id)).collect();
            Ok(match unsaid.is_empty() {
                true => Seen::Reached(said),
                false => Seen::NotYet(format!("nothing of {unsaid:?}")),
            })
        })
        .await
}
