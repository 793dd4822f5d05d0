//! A target, fed by libFuzzer; `make fuzz` builds and runs it.
//!
//! One program for all targets: `PUSHBOAT_FUZZ_TARGET` names the one to feed.

#![no_main]

use std::sync::OnceLock;

use fuzz::{Target, mutation};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

static TARGET: OnceLock<Target> = OnceLock::new();

#[expect(
    clippy::disallowed_methods,
    reason = "libFuzzer reads the command line, so the target's name comes another way"
)]
fn target() -> Target {
    let name = std::env::var("PUSHBOAT_FUZZ_TARGET").unwrap_or_default();
    Target::named(&name).unwrap_or_else(|| panic!("PUSHBOAT_FUZZ_TARGET names no target: `{name}`"))
}

fuzz_target!(|input: &[u8]| TARGET.get_or_init(target).run(input));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // JSON is hardly ever still JSON after libFuzzer's own mutations: those get half of the tries.
    let of_json = || mutation::mutated(data.get(..size)?, u64::from(seed));
    match of_json().filter(|input| !seed.is_multiple_of(2) && input.len() <= max_size) {
        Some(input) => {
            data[..input.len()].copy_from_slice(&input);
            input.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
