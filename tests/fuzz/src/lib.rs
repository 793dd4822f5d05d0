//! What outside input is fed to, and what must hold whatever it is.
//!
//! A target is a plain function of bytes: it calls what the functions call and
//! asserts what has to be true of every input. `make fuzz` has libFuzzer choose
//! the input (`src/bin/fuzz.rs`); `tests/replay.rs` runs the committed corpus
//! and hostile input as ordinary tests. See `docs/fuzzing.md`.

mod memory;
pub mod mutation;
mod targets;

/// Something that reads outside input.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and its corpus's folder.
    pub name: &'static str,
    /// Feeds it and checks what came of it; panics where that is wrong.
    check: fn(&[u8]),
    /// How many bytes it may take at once for each byte of input.
    bytes_for_each: usize,
}

/// Every target.
pub const TARGETS: [Target; 9] = [
    Target::new("commands", targets::commands::check, 400),
    Target::new("configuration", targets::configuration::check, 400),
    Target::new("events", targets::events::check, 400),
    Target::new("manifests", targets::manifests::check, 16),
    Target::new("names", targets::names::check, 16),
    Target::new("records", targets::records::check, 400),
    Target::new("secrets", targets::secrets::check, 64),
    Target::new("tags", targets::tags::check, 64),
    Target::new("task-definitions", targets::task_definitions::check, 1200),
];

impl Target {
    const fn new(name: &'static str, check: fn(&[u8]), bytes_for_each: usize) -> Self {
        Self {
            name,
            check,
            bytes_for_each,
        }
    }

    /// Finds a target by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Feeds it, and checks that it took no more memory than the input's size allows.
    ///
    /// # Panics
    ///
    /// Where anything is wrong: that is how the fuzzer and the tests hear of it.
    pub fn run(&self, input: &[u8]) {
        targets::configuration::prepare();
        memory::bounded(input.len(), self.bytes_for_each, || (self.check)(input));
    }
}
