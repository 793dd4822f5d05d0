//! The repository's checkout and the Python tools that `make tools` puts into it.

use std::fs;
use std::path::{Path, PathBuf};

/// What is missing in the checkout.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// The sources are not where they were when this was built.
    #[error("there is no template.yaml in {root}: build again in the checkout you run from")]
    Moved {
        /// Where it should be.
        root: PathBuf,
    },
    /// A tool was never set up.
    #[error("{package} is not set up below .venv/{tool}: run `make tools`")]
    ToolMissing {
        /// The virtual environment's name.
        tool: &'static str,
        /// The package.
        package: &'static str,
    },
    /// A tool is another version than is pinned.
    #[error(
        "{package} below .venv/{tool} is version {found}, and {pinned} is needed: \
         remove .venv/{tool} and run `make tools`"
    )]
    ToolVersion {
        /// The virtual environment's name.
        tool: &'static str,
        /// The package.
        package: &'static str,
        /// What is there.
        found: String,
        /// What `tests/tools` asks for.
        pinned: String,
    },
}

/// The repository's checkout.
#[derive(Clone, Debug)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// Finds the checkout that this program was built from, and the tools in it.
    ///
    /// # Errors
    ///
    /// Says what is missing and how to get it.
    pub fn find() -> Result<Self, CheckoutError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = fs::canonicalize(&root).unwrap_or(root);
        if !root.join("template.yaml").is_file() {
            return Err(CheckoutError::Moved { root });
        }
        let checkout = Checkout { root };
        checkout.check("ministack", "ministack")?;
        checkout.check("sam", "aws-sam-cli")?;
        Ok(checkout)
    }

    /// The folder that holds `template.yaml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The program that [`LocalAws`](local_aws::LocalAws) runs.
    pub fn ministack(&self) -> PathBuf {
        self.root.join(".venv/ministack/bin/ministack")
    }

    /// The SAM CLI.
    pub fn sam(&self) -> PathBuf {
        self.root.join(".venv/sam/bin/sam")
    }

    /// The interpreter that has the SAM CLI's libraries.
    pub fn sam_python(&self) -> PathBuf {
        self.root.join(".venv/sam/bin/python")
    }

    /// Compares what is installed with what `tests/tools/<tool>.in` pins.
    fn check(&self, tool: &'static str, package: &'static str) -> Result<(), CheckoutError> {
        let environment = self.root.join(".venv").join(tool);
        let missing = CheckoutError::ToolMissing { tool, package };
        // Made last, once everything is installed.
        if !environment.join(".ready").is_file() {
            return Err(missing);
        }
        let pins = self.root.join(format!("tests/tools/{tool}.in"));
        let pins = fs::read_to_string(pins).unwrap_or_default();
        let pinned = pinned_version(&pins, package);
        match (installed_version(&environment, package), pinned) {
            (None, _) | (_, None) => Err(missing),
            (Some(found), Some(pinned)) if found == pinned => Ok(()),
            (Some(found), Some(pinned)) => Err(CheckoutError::ToolVersion {
                tool,
                package,
                found,
                pinned: pinned.to_owned(),
            }),
        }
    }
}

/// The version in the line `package==version`.
fn pinned_version<'a>(pins: &'a str, package: &str) -> Option<&'a str> {
    pins.lines().find_map(|line| {
        let (name, version) = line.trim().split_once("==")?;
        (name == package).then_some(version)
    })
}

/// The version in the name of the folder `package-version.dist-info`.
/// <https://packaging.python.org/en/latest/specifications/recording-installed-packages/>
fn installed_version(environment: &Path, package: &str) -> Option<String> {
    let prefix = format!("{}-", package.replace('-', "_"));
    let libraries = fs::read_dir(environment.join("lib")).ok()?;
    libraries.flatten().find_map(|python| {
        let packages = fs::read_dir(python.path().join("site-packages")).ok()?;
        packages.flatten().find_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_suffix(".dist-info")?.strip_prefix(&prefix)?;
            Some(version.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_of_a_package_is_found_among_others() {
        let pins = "ministack==1.5.33\naws-sam-translator==1.115.0\n";
        assert_eq!(pinned_version(pins, "ministack"), Some("1.5.33"));
        assert_eq!(pinned_version(pins, "mini"), None);
    }

    #[test]
    fn every_tool_that_is_looked_for_is_pinned() {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools");
        for (tool, package) in [("ministack", "ministack"), ("sam", "aws-sam-cli")] {
            let pins = fs::read_to_string(tools.join(format!("{tool}.in"))).unwrap();
            assert!(pinned_version(&pins, package).is_some(), "{package}");
        }
    }
}
