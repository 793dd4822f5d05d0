//! Scenarios as text: a script in, a transcript out, reviewed as a diff.
//!
//! Each file of `tests/scenarios` is one test. It says in plain words what it
//! shows and who asks for it, then what happens when, and below `---` what
//! Pushboat did and told. `UPDATE_SCENARIOS=1` rewrites the part below.
//! How to write one stands in `docs/simulation.md`.

mod action;
mod definition;
mod difference;
mod observed;
mod options;
mod plain;
mod play;
mod script;
mod somebody;
mod standing;
mod told;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::script::Scenario;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    #[expect(
        clippy::disallowed_methods,
        reason = "it is how a person says that transcripts are to be rewritten"
    )]
    let update = std::env::var_os("UPDATE_SCENARIOS").is_some_and(|value| value != "0");
    let mut trials: Vec<Trial> = files()
        .into_iter()
        .map(|path| trial(path, update))
        .collect();
    trials.extend(script::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the folder of the scenarios exists");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    files
}

fn trial(path: PathBuf, update: bool) -> Trial {
    let stem = path.file_stem().unwrap_or_default();
    let name = stem.to_string_lossy().into_owned();
    Trial::test(name, move || check(&path, update))
}

/// Plays a file and compares what it gives, or writes it down.
fn check(path: &Path, update: bool) -> Result<(), Failed> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let text = fs::read_to_string(path)?;
    let scenario = Scenario::parse(&text).map_err(|mistake| mistake.told(&name))?;
    let transcript = play::play(&scenario).map_err(|mistake| mistake.told(&name))?;
    if transcript == scenario.expected {
        return Ok(());
    }
    if update {
        fs::write(path, format!("{}---\n{transcript}", scenario.script))?;
        return Ok(());
    }
    let difference = difference::difference(&scenario.expected, &transcript);
    let advice = "UPDATE_SCENARIOS=1 writes the new transcript down; read it before you commit it.";
    Err(format!("{name} gives another transcript:\n{difference}{advice}").into())
}
