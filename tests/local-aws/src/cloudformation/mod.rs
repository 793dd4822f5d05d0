//! CloudFormation, for the stacks that were mirrored here: their updates are played by
//! the model of stacks, and done to the model of ECS, on the endpoint's virtual clock.

mod effect;
mod form;
mod mirror;
mod outside;
mod waiting;
mod xml;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use stack_model::{CreateStack, ServiceError, Settings, StackKey, StackStatus, Stacks};
use tokio::sync::Notify;

use self::effect::{Begun, begin};
pub(crate) use self::mirror::Mirrored;
use self::waiting::Waiting;
use crate::bus::Bus;
use crate::call::Call;
use crate::clock::{Clock, pause};
use crate::ecs::EcsService;
use crate::event::partition;
use crate::http::{Answer, Request};
use crate::options::Options;
use crate::upstream::Upstream;

/// How long the model may be left alone where nothing is due.
const IDLE: Duration = Duration::from_secs(60);
/// What reads templates and parameters, and so what they name outside of the stack.
const READING: [&str; 2] = ["CreateChangeSet", "UpdateStack"];

/// Answers CloudFormation's calls of the stacks that were mirrored.
#[derive(Debug)]
pub(crate) struct StackService {
    played: Mutex<Played>,
    ecs: Arc<EcsService>,
    clock: Clock,
    bus: Bus,
    upstream: Upstream,
    /// Something may be due earlier than was thought.
    changed: Notify,
}

/// The model, and what is waited for in its name.
#[derive(Debug)]
struct Played {
    stacks: Stacks,
    waiting: Vec<Waiting>,
}

impl StackService {
    /// Makes an account without any stack.
    pub(crate) fn new(
        options: &Options,
        ecs: &Arc<EcsService>,
        clock: &Clock,
        bus: &Bus,
        upstream: &Upstream,
    ) -> Self {
        let settings = Settings {
            account_id: options.account_id.clone(),
            region: options.region.clone(),
            partition: partition(&options.region).to_owned(),
            timings: options.stack_timings.clone(),
        };
        StackService {
            played: Mutex::new(Played {
                stacks: Stacks::new(settings),
                waiting: Vec::new(),
            }),
            ecs: ecs.clone(),
            clock: clock.clone(),
            bus: bus.clone(),
            upstream: upstream.clone(),
            changed: Notify::new(),
        }
    }

    /// Plays a stack from now on that was made elsewhere, and gives back its ARN.
    ///
    /// # Errors
    ///
    /// What the model refuses, such as a name that is taken.
    pub(crate) async fn mirror(&self, mirrored: Mirrored) -> Result<String, ServiceError> {
        let arn = match mirrored.stack_id.clone() {
            Some(arn) => Some(arn),
            None => outside::stack_id(&self.upstream, &mirrored.name).await,
        };
        let sent = mirrored.sent();
        let mut request = mirrored.request();
        request.arn = arn;
        let read = outside::read(&self.upstream, &request.template, &sent, &Map::new()).await;
        let mut played = self.played();
        read.put_into(&mut played.stacks);
        played.stacks.advance(self.clock.now());
        let arn = Self::create(&mut played.stacks, request)?;
        self.go_on(&mut played);
        drop(played);
        self.changed.notify_one();
        Ok(arn)
    }

    fn create(stacks: &mut Stacks, request: CreateStack) -> Result<String, ServiceError> {
        let key = stacks.create_stack(request)?;
        let stack = stacks.stack(key);
        Ok(stack.map(|stack| stack.arn.clone()).unwrap_or_default())
    }

    /// Answers a call that is about a stack that was mirrored, unless the model does
    /// not know the operation.
    pub(crate) async fn answer(&self, call: &Call, request: &Request) -> Option<Answer> {
        if call.service != "cloudformation" || call.operation == "DeleteStack" {
            return None;
        }
        let sent = form::members(request.form());
        let named = self.named(&sent)?;
        if READING.contains(&call.operation.as_str()) {
            self.read(&sent, &named).await;
        }
        let mut played = self.played();
        let now = self.clock.now();
        let answered = played.stacks.call(&call.operation, &sent, now);
        self.go_on(&mut played);
        drop(played);
        self.changed.notify_one();
        match answered {
            Ok(result) => Some(xml::answer(&call.operation, &result)),
            Err(error) if error.code == "InvalidAction" => None,
            Err(error) => Some(xml::refused(&error)),
        }
    }

    /// Forgets a stack that is deleted.
    pub(crate) fn forget(&self, request: &Request) {
        let sent = form::members(request.form());
        let Some(named) = self.named(&sent) else {
            return;
        };
        let mut played = self.played();
        played.stacks.advance(self.clock.now());
        let stacks = &mut played.stacks;
        stacks.set_status(named, StackStatus::DeleteComplete, None);
        self.go_on(&mut played);
    }

    /// The mirrored stack that a call is about, by the stack's name or ARN, the ARN of a
    /// change set, or the physical id of a resource.
    fn named(&self, sent: &Value) -> Option<StackKey> {
        let played = self.played();
        let stacks = &played.stacks;
        let text = |name: &str| sent[name].as_str();
        let key = if let Some(stack) = text("StackName") {
            stacks.find_stack(stack)
        } else if let Some(change_set) = text("ChangeSetName") {
            let found = stacks.find_change_set(change_set, None).ok();
            found.and_then(|key| Some(stacks.change_set(key)?.stack))
        } else {
            let id = text("PhysicalResourceId")?;
            let has_it = |stack: &&stack_model::Stack| {
                let mut resources = stack.resources.values();
                resources.any(|one| one.physical_id.as_deref() == Some(id))
            };
            let stack = stacks.stacks().find(has_it)?;
            stacks.find_stack(&stack.arn)
        }?;
        let is_there = stacks.stack(key)?.status != StackStatus::DeleteComplete;
        is_there.then_some(key)
    }

    /// Reads anew what a template and parameters name outside of the stack.
    async fn read(&self, sent: &Value, stack: &StackKey) {
        let found = {
            let played = self.played();
            let stack = played.stacks.stack(*stack);
            stack.map(|stack| {
                let body = sent["TemplateBody"].as_str();
                let body = body.and_then(|body| serde_json::from_str(body).ok());
                let template = body.unwrap_or_else(|| stack.desired.template.document.clone());
                let previous = stack.desired.parameters.iter();
                let previous: Map<String, Value> = previous
                    .map(|(name, value)| (name.clone(), value.value.clone().into()))
                    .collect();
                (template, previous)
            })
        };
        if let Some((template, previous)) = found {
            let read = outside::read(&self.upstream, &template, sent, &previous).await;
            read.put_into(&mut self.played().stacks);
        }
    }

    /// Lets the model do what is due when it is due, and see what ECS does, until the
    /// task is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = self.go_on(&mut self.played());
            let wait = next.map_or(IDLE, |at| self.clock.wait_until(at));
            tokio::select! {
                () = pause(wait) => {}
                () = self.changed.notified() => {}
                () = self.ecs.happened() => {}
            }
        }
    }

    /// Does what is due, asks ECS for what is to be done to it, and tells what became
    /// of it; under the model's lock, so that events leave in the order they happened.
    fn go_on(&self, played: &mut Played) -> Option<Timestamp> {
        let Played { stacks, waiting } = played;
        stacks.advance(self.clock.now());
        loop {
            // What CloudFormation waits for no more: a newer effect has taken over.
            waiting.retain(|one| stacks.is_awaited(one.effect));
            let known = |one: &Waiting| {
                let outcome = self.ecs.see(|ecs| one.outcome(ecs));
                outcome.map(|outcome| (one.effect, outcome))
            };
            let outcomes: Vec<_> = waiting.iter().filter_map(known).collect();
            let effects = stacks.take_effects();
            if outcomes.is_empty() && effects.is_empty() {
                break;
            }
            for (effect, outcome) in outcomes {
                stacks.answer(effect, outcome);
            }
            for effect in effects {
                // An answer before it may have ended its update.
                if !stacks.is_awaited(effect.id) {
                    continue;
                }
                match begin(&self.ecs, &effect) {
                    Begun::Ended(outcome) => {
                        stacks.answer(effect.id, outcome);
                    }
                    Begun::Awaited(one) => waiting.push(one),
                }
            }
        }
        for event in stacks.take_events() {
            self.bus.emit(&event);
        }
        stacks.next_change_at()
    }

    fn played(&self) -> MutexGuard<'_, Played> {
        self.played.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
