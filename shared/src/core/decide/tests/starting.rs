//! `Starting`, seen again: nobody remembers what was done.

use super::*;

pub(super) fn phase(revision: Option<&str>, intended: Option<i64>) -> Phase {
    Phase::Starting {
        start: start(),
        revision: revision.map(str::to_owned),
        update_intended_at: intended.map(at),
    }
}

/// UpdateService was meant to be sent this many seconds ago; what was registered is not known.
fn unregistered(intended: i64) -> Given {
    Given::new(phase(None, Some(intended)))
}

/// As above, and revision 8 is known to be registered.
pub(super) fn registered(intended: i64) -> Given {
    Given::new(phase(Some("web:8"), Some(intended)))
}

/// UpdateService was turned away.
fn turned_away() -> Given {
    Given::new(phase(Some("web:8"), None))
}

/// Started this many seconds ago, and turned away since.
fn started(seconds: i64) -> Given {
    let mut given = turned_away();
    if let Phase::Starting { start, .. } = &mut given.0.phase {
        start.at = at(seconds);
    }
    given
}

impl Given {
    /// It started, or a hold ended, this many seconds ago.
    fn begun(mut self, seconds: i64) -> Self {
        self.0.phase.start_mut().unwrap().at = at(seconds);
        self
    }

    /// Its deadline has this many seconds.
    fn within(mut self, seconds: u32) -> Self {
        self.0.policy.deadline_seconds = seconds;
        self
    }

    /// UpdateService was meant to be sent this many seconds ago.
    fn sent(mut self, seconds: i64) -> Self {
        if let Phase::Starting {
            update_intended_at, ..
        } = &mut self.0.phase
        {
            *update_intended_at = Some(at(seconds));
        }
        self
    }
}

/// Started long ago, and ECS was too busy to take it until this many seconds ago.
fn busy(seconds: i64) -> Given {
    let mut given = started(-9999);
    given.0.phase.start_mut().unwrap().throttled_at = Some(at(seconds));
    given
}

/// What ran before still is the primary deployment; revision 8 is found by its tags if `own`.
pub(super) fn before(own: bool) -> Seen {
    Seen(Observation {
        service: found(service(vec![old_deployment()])),
        definition: Look::Taken(definition("team/web:v1")),
        own_revision: Look::Taken(own.then(|| "web:8".to_owned())),
        alarms: Look::Taken(alarm(AlarmState::Ok)),
        history: Look::Taken(Vec::new()),
        ..Observation::default()
    })
}

fn without_history(look: Look<Vec<DeploymentRecord>>) -> Seen {
    before(true).change(|seen| seen.history = look)
}

/// The primary deployment was made this many seconds ago, of this task definition.
fn primary(task_definition: &str, created: i64) -> Seen {
    let task_definition = task_definition.to_owned();
    before(true).primary(|primary| {
        *primary = ServiceDeployment {
            state: DeploymentState::InProgress,
            ..deployment(&task_definition, "ecs-svc/8", created)
        };
    })
}

fn own(look: Look<Option<String>>) -> Seen {
    before(true).change(|seen| seen.own_revision = look)
}

const TAKEN: &str = "progressing web:8 ecs-svc/8 | now";
const SENDS_AGAIN: &str = "starting web:8 0s | update web:8 | now";
const REGISTERS_AGAIN: &str = "starting unregistered 0s | register, update | now";

#[test]
#[rustfmt::skip]
fn what_was_done_is_found_by_looking() {
    check(vec![
        ("the update was taken, revision found by its tags",  unregistered(-5), primary("web:8", -4), TAKEN),
        ("the update was taken, revision known",              registered(-5), primary("web:8", -4), TAKEN),
        ("… by a call that seemed to be turned away",         turned_away(), primary("web:8", -4), TAKEN),
        ("… and a newer push waits for it",                   registered(-5), primary("web:8", -4).newer(), TAKEN),
        ("nothing shows within the read lag",                 registered(-10), before(true), "starting web:8 -10s | wait 20s read-lag"),
        ("… a second before its end",                         registered(-29), before(true), "starting web:8 -29s | wait 1s read-lag"),
        ("… at its end it is sent again",                     registered(-30), before(true), SENDS_AGAIN),
        ("nothing shows, revision found by its tags",         unregistered(-30), before(true), SENDS_AGAIN),
        ("nothing shows, nothing was registered",             unregistered(-30), before(false), REGISTERS_AGAIN),
        ("… within the read lag nothing is registered",       unregistered(-29), before(false), "starting unregistered -29s | wait 1s read-lag"),
        ("the history has it: it was taken, and taken back",  registered(-60), before(true).recorded(RecordStatus::RolledBack), "progressing web:8 sd/8 | now"),
        ("… and a newer push waits",                          registered(-60), before(true).recorded(RecordStatus::RolledBack).newer(), "progressing web:8 sd/8 | now"),
        ("… revision found by its tags",                      unregistered(-60), before(true).recorded(RecordStatus::Ongoing), "progressing web:8 sd/8 | now"),
        ("the history has another one",                       registered(-60), before(true).history(|record| record.target = "web:6".to_owned()), SENDS_AGAIN),
        ("turned away: sent again at once",                   turned_away(), before(true), SENDS_AGAIN),
    ]);
}

#[test]
#[rustfmt::skip]
fn somebody_else() {
    check(vec![
        ("deployed meanwhile",                                registered(-60), primary("web:9", -4), "superseded somebody-else | over"),
        ("… within the read lag",                             registered(-5), primary("web:9", -4), "superseded somebody-else | over"),
        ("… forced what ran before out again",                registered(-60), primary("web:7", -4), "superseded somebody-else | over"),
        ("an older deployment than the one replaced: stale",  registered(-60), primary("web:6", -4000), SENDS_AGAIN),
        ("one as old as the one replaced",                    registered(-60), primary("web:6", -3600), SENDS_AGAIN),
        ("our own earlier one, which was not visible before", registered(-60), primary("web:6", -90).asked_before("ecs-svc/8"), SENDS_AGAIN),
        ("a person went back to an earlier one of ours",      registered(-60), primary("web:6", -90).asked_before("ecs-svc/5"), "superseded somebody-else | over"),
        ("a primary nobody knows, our revision not readable yet",
            unregistered(-5), primary("web:8", -4).change(|seen| seen.own_revision = Look::Taken(None)),
            "starting unregistered -5s | wait 25s read-lag"),
        ("… and still not after the read lag",
            unregistered(-30), primary("web:9", -4).change(|seen| seen.own_revision = Look::Taken(None)),
            "superseded somebody-else | over"),
        ("deleted the service",                               registered(-60), before(true).service(|one| one.active = false), "superseded service-gone | over"),
        ("deleted it long ago",                               registered(-60), before(true).service_look(Look::Taken(ServiceLook::Missing)), "superseded service-gone | over"),
        ("deleted its cluster",                               registered(-60), before(true).service_look(Look::Taken(ServiceLook::ClusterMissing)), "superseded service-gone | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn no_answer() {
    let no_definition = |look| before(false).change(|seen| seen.definition = look);
    check(vec![
        ("about the service",             registered(-60), before(true).service_look(unavailable()), "starting web:8 -60s | wait 15s aws"),
        ("no look at the service",        registered(-60), before(true).service_look(Look::NotTaken), "starting web:8 -60s | wait 15s aws"),
        ("no primary deployment",         registered(-60), before(true).service(|one| one.deployments.clear()), "starting web:8 -60s | wait 15s aws"),
        ("about our revision",            unregistered(-60), own(unavailable()), "starting unregistered -60s | wait 15s aws"),
        ("about what became of it",       registered(-60), without_history(unavailable()), "starting web:8 -60s | wait 15s aws"),
        ("no look at what became of it",  registered(-30), without_history(Look::NotTaken), "starting web:8 -30s | wait 15s aws"),
        ("… nor needed within the lag",   registered(-29), without_history(Look::NotTaken), "starting web:8 -29s | wait 1s read-lag"),
        ("… nor if it was turned away",   turned_away(), without_history(Look::NotTaken), SENDS_AGAIN),
        ("… nor if nothing was registered", unregistered(-60), before(false).change(|seen| seen.history = unavailable()), REGISTERS_AGAIN),
        ("… nor if it is shown",          registered(-60), primary("web:8", -4).change(|seen| seen.history = unavailable()), TAKEN),
        ("no look for our revision",      unregistered(-60), own(Look::NotTaken), "starting unregistered -60s | wait 15s aws"),
        ("… nor needed: it is known",     registered(-60), own(unavailable()), SENDS_AGAIN),
        ("about the definition",          unregistered(-60), no_definition(unavailable()), "starting unregistered -60s | wait 15s aws"),
        ("about the alarms",              registered(-60), before(true).change(|seen| seen.alarms = unavailable()), "starting web:8 -60s | wait 15s aws"),
        ("no look at the alarms",         registered(-60), before(true).change(|seen| seen.alarms = Look::NotTaken), "starting web:8 -60s | wait 15s aws"),
        ("… nor needed: it was taken",    registered(-60), primary("web:8", -4).change(|seen| seen.alarms = unavailable()), TAKEN),
        ("no look at the definition",     unregistered(-60), no_definition(Look::NotTaken), "starting unregistered -60s | wait 15s aws"),
    ]);
}

#[test]
#[rustfmt::skip]
fn newer_pushes_and_the_deadline() {
    let silent = || before(true).service_look(unavailable());
    check(vec![
        ("newer push within the read lag",          registered(-29), before(true).newer(), "starting web:8 -29s | wait 1s read-lag"),
        ("newer push once nothing can be on its way", registered(-30), before(true).newer(), "superseded newer-push | over"),
        ("… whatever `supersede` says",             registered(-30).immediately(), before(true).newer(), "superseded newer-push | over"),
        ("a second before the deadline",            started(-1799), before(true), SENDS_AGAIN),
        ("at the deadline nothing more is sent",    started(-1800), before(true), "rejected aws-unavailable | over"),
        ("… but what was taken counts",             started(-1800), primary("web:8", -4), TAKEN),
        ("silence until the deadline and the lag",  started(-1829), silent(), "starting web:8 unsent | wait 15s aws"),
        ("… and no longer",                         started(-1830), silent(), "rejected aws-unavailable | over"),
        ("… but as long as it may have been taken", started(-9999).sent(-9990), silent(), "starting web:8 -9990s | wait 15s aws"),
        ("… but as long as ECS is only busy",       started(-9999), before(true).service_look(throttled()), "starting web:8 unsent | wait 15s aws"),
        ("a second before the deadline since it was", busy(-1799), before(true), SENDS_AGAIN),
        ("… or since a hold kept it",               busy(-9000).begun(-1799), before(true), SENDS_AGAIN),
        ("… with a short deadline some minutes",    busy(-899).within(60), before(true), SENDS_AGAIN),
        ("… and no longer",                         busy(-900).within(60), before(true), "rejected aws-unavailable | over"),
        ("at the deadline since it was",            busy(-1800), before(true), "rejected aws-unavailable | over"),
    ]);
}

#[test]
fn a_deployment_that_was_gone_before_anybody_looked_is_known_by_its_tasks() {
    let gone = before(true).recorded(RecordStatus::RolledBack);
    let of_the_old = StoppedTask {
        task_definition: "web:7".to_owned(),
        started_by: "ecs-svc/7".to_owned(),
        ..stopped_tasks::crashed("1")
    };
    let old_alone = registered(-60).stopped(of_the_old);
    let both = old_alone.clone().stopped(stopped_tasks::crashed("2"));
    check(vec![
        (
            "no task of ours stopped",
            old_alone,
            gone.clone(),
            "progressing web:8 sd/8 | now",
        ),
        ("one did", both, gone, "progressing web:8 ecs-svc/8 | now"),
    ]);
}

#[test]
fn what_fired_since_the_deployment_was_made_counts_once_that_is_known() {
    for (fired_at, fired) in [(-5, false), (-4, true), (-1, true)] {
        let Given(mut rollout) = registered(-6);
        let change = AlarmChange {
            alarm_arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:5xx".to_owned(),
            name: "5xx".to_owned(),
            state: AlarmState::Alarm,
            previous: Some(AlarmState::Ok),
            reason: String::new(),
            at: at(fired_at),
        };
        rollout.evidence.alarm_changes.keep(change);
        let seen = primary("web:8", -4);
        let decision = decide(&rollout.policy, &rollout, &seen.0, now());
        let start = decision.phase.start().unwrap();
        assert_eq!(start.alarms[0].fired, fired, "{fired_at}");
    }
}

#[test]
fn what_was_ignored_and_was_not_ok_since_is_ignored_when_it_is_sent_again() {
    use AlarmState::{InsufficientData, Ok};
    for (was_ignored, state, ignored) in [
        (true, InsufficientData, true),
        (true, Ok, false),
        (false, InsufficientData, false),
    ] {
        let Given(mut rollout) = registered(-60);
        rollout.phase.start_mut().unwrap().alarms[0].ignored_until_ok = was_ignored;
        let seen = before(true).alarm(state);
        let decision = decide(&rollout.policy, &rollout, &seen.0, now());
        let start = decision.phase.start().unwrap();
        assert_eq!(start.alarms[0].ignored_until_ok, ignored, "{state:?}");
    }
}

#[test]
fn what_is_sent_again_is_watched_from_then_on() {
    for (state, ignored) in [(AlarmState::Alarm, true), (AlarmState::Ok, false)] {
        let Given(rollout) = registered(-60);
        let seen = before(true).alarm(state);
        let decision = decide(&rollout.policy, &rollout, &seen.0, now());
        let start = decision.phase.start().unwrap();
        assert_eq!(start.alarms[0].ignored_until_ok, ignored, "{state:?}");
    }
}
