//! What a request asks for: the service, the operation, and the thing it concerns.

use hyper::Method;
use serde_json::Value;

use crate::http::Request;

/// How a service writes its errors.
/// <https://smithy.io/2.0/aws/protocols/index.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// awsJson1.0 and 1.1, named by `X-Amz-Target`.
    Json,
    /// awsQuery: a form in, XML out.
    Query,
    /// restJson1, as Lambda speaks it.
    RestJson,
    /// restXml, as S3 speaks it.
    RestXml,
    /// rpcv2Cbor, as CloudWatch speaks it with newer SDKs.
    Cbor,
    /// The OCI distribution protocol of ECR's registry.
    Registry,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The signing name, such as `ecs`; `registry` for `/v2/`.
    pub(crate) service: String,
    /// The operation, such as `UpdateService`; `PutManifest` and the like for
    /// the registry; the method where nothing better is known.
    pub(crate) operation: String,
    /// What it concerns, in short; empty where nothing says.
    pub(crate) resource: String,
    /// How its errors are written.
    pub(crate) protocol: Protocol,
}

impl Call {
    /// Reads a request's service from the scope of its SigV4 credential, and its
    /// operation from `X-Amz-Target`, the form, or the path.
    pub(crate) fn of(request: &Request) -> Call {
        let scope = credential_scope_service(request);
        let path = request.path();
        if scope.is_none() && (path == "/v2" || path.starts_with("/v2/")) {
            return registry_call(request);
        }
        if let Some(target) = request.header("x-amz-target") {
            let (prefix, operation) = target.rsplit_once('.').unwrap_or(("", target));
            return Call {
                service: service_of_target(prefix)
                    .map(str::to_owned)
                    .or(scope)
                    .unwrap_or_else(|| prefix.to_owned()),
                operation: operation.to_owned(),
                resource: request.json().map_or_else(String::new, |body| named(&body)),
                protocol: Protocol::Json,
            };
        }
        let service = scope.unwrap_or_default();
        if let Some((_, operation)) = path.rsplit_once("/operation/") {
            return Call {
                service,
                operation: operation.to_owned(),
                resource: String::new(),
                protocol: Protocol::Cbor,
            };
        }
        if let Some(call) = query_call(request, &service) {
            return call;
        }
        rest_call(request, service)
    }

    /// Whether this is one of the named operations of a service.
    pub(crate) fn is(&self, service: &str, operations: &[&str]) -> bool {
        self.service == service && operations.contains(&self.operation.as_str())
    }
}

/// The service in `Credential=…/20260101/eu-central-1/ecs/aws4_request`, in the
/// header or, for a presigned URL, in the query.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>
fn credential_scope_service(request: &Request) -> Option<String> {
    let presigned = request.query_value("X-Amz-Credential");
    let credential = match &presigned {
        Some(credential) => credential,
        None => request
            .header("authorization")?
            .split_once("Credential=")?
            .1
            .split([',', ' '])
            .next()?,
    };
    let mut fields = credential.rsplit('/');
    (fields.next()? == "aws4_request")
        .then(|| fields.next().map(str::to_owned))
        .flatten()
}

/// The services whose target prefix is not their signing name, as far as the
/// endpoint treats them itself; for the others the credential's scope says it.
fn service_of_target(prefix: &str) -> Option<&'static str> {
    Some(match prefix {
        "AmazonEC2ContainerServiceV20141113" => "ecs",
        "AmazonEC2ContainerRegistry_V20150921" => "ecr",
        "AmazonSSM" => "ssm",
        "AWSEvents" => "events",
        "AmazonSQS" => "sqs",
        "Logs_20140328" => "logs",
        "DynamoDB_20120810" => "dynamodb",
        "GraniteServiceVersion20100801" => "monitoring",
        _ => return None,
    })
}

fn query_call(request: &Request, service: &str) -> Option<Call> {
    let mut operation = None;
    let mut resource = String::new();
    for (key, value) in form_urlencoded::parse(request.form()) {
        match key.as_ref() {
            "Action" => operation = Some(value.into_owned()),
            "TopicArn" | "StackName" | "ChangeSetName" | "AlarmName" | "RoleName" | "QueueUrl"
                if resource.is_empty() =>
            {
                resource = value.into_owned();
            }
            _ => {}
        }
    }
    Some(Call {
        service: service.to_owned(),
        operation: operation?,
        resource,
        protocol: Protocol::Query,
    })
}

fn rest_call(request: &Request, service: String) -> Call {
    let path = request.path();
    if service == "lambda" {
        let function = path
            .split_once("/functions/")
            .map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        return Call {
            operation: if path.ends_with("/invocations") {
                "Invoke".to_owned()
            } else {
                format!("{} {path}", request.method)
            },
            resource: function.unwrap_or_default().to_owned(),
            protocol: Protocol::RestJson,
            service,
        };
    }
    Call {
        operation: request.method.to_string(),
        resource: path.to_owned(),
        protocol: if service == "s3" {
            Protocol::RestXml
        } else {
            Protocol::RestJson
        },
        service,
    }
}

/// Names the operations of the OCI distribution protocol.
/// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#endpoints>
fn registry_call(request: &Request) -> Call {
    let (repository, kind, reference) = registry_path(request.path()).unwrap_or(("", "", ""));
    let verb = match request.method {
        Method::GET => "Get",
        Method::HEAD => "Head",
        Method::PUT => "Put",
        Method::POST => "Post",
        Method::PATCH => "Patch",
        Method::DELETE => "Delete",
        _ => "Other",
    };
    let (noun, resource) = match kind {
        "manifests" => ("Manifest", format!("{repository}:{reference}")),
        "blobs" if reference.starts_with("uploads") => ("BlobUpload", repository.to_owned()),
        "blobs" => ("Blob", format!("{repository}@{reference}")),
        "tags" => ("Tags", repository.to_owned()),
        _ => ("Registry", String::new()),
    };
    Call {
        service: "registry".to_owned(),
        operation: format!("{verb}{noun}"),
        resource,
        protocol: Protocol::Registry,
    }
}

/// Takes `/v2/<repository>/<manifests|blobs|tags>/<reference>` apart; a
/// repository's name may hold slashes.
pub(crate) fn registry_path(path: &str) -> Option<(&str, &str, &str)> {
    let rest = path.strip_prefix("/v2/")?;
    ["manifests", "blobs", "tags"].into_iter().find_map(|kind| {
        let (repository, reference) = rest.split_once(&format!("/{kind}/"))?;
        Some((repository, kind, reference))
    })
}

/// The members that name what a JSON call concerns, the telling ones first.
const NAMING_MEMBERS: [&str; 22] = [
    "service",
    "serviceName",
    "serviceArn",
    "services",
    "serviceDeploymentArns",
    "taskDefinition",
    "family",
    "tasks",
    "task",
    "resourceArn",
    "cluster",
    "clusterName",
    "repositoryName",
    "TableName",
    "QueueUrl",
    "TopicArn",
    "Name",
    "Path",
    "Rule",
    "logGroupName",
    "AlarmName",
    "AlarmNames",
];

fn named(body: &Value) -> String {
    let naming = NAMING_MEMBERS
        .iter()
        .find_map(|member| match &body[*member] {
            Value::String(name) => Some(name.clone()),
            Value::Array(names) => Some(
                names
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            _ => None,
        });
    naming.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_header_names_service_and_operation() {
        let request = request("POST", "/", |headers| {
            headers.insert(
                "x-amz-target",
                "AmazonEC2ContainerServiceV20141113.UpdateService"
                    .parse()
                    .unwrap(),
            );
        })
        .with_body(r#"{"cluster":"prod","service":"web"}"#);
        let call = Call::of(&request.0);
        assert_eq!(
            (call.service.as_str(), call.operation.as_str()),
            ("ecs", "UpdateService")
        );
        assert_eq!(call.resource, "web");
        assert_eq!(call.protocol, Protocol::Json);
    }

    #[test]
    fn a_form_is_told_by_its_action_and_the_credential_scope() {
        let request = request("POST", "/", |headers| {
            headers.insert("authorization", SNS_AUTHORIZATION.parse().unwrap());
            headers.insert(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8"
                    .parse()
                    .unwrap(),
            );
        })
        .with_body("Action=Publish&TopicArn=arn%3Aaws%3Asns%3Ax%3A1%3At&Message=hello");
        let call = Call::of(&request.0);
        assert_eq!(
            (call.service.as_str(), call.operation.as_str()),
            ("sns", "Publish")
        );
        assert_eq!(call.resource, "arn:aws:sns:x:1:t");
        assert_eq!(call.protocol, Protocol::Query);
    }

    #[test]
    fn a_presigned_url_is_told_by_its_query() {
        let target =
            "/bucket/key?X-Amz-Credential=AKIA%2F20260101%2Feu-central-1%2Fs3%2Faws4_request";
        let call = Call::of(&request("GET", target, |_| {}).0);
        assert_eq!(
            (call.service.as_str(), call.protocol),
            ("s3", Protocol::RestXml)
        );
    }

    #[test]
    fn cbor_calls_carry_the_operation_in_the_path() {
        let target = "/service/GraniteServiceVersion20100801/operation/SetAlarmState";
        let request = request("POST", target, |headers| {
            let authorization = SNS_AUTHORIZATION.replace("/sns/", "/monitoring/");
            headers.insert("authorization", authorization.parse().unwrap());
        });
        let call = Call::of(&request.0);
        assert!(call.is("monitoring", &["SetAlarmState"]), "{call:?}");
        assert_eq!(call.protocol, Protocol::Cbor);
    }

    #[test]
    fn the_registry_is_told_by_its_path_unless_another_service_signed_the_request() {
        let cases = [
            (
                "PUT",
                "/v2/team/app/manifests/v1",
                "PutManifest",
                "team/app:v1",
            ),
            ("POST", "/v2/app/blobs/uploads/", "PostBlobUpload", "app"),
            (
                "PATCH",
                "/v2/app/blobs/uploads/6f",
                "PatchBlobUpload",
                "app",
            ),
            (
                "HEAD",
                "/v2/app/blobs/sha256:ab",
                "HeadBlob",
                "app@sha256:ab",
            ),
            ("GET", "/v2/", "GetRegistry", ""),
        ];
        for (method, target, operation, resource) in cases {
            let call = Call::of(&request(method, target, |_| {}).0);
            assert_eq!(call.service, "registry", "{target}");
            assert_eq!(
                (call.operation.as_str(), call.resource.as_str()),
                (operation, resource)
            );
        }
        let signed = request("GET", "/v2/email/identities", |headers| {
            let authorization = SNS_AUTHORIZATION.replace("/sns/", "/ses/");
            headers.insert("authorization", authorization.parse().unwrap());
        });
        assert_eq!(Call::of(&signed.0).service, "ses");
    }

    #[test]
    fn an_invocation_names_its_function() {
        let target = "/2015-03-31/functions/rollout/invocations?Qualifier=1";
        let request = request("POST", target, |headers| {
            let authorization = SNS_AUTHORIZATION.replace("/sns/", "/lambda/");
            headers.insert("authorization", authorization.parse().unwrap());
        });
        let call = Call::of(&request.0);
        assert!(call.is("lambda", &["Invoke"]), "{call:?}");
        assert_eq!(call.resource, "rollout");
    }

    const SNS_AUTHORIZATION: &str = "AWS4-HMAC-SHA256 \
        Credential=AKIA/20260101/eu-central-1/sns/aws4_request, SignedHeaders=host, Signature=0";

    struct Made(Request);

    impl Made {
        fn with_body(mut self, body: &'static str) -> Self {
            self.0.body = body.into();
            self
        }
    }

    fn request(method: &str, target: &str, headers: impl FnOnce(&mut hyper::HeaderMap)) -> Made {
        let mut request = Request {
            method: method.parse().unwrap(),
            target: target.to_owned(),
            headers: hyper::HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        headers(&mut request.headers);
        Made(request)
    }
}
