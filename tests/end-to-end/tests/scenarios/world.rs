//! The installation that the scenarios share, started by the first and ended after the
//! last; and others apart from it, for what would disturb everybody.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use end_to_end::{
    AnsweredCalls, Aws, Checkout, Failure, FunctionLog, Installation, LogEntry, Notice, Seen,
    Staged, customer, notices, wait,
};
use jiff::Timestamp;
use local_aws::oci::Registry;
use local_aws::{CallRecord, LocalAws, Options, Schedules, StackTimings, Timings};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, RwLock};

use crate::{Company, Played, chain};

/// The cluster of all services.
pub(crate) const CLUSTER: &str = "end-to-end";
/// The service that the template's own parameters name.
pub(crate) const FIRST: &str = "first";
/// The alarm that it watches.
const FIRST_ALARM: &str = "first-alarm";
/// How many times as often as on AWS schedules fire: the sweep runs each second.
const SCHEDULE_SPEED: f64 = 60.0;
/// The visibility timeout of a queue that gives a message back soon; the template's is
/// six times as long as `rollout` may run.
const FORGIVEN_AFTER_SECONDS: u32 = 2;
/// How long a scenario waits for anything, on a machine that has much else to do.
pub(crate) const LIMIT: Duration = Duration::from_secs(180);

/// The installation.
pub(crate) struct World {
    pub(crate) local: LocalAws,
    pub(crate) aws: Aws,
    pub(crate) registry: Registry,
    pub(crate) installation: Installation,
    pub(crate) started_at: Timestamp,
    seen: Mutex<SeenSoFar>,
    /// Shared by those that bear company, held alone by those that don't.
    company: RwLock<()>,
}

/// What has been taken from the call log.
#[derive(Default)]
struct SeenSoFar {
    calls: AnsweredCalls,
    notices: Vec<Notice>,
    /// What functions asked ECS to change.
    changes: Vec<CallRecord>,
}

static WORLD: Mutex<Option<Result<Arc<World>, String>>> = Mutex::new(None);
static STAGED: OnceCell<(Checkout, Staged)> = OnceCell::const_new();
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads for the local AWS")
});

/// The shared installation; the first who asks waits until it stands.
pub(crate) fn shared() -> Result<Arc<World>, String> {
    let started = || {
        let world = RUNTIME.block_on(World::start()).map(Arc::new);
        world.map_err(|error| chain(&*error))
    };
    lock(&WORLD).get_or_insert_with(started).clone()
}

/// Ends the installation, if it was ever started.
pub(crate) fn end() {
    let world = lock(&WORLD).take();
    if let Some(world) = world.and_then(Result::ok).and_then(Arc::into_inner) {
        RUNTIME.block_on(world.end());
    }
}

/// Plays on an installation of its own, whose template has these parameters besides.
pub(crate) async fn apart(
    parameters: &[(&str, &str)],
    play: impl AsyncFnOnce(&mut World) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut world = World::start_with(parameters).await?;
    let played = play(&mut world).await;
    world.end().await;
    played
}

impl World {
    /// Starts an installation of its own.
    pub(crate) async fn start() -> Result<Self, Failure> {
        World::start_with(&[]).await
    }

    /// Starts one whose template has these parameters besides.
    pub(crate) async fn start_with(parameters: &[(&str, &str)]) -> Result<Self, Failure> {
        let (local, aws, installation, started_at) = install(parameters).await?;
        Ok(World {
            registry: Registry::new(&local.endpoint_url()),
            local,
            aws,
            installation,
            started_at,
            seen: Mutex::default(),
            company: RwLock::default(),
        })
    }

    /// Starts one whose queue gives a message back soon after its receiver died.
    pub(crate) async fn start_forgiving() -> Result<Self, Failure> {
        let world = World::start().await?;
        let attributes = json!({
            "QueueUrl": world.installation.queue_url,
            "Attributes": {"VisibilityTimeout": FORGIVEN_AFTER_SECONDS.to_string()},
        });
        let set = world.aws.json("sqs", "SetQueueAttributes", &attributes);
        set.await?;
        Ok(world)
    }

    /// Deploys the template again, with these parameters besides: an upgrade, or where the stack
    /// was deleted another installation.
    pub(crate) async fn deploy_again(&mut self, changed: &[(&str, &str)]) -> Result<(), Failure> {
        let (checkout, staged) = STAGED.get_or_try_init(stage).await?;
        let repository = crate::target::repository(FIRST);
        let parameters = [&parameters(&repository)[..], changed].concat();
        let deployed = Installation::deploy(checkout, staged, &self.aws, &parameters, |_| {});
        self.installation = deployed.await?;
        Ok(())
    }

    /// Ends it; when this returns, no process is left.
    pub(crate) async fn end(self) {
        self.local.shutdown().await;
    }

    /// Plays a scenario, beside others if it bears them.
    pub(crate) fn play(
        &self,
        company: Company,
        scenario: fn(&World) -> Played<'_>,
    ) -> Result<(), Failure> {
        RUNTIME.block_on(async {
            match company {
                Company::Any => {
                    let _beside_others = self.company.read().await;
                    scenario(self).await
                }
                Company::None => {
                    let _alone = self.company.write().await;
                    scenario(self).await
                }
            }
        })
    }

    /// The notices about a target so far, the oldest first.
    pub(crate) fn notices(&self, target: &str) -> Vec<Notice> {
        let seen = self.look();
        let about = seen.notices.iter();
        about
            .filter(|notice| notice.attribute("target") == target)
            .cloned()
            .collect()
    }

    /// What functions asked ECS to change about a family or a service so far.
    pub(crate) fn changes(&self, name: &str) -> Vec<CallRecord> {
        let seen = self.look();
        let about = seen.changes.iter().filter(|call| {
            let request = call.request.as_ref();
            request.is_some_and(|request| {
                // arn:aws:ecs:region:account:service-deployment/cluster/service/id
                let stopped = request["serviceDeploymentArn"].as_str().unwrap_or_default();
                request["family"] == name
                    || request["service"] == name
                    || stopped.rsplit('/').nth(1) == Some(name)
            })
        });
        about.cloned().collect()
    }

    fn look(&self) -> MutexGuard<'_, SeenSoFar> {
        let mut seen = lock(&self.seen);
        let calls = seen.calls.take(&self.local);
        seen.notices.extend(notices(&calls));
        let changes = calls.into_iter().filter(|call| {
            let changing = [
                "RegisterTaskDefinition",
                "UpdateService",
                "StopServiceDeployment",
            ];
            call.caller.function.is_some() && changing.contains(&call.operation.as_str())
        });
        seen.changes.extend(changes);
        seen
    }

    /// Waits until a notice about a target satisfies `is_it`.
    pub(crate) async fn notice(
        &self,
        target: &str,
        what: &str,
        limit: Duration,
        is_it: impl Fn(&Notice) -> bool,
    ) -> Result<Notice, Failure> {
        let what = format!("{what} about {target}");
        wait(&what, limit, async || {
            let seen = self.look();
            let about = |notice: &&Notice| notice.attribute("target") == target;
            let mut told = seen.notices.iter().filter(about);
            Ok(match told.clone().find(|notice| is_it(notice)) {
                Some(notice) => Seen::Reached(notice.clone()),
                None => {
                    let last = told.next_back();
                    Seen::NotYet(last.map_or_else(String::new, |notice| notice.sms.clone()))
                }
            })
        })
        .await
    }

    /// Waits for what a function writes.
    pub(crate) async fn logged(
        &self,
        function: &'static str,
        what: &str,
        is_it: impl Fn(&LogEntry) -> bool,
    ) -> Result<LogEntry, Failure> {
        let log = FunctionLog::of(&self.installation, function);
        self.until(what, async || {
            let entries = log.since(&self.aws, self.started_at).await?;
            let last = entries.last().map(|entry| entry.fields.to_string());
            Ok(match entries.into_iter().find(|entry| is_it(entry)) {
                Some(found) => Seen::Reached(found),
                None => Seen::NotYet(last.unwrap_or_default()),
            })
        })
        .await
    }

    /// Waits until `look` reaches something.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFnMut() -> Result<Seen<T>, Failure>,
    ) -> Result<T, Failure> {
        wait(what, LIMIT, look).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The local AWS alone, without Pushboat on it, for what is AWS's own.
pub(crate) struct Bare {
    pub(crate) local: LocalAws,
    pub(crate) aws: Aws,
    pub(crate) registry: Registry,
}

impl Bare {
    async fn start() -> Result<Self, Failure> {
        let (local, aws) = start_local(&Checkout::find()?).await?;
        Ok(Bare {
            registry: Registry::new(&local.endpoint_url()),
            local,
            aws,
        })
    }
}

/// Plays a scenario on a local AWS of its own, without Pushboat.
pub(crate) fn play_bare(scenario: fn(&Bare) -> Played<'_>) -> Result<(), Failure> {
    RUNTIME.block_on(async {
        let bare = Bare::start().await?;
        let played = scenario(&bare).await;
        bare.local.shutdown().await;
        played
    })
}

async fn start_local(checkout: &Checkout) -> Result<(LocalAws, Aws), Failure> {
    let options = Options {
        port: 0,
        timings: Timings::fast(),
        stack_timings: StackTimings::fast(),
        schedules: Schedules::Speed(SCHEDULE_SPEED),
        ..Options::new(checkout.ministack())
    };
    let local = LocalAws::start(options).await?;
    let aws = Aws::new(&local.endpoint_url(), "000000000000", "us-east-1");
    Ok((local, aws))
}

#[expect(
    clippy::disallowed_methods,
    reason = "logs are read from the installation's begin, by the real clock"
)]
async fn install(
    changed: &[(&str, &str)],
) -> Result<(LocalAws, Aws, Installation, Timestamp), Failure> {
    let (checkout, staged) = STAGED.get_or_try_init(stage).await?;
    let started_at = Timestamp::now();
    let (local, aws) = start_local(checkout).await?;
    let installed = prepare_and_deploy(checkout, staged, (&local, &aws), changed);
    let installation = tokio::select! {
        installation = installed => installation?,
        ended = local.ended() => return Err(ended.into()),
    };
    Ok((local, aws, installation, started_at))
}

async fn stage() -> Result<(Checkout, Staged), Failure> {
    let checkout = Checkout::find()?;
    let staged = Staged::build(&checkout).await?;
    Ok((checkout, staged))
}

async fn prepare_and_deploy(
    checkout: &Checkout,
    staged: &Staged,
    (local, aws): (&LocalAws, &Aws),
    changed: &[(&str, &str)],
) -> Result<Installation, Failure> {
    customer::create_cluster(aws, CLUSTER).await?;
    let registry = Registry::new(&local.endpoint_url());
    customer::create_alarm(aws, FIRST_ALARM).await?;
    crate::target::create_service(aws, &registry, FIRST, None).await?;
    let repository = crate::target::repository(FIRST);
    let parameters = [&parameters(&repository)[..], changed].concat();
    let installed = Installation::deploy(checkout, staged, aws, &parameters, |_| {}).await?;
    Ok(installed)
}

/// The parameters of the template, of the first target too.
fn parameters(repository: &str) -> [(&str, &str); 8] {
    [
        ("ClusterName", CLUSTER),
        ("ServiceName", FIRST),
        ("RepositoryName", repository),
        ("TagPattern", "v*"),
        // The emulator takes an empty list for one with an empty name: it knows no
        // Fn::Join in the condition HasAlarms.
        ("AlarmNames", FIRST_ALARM),
        ("BakeTimeSeconds", "1"),
        ("NotificationEmail", "somebody@example.org"),
        ("TaskRolePattern", "demo-*"),
    ]
}
