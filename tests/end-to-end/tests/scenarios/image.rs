//! What is pushed is looked at before anything is registered.

use end_to_end::{Failure, Notice};
use local_aws::oci::{Artifact, Image, attested, single};
use serde_json::Value;

use crate::target::{Target, image};
use crate::world::World;

pub(crate) async fn another_architecture_is_rejected(world: &World) -> Result<(), Failure> {
    let target = Target::adopted(world, "wrong-platform").await?;
    let notice = rejected(&target, "v1", &single(&Image::new("amd64"))).await?;
    assert_eq!(notice.document["reason"]["code"], "wrong-platform");
    assert!(notice.email.contains("linux/arm64"), "{}", notice.email);
    assert!(notice.email.contains("linux/amd64"), "{}", notice.email);
    Ok(())
}

pub(crate) async fn an_attestation_is_rejected(world: &World) -> Result<(), Failure> {
    let target = Target::adopted(world, "attestation").await?;
    // The part of an index that says how it was built, under a tag of its own.
    let index = attested(&image("attestation", "v1"), &["arm64"]);
    let is_attestation = |blob: &&local_aws::oci::Blob| {
        String::from_utf8_lossy(&blob.bytes).contains("application/vnd.in-toto+json")
    };
    let attestation = index.children.iter().find(is_attestation).unwrap();
    let artifact = Artifact {
        blobs: index.blobs.clone(),
        children: Vec::new(),
        manifest: attestation.clone(),
    };
    let notice = rejected(&target, "v1", &artifact).await?;
    assert_eq!(notice.document["reason"]["code"], "not-an-image");
    assert!(notice.email.contains("in-toto"), "{}", notice.email);
    Ok(())
}

pub(crate) async fn a_signature_is_rejected(world: &World) -> Result<(), Failure> {
    let target = Target::adopted(world, "signature").await?;
    // As Sigstore signs: the image's own configuration type, another layer.
    let mut artifact = single(&image("signature", "v1"));
    let mut manifest: Value = serde_json::from_slice(&artifact.manifest.bytes)?;
    manifest["layers"][0]["mediaType"] = "application/vnd.dev.cosign.simplesigning.v1+json".into();
    artifact.manifest.bytes = manifest.to_string().into_bytes();
    let notice = rejected(&target, "v1-signature", &artifact).await?;
    assert_eq!(notice.document["reason"]["code"], "not-an-image");
    assert!(notice.email.contains("cosign"), "{}", notice.email);
    Ok(())
}

pub(crate) async fn the_running_image_is_not_deployed_again(world: &World) -> Result<(), Failure> {
    let target = Target::adopted(world, "same-again").await?;
    target.push("v1").await?;
    target.told("succeeded", "v1").await?;
    let before = target.changes();

    // The same image under another tag.
    target
        .push_artifact("v2", &single(&image("same-again", "v1")))
        .await?;
    let notice = target.told("rejected", "v2").await?;

    assert_eq!(notice.document["reason"]["code"], "already-running");
    assert_eq!(notice.attribute("severity"), "info");
    assert_eq!(target.changes(), before);
    Ok(())
}

async fn rejected(target: &Target<'_>, tag: &str, artifact: &Artifact) -> Result<Notice, Failure> {
    target.push_artifact(tag, artifact).await?;
    let notice = target.told("rejected", tag).await?;
    target.stays_quiet().await?;
    assert_eq!(target.changes(), [""; 0], "nothing is registered");
    assert_eq!(notice.attribute("outcome"), "rejected");
    assert_eq!(notice.attribute("severity"), "warning");
    Ok(notice)
}
