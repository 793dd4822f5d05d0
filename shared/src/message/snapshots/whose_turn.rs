//! Whose turn it is where an alarm is shared.

use super::*;

/// The alarm that fired is watched by others too.
pub(super) fn shared_with(names: &[&str], turn: Turn) -> Shared<Start> {
    let name = |name: &&str| TargetName::parse(name).unwrap();
    let mut start = start();
    start.alarms[0].sharing = Some(Sharing {
        with: names.iter().map(name).collect(),
        turn,
    });
    start
}

pub(super) fn with_start(mut notice: Notice, start: Shared<Start>) -> Notice {
    if let News::Rollout(news) = &mut notice.news {
        news.start = Some(start);
    }
    notice
}

#[test]
fn whose_turn_it_is_where_an_alarm_is_shared() {
    let api = || TargetName::parse("team/api").unwrap();
    let yields = |gone_back| Turn::Yields {
        to: api(),
        since: at("08:17:00"),
        gone_back,
        gone_back_at: None,
        settles_from: None,
    };
    let baking = |start| Phase::Baking {
        start,
        running: running(),
        until: at("08:26:03"),
        missing_tasks_since: None,
    };
    let waits = News::RolloutYields {
        rollout: Box::new(rollout(baking(shared_with(&["team/api"], yields(None))))),
        alarm: "backstage-5xx".to_owned(),
        to: api(),
    };
    let back = |names: &[&str], turn| {
        let failure = Failure::AlarmFired {
            alarms: vec!["backstage-5xx".to_owned()],
        };
        let notice = rolled_back(failure, RolledBackBy::Pushboat);
        with_start(notice, shared_with(names, turn))
    };
    let good = Phase::Succeeded {
        revision: revision(43),
    };
    let acquitted = Turn::Acquitted {
        after: api(),
        until: Some(at("08:19:00")),
    };
    let many = ["a", "b", "c", "d", "e", "f"];
    snapshot!(
        "shared_alarm",
        shown(&[
            ("it waits", notice(waits)),
            ("it goes first", back(&["team/api"], Turn::Own)),
            ("many share it", back(&many, Turn::Own)),
            (
                "another went first",
                back(&["team/api", "team/jobs"], yields(Some(api())))
            ),
            ("another was to go first", back(&["team/api"], yields(None))),
            ("it fired again", back(&["team/api"], acquitted.clone())),
            (
                "it stays",
                with_start(started(good), shared_with(&["team/api"], acquitted))
            ),
        ])
    );
}
