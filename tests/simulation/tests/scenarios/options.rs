//! What a script says of a target, an image and a service, beside their names.

use pushboat::core::observation::ImageContent;
use serde_json::{Map, Value, json};
use simulation::{Image, ServiceSpecification};

use crate::words::{Tagged, duration, number, tagged};

/// A target's parameter: its text, or words that stand for it.
pub(crate) fn target(name: &str, words: &[&str], rest: &str) -> Result<String, String> {
    if rest.starts_with('{') || rest.starts_with('"') {
        return Ok(rest.to_owned());
    }
    let ["follows", words @ ..] = words else {
        return Err("say what it `follows`, or give its JSON".to_owned());
    };
    let mut images = Vec::new();
    let mut words = words;
    while let [word, more @ ..] = words {
        images.push(followed(word)?);
        words = match more {
            ["and", more @ ..] => more,
            more => {
                words = more;
                break;
            }
        };
    }
    let mut document = Map::new();
    let service = json!({ "cluster": "prod", "name": name });
    document.insert("service".to_owned(), service);
    document.insert("images".to_owned(), json!(images));
    while let [key, value, more @ ..] = words {
        let (field, value) = target_option(key, value)?;
        document.insert(field.to_owned(), value);
        words = more;
    }
    match words {
        [] => Ok(Value::Object(document).to_string()),
        [word, ..] => Err(format!("`{word}` lacks its value")),
    }
}

/// `team/web:main-*`, and `team/web:semver(^1.2)` for versions.
fn followed(word: &str) -> Result<Value, String> {
    let Tagged { repository, tag } = tagged(word)?;
    let range = tag
        .strip_prefix("semver(")
        .and_then(|rest| rest.strip_suffix(')'));
    let tags = match range {
        Some(range) => json!({ "semver": range }),
        None => json!({ "glob": [tag] }),
    };
    Ok(json!({ "repository": repository, "tags": tags }))
}

fn target_option(key: &str, value: &str) -> Result<(&'static str, Value), String> {
    let seconds = |value: &str| duration(value).map(|duration| json!(duration.as_secs()));
    Ok(match key {
        "alarms" => ("alarms", json!(value.split(',').collect::<Vec<_>>())),
        "bake" => ("bakeTimeSeconds", seconds(value)?),
        "deadline" => ("deadlineSeconds", seconds(value)?),
        "supersede" => ("supersede", json!(value)),
        "alarms-at-start" => ("alarmsAtStart", json!(value)),
        "failed-tasks" => {
            let most: u32 = number(value)?;
            ("maxFailedTasks", json!({ "atLeast": most }))
        }
        _ => {
            return Err(format!(
                "`{key}` is no option of a target; known are: alarms, bake, deadline, supersede, alarms-at-start, failed-tasks"
            ));
        }
    })
}

/// What is pushed: the words behind the image's name.
pub(crate) fn content(tagged: &Tagged, words: &[&str]) -> Result<Image, String> {
    let (name, words) = match words {
        ["holding", name, words @ ..] => ((*name).to_owned(), words),
        words => (tagged.tag.clone(), words),
    };
    let name = format!("{}@{name}", tagged.repository);
    Ok(match words {
        [] | ["healthy"] => Image::healthy(&name),
        ["crashing", words @ ..] => crashing(&name, words)?,
        ["unhealthy"] => Image::unhealthy_behind_a_load_balancer(&name),
        ["for", architecture] => Image::built_for(&name, &[architecture]),
        ["that", "is", media_type] => {
            let media_type = (*media_type).to_owned();
            Image::holding(&name, ImageContent::NotAnImage { media_type })
        }
        [word, ..] => {
            return Err(format!(
                "`{word}` says nothing of an image; known are: healthy, crashing [with CODE] [after TIME], unhealthy, for ARCHITECTURE, that is MEDIA-TYPE, each behind `holding NAME` or not"
            ));
        }
    })
}

fn crashing(name: &str, words: &[&str]) -> Result<Image, String> {
    let mut image = Image::crashing(name);
    let mut words = words;
    while let [key, value, more @ ..] = words {
        let (label, value) = match *key {
            "with" => ("pushboat.test/exit-code", number::<u8>(value)?.to_string()),
            "after" => {
                let seconds = duration(value)?.as_secs();
                ("pushboat.test/exit-after-seconds", seconds.to_string())
            }
            _ => {
                return Err(format!(
                    "`{key}` says not how it crashes: `with 137`, `after 1:00`"
                ));
            }
        };
        image.labels.insert(label.to_owned(), value);
        words = more;
    }
    match words {
        [] => Ok(image),
        [word, ..] => Err(format!("`{word}` lacks its value")),
    }
}

/// A service as its owner makes it.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) specification: ServiceSpecification,
    /// The images of its containers.
    pub(crate) images: Vec<Tagged>,
    /// More members of its task definition.
    pub(crate) document: Map<String, Value>,
}

/// Reads the words behind `runs`.
pub(crate) fn service(name: &str, words: &[&str]) -> Result<Made, String> {
    let mut images = Vec::new();
    let mut words = words;
    while let [word, more @ ..] = words {
        images.push(tagged(word)?);
        words = match more {
            ["and", more @ ..] => more,
            more => {
                words = more;
                break;
            }
        };
    }
    let mut specification = ServiceSpecification::new("prod", name, "", name);
    while let [key, value, more @ ..] = words {
        match *key {
            "tasks" => specification.desired = number(value)?,
            "grace" => {
                let group = format!(
                    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{name}/73e2d6bc24d8a067"
                );
                let seconds = duration(value)?.as_secs();
                specification.balanced = Some((group, u32::try_from(seconds).unwrap_or_default()));
            }
            "controller" => specification.controller = (*value).to_owned(),
            "on" if *value == "spot" => specification.is_on_spot = true,
            "consent" if *value == "none" => specification.target = None,
            "consent" => specification.target = Some((*value).to_owned()),
            "definition" => {
                let text = words[1..].join(" ");
                let document = serde_json::from_str(&text);
                let document = document.map_err(|error| format!("no JSON: {error}"))?;
                return Ok(Made {
                    specification,
                    images,
                    document,
                });
            }
            _ => {
                return Err(format!(
                    "`{key}` is no option of a service; known are: tasks, grace (behind a load balancer), controller, consent, on spot, definition"
                ));
            }
        }
        words = more;
    }
    match words {
        [] => Ok(Made {
            specification,
            images,
            document: Map::new(),
        }),
        [word, ..] => Err(format!("`{word}` lacks its value")),
    }
}
