//! ministack as a child process: started clean, watched, and ended with us.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use hyper::Method;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::clock::{Clock, pause};
use crate::options::{Options, Schedules};
use crate::upstream::Upstream;

/// The version the endpoint was written against; it leans on how this one behaves.
pub const MINISTACK_VERSION: &str = "1.5.33";

const LAUNCHER: &str = include_str!("ministack_launch.py");

/// How long ministack may take to answer; it needs half a second.
const START_LIMIT: Duration = Duration::from_secs(120);

/// Why ministack could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MinistackError {
    /// There is no such program.
    #[error(
        "there is no ministack at {path}: install ministack {MINISTACK_VERSION} into a virtual \
         environment and give the path of its `bin/ministack`"
    )]
    NotFound {
        /// The path that was given.
        path: PathBuf,
    },
    /// The folder for its files could not be made.
    #[error("failed to prepare ministack's folder {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The interpreter beside it could not be run.
    #[error("failed to run {interpreter}, the interpreter of ministack's virtual environment")]
    Spawn {
        /// The interpreter.
        interpreter: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("ministack ended while it started ({status}); the end of its log:\n{tail}")]
    Died {
        /// How it ended.
        status: String,
        /// The log's last lines.
        tail: String,
    },
    /// It runs, but does not answer.
    #[error("ministack did not answer on {address} within 30 s; the end of its log:\n{tail}")]
    Silent {
        /// Where it should listen.
        address: SocketAddr,
        /// The log's last lines.
        tail: String,
    },
    /// It is another version.
    #[error(
        "ministack at {path} is version {found}, and this needs {MINISTACK_VERSION}: make its \
         virtual environment anew from the pinned requirements"
    )]
    WrongVersion {
        /// The path that was given.
        path: PathBuf,
        /// What it says it is.
        found: String,
    },
}

/// A running ministack; dropping it ends it and every function it runs.
#[derive(Debug)]
pub(crate) struct Ministack {
    child: Mutex<Child>,
    process_group: i32,
    log: PathBuf,
}

impl Ministack {
    /// Starts ministack behind an endpoint on `endpoint_port` and waits until it answers.
    ///
    /// # Errors
    ///
    /// Says what is missing, or how it ended with the end of its log.
    pub(crate) async fn start(
        options: &Options,
        folder: &Path,
        endpoint_port: u16,
    ) -> Result<(Self, Upstream), MinistackError> {
        let interpreter = interpreter(&options.ministack)?;
        let prepared = |source| MinistackError::Folder {
            path: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(prepared)?;
        let log = folder.join("ministack.log");
        let output = File::create(&log).map_err(prepared)?;
        let errors = output.try_clone().map_err(prepared)?;
        let address = free_address().map_err(prepared)?;
        let mut command = Command::new(&interpreter);
        command
            .args(["-c", LAUNCHER])
            .arg(address.to_string())
            .env_clear()
            .envs(environment(options, folder, endpoint_port))
            .current_dir(folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors);
        let child = command.spawn().map_err(|source| MinistackError::Spawn {
            interpreter,
            source,
        })?;
        let ministack = Ministack {
            process_group: i32::try_from(child.id()).unwrap_or_default(),
            child: Mutex::new(child),
            log,
        };
        let upstream = Upstream::new(address, &options.account_id, &options.region);
        let version = ministack.ready(&upstream, address).await?;
        if version != MINISTACK_VERSION {
            return Err(MinistackError::WrongVersion {
                path: options.ministack.clone(),
                found: version,
            });
        }
        Ok((ministack, upstream))
    }

    /// The process group of ministack and of the functions it runs.
    pub(crate) fn process_group(&self) -> i32 {
        self.process_group
    }

    /// Says how it ended, with the end of its log, once it has.
    pub(crate) fn ended(&self) -> Option<MinistackError> {
        let status = self.child().try_wait().ok().flatten()?;
        Some(MinistackError::Died {
            status: status.to_string(),
            tail: tail(&self.log),
        })
    }

    /// Waits until it answers and gives back the version it tells.
    async fn ready(
        &self,
        upstream: &Upstream,
        address: SocketAddr,
    ) -> Result<String, MinistackError> {
        let clock = Clock::start(1.0);
        while clock.elapsed() < START_LIMIT {
            if let Some(died) = self.ended() {
                return Err(died);
            }
            let ready = upstream
                .rest(
                    "",
                    Method::GET,
                    "/_ministack/ready",
                    &[],
                    bytes::Bytes::new(),
                )
                .await;
            if ready.is_ok() {
                let health = upstream
                    .rest(
                        "",
                        Method::GET,
                        "/_ministack/health",
                        &[],
                        bytes::Bytes::new(),
                    )
                    .await;
                let version = health
                    .ok()
                    .and_then(|answer| answer.body_json()?["version"].as_str().map(str::to_owned));
                return Ok(version.unwrap_or_default());
            }
            pause(Duration::from_millis(20)).await;
        }
        Err(MinistackError::Silent {
            address,
            tail: tail(&self.log),
        })
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ministack {
    #[expect(
        clippy::disallowed_methods,
        reason = "ending a process is waited for, and a destructor cannot be async"
    )]
    fn drop(&mut self) {
        let mut child = self.child();
        // The launcher ends the functions, then itself.
        drop(child.stdin.take());
        for _ in 0..200 {
            if !matches!(child.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Whatever is left: all of it where the launcher hangs, functions where
        // ministack died by itself.
        if let Some(group) = Pid::from_raw(self.process_group) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
    }
}

/// The interpreter beside `bin/ministack`, which imports what is installed there.
fn interpreter(ministack: &Path) -> Result<PathBuf, MinistackError> {
    let interpreter = ministack.with_file_name("python");
    if ministack.is_file() && interpreter.is_file() {
        // Relative paths would be looked up in the child's own folder.
        return std::path::absolute(&interpreter).map_err(|source| MinistackError::Spawn {
            interpreter,
            source,
        });
    }
    Err(MinistackError::NotFound {
        path: ministack.to_owned(),
    })
}

/// A free port on loopback. Nothing holds it until ministack does, but the kernel
/// hands it out again only after all others.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// The whole environment of ministack, which the functions it runs inherit.
fn environment(
    options: &Options,
    folder: &Path,
    endpoint_port: u16,
) -> Vec<(&'static str, String)> {
    let folder = folder.display().to_string();
    // AWS waits one minute before the first retry of an asynchronous invocation.
    // https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    let retry_seconds = match options.schedules {
        Schedules::Speed(speed) => 60.0 / speed,
        Schedules::ByHand => 1.0,
    };
    vec![
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("HOME", folder.clone()),
        ("TMPDIR", folder.clone()),
        ("S3_DATA_DIR", format!("{folder}/s3")),
        ("STATE_DIR", format!("{folder}/state")),
        // Without this it listens on every interface, port 8883.
        ("IOT_MTLS_ENABLED", "0".to_owned()),
        ("SFTP_ENABLED", "0".to_owned()),
        ("GATEWAY_PORT", endpoint_port.to_string()),
        ("MINISTACK_ACCOUNT_ID", options.account_id.clone()),
        ("MINISTACK_REGION", options.region.clone()),
        ("AWS_DEFAULT_REGION", options.region.clone()),
        (
            "AWS_ENDPOINT_URL",
            format!("http://127.0.0.1:{endpoint_port}"),
        ),
        ("LAMBDA_ASYNC_RETRY_BASE_SECONDS", retry_seconds.to_string()),
        (
            "LAMBDA_ASYNC_RETRY_MAX_SECONDS",
            (retry_seconds * 5.0).to_string(),
        ),
    ]
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_missing_program_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::new("/nowhere/bin/ministack");
        let error = Ministack::start(&options, folder.path(), 1)
            .await
            .unwrap_err();
        let message = error.to_string();
        assert!(message.contains("/nowhere/bin/ministack"), "{message}");
        assert!(message.contains(MINISTACK_VERSION), "{message}");
    }

    #[tokio::test]
    async fn an_early_end_is_told_with_the_end_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("ministack"), "").unwrap();
        let interpreter = bin.join("python");
        fs::write(
            &interpreter,
            "#!/bin/sh\necho 'No module named hypercorn' >&2; exit 3\n",
        )
        .unwrap();
        fs::set_permissions(&interpreter, fs::Permissions::from_mode(0o755)).unwrap();

        let options = Options::new(bin.join("ministack"));
        let state = folder.path().join("state");
        let error = Ministack::start(&options, &state, 1).await.unwrap_err();

        let message = error.to_string();
        assert!(matches!(error, MinistackError::Died { .. }), "{message}");
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.contains("No module named hypercorn"), "{message}");
    }

    #[test]
    fn the_environment_is_clean_and_leads_functions_to_the_endpoint() {
        let environment = environment(&Options::new(""), Path::new("/state"), 4566);
        let value = |name: &str| {
            let found = environment.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("AWS_ENDPOINT_URL"), Some("http://127.0.0.1:4566"));
        assert_eq!(value("GATEWAY_PORT"), Some("4566"));
        assert_eq!(value("IOT_MTLS_ENABLED"), Some("0"));
        assert_eq!(value("AWS_PROFILE"), None);
    }
}
