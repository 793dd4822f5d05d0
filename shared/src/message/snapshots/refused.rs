//! Why nothing was deployed.

use super::*;

fn rejected(reason: Rejected) -> Notice {
    never_started(Phase::Rejected { reason })
}

#[test]
fn why_an_image_was_refused() {
    let repository = "team/backstage".to_owned();
    let media_type = "application/vnd.cncf.helm.config.v1+json".to_owned();
    let problem = "it has neither `manifests` nor `config`".to_owned();
    let wrong_platform = |offered: &[&str]| Rejected::WrongPlatform {
        wanted: "linux/arm64".to_owned(),
        offered: offered.iter().map(|one| (*one).to_owned()).collect(),
    };
    let two = wrong_platform(&["linux/amd64", "windows/amd64"]);
    let quarantined = Rejected::Quarantined {
        digest: digest('b'),
        rollout: RolloutId::new(at("07:40:00"), &["main-41"]),
        at: at("07:51:00"),
        failure: "alarm-fired".to_owned(),
    };
    let no_way_back = |archived| Rejected::NoWayBack {
        gone: gone(archived),
        repository: "team/backstage".to_owned(),
        digest: digest('b'),
    };
    snapshot!(
        "rejected_image",
        shown(&[
            ("it runs already", rejected(Rejected::AlreadyRunning)),
            (
                "no repository",
                rejected(Rejected::RepositoryMissing { repository })
            ),
            ("no image", rejected(Rejected::ImageMissing)),
            ("archived", rejected(Rejected::ImageArchived)),
            (
                "not an image",
                rejected(Rejected::NotAnImage { media_type })
            ),
            (
                "unreadable",
                rejected(Rejected::ManifestUnreadable { problem })
            ),
            ("wrong platform", rejected(two)),
            ("no platform", rejected(wrong_platform(&[]))),
            ("taken back before", rejected(quarantined)),
            ("no way back", rejected(no_way_back(false))),
            ("no way back: archived", rejected(no_way_back(true))),
        ])
    );
}

#[test]
fn why_a_service_was_left_alone() {
    let unsuitable = |what| rejected(Rejected::ServiceUnsuitable { what });
    let mistakes = vec![Mistake::new(
        "service",
        "service `prod/backstage` has no tag `pushboat:target`",
        "Let the service's owner tag it `pushboat:target` = `team/backstage`.",
    )];
    let controller = "CODE_DEPLOY".to_owned();
    let other = Some("web".to_owned());
    let no_container = |missing: &[&str]| {
        rejected(Rejected::NoContainer {
            repository: "team/backstage".to_owned(),
            missing: missing.iter().map(|one| (*one).to_owned()).collect(),
        })
    };
    snapshot!(
        "rejected_service",
        shown(&[
            (
                "the target is invalid",
                rejected(Rejected::TargetInvalid { mistakes })
            ),
            ("no container runs it", no_container(&[])),
            ("no container of that name", no_container(&["app"])),
            ("no service", rejected(Rejected::ServiceGone)),
            ("a daemon", unsuitable(Unsuitable::Daemon)),
            (
                "another controller",
                unsuitable(Unsuitable::Controller { controller })
            ),
            (
                "no consent",
                unsuitable(Unsuitable::NoConsent { found: None })
            ),
            (
                "consent to another",
                unsuitable(Unsuitable::NoConsent { found: other })
            ),
            ("busy", rejected(Rejected::ServiceBusy)),
            (
                "an alarm fires",
                rejected(Rejected::AlarmFiring {
                    alarms: vec!["backstage-5xx".to_owned()]
                })
            ),
        ])
    );
}

#[test]
fn why_aws_did_not_do_it() {
    let refused = Rejected::Refused {
        call: "RegisterTaskDefinition backstage".to_owned(),
        code: "ClientException".to_owned(),
        message: "Role is not valid.".to_owned(),
    };
    let trouble = "DescribeServices of prod/backstage was throttled".to_owned();
    let silent = Rejected::AwsUnavailable { trouble };
    snapshot!(
        "rejected_by_aws",
        shown(&[
            ("refused", started(Phase::Rejected { reason: refused })),
            ("no answer", rejected(silent)),
        ])
    );
}
