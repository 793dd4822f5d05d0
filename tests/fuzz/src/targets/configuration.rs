//! A target's parameter.

use pushboat::core::ordering::pattern_problem;
use pushboat::core::policy::TagPolicy;
use pushboat::target;

use super::{reads_back, target_name, told};

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
        }
        Err(mistakes) => told(&mistakes),
    }
}
