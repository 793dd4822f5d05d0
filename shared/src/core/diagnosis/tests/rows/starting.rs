//! What keeps a task from starting: its image, and what it needs besides.

use super::super::{because, exited, failed_to_start, ran};
use super::{Case, Cause, StoppedTask, Verdict};

fn pull(text: &str) -> StoppedTask {
    failed_to_start(&format!("CannotPullContainerError: {text}"))
}

pub(super) fn pulls() -> Vec<Case> {
    use Verdict::{Likely, Platform};
    let retried = "pull image manifest has been retried 5 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web@sha256:0a";
    vec![
        (
            Cause::RegistryUnreachable,
            Platform,
            pull(&format!(
                "{retried}: failed to do request: Head \"https://…\": dial tcp 10.0.1.9:443: i/o timeout"
            )),
            failed_to_start("dial tcp 10.0.1.9:443: i/o timeout"),
            Cause::NeverRan,
        ),
        (
            Cause::RegistryRateLimit,
            Platform,
            pull(
                "inspect image has been retried 5 time(s): httpReaderSeeker: unexpected status code 429: toomanyrequests: You have reached your pull rate limit",
            ),
            pull("too many layers"),
            Cause::NeverRan,
        ),
        (
            Cause::PullDenied,
            Platform,
            pull(
                "Check if image exists and role has the permissions to pull images from Amazon ECR",
            ),
            pull("401 Unauthorized"),
            Cause::NeverRan,
        ),
        (
            Cause::ImageManifestMissing,
            Likely,
            pull(&format!("{retried}: not found")),
            failed_to_start("failed to resolve ref docker.io/library/web:1: not found"),
            Cause::NeverRan,
        ),
    ]
}

pub(super) fn layers() -> Vec<Case> {
    use Verdict::{Certain, Platform};
    vec![
        (
            Cause::WrongPlatform,
            Certain,
            pull(
                "pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'",
            ),
            pull("image manifest contains a descriptor matching platform 'linux/amd64'"),
            Cause::NeverRan,
        ),
        (
            Cause::ImageTooLarge,
            Certain,
            pull(
                "write /var/lib/containerd/io.containerd.content.v1/ingest/1: no space left on device",
            ),
            ran("EssentialContainerExited", "no space left on device"),
            Cause::Unknown,
        ),
        (
            Cause::LayerStoreUnreachable,
            Platform,
            pull("panic: runtime error: invalid memory address or nil pointer dereference"),
            because(
                exited(&[2]),
                "runtime error: invalid memory address or nil pointer dereference",
            ),
            Cause::ApplicationError,
        ),
        (
            Cause::LayerDownloadFailed,
            Platform,
            pull(
                "pull image manifest has been retried 1 time(s): failed to copy: httpReaderSeeker: failed open: unexpected status",
            ),
            pull("failed to copy: no such layer"),
            Cause::NeverRan,
        ),
    ]
}

pub(super) fn resources() -> Vec<Case> {
    use Verdict::Platform;
    let resource = |text: &str| failed_to_start(&format!("ResourceInitializationError: {text}"));
    let secret = "unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s)";
    vec![
        (
            Cause::SecretDenied,
            Platform,
            resource(&format!(
                "{secret}: failed to fetch secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:db from secrets manager: AccessDeniedException"
            )),
            resource("the wasm module was refused: AccessDeniedException"),
            Cause::NeverRan,
        ),
        (
            Cause::SecretMissing,
            Platform,
            resource(&format!(
                "{secret}: retrieved secret from Secrets Manager did not contain json key PASSWORD"
            )),
            resource("ResourceNotFoundException"),
            Cause::NeverRan,
        ),
        (
            Cause::SecretStoreUnreachable,
            Platform,
            resource(&format!(
                "{secret}: RequestCanceled: request context canceled caused by: context deadline exceeded"
            )),
            resource("context deadline exceeded"),
            Cause::NeverRan,
        ),
        (
            Cause::LoggingFailed,
            Platform,
            resource(
                "failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
            ),
            resource("failed to validate args"),
            Cause::NeverRan,
        ),
        (
            Cause::EnvironmentFileFailed,
            Platform,
            resource("failed to download env files: file download command: non empty error stream"),
            resource("failed to download files"),
            Cause::NeverRan,
        ),
        (
            Cause::VolumeFailed,
            Platform,
            resource(
                "failed to invoke EFS utils commands to set up EFS volumes: stderr: mount.nfs4: Connection timed out",
            ),
            resource("failed to invoke commands to set up volumes"),
            Cause::NeverRan,
        ),
    ]
}
