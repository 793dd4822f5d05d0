//! A target's parameter.

use std::sync::LazyLock;

use boon::{Compiler, SchemaIndex, Schemas};
use pushboat::core::ordering::pattern_problem;
use pushboat::core::policy::TagPolicy;
use pushboat::target;

use super::{reads_back, target_name, told};

/// The schema that is published for people's editors, and where it begins.
static SCHEMA: LazyLock<(Schemas, SchemaIndex)> = LazyLock::new(|| {
    const NAME: &str = "https://pushboat.invalid/target.schema.json";
    let text = include_str!("../../../../docs/target.schema.json");
    let schema = serde_json::from_str(text).expect("it is JSON");
    let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
    let added = compiler.add_resource(NAME, schema);
    added.expect("its name is an address");
    let root = compiler.compile(NAME, &mut schemas);
    (schemas, root.expect("it is a schema"))
});

/// Reads the schema, which takes more memory than a target may.
pub(crate) fn prepare() {
    LazyLock::force(&SCHEMA);
}

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match target::parse(&target_name(), text) {
        Ok(policy) => {
            assert!((1..=10).contains(&policy.images.len()));
            assert!(policy.alarms.len() <= 20);
            assert!(policy.bake_time_seconds <= target::MOST_BAKE_TIME_SECONDS);
            assert!(!policy.needs_no_consent, "only the template's own service");
            for image in &policy.images {
                assert_eq!(policy.image(&image.repository), Some(image));
                if let TagPolicy::Glob(patterns) = &image.tags {
                    let mut problems = patterns.iter().filter_map(|one| pattern_problem(one));
                    assert_eq!(problems.next(), None);
                }
            }
            reads_back(&policy);
            let document = serde_json::from_str(text).expect("it was read already");
            let (schemas, root) = &*SCHEMA;
            if let Err(error) = schemas.validate(&document, *root) {
                panic!("an editor would mark what is accepted: {error:#}");
            }
        }
        Err(mistakes) => told(&mistakes),
    }
}
