//! What is seen of the service, its alarms and its history.

use super::*;

/// What is seen.
#[derive(Clone)]
pub(super) struct Seen(pub(super) Observation);

impl Seen {
    pub(super) fn change(mut self, change: impl FnOnce(&mut Observation)) -> Self {
        change(&mut self.0);
        self
    }

    pub(super) fn service(self, change: impl FnOnce(&mut Service)) -> Self {
        self.change(|seen| match &mut seen.service {
            Look::Taken(ServiceLook::Found(service)) => change(service),
            _ => panic!("no service is seen"),
        })
    }

    pub(super) fn service_look(self, look: Look<ServiceLook>) -> Self {
        self.change(|seen| seen.service = look)
    }

    pub(super) fn primary(self, change: impl FnOnce(&mut ServiceDeployment)) -> Self {
        self.service(|service| {
            let primary = service.deployments.iter_mut().find(|one| one.primary);
            change(primary.unwrap());
        })
    }

    pub(super) fn alarm(self, state: AlarmState) -> Self {
        self.change(|seen| seen.alarms = Look::Taken(alarm(state)))
    }

    /// The history's latest service deployment brought revision 8.
    pub(super) fn recorded(self, status: RecordStatus) -> Self {
        self.history(|record| record.status = status)
    }

    pub(super) fn history(self, change: impl FnOnce(&mut DeploymentRecord)) -> Self {
        self.change(|seen| {
            let mut record = DeploymentRecord {
                arn: "sd/8".to_owned(),
                created_at: at(-50),
                status: RecordStatus::Ongoing,
                status_reason: String::new(),
                target: "web:8".to_owned(),
                target_digests: BTreeMap::new(),
                sources: vec!["web:7".to_owned()],
                source_digests: vec![],
                failed_by_ecs: false,
                paused_at: None,
            };
            change(&mut record);
            seen.history = Look::Taken(vec![record]);
        })
    }

    /// The history has another service deployment too: in place 0 it is the newest.
    pub(super) fn also_recorded(self, place: usize, task_definition: &str) -> Self {
        self.change(|seen| {
            let Look::Taken(records) = &mut seen.history else {
                panic!("no history is seen")
            };
            let another = DeploymentRecord {
                arn: "sd/other".to_owned(),
                status: RecordStatus::Ongoing,
                target: task_definition.to_owned(),
                failed_by_ecs: false,
                ..records[0].clone()
            };
            records.insert(place, another);
        })
    }

    pub(super) fn alarms_unavailable(self) -> Self {
        self.change(|seen| seen.alarms = unavailable())
    }

    pub(super) fn newer(self) -> Self {
        self.change(|seen| {
            seen.newer = Some(NewerPush {
                rollout: RolloutId::new(at(-5), &["v3"]),
                tag: Some("v3".to_owned()),
                by_command: false,
            });
        })
    }

    pub(super) fn nothing_good(self) -> Self {
        self.change(|seen| seen.last_known_good = None)
    }

    pub(super) fn asked_before(self, deployment: &str) -> Self {
        self.change(|seen| seen.asked_before.push(deployment.to_owned()))
    }
}

pub(super) fn unavailable<T>() -> Look<T> {
    Look::Unavailable("DescribeServices got no clear answer".into())
}

/// As above, because ECS's rates were used up.
pub(super) fn throttled<T>() -> Look<T> {
    Look::Unavailable(Trouble {
        words: "DescribeServices was throttled".to_owned(),
        throttled: true,
    })
}

pub(super) fn alarm(state: AlarmState) -> Vec<AlarmSeen> {
    vec![AlarmSeen {
        name: "5xx".to_owned(),
        state: Some(state),
        ..AlarmSeen::default()
    }]
}

pub(super) fn digest(character: char) -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64))).unwrap()
}

/// A service with consent, two tasks wanted and running.
pub(super) fn service(deployments: Vec<ServiceDeployment>) -> Service {
    Service {
        arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/web".to_owned(),
        active: true,
        created_at: at(-86_400),
        controller: Controller::Ecs,
        daemon: false,
        desired: 2,
        running: 2,
        deployments,
        has_pause_hooks: false,
        tags: BTreeMap::from([("pushboat:target".to_owned(), "web".to_owned())]),
        target_groups: Vec::new(),
        complaints: Vec::new(),
    }
}

pub(super) fn deployment(task_definition: &str, id: &str, created: i64) -> ServiceDeployment {
    ServiceDeployment {
        id: id.to_owned(),
        primary: true,
        task_definition: task_definition.to_owned(),
        state: DeploymentState::Completed,
        state_reason: String::new(),
        created_at: at(created),
        failed_tasks: 0,
    }
}

/// What ran before: revision 7, for an hour.
pub(super) fn old_deployment() -> ServiceDeployment {
    deployment("web:7", "ecs-svc/7", -3600)
}

/// A hook that waits for a person.
pub(super) fn hook() -> PausedHook {
    PausedHook {
        service_deployment: "sd/8".to_owned(),
        hook_id: "hook-1".to_owned(),
        expires_at: None,
        timeout_action: "ROLLBACK".to_owned(),
    }
}

pub(super) fn found(service: Service) -> Look<ServiceLook> {
    Look::Taken(ServiceLook::Found(Box::new(service)))
}

pub(super) fn definition(image: &str) -> Arc<Definition> {
    Arc::new(Definition {
        raw: json!({
            "family": "web",
            "containerDefinitions": [{ "name": "app", "image": format!("{REGISTRY}/{image}") }],
        }),
        tags: json!([]),
    })
}
