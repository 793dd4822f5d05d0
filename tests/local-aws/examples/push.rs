//! Pushes a tiny image to a local AWS, for whoever has no Docker at hand:
//!
//! `cargo run -p local-aws --example push -- http://localhost:4566 team/web v1 [label=value …]`

use std::process::ExitCode;

use local_aws::oci::{Image, PushError, Registry, attested};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, repository, tag, labels @ ..] = arguments.as_slice() else {
        eprintln!("usage: push URL REPOSITORY TAG [LABEL=VALUE …]");
        return ExitCode::FAILURE;
    };
    match push(url, repository, tag, labels).await {
        Ok(digest) => {
            println!("{repository}:{tag} is {digest}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("push: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn push(
    url: &str,
    repository: &str,
    tag: &str,
    labels: &[String],
) -> Result<String, PushError> {
    let mut image = Image::new("amd64").with_label("org.opencontainers.image.version", tag);
    for label in labels {
        let (name, value) = label.split_once('=').unwrap_or((label, ""));
        image = image.with_label(name, value);
    }
    let artifact = attested(&image, &["amd64", "arm64"]);
    Registry::new(url).push(repository, tag, &artifact).await
}
