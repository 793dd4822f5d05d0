//! Names of things: ARNs, and identifiers that look like AWS's but follow from
//! the account, the Region and a count, so that a run can be repeated exactly.

use crate::settings::Settings;

/// Spreads a count over all 64-bit numbers (the finalizer of SplitMix64).
fn spread(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Hashes a text to a number that is the same on every machine (FNV-1a).
fn number_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
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

    fn number(&mut self) -> u64 {
        self.issued += 1;
        spread(self.seed.wrapping_add(self.issued))
    }

    /// A number in the shape of a UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let (first, second) = (self.number(), self.number());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            first >> 32,
            (first >> 16) & 0xffff,
            first & 0xfff,
            0x8000 | ((second >> 48) & 0x3fff),
            second & 0xffff_ffff_ffff,
        )
    }

    /// The name CloudFormation gives a resource that has none of its own: the
    /// stack's, the logical id, and twelve letters and digits.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>.
    pub(crate) fn physical_id(&mut self, stack_name: &str, logical_id: &str) -> String {
        let end = self.number() & 0xffff_ffff_ffff;
        format!("{stack_name}-{logical_id}-{end:012X}")
    }
}

/// Makes the ARNs of one account and Region.
#[derive(Clone, Debug)]
pub(crate) struct Arns {
    prefix: String,
}

impl Arns {
    pub(crate) fn new(settings: &Settings) -> Self {
        let Settings {
            partition,
            region,
            account_id,
            ..
        } = settings;
        Arns {
            prefix: format!("arn:{partition}:cloudformation:{region}:{account_id}:"),
        }
    }

    pub(crate) fn stack(&self, name: &str, id: &str) -> String {
        format!("{}stack/{name}/{id}", self.prefix)
    }

    pub(crate) fn change_set(&self, name: &str, id: &str) -> String {
        format!("{}changeSet/{name}/{id}", self.prefix)
    }
}
