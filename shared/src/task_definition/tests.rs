//! The edit, and what it leaves alone.

use super::*;

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

#[test]
fn what_a_container_pulls_from_the_registry_is_read() {
    let pinned = format!("{REGISTRY}/team/web:v1@{}", digest());
    let pulled = |image: &str| {
        let pulled = pulled_from(image, REGISTRY)?;
        let version = match pulled.version {
            PulledVersion::Tag(tag) => tag.to_owned(),
            PulledVersion::Digest(digest) => digest.to_string(),
        };
        Some(format!("{} {version}", pulled.repository))
    };
    assert_eq!(pulled(&pinned), Some(format!("team/web {}", digest())));
    let by = |rest: &str| pulled(&format!("{REGISTRY}/{rest}"));
    assert_eq!(by("team/web:v1").as_deref(), Some("team/web v1"));
    assert_eq!(by("web").as_deref(), Some("web latest"));
    assert_eq!(by("web@sha256:short"), None);
    assert_eq!(pulled("public.ecr.aws/team/web:v1"), None);
    assert_eq!(pulled("nginx"), None);
    let elsewhere = REGISTRY.replace("eu-west-1", "eu-west-2");
    assert_eq!(pulled(&format!("{elsewhere}/team/web:v1")), None);
}

fn digest() -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap()
}

fn definition() -> Definition {
    Definition {
        raw: json!({
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7",
            "family": "web", "revision": 7, "status": "ACTIVE",
            "brandNewTopLevel": { "kept": [1, null, ""] },
            "runtimePlatform": { "cpuArchitecture": "ARM64", "brandNew": true },
            "containerDefinitions": [
                { "name": "app", "image": format!("{REGISTRY}/team/app:v1"), "cpu": 0, "brandNew": "kept" },
                { "name": "side", "image": "public.ecr.aws/x/envoy:v1" },
                { "name": "hub", "image": "team/app:v1" }
            ]
        }),
        tags: json!([
            { "key": "team", "value": "web" },
            { "key": "aws:cloudformation:stack-name", "value": "s" },
            { "key": ROLLOUT_TAG, "value": "old" }
        ]),
    }
}

#[test]
fn references_are_taken_apart_as_runtimes_do() {
    let parts = |image| {
        let reference = image_reference(image);
        (reference.registry, reference.repository)
    };
    assert_eq!(parts("nginx"), ("", "nginx"));
    assert_eq!(parts("team/app:v1"), ("", "team/app"));
    assert_eq!(
        parts("localhost:5000/app:v1@sha256:00"),
        ("localhost:5000", "app")
    );
    assert_eq!(parts("a.b/c/d@sha256:00"), ("a.b", "c/d"));
}

#[test]
fn containers_match_by_repository_and_registry_or_by_name() {
    let found = matching_containers(&definition(), REGISTRY, "team/app", &[]);
    assert_eq!(
        found.containers,
        ["app"],
        "the same name on another registry is another image"
    );
    let named = ["side".to_owned(), "gone".to_owned()];
    let found = matching_containers(&definition(), REGISTRY, "team/app", &named);
    assert_eq!(
        (found.containers, found.missing),
        (vec!["side".to_owned()], vec!["gone".to_owned()])
    );
    let dual = "123456789012.dkr-ecr.eu-west-1.on.aws";
    assert_eq!(
        matching_containers(&definition(), dual, "team/app", &[]).containers,
        ["app"]
    );
}

#[test]
fn only_the_matched_image_and_our_tags_change() {
    let before = definition();
    let request = with_image(
        &before,
        &["app".to_owned()],
        REGISTRY,
        "team/app",
        &digest(),
        &[(ROLLOUT_TAG, "new")],
    );
    let mut expected = before.raw;
    for name in DESCRIBE_ONLY {
        expected.as_object_mut().unwrap().remove(name);
    }
    expected["containerDefinitions"][0]["image"] =
        json!(format!("{REGISTRY}/team/app@{}", digest()));
    expected["tags"] = json!([
        { "key": "team", "value": "web" },
        { "key": ROLLOUT_TAG, "value": "new" }
    ]);
    assert_eq!(request, expected);
}

#[test]
fn a_container_that_ran_something_else_pulls_from_the_accounts_registry() {
    let request = with_image(
        &definition(),
        &["side".to_owned()],
        REGISTRY,
        "team/app",
        &digest(),
        &[],
    );
    assert_eq!(
        request["containerDefinitions"][1]["image"],
        json!(format!("{REGISTRY}/team/app@{}", digest()))
    );
}

#[test]
fn the_platform_has_fargates_defaults() {
    assert_eq!(platform(&definition()).to_string(), "linux/arm64");
    let bare = Definition {
        raw: json!({}),
        tags: json!([]),
    };
    assert_eq!(platform(&bare).to_string(), "linux/amd64");
    let windows =
        json!({ "runtimePlatform": { "operatingSystemFamily": "WINDOWS_SERVER_2022_CORE" } });
    assert_eq!(
        platform(&Definition {
            raw: windows,
            tags: json!([])
        })
        .os,
        "windows"
    );
}

#[test]
fn registries_follow_from_the_arn() {
    assert_eq!(
        registry_of("arn:aws:ecs:eu-west-1:123456789012:service/c/s").unwrap(),
        REGISTRY
    );
    assert_eq!(
        registry_of("arn:aws-cn:ecs:cn-north-1:1:service/c/s").unwrap(),
        "1.dkr.ecr.cn-north-1.amazonaws.com.cn"
    );
    assert_eq!(registry_of("nonsense"), None);
}

#[test]
fn nonsense_definitions_do_no_harm() {
    for raw in [
        json!(null),
        json!([]),
        json!({"containerDefinitions": [1, {"name": 2}, {}]}),
    ] {
        let nonsense = Definition {
            raw,
            tags: json!("x"),
        };
        assert!(images(&nonsense).is_empty());
        let _ = with_image(&nonsense, &["a".to_owned()], "r", "p", &digest(), &[]);
    }
}

#[test]
fn an_image_is_named_by_the_digest_that_its_tag_was_resolved_to() {
    let digest =
        |character: &str| ImageDigest::parse(&format!("sha256:{}", character.repeat(64))).unwrap();
    let of = |image: &str, consistency: &str| Definition {
        raw: json!({ "containerDefinitions": [
            { "name": "app", "image": image, "versionConsistency": consistency, "kept": 1 },
            { "name": "side", "image": "envoy:v1" },
        ] }),
        tags: json!([]),
    };
    let app = ["app".to_owned()];
    let digests = [("app".to_owned(), digest("a"))].into();
    for (image, named) in [
        ("web", "web"),
        ("web:v1", "web"),
        ("localhost:5000/team/web", "localhost:5000/team/web"),
        ("localhost:5000/team/web:v1", "localhost:5000/team/web"),
    ] {
        let before = of(image, "enabled");
        assert_eq!(named_by_tag(&before, &app), app);
        let named = format!("{named}@{}", digest("a"));
        let exact = pinned(&before, &app, &digests).unwrap();
        assert_eq!(exact, of(&named, "enabled"));
        assert!(named_by_tag(&exact, &app).is_empty());
        assert!(resolves_to(&before, &digests, &exact));
        assert!(resolves_to(&exact, &BTreeMap::new(), &exact));
        assert!(!resolves_to(&before, &BTreeMap::new(), &exact));
        let other = [("app".to_owned(), digest("b"))].into();
        assert!(!resolves_to(&before, &other, &exact));
        assert!(!resolves_to(
            &of("other:v1", "enabled"),
            &BTreeMap::new(),
            &before
        ));
    }
    assert_eq!(
        pinned(&of("web:v1", "enabled"), &app, &BTreeMap::new()),
        None
    );
    assert_eq!(pinned(&of("web:v1", "disabled"), &app, &digests), None);
}

#[test]
fn a_revision_is_our_own_by_its_tag_and_its_images() {
    let image = |digest: &str| format!("{REGISTRY}/team/app@{digest}");
    let of = |tag: &str, image: &str| Definition {
        raw: json!({ "containerDefinitions": [{ "name": "app", "image": image }, { "name": "side", "image": "x" }] }),
        tags: json!([{ "key": ROLLOUT_TAG, "value": tag }]),
    };
    let own = |images: &[(&str, &str)]| {
        let images = images.iter();
        OwnRevision {
            base: String::new(),
            tag: "r1".to_owned(),
            images: images
                .map(|(name, image)| ((*name).to_owned(), (*image).to_owned()))
                .collect(),
        }
    };
    let good = image("sha256:aa");
    for wanted in [
        &[("app", "sha256:aa")][..],
        &[("app", &good), ("side", "x")],
        &[],
    ] {
        assert!(is_own(&of("r1", &good), &own(wanted)), "{wanted:?}");
        assert!(!is_own(&of("r2", &good), &own(wanted)), "{wanted:?}");
    }
    for wanted in [
        ("app", "sha256:bb"),
        ("app", "sha256:a"),
        ("other", "sha256:aa"),
        ("side", "y"),
    ] {
        assert!(!is_own(&of("r1", &good), &own(&[wanted])), "{wanted:?}");
    }
}
