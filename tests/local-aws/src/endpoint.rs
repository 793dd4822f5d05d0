//! The endpoint: each request is recorded, struck by faults, answered by the model
//! or by ministack, and turned into the events AWS would send of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

use crate::alarm::Alarms;
use crate::bus::Bus;
use crate::call::Call;
use crate::call_log::CallLog;
use crate::caller::{self, Caller};
use crate::clock::{Clock, pause};
use crate::cloudformation::StackService;
use crate::control;
use crate::ecs::EcsService;
use crate::event::Source;
use crate::fault::{CallEffect, Faults};
use crate::http::{Answer, AnswerLost, Request, Service};
use crate::parameter::Parameters;
use crate::put_events::put_events;
use crate::refusal::refusal;
use crate::registry::RegistryIndex;
use crate::rule::Rules;
use crate::schedule::Scheduler;
use crate::stack::StackWatch;
use crate::upstream::{Upstream, UpstreamError};

/// Everything that answers.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) upstream: Upstream,
    pub(crate) clock: Clock,
    pub(crate) source: Source,
    pub(crate) calls: CallLog,
    pub(crate) bus: Bus,
    pub(crate) faults: Arc<Faults>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) ecs: Arc<EcsService>,
    pub(crate) cloudformation: Arc<StackService>,
    pub(crate) registry: Arc<RegistryIndex>,
    pub(crate) stacks: Arc<StackWatch>,
    pub(crate) scheduler: Arc<Scheduler>,
    /// The process group of the functions; nothing where callers stay unnamed.
    pub(crate) process_group: Option<i32>,
}

impl Service for Endpoint {
    type Peer = Caller;

    async fn peer(&self, theirs: SocketAddr, ours: SocketAddr) -> Caller {
        let group = self.process_group;
        let found = tokio::task::spawn_blocking(move || caller::find(theirs, ours, group));
        found.await.unwrap_or_default()
    }

    async fn answer(
        self: Arc<Self>,
        request: Request,
        caller: Arc<Caller>,
    ) -> Result<Answer, AnswerLost> {
        if let Some(control) = request.path().strip_prefix("/_local/") {
            return Ok(control::answer(&self, control, &request).await);
        }
        let call = Call::of(&request);
        let effects = self.faults.on_call(&call, &request, &caller);
        let names: Vec<_> = effects.iter().map(CallEffect::name).collect();
        let at = self.clock.wall();
        let mut under_way = UnderWay {
            endpoint: &self,
            since: self.clock.elapsed(),
            sequence: self.calls.begin(&call, &request, &caller, at, &names),
            answer: None,
        };
        let answered = self
            .answer_with_faults(&call, &request, &effects, &caller)
            .await;
        under_way.answer = answered.as_ref().ok().cloned();
        answered
    }
}

/// A call that is being answered. That it ended is recorded even where the caller did
/// not live to be answered, and nobody waits for the answer any more.
struct UnderWay<'a> {
    endpoint: &'a Endpoint,
    since: Duration,
    sequence: u64,
    answer: Option<Answer>,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let duration = self.endpoint.clock.elapsed().saturating_sub(self.since);
        let answer = self.answer.as_ref();
        self.endpoint.calls.end(self.sequence, answer, duration);
    }
}

impl Endpoint {
    async fn answer_with_faults(
        &self,
        call: &Call,
        request: &Request,
        effects: &[CallEffect],
        caller: &Caller,
    ) -> Result<Answer, AnswerLost> {
        let mut times = 1;
        let mut is_lost = false;
        let mut is_killed = false;
        for effect in effects {
            match effect {
                CallEffect::Throttle(code) => {
                    let message = "Rate exceeded";
                    return Ok(refusal(
                        call.protocol,
                        StatusCode::BAD_REQUEST,
                        code,
                        message,
                    ));
                }
                CallEffect::Error => {
                    let status = StatusCode::INTERNAL_SERVER_ERROR;
                    let message = "A fault of the local AWS";
                    return Ok(refusal(call.protocol, status, "InternalFailure", message));
                }
                CallEffect::DelayMilliseconds(late) => {
                    pause(Duration::from_millis(*late)).await;
                }
                CallEffect::AnswerLost => is_lost = true,
                CallEffect::Duplicate => times += 1,
                CallEffect::KillBefore => {
                    caller.kill();
                    return Err(AnswerLost);
                }
                CallEffect::KillAfter => is_killed = true,
            }
        }
        let mut answer = self.carry_out(call, request).await;
        for _ in 1..times {
            answer = self.carry_out(call, request).await;
        }
        if is_killed {
            caller.kill();
        }
        if is_lost || is_killed {
            Err(AnswerLost)
        } else {
            Ok(answer)
        }
    }

    async fn carry_out(&self, call: &Call, request: &Request) -> Answer {
        match self.try_to_carry_out(call, request).await {
            Ok(answer) => answer,
            Err(error) => refusal(
                call.protocol,
                StatusCode::SERVICE_UNAVAILABLE,
                error.code(),
                &error.to_string(),
            ),
        }
    }

    async fn try_to_carry_out(
        &self,
        call: &Call,
        request: &Request,
    ) -> Result<Answer, UpstreamError> {
        if call.service == "ecs" {
            return Ok(self.ecs.answer(call, request));
        }
        if call.service == "ecr"
            && let Some(refused) = self.registry.refuse(call, request)
        {
            return Ok(refused);
        }
        if let Some(answer) = self.cloudformation.answer(call, request).await {
            return Ok(answer);
        }
        let put = put_events(call, request, &self.source, self.clock.wall());
        if let Some((answer, events)) = put {
            events.iter().for_each(|event| self.bus.emit(event));
            return Ok(answer);
        }
        if Parameters::is_change(call) {
            let at = self.clock.wall();
            let (answer, events) = self.stacks.parameters.change(call, request, at).await?;
            events.iter().for_each(|event| self.bus.emit(event));
            return Ok(answer);
        }
        let answer = self.upstream.pass(request).await?;
        if answer.status.is_success() {
            Ok(self.after(call, request, answer).await)
        } else {
            Ok(answer)
        }
    }

    /// Sees to what an accepted call entails.
    async fn after(&self, call: &Call, request: &Request, answer: Answer) -> Answer {
        let at = self.clock.wall();
        let events = match call.service.as_str() {
            "registry" => {
                self.stacks
                    .registry
                    .after_registry_call(call, request, at)
                    .await
            }
            "ecr" => {
                let watch = &self.stacks.registry;
                watch.after_ecr_call(call, request, &answer, at).await
            }
            "monitoring" if Alarms::is_change(call) => {
                self.stacks.alarms.look(at).await.unwrap_or_default()
            }
            _ => Vec::new(),
        };
        events.iter().for_each(|event| self.bus.emit(event));
        self.stacks.after_call(call);
        if call.is("cloudformation", &["DeleteStack"]) {
            self.cloudformation.forget(request);
        }
        match call.service.as_str() {
            "events" => {
                self.rules.forget().await;
                self.scheduler.after_events_call(call, request, answer)
            }
            "ecr" => {
                let endpoint = format!("http://{}", self.address);
                self.registry.correct(call, request, answer, &endpoint)
            }
            _ => answer,
        }
    }
}

#[cfg(test)]
mod tests;
