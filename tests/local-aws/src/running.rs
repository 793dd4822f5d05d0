//! A local AWS from its start to its end, for programs and tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::assembly::endpoint;
use crate::call_log::CallRecord;
use crate::clock::pause;
use crate::endpoint::Endpoint;
use crate::event_log::EventRecord;
use crate::fault::{FaultCount, FaultRule};
use crate::http::serve;
use crate::ministack::{Ministack, MinistackError};
use crate::options::Options;
use crate::registry::Repository;

/// Why a local AWS could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken.
    #[error(
        "port {port} on 127.0.0.1 is in use: end what listens there (perhaps another local AWS), \
         or choose another port"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The port cannot be listened on.
    #[error("failed to listen on port {port} of 127.0.0.1")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or folder of our own cannot be made.
    #[error("failed to make {path}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// ministack could not be started.
    #[error(transparent)]
    Ministack(#[from] MinistackError),
}

/// A running local AWS. Dropping it ends everything, ministack and functions included.
#[derive(Debug)]
pub struct LocalAws {
    endpoint: Arc<Endpoint>,
    /// Aborted when dropped, before ministack ends.
    tasks: JoinSet<()>,
    ministack: Ministack,
    _folder: Option<TempDir>,
}

impl LocalAws {
    /// Starts ministack and the endpoint in front of it; both answer when this returns.
    ///
    /// # Errors
    ///
    /// Says what is in the way and what to do about it.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let (listener, address) = listen(options.port).await?;
        let (path, folder) = folder(&options)?;
        let (ministack, upstream) = Ministack::start(&options, &path, address.port()).await?;
        let group = Some(ministack.process_group());
        let mut tasks = JoinSet::new();
        let made = endpoint(&options, address, upstream, group, &mut tasks);
        let endpoint = made.map_err(|source| StartError::File {
            path: options.record_file.unwrap_or_default(),
            source,
        })?;
        let serving = endpoint.clone();
        tasks.spawn(async move { match serve(listener, serving).await {} });
        Ok(LocalAws {
            endpoint,
            tasks,
            ministack,
            _folder: folder,
        })
    }

    /// Where it listens: `http://localhost:4566`. By name, because S3 puts buckets
    /// before it.
    pub fn endpoint_url(&self) -> String {
        format!("http://localhost:{}", self.endpoint.address.port())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.endpoint.address.port()
    }

    /// The calls after a sequence, the oldest first.
    pub fn calls(&self, since: u64) -> Vec<CallRecord> {
        self.endpoint.calls.since(since)
    }

    /// Those of the calls after a sequence that are wanted, the oldest first.
    pub fn calls_where(
        &self,
        since: u64,
        is_wanted: impl Fn(&CallRecord) -> bool,
    ) -> Vec<CallRecord> {
        self.endpoint.calls.selected(since, is_wanted)
    }

    /// The sequence of the last call; 0 before the first.
    pub fn last_call(&self) -> u64 {
        self.endpoint.calls.last_sequence()
    }

    /// The events after a sequence, the oldest first, and what became of each so far.
    pub fn events(&self, since: u64) -> Vec<EventRecord> {
        self.endpoint.bus.log().since(since)
    }

    /// The sequences of the events in the order in which they were handed on to the
    /// targets of their rules; one that came twice stands there twice.
    pub fn handed_on(&self) -> Vec<u64> {
        self.endpoint.bus.log().handed_on()
    }

    /// Sends an event on the default bus now; missing members of the envelope are added.
    ///
    /// Must be called within the runtime that the local AWS was started in.
    pub fn emit(&self, event: &Value) -> Value {
        let clock = &self.endpoint.clock;
        let event = self.endpoint.source.envelope(event, clock.wall());
        self.endpoint.bus.emit(&event);
        event
    }

    /// Fires the schedules whose rule's name contains `name`, now; gives back their names.
    pub async fn fire_schedules(&self, name: &str) -> Vec<String> {
        self.endpoint.scheduler.fire_by_hand(name).await
    }

    /// What the registry holds, by repository.
    pub fn registry(&self) -> std::collections::BTreeMap<String, Repository> {
        self.endpoint.registry.snapshot()
    }

    /// Puts a fault rule into force.
    pub fn add_fault(&self, rule: FaultRule) {
        self.endpoint.faults.add(rule);
    }

    /// Says how often each fault rule struck.
    pub fn fault_counts(&self) -> Vec<FaultCount> {
        self.endpoint.faults.counts()
    }

    /// Ends one fault rule and says how often it struck; nothing where it is not in force.
    pub fn end_fault(&self, rule: &FaultRule) -> Option<FaultCount> {
        self.endpoint.faults.remove(rule)
    }

    /// Ends all faults and says how often each struck.
    pub fn clear_faults(&self) -> Vec<FaultCount> {
        self.endpoint.faults.clear()
    }

    /// Waits until ministack ends by itself, which it should not, and says how.
    pub async fn ended(&self) -> MinistackError {
        loop {
            if let Some(ended) = self.ministack.ended() {
                return ended;
            }
            pause(Duration::from_millis(500)).await;
        }
    }

    /// Ends everything; when this returns, no process is left.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let failed = |source: io::Error| {
        if source.kind() == io::ErrorKind::AddrInUse {
            StartError::PortInUse { port }
        } else {
            StartError::Listen { port, source }
        }
    };
    let listener = listening.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The folder for ministack's files, and what removes it at the end.
fn folder(options: &Options) -> Result<(PathBuf, Option<TempDir>), StartError> {
    if let Some(given) = &options.state_directory {
        let failed = |source| StartError::File {
            path: given.clone(),
            source,
        };
        fs::create_dir_all(given).map_err(failed)?;
        return Ok((std::path::absolute(given).map_err(failed)?, None));
    }
    let made = tempfile::Builder::new().prefix("local-aws-").tempdir();
    let made = made.map_err(|source| StartError::File {
        path: PathBuf::from("a temporary folder"),
        source,
    })?;
    Ok((made.path().to_owned(), Some(made)))
}
