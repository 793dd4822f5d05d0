//! What people get wrong, and put right again after a while.

use pushboat::core::policy::{Policy, TagPolicy};
use pushboat::ports::Clock as _;
use serde_json::{Value, json};

use super::run::Chaos;
use crate::deeds::Deed;
use crate::images::{Image, REGISTRY};

/// The tags that a target follows by mistake: nothing is pushed under them.
const OTHER_TAGS: &str = "other-*";

/// Says whether a target is registered with the wrong tags.
pub(super) fn follows_other_tags(policy: &Policy) -> bool {
    let other = |tags: &TagPolicy| match tags {
        TagPolicy::Glob(patterns) => patterns.iter().any(|pattern| pattern == OTHER_TAGS),
        TagPolicy::Semver(_) => false,
    };
    policy.images.iter().any(|image| other(&image.tags))
}

impl Chaos {
    /// Writes a parameter that cannot be read.
    pub(super) fn break_parameter(&mut self) {
        let target = self.any_target();
        let broken = target.text.trim_end_matches('}').to_owned();
        self.world.put_target(&target.name, &broken);
        self.misled.insert(target.target());
        self.did("break a parameter", &target.name);
        self.pass_minutes(10);
        self.world.put_target(&target.name, &target.text);
    }

    /// Has a target follow other tags.
    pub(super) fn follow_other_tags(&mut self) {
        let target = self.any_target();
        let Ok(mut text) = serde_json::from_str::<Value>(&target.text) else {
            return;
        };
        text["images"][0]["tags"] = json!({ "glob": [OTHER_TAGS] });
        self.world.put_target(&target.name, &text.to_string());
        self.misled.insert(target.target());
        self.did("follow other tags", &target.name);
        self.pass_minutes(10);
        self.world.put_target(&target.name, &target.text);
        let now = self.world.clock.now();
        self.checker.follows_again(&target.target(), now);
    }

    /// Deletes a repository with all its images.
    pub(super) fn delete_repository(&mut self) {
        let repository = self.any_target().terms.repository.clone();
        self.world.images.delete_repository(&repository);
        self.did("delete a repository", &repository);
        for image in self.images.get(&repository).cloned().unwrap_or_default() {
            self.world.note_deed(Deed::ImageDeleted {
                repository: repository.clone(),
                digest: image.digest(),
            });
        }
        self.pass_minutes(5);
        self.world.images.create_repository(&repository);
    }

    /// Gives a service's consent to a target that does not exist.
    pub(super) fn withdraw_consent(&mut self) {
        let target = self.any_target();
        let service = &target.terms.service;
        if !self.world.ecs.exists(service) {
            return;
        }
        let arn = self.world.ecs.service_arn(service);
        self.world.ecs.tag(&arn, "pushboat:target", "nobody");
        self.did("withdraw the consent", &target.name);
        self.pass_minutes(10);
        if self.world.ecs.exists(service) {
            let arn = self.world.ecs.service_arn(service);
            self.world.ecs.tag(&arn, "pushboat:target", &target.name);
        }
    }

    /// Deploys by hand what comes from a repository that nobody follows.
    pub(super) fn deploy_a_stranger(&mut self) {
        let target = self.any_target();
        let stranger = Image::healthy("a stranger");
        self.world.images.put("team/stranger", "1", &stranger);
        let image = format!("{REGISTRY}/team/stranger:1");
        let revision = self.world.ecs.register_document(target.document(&image));
        self.update("deploy a stranger", &target.terms.service, |update| {
            update.task_definition = Some(revision);
        });
    }

    fn pass_minutes(&mut self, most: i64) {
        let seconds = self.rng.i64(1..most * 60);
        self.pass(seconds);
    }
}
