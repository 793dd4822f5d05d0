//! A failing seed made short: what happens and goes wrong in it is left out, as
//! long as the same invariant is still violated.

use std::collections::BTreeSet;
use std::fmt;

use super::mix::{Mix, Trouble};
use super::run::{Run, run_part};

/// The part of a seed that is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which of the things that happen, counted from 0; all of them where it is not said.
    pub happenings: Option<BTreeSet<usize>>,
    /// Which of its faults are met, of those that the seed draws.
    pub faults: Mix,
}

impl fmt::Display for Part {
    /// As the command line of `simulate` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(happenings) = &self.happenings {
            let only: Vec<String> = happenings.iter().map(usize::to_string).collect();
            write!(
                f,
                " --only {}",
                if only.is_empty() {
                    "none".to_owned()
                } else {
                    only.join(",")
                }
            )?;
        }
        let left_out = Trouble::all().filter(|trouble| !self.faults.has(*trouble));
        let left_out: Vec<&str> = left_out.map(Trouble::as_str).collect();
        if !left_out.is_empty() {
            write!(f, " --without {}", left_out.join(","))?;
        }
        Ok(())
    }
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self {
        happenings: None,
        faults: Mix::ALL,
    };

    pub(super) fn has(&self, happening: usize) -> bool {
        let happenings = self.happenings.as_ref();
        happenings.is_none_or(|happenings| happenings.contains(&happening))
    }
}

/// Finds a small part of a failing seed that violates the same invariant of the same target.
///
/// Answers nothing where the seed does not fail.
#[must_use]
pub fn shrink(seed: u64, mix: Mix) -> Option<(Part, Run)> {
    let whole = run_part(seed, mix, &Part::WHOLE, false);
    let first = whole.violations.first()?;
    let (invariant, target) = (first.invariant, first.target.clone());
    let fails = |part: &Part| {
        let run = run_part(seed, mix, part, false);
        let mut violations = run.violations.iter();
        violations.any(|one| one.invariant == invariant && one.target == target)
    };
    let mut part = Part {
        happenings: Some((0..whole.happenings).collect()),
        ..Part::WHOLE
    };
    leave_out_faults(&mut part, &fails);
    leave_out_happenings(&mut part, &fails);
    leave_out_faults(&mut part, &fails);
    let run = run_part(seed, mix, &part, true);
    Some((part, run))
}

fn leave_out_faults(part: &mut Part, fails: &impl Fn(&Part) -> bool) {
    for trouble in Trouble::all() {
        let smaller = Part {
            faults: part.faults.without(trouble),
            ..part.clone()
        };
        if smaller != *part && fails(&smaller) {
            *part = smaller;
        }
    }
}

/// Leaves out halves, then quarters, and in the end one after the other.
fn leave_out_happenings(part: &mut Part, fails: &impl Fn(&Part) -> bool) {
    let Some(mut kept) = part.happenings.clone() else {
        return;
    };
    let mut size = kept.len().div_ceil(2);
    while size > 0 {
        let all: Vec<usize> = kept.iter().rev().copied().collect();
        for chunk in all.chunks(size) {
            let fewer: BTreeSet<usize> = kept
                .iter()
                .copied()
                .filter(|one| !chunk.contains(one))
                .collect();
            let smaller = Part {
                happenings: Some(fewer.clone()),
                ..part.clone()
            };
            if fails(&smaller) {
                kept = fewer;
            }
        }
        size /= 2;
    }
    part.happenings = Some(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let mut part = Part {
            happenings: Some((0..40).collect()),
            ..Part::WHOLE
        };
        let fails = |part: &Part| part.has(7) && part.has(30) && part.faults.has(Trouble::Lag);
        leave_out_faults(&mut part, &fails);
        leave_out_happenings(&mut part, &fails);
        assert_eq!(part.happenings, Some([7, 30].into()));
        let left = Trouble::all().filter(|trouble| part.faults.has(*trouble));
        assert_eq!(left.collect::<Vec<_>>(), [Trouble::Lag]);
    }

    #[test]
    fn a_seed_that_holds_is_not_made_short() {
        assert_eq!(shrink(1, Mix::NONE).map(|(part, _)| part), None);
    }
}
