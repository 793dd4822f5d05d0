//! A push that waits takes over only where its image would not be refused:
//! otherwise it would leave a version behind that nobody watches any more.

use super::*;

/// The waiting push brings this image, which offers these architectures.
fn brings(character: char, architectures: &[&str]) -> Look<ImageLook> {
    let platforms = architectures.iter().map(|name| platform(name));
    Look::Taken(ImageLook::Found {
        digest: digest(character),
        content: ImageContent::Image(platforms.collect()),
    })
}

fn platform(architecture: &str) -> Platform {
    Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
    }
}

/// The service runs on this architecture, and `c` is kept out.
fn may(image: &Look<ImageLook>, architecture: Option<&str>) -> bool {
    let Given(waiting) = Given::new(requested::phase(None));
    let start = Start {
        platform: architecture.map(platform),
        ..(*start()).clone()
    };
    let quarantined = Quarantined {
        rollout: RolloutId::new(at(-900), &["v1"]),
        at: at(-600),
        failure: "alarm-fired".to_owned(),
    };
    let quarantine = BTreeMap::from([(digest('c'), quarantined)]);
    super::super::may_take_over(&waiting, image, &start, &quarantine)
}

#[test]
fn an_image_that_can_be_deployed_takes_over() {
    assert!(may(&brings('b', &["amd64", "arm64"]), Some("arm64")));
    assert!(may(&brings('b', &["amd64"]), None), "from an older record");
}

#[test]
fn what_would_be_refused_takes_nothing_over() {
    assert!(!may(&brings('c', &["amd64"]), Some("amd64")), "kept out");
    assert!(!may(&brings('c', &["amd64"]), None), "kept out");
    assert!(!may(&brings('b', &["amd64"]), Some("arm64")), "cannot run");
    assert!(!may(&Look::Taken(ImageLook::Missing), Some("amd64")));
    assert!(!may(&Look::Taken(ImageLook::Archived), Some("amd64")));
}

#[test]
fn what_cannot_be_seen_takes_nothing_over() {
    assert!(!may(&Look::NotTaken, Some("amd64")));
    assert!(!may(&unavailable(), Some("amd64")));
}
