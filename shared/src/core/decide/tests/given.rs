//! The rollout that is asked about, and how it came to be where it is.

use super::*;

/// The rollout that is asked about.
#[derive(Clone)]
pub(super) struct Given(pub(super) Rollout);

impl Given {
    pub(super) fn new(phase: Phase) -> Self {
        let target = TargetName::parse("web").unwrap();
        let text = r#"{ "service": { "cluster": "prod", "name": "web" },
            "images": [ { "repository": "team/web" } ], "alarms": ["5xx"] }"#;
        let push = Push {
            repository: "team/web".to_owned(),
            tag: "v2".to_owned(),
            digest: digest('b'),
            tagged_at: at(-60),
            event_id: "event".to_owned(),
            source: PushSource::Event,
        };
        Self(Rollout {
            id: RolloutId::new(push.tagged_at, &["v2"]),
            policy: target::parse(&target, text).unwrap().into(),
            requested_at: at(-60),
            push: push.into(),
            phase,
            resolved: None,
            evidence: Evidence::default().into(),
        })
    }

    pub(super) fn stopped(mut self, task: StoppedTask) -> Self {
        assert!(self.0.evidence.stopped_tasks.keep(task));
        self
    }

    /// ECS complained of this, so many seconds from now.
    pub(super) fn complained(mut self, name: &str, reason: &str, seconds: i64) -> Self {
        let event = ServiceEvent {
            name: name.to_owned(),
            reason: reason.to_owned(),
            deployment: None,
            at: at(seconds),
        };
        assert!(self.0.evidence.service_troubles.keep(event));
        self
    }

    pub(super) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.0.policy);
        self
    }

    pub(super) fn immediately(self) -> Self {
        self.policy(|policy| policy.supersede = Supersede::Immediately)
    }
}

pub(super) fn start() -> Shared<Start> {
    Start {
        at: at(-60),
        digest: digest('b'),
        base_task_definition: "web:7".to_owned(),
        base_deployment: "ecs-svc/7".to_owned(),
        base_deployment_created_at: at(-3600),
        platform: None,
        containers: vec!["app".to_owned()],
        alarms: AlarmWatch::begin(&alarm(AlarmState::Ok)),
        no_way_back: None,
        stack: None,
        throttled_at: None,
    }
    .into()
}

/// Revision 8 was asked for `seconds` ago.
pub(super) fn running(seconds: i64) -> Running {
    Running {
        revision: "web:8".to_owned(),
        deployment: "ecs-svc/8".to_owned(),
        deployment_created_at: at(seconds),
        asked_at: at(seconds),
        deadline_from: None,
        paused_at: None,
    }
}
