//! Names of things: ARNs, and identifiers that look like AWS's but follow from
//! the account, the Region and a count, so that a run can be repeated exactly.

use std::fmt::Write;

use crate::settings::Settings;

/// Spreads a count over all 64-bit numbers (the finalizer of SplitMix64).
fn spread(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Hashes a text to a number that is the same on every machine (FNV-1a).
pub(crate) fn number_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Renders a number in the shape of a UUID.
pub(crate) fn uuid(number: u64) -> String {
    let (first, second) = (spread(number), spread(number ^ u64::MAX));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        first >> 32,
        (first >> 16) & 0xffff,
        first & 0xfff,
        0x8000 | ((second >> 48) & 0x3fff),
        second & 0xffff_ffff_ffff,
    )
}

/// Issues identifiers, never the same twice.
#[derive(Clone, Debug)]
pub(crate) struct Identifiers {
    seed: u64,
    issued: u64,
}

impl Identifiers {
    /// Starts from an account and a Region.
    pub(crate) fn new(settings: &Settings) -> Self {
        let seed = number_of(&settings.account_id) ^ number_of(&settings.region).rotate_left(32);
        Identifiers { seed, issued: 0 }
    }

    /// A number unlike any other.
    pub(crate) fn number(&mut self) -> u64 {
        self.issued += 1;
        spread(self.seed.wrapping_add(self.issued))
    }

    /// A task's id: 32 hexadecimal digits.
    pub(crate) fn task(&mut self) -> String {
        let (first, second) = (self.number(), self.number());
        format!("{first:016x}{second:016x}")
    }

    /// 19 decimal digits, as in `ecs-svc/1485800978477494678`.
    pub(crate) fn decimal(&mut self) -> u64 {
        1_000_000_000_000_000_000 + self.number() % 8_000_000_000_000_000_000
    }

    /// A service deployment's id: 21 letters and digits.
    pub(crate) fn service_deployment(&mut self) -> String {
        self.letters(3)
    }

    /// The id of a lifecycle hook at work, such as `ecs-pause-…`.
    pub(crate) fn hook(&mut self, kind: &str) -> String {
        format!("ecs-{kind}-{}", self.letters(6))
    }

    /// So many times seven letters and digits.
    fn letters(&mut self, sevens: usize) -> String {
        const LETTERS: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut id = String::with_capacity(7 * sevens);
        for _ in 0..sevens {
            let mut rest = self.number();
            for _ in 0..7 {
                id.push(char::from(LETTERS[usize::from((rest % 62) as u8)]));
                rest /= 62;
            }
        }
        id
    }
}

/// Makes the ARNs of one account and Region.
///
/// Long formats only: `…:service/cluster/name`.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html>.
#[derive(Clone, Debug)]
pub(crate) struct Arns {
    partition: String,
    region: String,
    account_id: String,
}

impl Arns {
    pub(crate) fn new(settings: &Settings) -> Self {
        Arns {
            partition: settings.partition.clone(),
            region: settings.region.clone(),
            account_id: settings.account_id.clone(),
        }
    }

    fn ecs(&self, resource: &[&str]) -> String {
        let mut arn = format!(
            "arn:{}:ecs:{}:{}:",
            self.partition, self.region, self.account_id
        );
        for (position, part) in resource.iter().enumerate() {
            if position > 0 {
                arn.push('/');
            }
            arn.push_str(part);
        }
        arn
    }

    pub(crate) fn cluster(&self, name: &str) -> String {
        self.ecs(&["cluster", name])
    }

    pub(crate) fn service(&self, cluster: &str, name: &str) -> String {
        self.ecs(&["service", cluster, name])
    }

    pub(crate) fn task(&self, cluster: &str, id: &str) -> String {
        self.ecs(&["task", cluster, id])
    }

    pub(crate) fn container(&self, cluster: &str, task_id: &str, position: usize) -> String {
        let id = uuid(number_of(task_id).wrapping_add(position as u64));
        self.ecs(&["container", cluster, task_id, &id])
    }

    pub(crate) fn task_definition(&self, family: &str, revision: u32) -> String {
        let mut arn = self.ecs(&["task-definition", family]);
        let _ = write!(arn, ":{revision}");
        arn
    }

    pub(crate) fn service_deployment(&self, cluster: &str, service: &str, id: &str) -> String {
        self.ecs(&["service-deployment", cluster, service, id])
    }

    pub(crate) fn service_revision(&self, cluster: &str, service: &str, number: u64) -> String {
        self.ecs(&["service-revision", cluster, service, &number.to_string()])
    }

    pub(crate) fn task_set(&self, cluster: &str, service: &str, deployment_id: &str) -> String {
        self.ecs(&["task-set", cluster, service, deployment_id])
    }

    /// The principal that every call is taken to come from.
    pub(crate) fn caller(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition, self.account_id)
    }

    /// The service-linked role that ECS uses for a service on `awsvpc`.
    pub(crate) fn service_linked_role(&self) -> String {
        format!(
            "arn:{}:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            self.partition, self.account_id
        )
    }

    /// Takes the resource part of one of this account's ARNs apart: what comes
    /// after `kind/`, without it. Anything that is no ARN is taken as it is.
    pub(crate) fn resource<'a>(&self, reference: &'a str, kind: &str) -> Option<&'a str> {
        if !reference.starts_with("arn:") {
            return Some(reference);
        }
        let prefix = self.ecs(&[kind, ""]);
        reference.strip_prefix(prefix.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Timings;

    #[test]
    fn identifiers_repeat_for_the_same_account_and_differ_for_another() {
        let mut first = Identifiers::new(&settings("111122223333"));
        let mut again = Identifiers::new(&settings("111122223333"));
        let mut other = Identifiers::new(&settings("444455556666"));
        let id = first.task();
        assert_eq!(id, again.task());
        assert_ne!(id, other.task());
        assert_ne!(id, first.task());
        assert_eq!(id.len(), 32);
    }

    #[test]
    fn identifiers_have_the_shapes_of_the_documentation() {
        let mut identifiers = Identifiers::new(&settings("111122223333"));
        assert_eq!(identifiers.decimal().to_string().len(), 19);
        assert_eq!(identifiers.service_deployment().len(), 21);
        let parts: Vec<usize> = uuid(7).split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
    }

    #[test]
    fn a_resource_of_another_region_is_not_ours() {
        let arns = Arns::new(&settings("111122223333"));
        let ours = arns.service("prod", "web");
        assert_eq!(ours, "arn:aws:ecs:eu-west-1:111122223333:service/prod/web");
        assert_eq!(arns.resource(&ours, "service"), Some("prod/web"));
        assert_eq!(arns.resource("web", "service"), Some("web"));
        assert_eq!(
            arns.resource(&ours.replace("eu-west-1", "us-east-1"), "service"),
            None
        );
    }

    fn settings(account_id: &str) -> Settings {
        Settings {
            account_id: account_id.to_owned(),
            region: "eu-west-1".to_owned(),
            partition: "aws".to_owned(),
            timings: Timings::default(),
        }
    }
}
