//! What the demo plays with: names, the speed of things, the images.

use end_to_end::Checkout;
use local_aws::oci::{Artifact, Image, attested, single};
use local_aws::{Options, Schedules, StackTimings, Timings};

/// The cluster of the service.
pub(crate) const CLUSTER: &str = "demo";
/// The service, the task definition family, and the target.
pub(crate) const SERVICE: &str = "web";
/// The repository that the target follows.
pub(crate) const REPOSITORY: &str = "shop/web";
/// A repository that nobody follows.
pub(crate) const OTHER_REPOSITORY: &str = "shop/batch";
/// The tags that the target follows.
pub(crate) const TAG_PATTERN: &str = "v*";
/// The alarm that must stay quiet while a version is watched.
pub(crate) const ALARM: &str = "web-5xx";
/// How long a version is watched after its deployment.
pub(crate) const BAKE_TIME_SECONDS: u32 = 3;
/// What the version that crashes writes into its log, and no email may tell.
pub(crate) const PASSWORD: &str = "hunter2";
/// The tasks' CPU architecture, as ECS spells it.
pub(crate) const TASK_ARCHITECTURE: &str = "ARM64";
/// The same, as image indexes spell it.
pub(crate) const IMAGE_ARCHITECTURE: &str = "arm64";

/// How many times as often as on AWS schedules fire.
const SCHEDULE_SPEED: f64 = 30.0;

/// What runs faster here than on AWS, for the reader.
pub(crate) const FASTER_THAN_AWS: [&str; 3] = [
    "a task starts in half a second (on Fargate in about half a minute)",
    "the sweep, which wakes what is due, runs every 2 seconds (on AWS every minute)",
    "a version is watched for 3 seconds after its deployment (by default for 5 minutes)",
];

/// The template's parameters.
pub(crate) fn parameters() -> Vec<(&'static str, String)> {
    vec![
        ("ClusterName", CLUSTER.to_owned()),
        ("ServiceName", SERVICE.to_owned()),
        ("RepositoryName", REPOSITORY.to_owned()),
        ("TagPattern", TAG_PATTERN.to_owned()),
        ("AlarmNames", ALARM.to_owned()),
        ("BakeTimeSeconds", BAKE_TIME_SECONDS.to_string()),
        ("NotificationEmail", "you@example.org".to_owned()),
        ("TaskRolePattern", "demo-*".to_owned()),
    ]
}

/// How the local AWS is started.
pub(crate) fn options(checkout: &Checkout, port: u16) -> Options {
    Options {
        port,
        timings: Timings::fast(),
        stack_timings: StackTimings::fast(),
        schedules: Schedules::Speed(SCHEDULE_SPEED),
        ..Options::new(checkout.ministack())
    }
}

/// An image for the tasks' architecture.
pub(crate) fn for_one_platform(version: &str) -> Artifact {
    single(&image(version))
}

/// The same for two architectures, with an attestation for each, as `docker buildx`
/// pushes it.
pub(crate) fn for_many_platforms(version: &str) -> Artifact {
    attested(&image(version), &["amd64", IMAGE_ARCHITECTURE])
}

/// An image whose process ends with an error as soon as it starts.
pub(crate) fn crashing(version: &str) -> Artifact {
    let log = format!(
        "web {version} starts\n\
         connecting to postgres://web:{PASSWORD}@db.shop.internal:5432/shop\n\
         error: column \"price_cents\" of table \"products\" does not exist\n\
         \x20   at loadCatalog (/app/catalog.js:41:13)\n\
         web {version} gives up"
    );
    let image = labelled(IMAGE_ARCHITECTURE, version)
        .with_label("pushboat.test/log", &log)
        .with_label("pushboat.test/behaviour", "exit")
        .with_label("pushboat.test/exit-code", "1");
    single(&image)
}

/// An image that the tasks' CPU cannot run.
pub(crate) fn for_another_platform(version: &str) -> Artifact {
    single(&labelled("amd64", version))
}

fn image(version: &str) -> Image {
    labelled(IMAGE_ARCHITECTURE, version).with_label(
        "pushboat.test/log",
        &format!("web {version} listens on :8080"),
    )
}

/// An image that says of itself what builds usually say.
fn labelled(architecture: &str, version: &str) -> Image {
    let commit = version.bytes().map(|byte| format!("{byte:02x}"));
    let commit = commit.collect::<String>() + "c1e0f9a27d5b84316e0dfa92c7b5d3e8a4f61b09";
    let commit: String = commit.chars().take(40).collect();
    Image::new(architecture)
        .with_label("org.opencontainers.image.version", version)
        .with_label("org.opencontainers.image.revision", &commit)
        .with_label("org.opencontainers.image.authors", "kim@shop.example")
        .with_label(
            "org.opencontainers.image.source",
            "https://github.com/shop/web",
        )
}
