//! The functions as Lambda takes them, and the template that names them: built
//! by one `cargo build`, in the profile that everything else here is built in.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;
use tokio::process::Command;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::checkout::Checkout;
use crate::process;

/// The packages that are functions.
pub const FUNCTIONS: [&str; 8] = [
    "image-push",
    "service-change",
    "stack-change",
    "alarm",
    "rollout",
    "sweep",
    "notify",
    "operator",
];

/// Why there is nothing to deploy.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// Cargo could not be run.
    #[error("failed to run cargo")]
    NoCargo(#[source] io::Error),
    /// A function does not build.
    #[error("the functions do not build: see above what cargo says")]
    Build,
    /// Cargo built fewer programs than there are functions.
    #[error("cargo built no program for {function}")]
    NotBuilt {
        /// The function's package.
        function: &'static str,
    },
    /// A file cannot be read or written.
    #[error("failed to {action} {path}")]
    File {
        /// What was to be done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The template does not name each function's folder once.
    #[error("template.yaml names `CodeUri: functions/{function}/` {times} times, not once")]
    Template {
        /// The function's package.
        function: &'static str,
        /// How often it does.
        times: usize,
    },
    /// The template names more folders than there are functions.
    #[error("template.yaml has {found} functions, and {expected} are built here")]
    Functions {
        /// How many it has.
        found: usize,
        /// How many are built.
        expected: usize,
    },
}

/// What `sam deploy` is given.
#[derive(Clone, Debug)]
pub struct Staged {
    /// The template, its functions' code being packages for this machine's architecture.
    pub template: PathBuf,
}

impl Staged {
    /// Builds the functions and puts them below `.build`, packed, beside the template.
    ///
    /// Cargo's own progress goes to standard error.
    ///
    /// # Errors
    ///
    /// Says what does not build, or what the template lacks.
    pub async fn build(checkout: &Checkout) -> Result<Self, StagingError> {
        let programs = build(checkout.root()).await?;
        let folder = checkout.root().join(".build");
        let packages = folder.join("functions");
        fs::create_dir_all(&packages).map_err(file("make", &packages))?;
        for function in FUNCTIONS {
            let built = programs.iter().find(|program| program.ends_with(function));
            let built = built.ok_or(StagingError::NotBuilt { function })?;
            let package = packages.join(format!("{function}.zip"));
            replace(&package, |path| pack(built, path))?;
        }
        let template = checkout.root().join("template.yaml");
        let text = fs::read_to_string(&template).map_err(file("read", &template))?;
        let text = with_packages(&text)?;
        let template = folder.join("template.yaml");
        replace(&template, |path| fs::write(path, &text))?;
        Ok(Staged { template })
    }
}

/// The word that the template's parameter `Architecture` has for this machine.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

/// Builds all functions at once and gives back the programs' paths.
async fn build(root: &Path) -> Result<Vec<PathBuf>, StagingError> {
    let mut command = Command::new(cargo());
    command
        .current_dir(root)
        // For the whole workspace: cargo would choose other features of what the
        // functions share with it otherwise, and compile the AWS SDK a second time.
        .args([
            "build",
            "--workspace",
            "--message-format=json-render-diagnostics",
        ])
        .args(FUNCTIONS.map(|function| format!("--bin={function}")));
    for variable in inherited_from_cargo() {
        command.env_remove(variable);
    }
    let mut programs = Vec::new();
    let status = process::run(&mut command, |line| {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        if message["reason"] == "compiler-artifact"
            && let Some(program) = message["executable"].as_str()
        {
            programs.push(PathBuf::from(program));
        }
    });
    let status = status.await.map_err(StagingError::NoCargo)?;
    if status.success() {
        Ok(programs)
    } else {
        Err(StagingError::Build)
    }
}

/// The cargo that runs us, or else the one on the PATH.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo says in its environment which cargo it is"
)]
fn cargo() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// What cargo set for us alone. Build scripts that look at such a variable would
/// run again each time that this build and a person's own take turns.
/// <https://doc.rust-lang.org/cargo/reference/environment-variables.html>
fn inherited_from_cargo() -> Vec<String> {
    let is_inherited = |name: &String| {
        name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
            || name.starts_with("CARGO_BIN_")
            || name.starts_with("NEXTEST")
            || [
                "CARGO",
                "CARGO_CRATE_NAME",
                "CARGO_PRIMARY_PACKAGE",
                "OUT_DIR",
            ]
            .contains(&name.as_str())
    };
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(is_inherited)
        .collect()
}

/// Packs a program as Lambda takes it. Uncompressed: SAM would take twice as long over
/// the compression as over all else.
/// <https://docs.aws.amazon.com/lambda/latest/dg/rust-package.html>
fn pack(program: &Path, package: &Path) -> io::Result<()> {
    let mut archive = ZipWriter::new(File::create(package)?);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .unix_permissions(0o755);
    archive.start_file("bootstrap", options)?;
    archive.write_all(&fs::read(program)?)?;
    archive.finish()?;
    Ok(())
}

/// Points each function's `CodeUri` at its package and leaves all else as it is.
fn with_packages(template: &str) -> Result<String, StagingError> {
    let found = template.matches("CodeUri:").count();
    let expected = FUNCTIONS.len();
    if found != expected {
        return Err(StagingError::Functions { found, expected });
    }
    let mut text = template.to_owned();
    for function in FUNCTIONS {
        let folder = format!("CodeUri: functions/{function}/\n");
        let times = template.matches(&folder).count();
        if times != 1 {
            return Err(StagingError::Template { function, times });
        }
        text = text.replace(&folder, &format!("CodeUri: functions/{function}.zip\n"));
    }
    Ok(text)
}

/// Makes a file beside its place and moves it there, so that nobody sees half of it.
fn replace(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), StagingError> {
    let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
    make(&unfinished).map_err(file("write", &unfinished))?;
    fs::rename(&unfinished, path).map_err(file("write", path))
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StagingError {
    let path = path.to_owned();
    move |source| StagingError::File {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_places_of_the_code_differ_in_the_staged_template() {
        let template = include_str!("../../../template.yaml");
        let staged = with_packages(template).unwrap();
        let lines = template.lines().zip(staged.lines());
        let differing: Vec<(&str, &str)> =
            lines.filter(|(before, after)| before != after).collect();
        assert_eq!(differing.len(), FUNCTIONS.len());
        for (before, after) in differing {
            assert!(before.contains("CodeUri: functions/"), "{before}");
            assert!(after.ends_with(".zip"), "{after}");
        }
        assert_eq!(template.lines().count(), staged.lines().count());
    }

    #[test]
    fn a_package_holds_the_program_as_bootstrap_for_everybody_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("package.zip");
        pack(&std::env::current_exe().unwrap(), &package).unwrap();
        let mut archive = zip::ZipArchive::new(File::open(package).unwrap()).unwrap();
        let program = archive.by_name("bootstrap").unwrap();
        assert_eq!(program.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        let size = fs::metadata(std::env::current_exe().unwrap())
            .unwrap()
            .len();
        assert_eq!(program.size(), size);
    }

    #[test]
    fn a_function_that_is_not_staged_is_told() {
        let template = include_str!("../../../template.yaml");
        let more = format!("{template}\n      CodeUri: functions/broom/\n");
        let Err(StagingError::Functions { found, expected }) = with_packages(&more) else {
            panic!("one function too many was staged");
        };
        assert_eq!((found, expected), (FUNCTIONS.len() + 1, FUNCTIONS.len()));
        let other = template.replace("functions/sweep/", "functions/broom/");
        assert!(matches!(
            with_packages(&other),
            Err(StagingError::Template {
                function: "sweep",
                times: 0
            })
        ));
    }
}
