//! The table of causes, and how a task is held against it.

use super::Cause;
use crate::core::evidence::StoppedTask;

/// One way to know a cause; all that it asks for must be there.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) cause: Cause,
    /// One of these stop codes; none for any.
    pub(super) stop_codes: &'static [&'static str],
    /// Of each group one piece, in lower case, all in one text.
    pub(super) text: &'static [&'static [&'static str]],
    pub(super) exit: Exit,
}

/// What the containers exited with.
///
/// An exit code counts only where a container ended by itself: a task that ECS
/// stops commonly shows 0, 137 or 143, whatever it was stopped for.
#[derive(Clone, Copy)]
pub(super) enum Exit {
    Anything,
    /// A container exited with 0, and none of them with an error of its own.
    Normal,
    /// A container exited with one of these.
    One(&'static [i64]),
    /// A container exited with an error that no other row names.
    Error,
    /// No container exited, and the task never started.
    Never,
}

/// Finds the cause in the order of the table; [`Cause::Unknown`] where nothing matches.
///
/// Fargate cuts long messages short, so that a row asks for as little as tells
/// it from the others.
#[must_use]
pub fn cause(task: &StoppedTask) -> Cause {
    first(TABLE, task).unwrap_or(Cause::Unknown)
}

pub(super) fn first(rows: &[Row], task: &StoppedTask) -> Option<Cause> {
    let texts: Vec<String> = std::iter::once(&task.stopped_reason)
        .chain(task.containers.iter().map(|container| &container.reason))
        .map(|text| text.to_lowercase())
        .collect();
    rows.iter()
        .find(|row| row.matches(task, &texts))
        .map(|row| row.cause)
}

impl Row {
    fn matches(&self, task: &StoppedTask, texts: &[String]) -> bool {
        let code = |code: &&str| code.eq_ignore_ascii_case(&task.stop_code);
        // Users report stop codes that are missing (aws/containers-roadmap#1565): then
        // the words alone decide.
        let missing = task.stop_code.is_empty() && !self.text.is_empty();
        let told = |text: &String| {
            let mut groups = self.text.iter();
            groups.all(|group| group.iter().any(|piece| text.contains(piece)))
        };
        (self.stop_codes.is_empty() || missing || self.stop_codes.iter().any(code))
            && self.exit.matches(task)
            && (self.text.is_empty() || texts.iter().any(told))
    }
}

const ESSENTIAL_EXITED: &str = "EssentialContainerExited";
const NOT_EXECUTABLE: &[i64] = &[126, 127];
/// SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV.
const CRASHED: &[i64] = &[132, 133, 134, 135, 136, 139];
const KILLED: &[i64] = &[137];
const TERMINATED: &[i64] = &[143];

impl Exit {
    fn matches(self, task: &StoppedTask) -> bool {
        let codes = task
            .containers
            .iter()
            .filter_map(|container| container.exit_code);
        let any =
            |wanted: &dyn Fn(i64) -> bool| exited_by_itself(task) && codes.clone().any(wanted);
        match self {
            Self::Anything => true,
            Self::Normal => any(&|code| code == 0) && !any(&failed),
            Self::One(wanted) => any(&|code| wanted.contains(&code)),
            Self::Error => any(&|code| failed(code) && !named(code)),
            Self::Never => !task.started && codes.clone().next().is_none(),
        }
    }
}

/// Says whether the task ended because one of its containers did.
fn exited_by_itself(task: &StoppedTask) -> bool {
    let says_so = || {
        let reason = task.stopped_reason.to_ascii_lowercase();
        task.stop_code.is_empty() && reason.contains("essential container in task exited")
    };
    task.stop_code.eq_ignore_ascii_case(ESSENTIAL_EXITED) || says_so()
}

/// Says whether a container failed by itself: 137 and 143 also mean that it was stopped with the others.
fn failed(code: i64) -> bool {
    code != 0 && !KILLED.contains(&code) && !TERMINATED.contains(&code)
}

fn named(code: i64) -> bool {
    NOT_EXECUTABLE.contains(&code) || CRASHED.contains(&code)
}

const fn row(cause: Cause) -> Row {
    Row {
        cause,
        stop_codes: &[],
        text: &[],
        exit: Exit::Anything,
    }
}

impl Row {
    const fn code(self, stop_codes: &'static [&'static str]) -> Self {
        Self { stop_codes, ..self }
    }

    const fn text(self, text: &'static [&'static [&'static str]]) -> Self {
        Self { text, ..self }
    }

    const fn exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }
}

const NEVER_STARTED: &[&str] = &["TaskFailedToStart"];
const SCHEDULER: &[&str] = &["ServiceSchedulerInitiated"];
const PULL: &[&str] = &["cannotpullcontainer"];
const START: &[&str] = &["cannotstartcontainererror", "cannotcreatecontainererror"];
const RESOURCE: &[&str] = &["resourceinitializationerror"];
const SECRET: &[&str] = &[
    "unable to pull secrets",
    "fetching secret data",
    "can't retrieve the secret",
    "from asm",
    "from ssm",
];
const NETWORK: &[&str] = &[
    "i/o timeout",
    "dial tcp",
    "request canceled while waiting for connection",
    "client.timeout exceeded",
    "tls handshake timeout",
    "context canceled",
    "context deadline exceeded",
    "there is a connection issue",
    "check your network configuration",
    "check your task network configuration",
];

pub(super) const TABLE: &[Row] = &[
    row(Cause::StoppedByUser).code(&["UserInitiated"]),
    row(Cause::StoppedByUser)
        .code(&["UserInitiated"])
        .text(&[&["task stopped by user"]]),
    row(Cause::SpotInterruption).code(&["SpotInterruption", "TerminationNotice"]),
    row(Cause::SpotInterruption).text(&[&["your spot task was interrupted"]]),
    row(Cause::Maintenance).text(&[&["performing maintenance on the underlying infrastructure"]]),
    row(Cause::ScaledIn)
        .code(SCHEDULER)
        .text(&[&["scaling activity initiated by"]]),
    row(Cause::NoCapacity).text(&[&["capacity is unavailable at this time"]]),
    row(Cause::AccountLimit).text(&[&[
        "reached the limit on the number of",
        "configuration is above your limit",
        "provisioning capacity limit was exceeded",
    ]]),
    row(Cause::ProvisioningFailed).code(NEVER_STARTED).text(&[&[
        "timeout waiting for network interface provisioning",
        "timeout waiting for ephemeralstorage provisioning",
        "internalerror:",
        "unexpected ec2 error while attempting to create network interface",
    ]]),
    row(Cause::RegistryUnreachable)
        .code(NEVER_STARTED)
        .text(&[PULL, NETWORK]),
    row(Cause::RegistryRateLimit).code(NEVER_STARTED).text(&[
        PULL,
        &[
            "toomanyrequests",
            "pull rate limit",
            "error pulling image conf",
        ],
    ]),
    row(Cause::PullDenied).code(NEVER_STARTED).text(&[
        PULL,
        &[
            "role has the permissions to pull",
            "pull access denied",
            "accessdenied",
            "403 forbidden",
            "no basic auth credentials",
        ],
    ]),
    row(Cause::ImageManifestMissing).code(NEVER_STARTED).text(&[
        PULL,
        &["failed to resolve ref"],
        &["not found"],
    ]),
    row(Cause::ImageManifestMissing).code(NEVER_STARTED).text(&[
        PULL,
        &["manifest unknown", "not found: manifest", "name unknown"],
    ]),
    row(Cause::WrongPlatform)
        .code(NEVER_STARTED)
        .text(&[&["does not contain descriptor matching platform"]]),
    row(Cause::ImageTooLarge)
        .code(NEVER_STARTED)
        .text(&[PULL, &["no space left on device"]]),
    row(Cause::LayerStoreUnreachable)
        .code(NEVER_STARTED)
        .text(&[PULL, &["invalid memory address or nil pointer dereference"]]),
    row(Cause::LayerDownloadFailed)
        .code(NEVER_STARTED)
        .text(&[PULL, &["failed to copy: httpreaderseeker"]]),
    // Registries put these words around an answer of theirs too, so that what they answered goes first.
    row(Cause::RegistryUnreachable)
        .code(NEVER_STARTED)
        .text(&[PULL, &["api error"]]),
    row(Cause::SecretDenied).code(NEVER_STARTED).text(&[
        RESOURCE,
        SECRET,
        &["accessdenied", "not authorized"],
    ]),
    row(Cause::SecretMissing).code(NEVER_STARTED).text(&[
        RESOURCE,
        SECRET,
        &[
            "resourcenotfoundexception",
            "can't find the specified secret",
            "did not contain json key",
            "invalid parameters",
        ],
    ]),
    row(Cause::SecretStoreUnreachable)
        .code(NEVER_STARTED)
        .text(&[RESOURCE, SECRET, NETWORK]),
    row(Cause::SecretStoreUnreachable)
        .code(NEVER_STARTED)
        .text(&[
            RESOURCE,
            &[
                "unable to pull secrets or registry auth",
                "cannot pull registry authentication from amazon ecr",
            ],
        ]),
    row(Cause::LoggingFailed).code(NEVER_STARTED).text(&[&[
        "failed to initialize logging driver",
        "log group does not exist",
        "failed to validate logger args",
    ]]),
    row(Cause::EnvironmentFileFailed)
        .code(NEVER_STARTED)
        .text(&[&["download env files", "environment variable files"]]),
    row(Cause::VolumeFailed)
        .code(NEVER_STARTED)
        .text(&[&["failed to invoke efs utils", "cannotcreatevolumeerror"]]),
    row(Cause::CannotExecute).text(&[
        START,
        &[
            "executable file not found",
            "no such file or directory",
            "permission denied",
            "exec format error",
            "not a directory",
        ],
    ]),
    row(Cause::MemoryTooSmallToStart).text(&[
        &["cannotstartcontainererror"],
        &["failed to get container status"],
    ]),
    row(Cause::AgentFault).text(&[&[
        "containerruntimeerror",
        "containerruntimetimeouterror",
        "cannotinspectcontainererror",
        "cannotstopcontainererror",
    ]]),
    row(Cause::OutOfMemory)
        .code(&[ESSENTIAL_EXITED])
        .text(&[&["outofmemoryerror", "container killed due to memory usage"]]),
    row(Cause::ElbHealthCheck)
        .code(SCHEDULER)
        .text(&[&["task failed elb health checks in"]]),
    row(Cause::ContainerHealthCheck)
        .code(&["ServiceSchedulerInitiated", ESSENTIAL_EXITED])
        .text(&[&["task failed container health checks"]]),
    row(Cause::InfrastructureHealth).code(&["InfrastructureHealth"]),
    row(Cause::ExitedNormally).exit(Exit::Normal),
    row(Cause::ApplicationError).exit(Exit::Error),
    row(Cause::CommandNotFound).exit(Exit::One(NOT_EXECUTABLE)),
    row(Cause::Crashed).exit(Exit::One(CRASHED)),
    row(Cause::Killed).exit(Exit::One(KILLED)),
    row(Cause::Terminated).exit(Exit::One(TERMINATED)),
    row(Cause::NeverRan).exit(Exit::Never),
];
