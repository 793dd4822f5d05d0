//! Mistakes in a target's configuration: each is told in one notice with its place and
//! its fix, and nothing is changed, not even by a push.

use end_to_end::{Failure, LogEntry, Notice, customer};
use serde_json::{Value, json};

use crate::target::{Target, configuration, create_definition, create_service, repository};
use crate::world::{CLUSTER, World};

pub(crate) async fn malformed_json(world: &World) -> Result<(), Failure> {
    let name = "malformed";
    create_service(&world.aws, &world.registry, name, Some(name)).await?;
    let target = Target::named(world, name);
    let text = configuration(name).to_string();
    target.register_text(&text[..text.len() - 1]).await?;
    let place = format!("line 1, column {}", text.len() - 1);
    is_refused(&target, &place, "JSON validator").await
}

pub(crate) async fn an_unknown_field(world: &World) -> Result<(), Failure> {
    let name = "misspelt";
    create_service(&world.aws, &world.registry, name, Some(name)).await?;
    let mut configuration = configuration(name);
    configuration["bakeTimeSecond"] = 5.into();
    let target = Target::named(world, name);
    target.register(&configuration).await?;
    is_refused(&target, "bakeTimeSecond", "bakeTimeSeconds").await
}

pub(crate) async fn a_missing_repository(world: &World) -> Result<(), Failure> {
    let name = "no-repository";
    create_service(&world.aws, &world.registry, name, Some(name)).await?;
    let mut configuration = configuration(name);
    let other = json!({"repository": "test/not-there", "containers": ["web"]});
    configuration["images"].as_array_mut().unwrap().push(other);
    let target = Target::named(world, name);
    target.register(&configuration).await?;
    is_refused(&target, "images[1].repository", "create the repository").await
}

pub(crate) async fn a_missing_alarm(world: &World) -> Result<(), Failure> {
    let name = "no-alarm";
    create_service(&world.aws, &world.registry, name, Some(name)).await?;
    let mut configuration = configuration(name);
    configuration["alarms"] = json!(["not-there"]);
    let target = Target::named(world, name);
    target.register(&configuration).await?;
    is_refused(&target, "alarms[0]", "create the alarm").await
}

pub(crate) async fn a_claimed_service(world: &World) -> Result<(), Failure> {
    let holder = Target::adopted(world, "holder").await?;
    let target = Target::named(world, "second-holder");
    target.register(&configuration("holder")).await?;

    let notice = target.told("target-invalid", "").await?;
    assert_mistake(&notice, "service (claim)", "A service has one target");
    assert!(notice.email.contains("`holder`"), "{}", notice.email);
    // Its holder is not disturbed.
    holder.push("v1").await?;
    holder.told("succeeded", "v1").await?;
    assert_eq!(target.told_so_far(), ["target-invalid"]);
    Ok(())
}

pub(crate) async fn a_daemon_service(world: &World) -> Result<(), Failure> {
    let daemon = json!({"schedulingStrategy": "DAEMON", "launchType": "EC2"});
    is_refused_as(world, "daemon", &daemon, "Name a REPLICA service").await
}

pub(crate) async fn a_service_under_code_deploy(world: &World) -> Result<(), Failure> {
    let controller = json!({"deploymentController": {"type": "CODE_DEPLOY"}});
    is_refused_as(
        world,
        "code-deploy",
        &controller,
        "Move it to the ECS controller",
    )
    .await
}

pub(crate) async fn a_service_under_an_external_controller(world: &World) -> Result<(), Failure> {
    let controller = json!({"deploymentController": {"type": "EXTERNAL"}});
    is_refused_as(
        world,
        "external",
        &controller,
        "Move it to the ECS controller",
    )
    .await
}

pub(crate) async fn a_missing_tag_of_consent(world: &World) -> Result<(), Failure> {
    let name = "no-consent";
    create_service(&world.aws, &world.registry, name, None).await?;
    let target = Target::named(world, name);
    target.register(&configuration(name)).await?;
    is_refused(
        &target,
        "service",
        "tag it `pushboat:target` = `no-consent`",
    )
    .await
}

pub(crate) async fn a_tag_of_consent_to_another_target(world: &World) -> Result<(), Failure> {
    let name = "other-consent";
    create_service(&world.aws, &world.registry, name, Some("somebody")).await?;
    let target = Target::named(world, name);
    target.register(&configuration(name)).await?;
    is_refused(
        &target,
        "service",
        "tag it `pushboat:target` = `other-consent`",
    )
    .await
}

/// Makes a service that differs so from the ordinary one, and sees it refused.
async fn is_refused_as(
    world: &World,
    name: &'static str,
    difference: &Value,
    fix: &str,
) -> Result<(), Failure> {
    let revision = create_definition(&world.aws, &world.registry, name).await?;
    let mut service = customer::web_service(CLUSTER, name, &revision, Some(name));
    for (member, value) in difference.as_object().unwrap() {
        service[member] = value.clone();
    }
    if service["schedulingStrategy"] == "DAEMON" {
        service.as_object_mut().unwrap().remove("desiredCount");
    }
    if service["deploymentController"]["type"] == "EXTERNAL" {
        // Task sets carry what the service itself must not.
        for member in ["taskDefinition", "launchType", "networkConfiguration"] {
            service.as_object_mut().unwrap().remove(member);
        }
    }
    customer::create_service(&world.aws, &service).await?;
    let target = Target::named(world, name);
    target.register(&configuration(name)).await?;
    is_refused(&target, "service", fix).await
}

/// Waits for the one notice with this mistake, then pushes and sees nothing changed.
async fn is_refused(target: &Target<'_>, place: &str, fix: &str) -> Result<(), Failure> {
    let notice = target.told("target-invalid", "").await?;
    assert_mistake(&notice, place, fix);
    assert!(
        notice.email.contains("Nothing was changed."),
        "{}",
        notice.email
    );
    assert!(notice.is_emailed(), "{:?}", notice.attributes);

    target.push("v1").await?;
    let is_read = !place.starts_with("line") && place != "bakeTimeSecond";
    if is_read {
        // The push had the service looked at again: whoever pushed is told, too.
        let rejected = target.told("rejected", "v1").await?;
        assert_eq!(rejected.document["reason"]["code"], "target-invalid");
        assert!(rejected.email.contains(fix), "{}", rejected.email);
    } else {
        // What cannot be read follows nothing.
        let subject = repository(target.name);
        let what = format!("image-push ignoring {subject}");
        let is_it =
            |entry: &LogEntry| entry.is_ignored() && entry.text("explanation").ends_with(&subject);
        target.world.logged("image-push", &what, is_it).await?;
    }
    target.stays_quiet().await?;

    assert_eq!(target.changes(), [""; 0]);
    let told = target.told_so_far();
    let again = told.iter().filter(|told| *told == "target-invalid");
    assert_eq!(again.count(), 1, "{told:?}");
    Ok(())
}

fn assert_mistake(notice: &Notice, place: &str, fix: &str) {
    let mistakes = notice.document["mistakes"].as_array();
    let mistakes = mistakes.unwrap_or_else(|| panic!("{}", notice.document));
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert_eq!(mistakes[0]["place"], place);
    let told = mistakes[0]["fix"].as_str().unwrap_or_default();
    assert!(told.contains(fix), "{told:?} lacks {fix:?}");
    assert!(
        notice.email.contains(place) && notice.email.contains(told),
        "{}",
        notice.email
    );
}
