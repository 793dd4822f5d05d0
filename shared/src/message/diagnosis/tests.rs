use super::*;
use crate::core::diagnosis::{Circumstances, Diagnosis};

#[test]
fn each_cause_has_its_sentence_and_its_hint() {
    let lines: Vec<String> = Cause::ALL
        .into_iter()
        .map(|known| {
            let Explanation { meaning, hint } = cause(known);
            assert!(
                meaning.ends_with('.') && hint.ends_with(['.', '?']),
                "{known:?}"
            );
            let diagnosis = Diagnosis::new(known, &Circumstances::default());
            let blame = verdict(diagnosis.verdict);
            format!("{}\n    {meaning}\n    {blame}\n    {hint}", known.as_str())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn each_trouble_of_a_service_has_its_sentence() {
    let to = |to: &str| ServiceTrouble::RollingBack { to: to.to_owned() };
    let unhealthy = |reason: &str| ServiceTrouble::TargetUnhealthy {
        reason: reason.to_owned(),
    };
    let lacking = |lacking: &str| ServiceTrouble::CannotPlace {
        lacking: lacking.to_owned(),
    };
    let lines: Vec<String> = [
        to("ecs-svc/123"),
        to(""),
        ServiceTrouble::CircuitBreaker,
        ServiceTrouble::DeploymentAlarm,
        ServiceTrouble::DeploymentFailed,
        ServiceTrouble::TasksKeepFailing,
        ServiceTrouble::NoRoomToDeploy,
        unhealthy("Request timed out"),
        unhealthy(""),
        ServiceTrouble::TaskUnhealthy,
        ServiceTrouble::Throttled,
        ServiceTrouble::Misconfigured,
        ServiceTrouble::CouldNotLaunch,
        ServiceTrouble::RoleNotAssumed,
        lacking("RESOURCE:FARGATE"),
        lacking(""),
    ]
    .iter()
    .map(|trouble| {
        let (name, blame) = (trouble.as_str(), verdict(trouble.verdict()));
        format!("{name}\n    {}\n    {blame}", service_trouble(trouble))
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn each_word_on_a_target_has_its_meaning() {
    let lines: Vec<String> = [
        TargetVerdict::Healthy,
        TargetVerdict::Settling,
        TargetVerdict::Application,
        TargetVerdict::Platform,
        TargetVerdict::Infrastructure,
        TargetVerdict::Unknown,
    ]
    .into_iter()
    .map(|verdict| format!("{verdict:?}: {}", target_verdict(verdict)))
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
