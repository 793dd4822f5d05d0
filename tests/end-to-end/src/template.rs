//! Templates of CloudFormation as JSON, read by the Python tools that know their YAML.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::checkout::Checkout;
use crate::process;

/// Why a template is not read.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The tool could not be run.
    #[error("failed to run {tool}")]
    Run {
        /// The tool.
        tool: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The tool does not take the template.
    #[error("{tool} refuses {template}:\n{said}")]
    Refused {
        /// The tool.
        tool: &'static str,
        /// The template.
        template: PathBuf,
        /// What it said.
        said: String,
    },
}

/// The template after the SAM transform: what CloudFormation is to make.
///
/// # Errors
///
/// Says what the SAM translator complains of.
pub async fn translated(checkout: &Checkout, template: &Path) -> Result<Value, TemplateError> {
    printed(checkout, "tests/tools/translate", &[], template).await
}

/// The template as it is, its short tags written out.
///
/// # Errors
///
/// It is not the YAML that CloudFormation takes.
pub async fn plain(checkout: &Checkout, template: &Path) -> Result<Value, TemplateError> {
    printed(checkout, "tests/tools/examples", &["json"], template).await
}

/// The JSON that a tool prints of a template.
async fn printed(
    checkout: &Checkout,
    tool: &'static str,
    arguments: &[&str],
    template: &Path,
) -> Result<Value, TemplateError> {
    let mut command = Command::new(checkout.sam_python());
    command
        .arg(checkout.root().join(tool))
        .args(arguments)
        .arg(template)
        .stderr(Stdio::piped());
    let mut said = String::new();
    let ended = process::run(&mut command, |line| {
        said.push_str(line);
        said.push('\n');
    });
    let status = ended
        .await
        .map_err(|source| TemplateError::Run { tool, source })?;
    let read = status.success().then(|| serde_json::from_str(&said).ok());
    read.flatten().ok_or_else(|| TemplateError::Refused {
        tool,
        template: template.to_owned(),
        said,
    })
}
