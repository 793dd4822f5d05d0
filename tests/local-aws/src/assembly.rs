//! How an endpoint is put together from its parts.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::alarm::Alarms;
use crate::bus::{Bus, BusParts};
use crate::call_log::CallLog;
use crate::clock::Clock;
use crate::cloudformation::StackService;
use crate::ecs::EcsService;
use crate::endpoint::Endpoint;
use crate::event::Source;
use crate::fault::Faults;
use crate::options::{Options, Schedules};
use crate::parameter::Parameters;
use crate::registry::{RegistryIndex, RegistryWatch};
use crate::rule::Rules;
use crate::schedule::Scheduler;
use crate::stack::StackWatch;
use crate::upstream::Upstream;

/// Puts an endpoint on `address` together, in front of `upstream`, and starts its
/// tasks; what remains is to serve it.
///
/// # Errors
///
/// The file for the calls could not be made.
pub(crate) fn endpoint(
    options: &Options,
    address: SocketAddr,
    upstream: Upstream,
    process_group: Option<i32>,
    tasks: &mut JoinSet<()>,
) -> std::io::Result<Arc<Endpoint>> {
    let clock = Clock::start(options.speed);
    let source = Source::new(&options.account_id, &options.region);
    let faults = Arc::new(Faults::new(options.seed));
    let rules = Arc::new(Rules::new(upstream.clone(), clock.clone()));
    let (bus, delivering) = Bus::new(BusParts {
        upstream: upstream.clone(),
        rules: rules.clone(),
        clock: clock.clone(),
        faults: faults.clone(),
        speed: match options.schedules {
            Schedules::Speed(speed) => speed,
            Schedules::ByHand => 1.0,
        },
        seed: options.seed,
    });
    let registry = Arc::new(RegistryIndex::new(&options.account_id, &options.region));
    let (ecs, writing) = EcsService::new(
        (&options.account_id, &options.region),
        options.timings.clone(),
        clock.clone(),
        registry.clone(),
        bus.clone(),
        upstream.clone(),
    );
    let cloudformation = StackService::new(options, &ecs, &clock, &bus, &upstream);
    let stacks = StackWatch {
        upstream: upstream.clone(),
        clock: clock.clone(),
        bus: bus.clone(),
        rules: rules.clone(),
        parameters: Arc::new(Parameters::new(upstream.clone(), source.clone())),
        alarms: Arc::new(Alarms::new(upstream.clone(), source.clone(), ecs.clone())),
        registry: Arc::new(RegistryWatch::new(
            registry.clone(),
            upstream.clone(),
            source.clone(),
        )),
        changed: Notify::new(),
    };
    let scheduler = Scheduler::new(
        options.schedules,
        upstream.clone(),
        rules.clone(),
        bus.clone(),
        source.clone(),
        clock.clone(),
    );
    let endpoint = Arc::new(Endpoint {
        address,
        upstream,
        clock,
        source,
        calls: CallLog::new(options.record_file.as_deref())?,
        bus,
        faults,
        rules,
        ecs,
        cloudformation: Arc::new(cloudformation),
        registry,
        stacks: Arc::new(stacks),
        scheduler: Arc::new(scheduler),
        process_group,
    });
    tasks.spawn(delivering);
    tasks.spawn(writing);
    tasks.spawn(endpoint.ecs.clone().run());
    tasks.spawn(endpoint.cloudformation.clone().run());
    tasks.spawn(endpoint.stacks.clone().run());
    tasks.spawn(endpoint.scheduler.clone().run());
    Ok(endpoint)
}
