//! The one way in which all functions make their AWS clients.
//!
//! Region and credentials come from the variables that Lambda sets, so that
//! nothing is looked for in files or asked of a metadata service, and five
//! embedded root certificates spare the search for the machine's. Both were
//! most of what a client of `aws-config` spends before its first call.

use std::fmt;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one attempt of a call may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a call may take, with all its attempts.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
/// How often a call is tried where repeating it does no harm.
const ATTEMPTS: u32 = 3;

/// The roots that AWS's certificates end in.
///
/// Amazon Root CA 1 to 4 and Starfield Services Root CA - G2, from the
/// repository at <https://www.amazontrust.com/repository/>; AWS asks clients
/// that pin roots to trust all five.
const ROOTS: &str = include_str!("roots.pem");

/// What Lambda's environment variables say that clients need.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`; a user's own keys have none.
    pub session_token: Option<String>,
    /// `AWS_ENDPOINT_URL`: another endpoint for all services, such as the local AWS.
    pub endpoint_url: Option<String>,
}

/// An environment variable is not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} is not set; Lambda sets it, elsewhere set it yourself")]
pub struct MissingVariable {
    /// Its name.
    pub name: &'static str,
}

impl Environment {
    /// Reads the variables through `variable`, which answers `None` for one that is not set.
    ///
    /// Source: Lambda developer guide, "Defined runtime environment variables";
    /// AWS SDKs and Tools reference guide, "Service-specific endpoints".
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, MissingVariable> {
        let optional = |name| variable(name).filter(|value| !value.is_empty());
        let required = |name| optional(name).ok_or(MissingVariable { name });
        Ok(Self {
            region: required("AWS_REGION")?,
            access_key_id: required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
            session_token: optional("AWS_SESSION_TOKEN"),
            endpoint_url: optional("AWS_ENDPOINT_URL"),
        })
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The keys stay out of every log.
        f.debug_struct("Environment")
            .field("region", &self.region)
            .field("endpoint_url", &self.endpoint_url)
            .finish_non_exhaustive()
    }
}

/// What all clients of one process share: connections, credentials, timeouts.
#[derive(Clone, Debug)]
pub struct Clients {
    pub(super) config: SdkConfig,
    pub(super) connector: SharedHttpConnector,
}

impl Clients {
    /// Makes them ready; no call is sent and no connection opened.
    #[must_use]
    pub fn new(environment: &Environment) -> Self {
        Self::over(environment, SharedHttpConnector::new(connector()))
    }

    /// Makes them ready over a given way to send HTTP requests.
    pub(super) fn over(environment: &Environment, connector: SharedHttpConnector) -> Self {
        let credentials = Credentials::new(
            &environment.access_key_id,
            &environment.secret_access_key,
            environment.session_token.clone(),
            None,
            "environment",
        );
        let shared = connector.clone();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(environment.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http_client_fn(move |_, _| shared.clone()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            )
            // Bodies are small and whole: the attempt's timeout covers them.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_endpoint_url(environment.endpoint_url.clone());
        Self {
            config: config.build(),
            connector,
        }
    }
}

/// Makes the one HTTP client, which does https as well as the plain http of a local endpoint.
fn connector() -> Connector {
    let trust = TrustStore::empty().with_pem_certificate(ROOTS);
    let connector = Connector::builder()
        .connector_settings(
            HttpConnectorSettings::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(ATTEMPT_TIMEOUT)
                .build(),
        )
        .tls_provider(Provider::rustls(CryptoMode::Ring));
    match TlsContext::builder().with_trust_store(trust).build() {
        Ok(context) => connector.tls_context(context).build(),
        // Building a context does not fail today; were it to, the machine's roots do as well.
        Err(_) => connector.build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(name: &str) -> Option<String> {
        match name {
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" => Some("AKIDEXAMPLE".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("wJalrXUtnFEMI".to_owned()),
            "AWS_SESSION_TOKEN" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn lambdas_variables_are_read_and_empty_ones_count_as_unset() {
        let environment = Environment::read(variables).unwrap();
        assert_eq!(environment.region, "eu-west-1");
        assert_eq!(environment.session_token, None);
        assert_eq!(environment.endpoint_url, None);
    }

    #[test]
    fn a_missing_variable_is_named() {
        let without =
            |missing: &'static str| move |name: &str| variables(name).filter(|_| name != missing);
        for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            assert_eq!(
                Environment::read(without(name)),
                Err(MissingVariable { name })
            );
        }
    }

    #[test]
    fn keys_do_not_reach_a_log() {
        let environment = Environment::read(variables).unwrap();
        let shown = format!("{environment:?} {:?}", Clients::new(&environment));
        assert!(!shown.contains("wJalrXUtnFEMI"), "{shown}");
    }

    #[test]
    fn the_embedded_roots_are_five_that_rustls_takes() {
        assert_eq!(ROOTS.matches("BEGIN CERTIFICATE").count(), 5);
        // Panics where one of them cannot be parsed.
        let _ = connector();
    }
}
