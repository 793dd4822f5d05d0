//! What is answered, whole.

use super::refused::{at, idle, in_phase, quarantining, rolling_back};
use super::*;
use crate::core::hold::Hold;
use crate::core::operate::{Refusal, RollBack};
use crate::core::push::Push;
use crate::core::reason::{Ignored, Waiting};
use crate::core::state::{HandledCommand, Standing, Wake};

/// Shows an answer under the command that asked for it.
fn shown(installation: &Installation, command: &Value) -> String {
    let answered = installation.answer(command.clone());
    format!("{command}\n{answered:#}")
}

fn status_of(state: TargetState) -> String {
    let installation = Installation::new(state);
    shown(
        &installation,
        &json!({ "command": "status", "target": "web" }),
    )
}

/// All that can stand beside a rollout.
fn busy() -> TargetState {
    let handled = |id: &str, refused: Option<Refusal>| HandledCommand {
        request_id: id.to_owned(),
        command: "rollback".to_owned(),
        at: at(30),
        refused,
    };
    let current = in_phase("progressing").current.unwrap();
    let refused = Refusal::RollingBack {
        rollout: current.id.clone(),
    };
    TargetState {
        held: Some(Hold {
            reason: "database maintenance".to_owned(),
            since: at(20),
        }),
        quarantine: quarantining(digest()).quarantine,
        commands: vec![
            handled("request-7", None),
            handled("request-8", Some(refused)),
        ],
        roll_back: Some(RollBack {
            rollout: current.id,
            request_id: "request-7".to_owned(),
        }),
        ..rolling_back()
    }
}

/// One whose rollout halted.
fn halted() -> TargetState {
    let mut installation = Installation::new(idle());
    let rollout = installation.history.pop().unwrap();
    assert_eq!(rollout.phase.as_str(), "halted");
    let news = json!({ "rollout": rollout });
    let halted = json!({ "news": news, "repeatAt": at(3600), "since": at(0) });
    TargetState {
        halted: Some(serde_json::from_value(halted).unwrap()),
        wake: Some(Wake {
            at: at(3600),
            waiting: Waiting::Person,
        }),
        ..adopted()
    }
}

fn adopted() -> TargetState {
    let standing = Standing::Adopted {
        service_created_at: at(-9_000),
        service_arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/web".to_owned(),
        given_up_deployment: None,
    };
    TargetState { standing, ..idle() }
}

#[test]
fn how_a_target_stands() {
    let mut text = Vec::new();
    for state in [
        idle(),
        in_phase("requested"),
        in_phase("baking"),
        busy(),
        halted(),
    ] {
        text.push(status_of(state));
    }
    insta::assert_snapshot!("status", text.join("\n\n"));
}

#[test]
fn what_was_rolled_out() {
    let mut installation = Installation::new(adopted());
    installation.history.truncate(6);
    let mut text = vec![shown(
        &installation,
        &json!({ "command": "history", "target": "web" }),
    )];
    installation.history.truncate(1);
    text.push(shown(
        &installation,
        &json!({ "command": "show", "target": "web" }),
    ));
    insta::assert_snapshot!("history", text.join("\n\n"));
}

#[test]
fn why_nothing_is_happening() {
    let explain = json!({ "command": "explain", "target": "web" });
    let mut unfollowed = Installation::new(adopted());
    let push = unfollowed.history[0].push.clone();
    unfollowed.ignored = vec![IgnoredPush {
        reason: Ignored::TagNotFollowed {
            tag: push.tag.clone(),
        },
        push: Push::clone(&push),
    }];
    let text = [
        shown(&Installation::new(adopted()), &explain),
        shown(&Installation::new(busy()), &explain),
        shown(&Installation::new(halted()), &explain),
        shown(&unfollowed, &explain),
    ];
    insta::assert_snapshot!("explain", text.join("\n\n"));
}

#[test]
fn what_is_refused_and_what_is_accepted() {
    let mut text: Vec<String> = super::refused::cases()
        .into_iter()
        .map(|(installation, command, _)| shown(&installation, &command))
        .collect();
    let hold = json!({ "command": "hold", "target": "web", "reason": "freeze" });
    text.push(shown(&Installation::new(idle()), &hold));
    insta::assert_snapshot!("refused", text.join("\n\n"));
}
