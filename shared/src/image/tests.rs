//! Manifests and configurations as registries hold them, and worse.

use serde_json::json;

use super::*;

fn read(value: &serde_json::Value) -> Manifest {
    read_manifest(&value.to_string())
}

fn is_not_an_image(value: &serde_json::Value) -> bool {
    matches!(
        read(value),
        Manifest::Complete(ImageContent::NotAnImage { .. })
    )
}

#[test]
fn an_index_lists_its_platforms_without_attestations() {
    let index = json!({ "schemaVersion": 2, "manifests": [
        { "platform": { "os": "linux", "architecture": "amd64" } },
        { "platform": { "os": "linux", "architecture": "arm64", "variant": "v8" } },
        { "platform": { "os": "unknown", "architecture": "unknown" } },
        { "mediaType": "no platform at all" }
    ]});
    let Manifest::Complete(ImageContent::Image(platforms)) = read(&index) else {
        panic!()
    };
    let names: Vec<_> = platforms.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["linux/amd64", "linux/arm64"]);
    assert!(is_not_an_image(&json!({ "manifests": [] })));
}

#[test]
fn a_single_image_is_told_by_its_configuration() {
    for (config, layer) in [
        (
            "application/vnd.oci.image.config.v1+json",
            "application/vnd.oci.image.layer.v1.tar+gzip",
        ),
        (
            "application/vnd.docker.container.image.v1+json",
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
        ),
    ] {
        let manifest = json!({ "config": { "mediaType": config, "digest": "sha256:1" },
                               "layers": [{ "mediaType": layer }] });
        assert_eq!(
            read(&manifest),
            Manifest::NeedsConfiguration {
                digest: "sha256:1".to_owned()
            }
        );
    }
    let content = read_configuration(r#"{"os":"linux","architecture":"arm64","x":1}"#);
    assert!(
        matches!(content, ImageContent::Image(platforms) if platforms[0].architecture == "arm64")
    );
    for wrong in ["{}", "[]", "", r#"{"os":"linux"}"#] {
        assert!(
            matches!(read_configuration(wrong), ImageContent::Unreadable { .. }),
            "{wrong}"
        );
    }
}

#[test]
fn an_indexs_image_is_found_by_its_platform() {
    let index = json!({ "manifests": [
        { "digest": "sha256:1", "platform": { "os": "linux", "architecture": "amd64" } },
        { "digest": "sha256:2", "platform": { "os": "linux", "architecture": "arm64" } },
        { "digest": "sha256:3", "platform": { "os": "unknown", "architecture": "unknown" } },
    ]});
    let of = |text: &str, architecture: &str| {
        let os = "linux".to_owned();
        let architecture = architecture.to_owned();
        image_for(text, &Platform { os, architecture })
    };
    let text = index.to_string();
    assert_eq!(of(&text, "arm64").as_deref(), Some("sha256:2"));
    assert_eq!(of(&text, "s390x"), None);
    for other in ["{}", "nonsense", r#"{"config":{"digest":"sha256:1"}}"#] {
        assert_eq!(of(other, "amd64"), None, "{other}");
    }
}

#[test]
fn labels_are_read_where_there_are_any() {
    let text = r#"{"os":"linux","config":{"Labels":{"a":"b"}}}"#;
    let expected = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
    assert_eq!(read_labels(text), expected);
    for none in [
        "{}",
        "[",
        r#"{"config":null}"#,
        r#"{"config":{"Labels":null}}"#,
    ] {
        assert_eq!(read_labels(none), BTreeMap::new(), "{none}");
    }
}

#[test]
fn whatever_else_lies_in_a_registry_is_no_image() {
    let oci = "application/vnd.oci.image.config.v1+json";
    for other in [
        json!({ "config": { "mediaType": oci },
                "layers": [{ "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json" }] }),
        json!({ "config": { "mediaType": oci }, "layers": [{ "mediaType": "application/vnd.in-toto+json" }] }),
        json!({ "config": { "mediaType": "application/vnd.cncf.helm.config.v1+json" }, "layers": [] }),
        json!({ "config": { "mediaType": "application/vnd.buildkit.cacheconfig.v0" }, "layers": [] }),
        json!({ "artifactType": "application/spdx+json",
                "config": { "mediaType": "application/vnd.oci.empty.v1+json" }, "layers": [] }),
        json!({ "artifactType": "application/vnd.example" }),
    ] {
        assert!(is_not_an_image(&other), "{other}");
    }
}

#[test]
fn what_a_stranger_wrote_is_cut_before_it_is_stored() {
    let long = "x".repeat(100_000);
    let mut told = Vec::new();
    for wrong in [
        json!({ "manifests": long }),
        json!({ "artifactType": long }),
        json!({ "manifests": [], "artifactType": long }),
        json!({ "config": { "mediaType": long } }),
        json!({ "config": { "mediaType": "application/vnd.oci.image.config.v1+json" },
                "layers": [{ "mediaType": long }] }),
    ] {
        match read(&wrong) {
            Manifest::Complete(ImageContent::NotAnImage { media_type }) => {
                told.push(media_type);
            }
            Manifest::Complete(ImageContent::Unreadable { problem }) => told.push(problem),
            other => panic!("{other:?}"),
        }
    }
    let configuration = json!({ "os": [long] }).to_string();
    if let ImageContent::Unreadable { problem } = read_configuration(&configuration) {
        told.push(problem);
    }
    assert_eq!(told.len(), 6);
    for text in told {
        assert!((1..=200).contains(&text.len()), "{} bytes", text.len());
    }
}

#[test]
fn an_index_has_few_platforms_however_often_it_names_them() {
    let image =
        |architecture: &str| json!({ "platform": { "os": "linux", "architecture": architecture } });
    let mut images: Vec<_> = (0..500).map(|n| image(&format!("odd{n}"))).collect();
    images.insert(0, image(&"x".repeat(33)));
    images.insert(0, image("a b"));
    images.insert(0, image("arm64"));
    images.insert(0, image("arm64"));
    let Manifest::Complete(ImageContent::Image(platforms)) = read(&json!({ "manifests": images }))
    else {
        panic!()
    };
    assert_eq!(platforms.len(), PLATFORMS_LIMIT);
    assert_eq!(
        (
            platforms[0].architecture.as_str(),
            platforms[1].architecture.as_str()
        ),
        ("arm64", "odd0")
    );
}

#[test]
fn too_long_a_list_is_refused_and_labels_beyond_the_first_are_left_out() {
    let layers = |count| {
        json!({ "config": { "mediaType": "application/vnd.oci.image.config.v1+json" },
        "layers": vec![json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar" }); count] })
    };
    assert!(matches!(
        read(&layers(DESCRIPTORS_LIMIT)),
        Manifest::NeedsConfiguration { .. }
    ));
    let Manifest::Complete(ImageContent::Unreadable { problem }) =
        read(&layers(DESCRIPTORS_LIMIT + 1))
    else {
        panic!()
    };
    assert!(problem.contains("more than 1000"), "{problem}");
    let labels: BTreeMap<String, String> = (0..2 * LABELS_LIMIT)
        .map(|n| (n.to_string(), String::new()))
        .collect();
    let text = json!({ "config": { "Labels": labels } }).to_string();
    assert_eq!(read_labels(&text).len(), LABELS_LIMIT);
}

#[test]
fn nonsense_is_unreadable() {
    let huge = " ".repeat(MANIFEST_LIMIT_BYTES + 1);
    for wrong in ["", "[]", "{}", r#"{"manifests":1}"#, "nonsense", &huge] {
        let read = read_manifest(wrong);
        assert!(matches!(
            read,
            Manifest::Complete(ImageContent::Unreadable { .. })
        ));
    }
}
