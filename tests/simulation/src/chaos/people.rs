//! Pushes, alarms, and people with the plain AWS CLI.

use std::rc::Rc;

use ecs_model::{HookAction, HookAnswer, ServiceStatus, UpdateService};
use pushboat::core::alarm::AlarmState;
use pushboat::core::observation::ImageContent;
use pushboat::core::policy::ServiceRef;
use pushboat::ports::Clock as _;
use serde_json::{Value, json};

use super::checker::Tags;
use super::deployment::HOOK_FUNCTION;
use super::mix::Trouble;
use super::plan::TargetPlan;
use super::run::Chaos;
use crate::deeds::Deed;
use crate::functions::Invocation;
use crate::images::{Image, REGISTRY};

impl Chaos {
    pub(super) fn push(&mut self) {
        let target = self.any_target();
        self.push_for(&target);
    }

    /// Pushes for one target in quick succession, as busy repositories do.
    pub(super) fn push_several(&mut self) {
        let target = self.any_target();
        for _ in 0..self.rng.usize(3..=9) {
            self.push_for(&target);
            let seconds = self.rng.i64(0..4);
            self.pass(seconds);
        }
    }

    fn push_for(&mut self, target: &TargetPlan) {
        self.pushed += 1;
        let name = format!("{}#{}", target.terms.repository, self.pushed);
        let (kind, image) = match self.rng.u8(0..20) {
            0..=10 => ("push", Image::healthy(&name)),
            11..=13 => ("push crashing", Image::crashing(&name)),
            14 | 15 => {
                let seconds = self.rng.u32(10..400);
                ("push crashing later", Image::crashing_after(&name, seconds))
            }
            16 => (
                "push unhealthy",
                Image::unhealthy_behind_a_load_balancer(&name),
            ),
            17 | 18 => ("push wrong platform", Image::built_for(&name, &["arm64"])),
            19 if self.mix.has(Trouble::Mistakes) => {
                let problem = "it is no JSON".to_owned();
                let content = ImageContent::Unreadable { problem };
                ("push unreadable", Image::holding(&name, content))
            }
            _ => {
                let media_type = "application/vnd.dev.cosign.simplesigning.v1+json".to_owned();
                let content = ImageContent::NotAnImage { media_type };
                ("push no image", Image::holding(&name, content))
            }
        };
        let tag = self.next_tag(target.terms.tags);
        self.set_tag(kind, &target.terms.repository, &tag, &image);
    }

    pub(super) fn next_tag(&mut self, tags: Tags) -> String {
        let number = self.pushed;
        match tags {
            Tags::Exact => "live".to_owned(),
            Tags::Pattern => format!("main-{number}"),
            // One in four comes for an older line.
            Tags::Versions if self.rng.u8(0..4) == 0 => {
                let minor = self.rng.usize(0..=number);
                format!("1.{minor}.{number}")
            }
            Tags::Versions => format!("1.{number}.0"),
        }
    }

    pub(super) fn set_tag(
        &mut self,
        kind: &'static str,
        repository: &str,
        tag: &str,
        image: &Image,
    ) {
        let push = self.world.push_image(repository, tag, image);
        self.world.note_deed(Deed::Tagged {
            at: self.world.clock.now(),
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest: push.digest.clone(),
        });
        let is_image = matches!(image.content, ImageContent::Image(_));
        if !is_image {
            self.no_images.insert(push.digest.clone());
        }
        let known = self.images.entry(repository.to_owned()).or_default();
        known.push(image.clone());
        self.did(kind, &format!("{repository}:{tag} {}", push.digest));
    }

    /// Sets a tag on an image that was pushed before: ECR keeps its push time.
    pub(super) fn tag_again(&mut self) {
        let target = self.any_target();
        let repository = target.terms.repository.clone();
        let images = self.images.get(&repository).cloned().unwrap_or_default();
        let image = images[self.rng.usize(0..images.len())].clone();
        self.pushed += 1;
        let tag = self.next_tag(target.terms.tags);
        self.set_tag("tag again", &repository, &tag, &image);
    }

    pub(super) fn turn_alarm(&mut self) {
        if self.plan.alarms.is_empty() {
            return;
        }
        let index = self.rng.usize(0..self.plan.alarms.len());
        let name = self.plan.alarms[index].clone();
        let flap = self.rng.bool();
        let state = match self.rng.u8(0..6) {
            0..=2 => AlarmState::Alarm,
            3 | 4 => AlarmState::Ok,
            _ => AlarmState::InsufficientData,
        };
        self.set_alarm(&name, state);
        if flap && state == AlarmState::Alarm {
            let seconds = self.rng.i64(1..90);
            self.pass(seconds);
            self.set_alarm(&name, AlarmState::Ok);
        }
    }

    pub(super) fn set_alarm(&mut self, name: &str, state: AlarmState) {
        self.world.alarms.set(name, state);
        let fires = state == AlarmState::Alarm;
        let seen_at = self.world.ecs.clock().now();
        self.world.ecs.model().set_alarm(name, fires, seen_at);
        let at = self.world.alarms.clock().now();
        self.world.note_deed(Deed::AlarmTurned {
            at,
            name: name.to_owned(),
            state,
        });
        self.did("turn an alarm", &format!("{name} {state:?}"));
    }

    /// Updates a service as anybody may; what ECS refuses is left.
    pub(super) fn update(
        &mut self,
        what: &'static str,
        service: &ServiceRef,
        change: impl FnOnce(&mut UpdateService),
    ) {
        let primary = |chaos: &Self| {
            let truth = chaos.world.ecs.truth(service);
            truth.and_then(|truth| truth.primary)
        };
        let before = primary(self);
        let mut input = UpdateService {
            cluster: Some(service.cluster.clone()),
            service: service.name.clone(),
            ..UpdateService::default()
        };
        change(&mut input);
        if input.desired_count.is_some() {
            self.world.ecs.note_wanted(service);
        }
        let taken = self.world.ecs.model().update_service(input).is_ok();
        if !taken {
            return;
        }
        let after = primary(self);
        if let Some(after) = &after
            && before.as_ref().is_none_or(|before| before.id != after.id)
        {
            self.world.note_deed(Deed::SomebodyDeployed {
                at: self.world.clock.now(),
                service: service.clone(),
                deployment: after.id.clone(),
            });
        }
        let runs = after.map(|after| after.revision.arn);
        self.did(what, &format!("{service} {}", runs.unwrap_or_default()));
    }

    pub(super) fn deploy_by_hand(&mut self) {
        let target = self.any_target();
        let image = format!("{REGISTRY}/{}:by-hand", target.terms.repository);
        let by_hand = Image::healthy(&format!("by hand {}", self.pushed));
        self.world
            .images
            .put(&target.terms.repository, "by-hand", &by_hand);
        // Whoever starts from the latest revision copies its tags, too.
        let revision = match self.rng.bool() {
            true => self.world.ecs.register_document(target.document(&image)),
            false => self.world.ecs.register_next(&target.name, &image),
        };
        self.update("deploy by hand", &target.terms.service, |update| {
            update.task_definition = Some(revision);
        });
    }

    pub(super) fn stop_deployment(&mut self) {
        let service = self.any_target().terms.service.clone();
        if self.world.ecs.stop_by_hand(&service) {
            self.did("stop a deployment", &service.to_string());
        }
    }

    pub(super) fn force(&mut self) {
        let service = self.any_target().terms.service.clone();
        self.update("force a deployment", &service, |update| {
            update.force_new_deployment = true;
        });
    }

    pub(super) fn scale(&mut self) {
        let service = self.any_target().terms.service.clone();
        let desired = self.rng.i64(0..=4);
        self.update("scale", &service, |update| {
            update.desired_count = Some(desired);
        });
    }

    /// Scales a service to zero, and back some time later.
    pub(super) fn rest(&mut self) {
        let target = self.any_target();
        let service = &target.terms.service;
        self.update("scale to zero", service, |update| {
            update.desired_count = Some(0);
        });
        let seconds = self.rng.i64(1..900);
        self.pass(seconds);
        let desired = i64::from(target.desired.max(1));
        self.update("scale back", service, |update| {
            update.desired_count = Some(desired);
        });
    }

    /// Stops one of a service's tasks.
    pub(super) fn stop_task(&mut self) {
        let service = self.any_target().terms.service.clone();
        let tasks = self.world.ecs.tasks(&service);
        if tasks.is_empty() {
            return;
        }
        let task = tasks[self.rng.usize(0..tasks.len())];
        let mut model = self.world.ecs.model();
        let arn = model.task(task).map(|task| task.specification.arn.clone());
        let arn = arn.unwrap_or_else(|| "".into());
        let stopped = model.stop_task(Some(&service.cluster), &arn, None).is_ok();
        drop(model);
        if stopped {
            self.did("stop a task", &arn);
        }
    }

    /// Lets a deployment go on that waits at a pause, or has it go back.
    pub(super) fn answer_hook(&mut self) {
        for target in self.plan.targets.clone() {
            let service = target.terms.service.clone();
            let action = if self.rng.u8(0..3) == 0 {
                HookAction::Rollback
            } else {
                HookAction::Continue
            };
            if self.world.ecs.answer_hook(&service, action) {
                self.did("answer a hook", &format!("{service} {action:?}"));
            }
        }
    }

    /// Changes what the function answers that lifecycle hooks call.
    pub(super) fn turn_hook_function(&mut self) {
        let answer = match self.rng.u8(0..4) {
            0 => HookAnswer::Failed,
            1 => HookAnswer::InProgress,
            _ => HookAnswer::Succeeded,
        };
        let mut model = self.world.ecs.model();
        model.set_hook_answer(HOOK_FUNCTION, answer);
        drop(model);
        self.did("turn a hook's function", &format!("{answer:?}"));
    }

    pub(super) fn put_back(&mut self) {
        let target = self.any_target();
        let good = self.world.state(&target.name).last_known_good;
        let Some(good) = good else { return };
        self.update("put back by hand", &target.terms.service, |update| {
            update.task_definition = Some(good.task_definition);
        });
    }

    pub(super) fn deregister(&mut self) {
        let target = self.any_target();
        let count = self.world.ecs.revisions(&target.name);
        let number = self.rng.usize(1..=count.max(1));
        let revision = format!("{}:{number}", target.name);
        let mut model = self.world.ecs.model();
        let done = model.deregister_task_definition(&revision).is_ok();
        drop(model);
        if done {
            self.did("deregister a revision", &revision);
        }
    }

    pub(super) fn delete_image(&mut self) {
        let repository = self.any_target().terms.repository.clone();
        let images = self.images.get(&repository).cloned().unwrap_or_default();
        let digest = images[self.rng.usize(0..images.len())].digest();
        self.world.images.delete(&repository, &digest);
        self.did("delete an image", &format!("{repository} {digest}"));
        self.world
            .note_deed(Deed::ImageDeleted { repository, digest });
    }

    pub(super) fn hold_everything(&mut self) {
        let reason = (!self.held).then_some("a freeze");
        self.held = !self.held;
        self.world.hold_everything(reason);
        self.did("hold or release everything", reason.unwrap_or_default());
    }

    pub(super) fn cut_off(&mut self) {
        self.cut = !self.cut;
        self.world.images.set_unreachable(self.cut);
        self.did("cut tasks off or reconnect them", "");
    }

    /// Deletes a service and makes it again, as a stack does that replaces it.
    pub(super) fn recreate(&mut self) {
        let target = self.any_target();
        let service = &target.terms.service;
        let mut model = self.world.ecs.model();
        let deleted = model.delete_service(Some(&service.cluster), &service.name, true);
        let deleted = deleted.is_ok();
        drop(model);
        if !deleted {
            return;
        }
        self.did("recreate a service", &service.to_string());
        // Its tasks stop, and there is no deployment any more.
        self.world.note_deed(Deed::SomebodyDeployed {
            at: self.world.clock.now(),
            service: service.clone(),
            deployment: "none".to_owned(),
        });
        let seconds = self.rng.i64(180..600);
        self.pass(seconds);
        let gone = {
            let model = self.world.ecs.read();
            let found = model.service(Some(&service.cluster), &service.name);
            let found = found.ok().flatten();
            found.is_none_or(|found| found.status == ServiceStatus::Inactive)
        };
        if gone {
            self.make_service(&target);
        }
    }

    /// Changes a target's parameter while it is deployed to.
    pub(super) fn configure_anew(&mut self) {
        let target = self.any_target();
        let Ok(mut text) = serde_json::from_str::<Value>(&target.text) else {
            return;
        };
        text["bakeTimeSeconds"] = json!(self.rng.u32(0..400));
        text["deadlineSeconds"] = json!(self.rng.u32(300..1200));
        let immediately = self.rng.bool();
        let supersede = if immediately {
            "immediately"
        } else {
            "whenFinished"
        };
        text["supersede"] = json!(supersede);
        self.world.put_target(&target.name, &text.to_string());
        self.did("configure anew", &target.name);
    }

    /// Takes a target's parameter away and writes it again.
    pub(super) fn register_anew(&mut self) {
        let target = self.any_target();
        self.world.delete_target(&target.name);
        self.did("register anew", &target.name);
        let seconds = self.rng.i64(1..300);
        self.pass(seconds);
        self.world.put_target(&target.name, &target.text);
    }

    pub(super) fn command(&mut self) {
        let mut target = self.any_target();
        let halted = |one: &&Rc<TargetPlan>| self.world.state(&one.name).halted.is_some();
        if let Some(halted) = self.plan.targets.iter().find(halted).cloned() {
            // A person is called for that.
            target = halted;
        }
        let state = self.world.state(&target.name);
        let images = self.images.get(&target.terms.repository).cloned();
        let images = images.unwrap_or_default();
        let name = &target.name;
        let some = images[self.rng.usize(0..images.len())].digest();
        let quarantined = state.quarantine.keys().next().cloned();
        // Who finds it halted has the way back tried once more, as often as not.
        let drawn = match state.halted.is_some() && self.rng.bool() {
            true => 3,
            false => self.rng.u8(0..10),
        };
        let command = match (drawn, quarantined) {
            (0..=2, _) => {
                json!({ "command": "deploy", "target": name, "digest": some.as_str() })
            }
            (3 | 4, _) => json!({ "command": "rollback", "target": name }),
            (5..=7, Some(digest)) => {
                json!({ "command": "release", "target": name, "digest": digest.as_str() })
            }
            (8, _) => json!({ "command": "hold", "target": name, "reason": "a look" }),
            _ => json!({ "command": "resume", "target": name }),
        };
        self.order(&command);
    }

    fn order(&mut self, command: &Value) {
        let answer = self.world.command(command.clone());
        let answer = match answer {
            Invocation::Done(answer) => answer,
            // It may have been queued all the same.
            Invocation::Failed(_) | Invocation::Crashed => json!({ "accepted": true }),
        };
        let what = match command["command"].as_str() {
            Some("deploy") => "command deploy",
            Some("rollback") => "command rollback",
            Some("release") => "command release",
            Some("hold") => "command hold",
            _ => "command resume",
        };
        let accepted = answer["accepted"] == true;
        self.did(what, &format!("{command} accepted: {accepted}"));
        let target = command["target"].as_str().unwrap_or_default();
        let digest = command["digest"].as_str().unwrap_or_default();
        let parsed = (
            pushboat::core::name::TargetName::parse(target),
            pushboat::core::name::ImageDigest::parse(digest),
        );
        if what == "command release"
            && accepted
            && let (Ok(target), Some(digest)) = parsed
        {
            self.world.note_deed(Deed::Released { target, digest });
        }
    }
}
