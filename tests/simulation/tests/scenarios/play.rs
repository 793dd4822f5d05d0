//! Plays a script in the world and writes down what comes of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use pushboat::core::policy::ServiceRef;
use pushboat::core::push::Push;
use pushboat::core::state::Standing;
use pushboat::ports::Clock as _;
use serde_json::json;
use simulation::{Event, Image, Invocation, Lost, ReadLag, World};

use crate::action::{Action, Source};
use crate::observed::Observed;
use crate::plain::Plain;
use crate::script::{Mistake, Scenario, Step, When};
use crate::words::{Tagged, written};

/// Until a new service is steady, and until its target is adopted.
const SETTLED: SignedDuration = SignedDuration::from_mins(3);
/// How long a script waits for a phase, and for everything to be over in the end.
const PATIENCE: SignedDuration = SignedDuration::from_hours(6);
/// What may still come after everything is over.
const QUIET: SignedDuration = SignedDuration::from_mins(5);

/// A world and what has been written of it so far.
pub(crate) struct Play {
    pub(crate) world: World,
    pub(crate) plain: Plain,
    pub(crate) targets: Vec<String>,
    pub(crate) services: Vec<ServiceRef>,
    pub(crate) observed: Observed,
    pub(crate) lines: Vec<String>,
    pub(crate) images: BTreeMap<Tagged, Image>,
    pushes: BTreeMap<Tagged, Push>,
    began: Timestamp,
    acted_at: Timestamp,
}

/// Plays a scenario; answers its transcript.
pub(crate) fn play(scenario: &Scenario) -> Result<String, Mistake> {
    let world = World::new();
    world.keep_deeds();
    let began = world.clock.now();
    let mut play = Play {
        world,
        plain: Plain::new(began),
        targets: Vec::new(),
        services: Vec::new(),
        observed: Observed::default(),
        lines: Vec::new(),
        images: BTreeMap::new(),
        pushes: BTreeMap::new(),
        began,
        acted_at: began,
    };
    play.set_up(&scenario.setting)?;
    for step in &scenario.steps {
        play.wait_for(step)?;
        if matches!(step.action, Action::End) {
            return Ok(play.end());
        }
        play.say(&format!("> {}", step.text));
        play.perform(step)?;
        play.note_services();
        play.look();
    }
    play.run_out();
    Ok(play.end())
}

impl Play {
    fn set_up(&mut self, setting: &[Step]) -> Result<(), Mistake> {
        let is_target = |step: &&Step| matches!(step.action, Action::Target { .. });
        for step in setting.iter().filter(|step| !is_target(step)) {
            self.perform(step)?;
        }
        self.world.run_for(SETTLED);
        for step in setting.iter().filter(is_target) {
            self.perform(step)?;
        }
        self.world.run_for(SETTLED);
        self.began = self.world.clock.now();
        self.acted_at = self.began;
        self.plain.begin(self.began);
        self.skip();
        self.describe("before");
        Ok(())
    }

    /// Lets time pass until a step's moment has come.
    fn wait_for(&mut self, step: &Step) -> Result<(), Mistake> {
        match &step.when {
            When::Then => {}
            When::At(after) => {
                let at = self.began + *after;
                if at < self.world.clock.now() {
                    let now = self.time();
                    let problem = format!("it is {now} already when this line's turn comes");
                    return Err(Mistake::new(step.line, problem));
                }
                self.run_until(at);
            }
            When::Later(after) => self.run_until(self.acted_at + *after),
            When::Once { target, phase } => {
                let limit = self.world.clock.after(PATIENCE);
                while !self.is_in(target, phase) {
                    if self.world.clock.now() >= limit {
                        let problem = format!("{target} never was {phase}");
                        return Err(Mistake::new(step.line, problem));
                    }
                    self.world.step(limit);
                    self.look();
                }
            }
        }
        self.acted_at = self.world.clock.now();
        Ok(())
    }

    fn is_in(&self, target: &str, phase: &str) -> bool {
        let state = self.world.state(target);
        match phase {
            "idle" => state.current.is_none() && state.waiting.is_empty(),
            "adopted" => matches!(state.standing, Standing::Adopted { .. }),
            "halted" => state.halted.is_some(),
            phase => state
                .current
                .is_some_and(|current| current.phase.as_str() == phase),
        }
    }

    fn run_until(&mut self, until: Timestamp) {
        while self.world.step(until) {
            self.look();
        }
    }

    /// Lets everything come to its end.
    fn run_out(&mut self) {
        let limit = self.world.clock.after(PATIENCE);
        loop {
            self.run_until(self.world.clock.after(QUIET));
            let idle = self.targets.iter().all(|target| self.is_in(target, "idle"));
            let notices = self.world.ledger.notices();
            let sent = notices.iter().all(|filed| filed.sent_at.is_some());
            let over = idle && sent && self.world.queue.is_empty();
            if over || self.world.clock.now() >= limit {
                return;
            }
        }
    }

    /// Writes a line with the time before it.
    pub(crate) fn say(&mut self, text: &str) {
        let time = self.time();
        let text = self.plain.plain(text);
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        self.lines
            .push(format!("{time:>7}  {first}").trim_end().to_owned());
        for line in lines {
            self.lines
                .push(format!("{:11}{line}", "").trim_end().to_owned());
        }
    }

    fn time(&self) -> String {
        let passed = self.world.clock.now().duration_since(self.began);
        written(passed.as_secs())
    }

    pub(crate) fn perform(&mut self, step: &Step) -> Result<(), Mistake> {
        let refused = |problem: String| Mistake::new(step.line, problem);
        match &step.action {
            Action::Service(made) => self.make_service(made),
            Action::Target { name, text } => {
                self.world.put_target(name, text);
                if !self.targets.contains(name) {
                    self.targets.push(name.clone());
                }
            }
            Action::TargetGoes(name) => self.world.delete_target(name),
            Action::Push {
                image,
                content,
                heard,
            } => self.push(image, content, *heard),
            Action::Tell(image) => {
                let push = self.pushes.get(image).cloned();
                let push = push.ok_or_else(|| refused(format!("{image} was never pushed")))?;
                self.world.tell(Event::Pushed(push));
            }
            Action::Alarm { name, state } => self.world.alarms.set(name, *state),
            Action::AlarmWindow { name, seconds } => self.world.alarms.set_window(name, *seconds),
            Action::DeploymentAlarm(name) => {
                let now = self.world.clock.now();
                self.world.ecs.model().set_alarm(name, true, now);
            }
            Action::Somebody(somebody) => self.somebody(somebody).map_err(refused)?,
            Action::Operator {
                command,
                target,
                rest,
            } => {
                self.operator(command, target, rest).map_err(refused)?;
            }
            Action::Hold(reason) => self.world.hold_everything(reason.as_deref()),
            Action::Registry { reachable } => self.world.images.set_unreachable(!reachable),
            Action::Capacity { is_there } => self.world.ecs.model().set_out_of_capacity(!is_there),
            Action::Next {
                operation,
                fault,
                times,
            } => {
                self.world.calls.fail_next(*operation, *fault, *times);
            }
            Action::Lose(source) => lose(&mut self.world.lost, *source),
            Action::Lag(lag) => self.world.ecs.set_read_lag(ReadLag {
                services: *lag,
                definitions: *lag,
            }),
            Action::Heal => self.world.heal(),
            Action::Show { revision, base } => self.show(revision, base).map_err(refused)?,
            Action::End => {}
        }
        Ok(())
    }

    /// Stores an image, so that its digest has a name.
    pub(crate) fn put(&mut self, tagged: &Tagged, content: &Image) {
        self.plain.name(&content.digest(), &content.name);
        self.world
            .images
            .put(&tagged.repository, &tagged.tag, content);
        self.images.insert(tagged.clone(), content.clone());
    }

    fn push(&mut self, tagged: &Tagged, content: &Image, heard: bool) {
        // One that holds what was pushed before behaves as that one does.
        let mut known = self.images.values();
        let content = known
            .find(|one| one.name == content.name)
            .unwrap_or(content)
            .clone();
        self.plain.name(&content.digest(), &content.name);
        self.images.insert(tagged.clone(), content.clone());
        let lost = self.world.lost.pushes;
        self.world.lost.pushes = lost || !heard;
        let push = self
            .world
            .push_image(&tagged.repository, &tagged.tag, &content);
        self.world.lost.pushes = lost;
        self.pushes.insert(tagged.clone(), push);
    }

    pub(crate) fn image(&self, tagged: &Tagged) -> Result<&Image, String> {
        let image = self.images.get(tagged);
        image.ok_or_else(|| format!("there is no image {tagged}"))
    }

    fn operator(&mut self, command: &str, target: &str, rest: &str) -> Result<(), String> {
        let mut asked = json!({ "command": command, "target": target });
        match command {
            "deploy" => asked["tag"] = json!(rest),
            "release" => {
                let image = self.image(&crate::words::tagged(rest)?)?;
                asked["digest"] = json!(image.digest().as_str());
            }
            "hold" => asked["reason"] = json!(rest),
            "rollback" | "resume" | "status" | "explain" => {}
            _ => return Err(format!("`{command}` is no command that a script can give")),
        }
        let answer = self.world.command(asked);
        let text = match answer {
            Invocation::Done(answer) => answered(&answer),
            other => format!("{other:?}"),
        };
        self.say(&format!("operator answers: {text}"));
        Ok(())
    }
}

fn answered(answer: &serde_json::Value) -> String {
    let because = answer["because"].as_array().into_iter().flatten();
    let because: Vec<&str> = because.filter_map(serde_json::Value::as_str).collect();
    match (&answer["accepted"], answer["error"]["message"].as_str()) {
        (accepted, _) if *accepted == true => "accepted".to_owned(),
        (_, Some(message)) => format!("refused. {message}"),
        (_, None) if because.is_empty() => answer.to_string(),
        (_, None) => because.join("\n"),
    }
}

fn lose(lost: &mut Lost, source: Source) {
    match source {
        Source::Pushes => lost.pushes = true,
        Source::Services => lost.service_changes = true,
        Source::Tasks => lost.task_changes = true,
        Source::Alarms => lost.alarm_changes = true,
        Source::Notices => lost.notice_prompts = true,
    }
}
