//! Events and messages on their way to functions, and what becomes of an invocation.

use ecs_model::ChangeKind;
use pushboat::core::alarm::AlarmState;
use pushboat::ports::Clock as _;
use pushboat::queue::Trigger;
use pushboat::sweep::Occasion;
use pushboat::trigger::alarm::AlarmChanged;
use pushboat::trigger::cloudformation::stack_change;
use pushboat::trigger::ecs::service_event;

use super::{Invoked, ROLLOUT_TIMEOUT, SWEEP_EVERY, StandingStill, World};
use crate::agenda::{Event, Pending};
use crate::calls::{Fault, Function, Operation};
use crate::deeds::{self, Deed};
use crate::functions::{Invocation, Outcome, Paused};
use crate::queue::Delivery;
use crate::retries::{Hindrance, Tries};

impl World {
    /// Invokes the next function whose turn it is at this instant, if there is one.
    pub(super) fn settle(&mut self) -> bool {
        self.hear_stacks();
        self.hear_ecs();
        self.hear_alarms();
        self.hear_ledger();
        if self.wake_paused() {
            return true;
        }
        if let Some(pending) = self.agenda.take_due(self.clock.now()) {
            self.deliver(pending);
        } else if let Some(delivery) = self.queue.receive() {
            self.deliver_message(delivery);
        } else {
            return false;
        }
        true
    }

    fn deliver_message(&mut self, delivery: Delivery) {
        if self.hindrance(Function::Rollout).is_some() {
            // Lambda has it, and it stays away until its visibility timeout.
            return;
        }
        let target = &delivery.message.target;
        self.note_deed(Deed::Received {
            at: self.clock.now(),
            target: target.clone(),
            sent_at: delivery.sent_at,
        });
        if self.stuck.as_ref() == Some(target) {
            self.calls
                .fail_next(Operation::LoadTarget, Fault::CrashBefore, 1);
        }
        if let Trigger::AlarmChanged(change) = &delivery.message.trigger {
            self.note_deed(Deed::AlarmHeard {
                target: delivery.message.target.clone(),
                name: change.name.clone(),
                fired: change.state == AlarmState::Alarm && change.previous == Some(AlarmState::Ok),
                changed_at: change.at,
            });
        }
        let before = (self.calls.made(), self.calls.injected());
        let came = self.functions.rollout(delivery.message.clone());
        let invoked = Invoked {
            delivery,
            calls: self.calls.made() - before.0,
            faults: self.calls.injected() - before.1,
            ends_at: self.clock.after(ROLLOUT_TIMEOUT),
        };
        self.end_or_keep(came, invoked);
        self.clock.advance_to(self.clock.after(self.rollout_takes));
    }

    /// Lets the first function go on that stood still for as long as it had to.
    fn wake_paused(&mut self) -> bool {
        let now = self.clock.now();
        let first = self.paused.iter().position(|one| one.goes_on_at <= now);
        let Some(index) = first else {
            return false;
        };
        let StandingStill {
            paused,
            mut invoked,
            version,
            ..
        } = self.paused.remove(index);
        let before = (self.calls.made(), self.calls.injected());
        // A write that nobody overtook is lost on the way: it would tell what was true long ago.
        let target = &invoked.delivery.message.target;
        let overtaken = self.ledger.entry(target).version != version;
        let came = if (paused.dies && now >= invoked.ends_at) || !(paused.dies || overtaken) {
            Ok(Outcome::Rollout(paused.message, Invocation::Crashed))
        } else {
            self.functions.wake(paused)
        };
        invoked.calls += self.calls.made() - before.0;
        // Standing still is one.
        invoked.faults += 1 + self.calls.injected() - before.1;
        self.end_or_keep(came, invoked);
        true
    }

    fn end_or_keep(&mut self, came: Result<Outcome, Box<Paused>>, invoked: Invoked) {
        let outcome = match came {
            Ok(outcome) => outcome,
            Err(paused) => {
                let goes_on_at = self.clock.after(paused.pause);
                let goes_on_at = if paused.dies {
                    goes_on_at.min(invoked.ends_at)
                } else {
                    goes_on_at
                };
                let target = &invoked.delivery.message.target;
                self.paused.push(StandingStill {
                    version: self.ledger.entry(target).version,
                    goes_on_at,
                    paused,
                    invoked,
                });
                return;
            }
        };
        self.note_deed(Deed::Invoked(deeds::Invoked {
            at: self.clock.now(),
            target: invoked.delivery.message.target.clone(),
            calls: invoked.calls,
            faults: invoked.faults,
            done: outcome.is_done(),
        }));
        if outcome.is_done() {
            self.queue.delete(&invoked.delivery);
        }
        self.outcomes.push(outcome);
    }

    /// Sends the events of what ECS did; of those that no rule of the template asks
    /// for none is made.
    fn hear_ecs(&mut self) {
        let ecs = self.ecs.clone();
        let mut model = ecs.model();
        for change in model.take_changes() {
            let wanted = match &change.kind {
                ChangeKind::Task { state, .. } => {
                    let status = state.last_status.as_str();
                    !self.lost.task_changes && matches!(status, "STOPPED" | "DELETED")
                }
                ChangeKind::Deployment { .. } => !self.lost.service_changes,
                ChangeKind::Service { action, .. } => {
                    !self.lost.service_changes && action.event().1 != "INFO"
                }
                ChangeKind::Hook { .. } => false,
            };
            if !wanted {
                continue;
            }
            let event = model.envelope(&change);
            match change.kind {
                ChangeKind::Task { .. } => self.tell(Event::TaskChanged(event.into())),
                ChangeKind::Deployment { .. }
                | ChangeKind::Service { .. }
                | ChangeKind::Hook { .. } => {
                    if let Ok(change) = service_event(&event) {
                        self.tell(Event::ServiceChanged(change));
                    }
                }
            }
        }
    }

    /// Lets CloudFormation work on ECS, and sends the events of what became of stacks.
    fn hear_stacks(&mut self) {
        for event in self.stacks.work() {
            if self.lost.stack_changes {
                continue;
            }
            if let Ok(changed) = stack_change(&event) {
                self.tell(Event::StackChanged(changed));
            }
        }
    }

    /// Sends the events of what alarms did.
    fn hear_alarms(&mut self) {
        for change in self.alarms.take_changes() {
            self.alarm_events += 1;
            let event_id = format!("alarm-{}", self.alarm_events);
            if !self.lost.alarm_changes {
                self.tell(Event::AlarmChanged(AlarmChanged { change, event_id }));
            }
        }
    }

    /// Sends the records of the ledger's stream.
    fn hear_ledger(&mut self) {
        for key in self.ledger.take_prompts() {
            if !self.lost.notice_prompts {
                self.tell(Event::NoticeStored(key));
            }
        }
    }

    fn deliver(&mut self, pending: Pending) {
        let Pending { event, tries } = pending;
        if event == Event::Tick {
            self.agenda
                .put(self.clock.after(SWEEP_EVERY), Event::Tick, Tries::default());
        }
        if let Some(hindrance) = self.hindrance(event.function()) {
            return self.try_again(event, tries, hindrance);
        }
        let outcome = match &event {
            Event::Pushed(push) => self.functions.image_push(push.clone()),
            Event::ServiceChanged(change) => self.functions.service_change(change.clone()),
            Event::TaskChanged(event) => self.functions.task_change(event),
            Event::AlarmChanged(changed) => self.functions.alarm(changed.clone()),
            Event::StackChanged(changed) => self.functions.stack_change(changed.clone()),
            Event::ParameterChanged => self.functions.sweep(Occasion::ParameterChanged),
            Event::Tick => self.functions.sweep(Occasion::Tick),
            Event::NoticeStored(key) => self.functions.notify(key.clone()),
        };
        let failed = !outcome.is_done();
        self.outcomes.push(outcome);
        if failed {
            self.try_again(event, tries, Hindrance::Failed);
        }
    }
}
