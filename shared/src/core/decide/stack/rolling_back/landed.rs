//! Where the way back has led: what the service runs, and whose doing that is.

use super::ThroughStack;
use crate::core::decide::history;
use crate::core::decide::rolling_back::ended_in_good;
use crate::core::decide::stack::under_way;
use crate::core::failure::Failure;
use crate::core::observation::Look;
use crate::core::rollout::RolledBackBy;
use crate::core::stack::StackStatus;
use crate::task_definition::images;

/// Says whether a revision was registered before another one of its family: CloudFormation goes
/// back to one that it had.
fn is_older(revision: &str, than: &str) -> bool {
    let read = |arn: &str| {
        let (family, number) = arn.rsplit_once(':')?;
        Some((family.to_owned(), number.parse::<u64>().ok()?))
    };
    match (read(revision), read(than)) {
        (Some((family, number)), Some((other, than))) => family == other && number < than,
        _ => false,
    }
}

impl ThroughStack<'_> {
    /// Says whether the service runs what neither Pushboat nor CloudFormation brought.
    ///
    /// CloudFormation goes back by one deployment, unless ECS was there already: what comes after
    /// that is somebody's.
    pub(super) fn is_somebody_elses(&self) -> bool {
        if self.runs_ours_or_what_was_before() || self.is_back() {
            return false;
        }
        let went_back = self.stack.status == StackStatus::RolledBack && self.is_forward();
        let ours = &self.returning.running.revision;
        // What a person has tried once more may have been anybody's since.
        let went_back = went_back && *self.returning.failure != Failure::AskedByOperator;
        let went_back = went_back && is_older(&self.primary.task_definition, ours);
        !(went_back && history::is_next_after(&self.observation.history, ours))
    }

    pub(super) fn runs_ours_or_what_was_before(&self) -> bool {
        let returning = self.returning;
        let runs = &self.primary.task_definition;
        [
            &returning.running.revision,
            &returning.start.base_task_definition,
            &returning.back.to,
        ]
        .contains(&runs)
    }

    /// Says whether the service's primary deployment has the images that were good.
    pub(super) fn runs_good(&self) -> Result<bool, String> {
        let is_named = self.primary.task_definition == self.returning.back.to;
        if is_named && !self.observation.good_by_tag {
            return Ok(true);
        }
        let definition = match &self.observation.definition {
            Look::Taken(definition) => definition,
            Look::Unavailable(trouble) => return Err(trouble.words.clone()),
            Look::NotTaken => return Err("the task definition was not looked at".to_owned()),
        };
        let good = match &self.observation.good_definition {
            Look::Taken(Some(good)) => good,
            Look::Taken(None) => {
                return Err("the ledger has no text of the last good task definition".to_owned());
            }
            Look::Unavailable(trouble) => return Err(trouble.words.clone()),
            Look::NotTaken => return Err("the last good version was not looked up".to_owned()),
        };
        let (found, good) = (images(definition), images(good));
        let mut containers = self.returning.start.containers.iter();
        let has_them =
            containers.all(|name| found.contains_key(name) && found.get(name) == good.get(name));
        match is_named && !has_them {
            true => self.tag_still_stands_for_good(),
            false => Ok(has_them),
        }
    }

    /// CloudFormation went back to the revision that was good, which names its image by a tag: ECS
    /// has resolved that anew.
    fn tag_still_stands_for_good(&self) -> Result<bool, String> {
        let history = &self.observation.history;
        if let Look::Unavailable(trouble) = history {
            return Err(trouble.words.clone());
        }
        let ours = &self.returning.running.revision;
        let good = self.returning.back.to.as_str();
        let record = history::since(history, ours, &[good]);
        Ok(record.is_some_and(|record| ended_in_good(record, self.observation)))
    }

    /// Says who had CloudFormation take the update back.
    pub(super) fn who_began(&self) -> RolledBackBy {
        match under_way::failure(self.stack) {
            Failure::PutBackByHand => RolledBackBy::Person,
            _ => RolledBackBy::CloudFormation,
        }
    }

    /// Nothing was asked for: somebody was faster, or the very image that is good was deployed.
    pub(super) fn by_others(&self) -> RolledBackBy {
        let running = self.returning.running;
        if self.primary.task_definition == running.revision {
            return RolledBackBy::Pushboat;
        }
        if self.stack.status == StackStatus::RolledBack && self.is_forward() {
            return self.who_began();
        }
        let history = &self.observation.history;
        let now = self.returning.now;
        history::turned(running, self.service, self.primary, history, now).by()
    }
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn a_revision_is_older_than_a_later_one_of_its_family() {
        for (revision, than, expected) in [
            ("web:7", "web:8", true),
            ("web:9", "web:10", true),
            ("web:8", "web:8", false),
            ("web:8", "web:7", false),
            ("api:7", "web:8", false),
            ("web", "web:8", false),
            ("web:7", "web:latest", false),
        ] {
            assert_eq!(is_older(revision, than), expected, "{revision} {than}");
        }
    }
}
