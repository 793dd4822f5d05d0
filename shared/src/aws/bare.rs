//! A service without its SDK crate, for which few operations are needed.
//!
//! A service's own SDK crate brings its endpoint rules, and for each operation a
//! builder, a serializer and a deserializer: more than the package of `rollout`
//! has room for. The parts below it do here what they do for every other
//! service: signing, retries, timeouts, HTTP. What a request and an answer look
//! like say [`query`](super::query) and [`json`](super::json).

use std::error::Error;
use std::fmt;

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};

use super::client::Clients;

/// The domains of the partitions whose Regions begin so; every other one has `amazonaws.com`.
///
/// Source: the partitions that the AWS SDK for Rust holds (`partitions.json`).
const DOMAINS: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
];

/// What every call names itself by, in the owner's trail.
const USER_AGENT: &str = concat!("pushboat/", env!("CARGO_PKG_VERSION"));

/// What a call came to, when it did not succeed.
pub(super) type BareError = SdkError<Answered, HttpResponse>;

/// An error as a service answers it.
#[derive(Clone, Debug)]
pub(super) struct Answered(ErrorMetadata);

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Answered {}

impl ProvideErrorMetadata for Answered {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// How often a call is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tries {
    /// As often as the shared clients do: repeating it does no harm.
    Several,
    /// Once.
    Once,
}

/// A request, as its protocol has it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) content_type: &'static str,
    /// What the header `X-Amz-Target` says, where the protocol names the operation there.
    pub(super) target: Option<String>,
    pub(super) body: String,
}

/// What reads an error out of an answer's body.
pub(super) type ReadError = fn(&[u8]) -> Option<ErrorMetadata>;

/// A service without its SDK crate.
#[derive(Clone, Debug)]
pub(super) struct Bare {
    config: SdkConfig,
    service: &'static str,
    endpoint: String,
    timeouts: TimeoutConfig,
}

impl Bare {
    /// Makes it on the shared clients; `service` stands in the host name and in the signature.
    pub(super) fn new(clients: &Clients, service: &'static str) -> Self {
        let config = clients.config.clone();
        let region = config.region().map(Region::as_ref).unwrap_or_default();
        let endpoint = match config.endpoint_url() {
            Some(endpoint) => endpoint.to_owned(),
            None => format!("https://{service}.{region}.{}", domain(region)),
        };
        let timeouts = match config.timeout_config() {
            Some(timeouts) => timeouts.clone(),
            None => TimeoutConfig::disabled(),
        };
        Self {
            config,
            service,
            endpoint,
            timeouts,
        }
    }

    /// Gives calls another time to end in.
    pub(super) fn within(self, timeouts: TimeoutConfig) -> Self {
        Self { timeouts, ..self }
    }

    /// Calls `operation` and answers the body.
    pub(super) async fn call(
        &self,
        operation: &'static str,
        tries: Tries,
        request: Request,
        error: ReadError,
    ) -> Result<String, BareError> {
        let mut call = Operation::builder()
            .service_name(self.service)
            .operation_name(operation)
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .retry_classifier(TransientErrorClassifier::<Answered>::new())
            .retry_classifier(AwsErrorCodeClassifier::<Answered>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .runtime_plugin(self.signing())
            .timeout_config(self.timeouts.clone());
        if let Some(client) = self.config.http_client() {
            call = call.http_client(client);
        }
        let standard = RetryConfig::standard();
        call = match tries {
            Tries::Several => call.standard_retry(self.config.retry_config().unwrap_or(&standard)),
            Tries::Once => call.standard_retry(&RetryConfig::disabled()),
        };
        let read = move |response: &HttpResponse| answer(response, error);
        let call = call.serializer(written).deserializer(read).build();
        call.invoke(request).await
    }

    /// Has calls signed with the shared clients' credentials.
    fn signing(&self) -> StaticRuntimePlugin {
        let mut layer = Layer::new("signing");
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(SigV4OperationSigningConfig::default());
        layer.store_put(SigningName::from_static(self.service));
        if let Some(region) = self.config.region() {
            layer.store_put(SigningRegion::from(region.clone()));
        }
        let schemes = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
        let mut components = RuntimeComponentsBuilder::new("signing")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(schemes));
        if let Some(provider) = self.config.credentials_provider() {
            let provider = SharedIdentityResolver::new(provider);
            components = components.with_identity_resolver(SCHEME_ID, provider);
        }
        StaticRuntimePlugin::new()
            .with_config(layer.freeze())
            .with_runtime_components(components)
    }
}

fn domain(region: &str) -> &'static str {
    let mut domains = DOMAINS.iter();
    let found = domains.find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("amazonaws.com", |(_, domain)| domain)
}

fn written(request: Request) -> Result<HttpRequest, BoxError> {
    let mut written = HttpRequest::new(SdkBody::from(request.body));
    written.set_method("POST")?;
    let headers = written.headers_mut();
    headers.try_insert("content-type", request.content_type)?;
    headers.try_insert("user-agent", USER_AGENT)?;
    if let Some(target) = request.target {
        headers.try_insert("x-amz-target", target)?;
    }
    Ok(written)
}

fn answer(
    response: &HttpResponse,
    error: ReadError,
) -> Result<String, OrchestratorError<Answered>> {
    let body = response.body().bytes().unwrap_or_default();
    if !response.status().is_success() {
        // What is no error of the service, such as a proxy's page, has neither code nor message.
        let answered = error(body).unwrap_or_default();
        return Err(OrchestratorError::operation(Answered(answered)));
    }
    let body = String::from_utf8(body.to_vec());
    body.map_err(|error| OrchestratorError::other(error.to_string()))
}

/// Makes what an error says of itself out of what was found of it.
pub(super) fn metadata(code: Option<String>, message: Option<String>) -> ErrorMetadata {
    let mut found = ErrorMetadata::builder();
    if let Some(code) = code {
        found = found.code(code);
    }
    if let Some(message) = message {
        found = found.message(message);
    }
    found.build()
}
