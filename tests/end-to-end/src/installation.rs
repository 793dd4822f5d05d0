//! Pushboat installed on a local AWS by `sam deploy`, and found complete.

use std::collections::BTreeMap;
use std::io;
use std::process::Stdio;

use tokio::process::Command;

use crate::aws::{Aws, AwsError};
use crate::checkout::Checkout;
use crate::process;
use crate::resource::{self, Resources};
use crate::stack;
use crate::staging::{Staged, architecture};
use crate::template::{self, TemplateError};

/// Why Pushboat is not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// A program could not be run.
    #[error("failed to run {program}")]
    Run {
        /// The program.
        program: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `sam deploy` failed.
    #[error("sam deploy ended with {status}; the end of what it said:\n{tail}")]
    Deploy {
        /// How it ended.
        status: String,
        /// Its last lines.
        tail: String,
    },
    /// The template cannot be translated.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// CloudFormation does not tell what it made.
    #[error("what the stack made cannot be read")]
    Describe(#[from] AwsError),
    /// The stack has no such output.
    #[error("the stack has no output {name}")]
    NoOutput {
        /// The output's name.
        name: &'static str,
    },
    /// The stack is there, but not whole.
    #[error("after the deploy {} resources are missing:\n{}", missing.len(), missing.join("\n"))]
    Incomplete {
        /// A sentence for each.
        missing: Vec<String>,
    },
}

/// An installed Pushboat.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The stack's name.
    pub stack_name: String,
    /// What the stack made.
    pub resources: Resources,
    /// The topic that notices are published to.
    pub topic_arn: String,
    /// The ledger.
    pub ledger_table: String,
    /// The queue in front of `rollout`.
    pub queue_url: String,
}

impl Installation {
    /// Deploys the staged template with these parameters and checks that every
    /// resource of it exists; `on_line` gets what the SAM CLI says, line by line.
    ///
    /// # Errors
    ///
    /// Says what `sam deploy` complains of, or which resources are missing.
    pub async fn deploy(
        checkout: &Checkout,
        staged: &Staged,
        aws: &Aws,
        parameters: &[(&str, &str)],
        on_line: impl FnMut(&str),
    ) -> Result<Self, InstallError> {
        let stack_name = "pushboat";
        let mut parameters: BTreeMap<String, String> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        parameters.insert("Architecture".to_owned(), architecture().to_owned());
        let deploying = sam_deploy(checkout, staged, aws, stack_name, &parameters, on_line);
        let (deployed, template) =
            tokio::join!(deploying, template::translated(checkout, &staged.template));
        deployed?;
        let template = template?;
        let resources = resource::resources(aws, stack_name).await?;
        let missing = resource::missing(aws, &template, &parameters, &resources).await;
        if !missing.is_empty() {
            return Err(InstallError::Incomplete { missing });
        }
        let mut outputs = stack::outputs(aws, stack_name).await?;
        let mut output =
            |name: &'static str| outputs.remove(name).ok_or(InstallError::NoOutput { name });
        Ok(Installation {
            topic_arn: output("NotificationTopicArn")?,
            ledger_table: output("LedgerTableName")?,
            queue_url: output("QueueUrl")?,
            stack_name: stack_name.to_owned(),
            resources,
        })
    }

    /// The physical id of a resource; empty where the template has none of this name.
    pub fn physical_id(&self, logical_id: &str) -> &str {
        let found = self.resources.get(logical_id);
        found.map_or("", |resource| resource.physical_id.as_str())
    }
}

async fn sam_deploy(
    checkout: &Checkout,
    staged: &Staged,
    aws: &Aws,
    stack_name: &str,
    parameters: &BTreeMap<String, String>,
    mut on_line: impl FnMut(&str),
) -> Result<(), InstallError> {
    let mut command = Command::new(checkout.sam());
    command
        // Away from samconfig.toml, which is for a person's own account.
        .current_dir(staged.template.parent().unwrap_or(checkout.root()))
        .arg("deploy")
        .arg("--template-file")
        .arg(&staged.template)
        .args(["--stack-name", stack_name, "--resolve-s3"])
        .args(["--capabilities", "CAPABILITY_IAM"])
        .args(["--no-confirm-changeset", "--no-fail-on-empty-changeset"])
        .arg("--parameter-overrides")
        .args(parameters.iter().map(override_argument))
        .envs([
            ("AWS_ENDPOINT_URL", aws.endpoint_url()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_DEFAULT_REGION", aws.region()),
            ("AWS_REGION", aws.region()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("SAM_CLI_TELEMETRY", "0"),
            // Seconds between two looks at the stack: 5 where nothing is said.
            ("SAM_CLI_POLL_DELAY", "0.2"),
            ("PYTHONUNBUFFERED", "1"),
        ])
        .env_remove("AWS_PROFILE")
        .env_remove("AWS_SESSION_TOKEN")
        .stderr(Stdio::piped());
    let mut said = Vec::new();
    let ended = process::run(&mut command, |line| {
        on_line(line);
        said.push(line.to_owned());
    });
    let status = ended.await.map_err(|source| InstallError::Run {
        program: "sam deploy",
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(InstallError::Deploy {
        status: status.to_string(),
        tail: said[said.len().saturating_sub(30)..].join("\n"),
    })
}

/// `Name="value"`, as `--parameter-overrides` takes it: the quotes are the SAM CLI's own.
fn override_argument((name, value): (&String, &String)) -> String {
    format!("{name}=\"{value}\"")
}
