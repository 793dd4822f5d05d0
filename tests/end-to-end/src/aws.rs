//! Calls to AWS as a person's tool makes them, over plain HTTP and without an SDK.
//!
//! The local AWS reads a call's service from the scope of its credential and
//! checks no signature.

use std::error::Error;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The endpoint gave no answer.
    #[error("no answer to {service} {operation}")]
    Unreachable {
        /// The service.
        service: String,
        /// The operation.
        operation: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The service refused.
    #[error("{service} refused {operation}: {status}: {code}: {message}")]
    Refused {
        /// The service.
        service: String,
        /// The operation.
        operation: String,
        /// The HTTP status.
        status: StatusCode,
        /// The error's code; empty where the answer names none.
        code: String,
        /// The service's own words.
        message: String,
    },
    /// The answer is not what the protocol promises.
    #[error("{service} answered {operation} with something else than {expected}: {body}")]
    Unreadable {
        /// The service.
        service: String,
        /// The operation.
        operation: String,
        /// What the protocol promises.
        expected: &'static str,
        /// What came.
        body: String,
    },
}

impl AwsError {
    /// The error's code, where the service gave one.
    pub fn code(&self) -> &str {
        match self {
            AwsError::Refused { code, .. } => code,
            AwsError::Unreachable { .. } | AwsError::Unreadable { .. } => "",
        }
    }
}

/// A client of every service of one account and Region.
#[derive(Clone, Debug)]
pub struct Aws {
    client: Client<HttpConnector, Full<Bytes>>,
    endpoint_url: String,
    region: String,
    account_id: String,
}

impl Aws {
    /// Makes a client of the AWS at `http://host:port`.
    pub fn new(endpoint_url: &str, account_id: &str, region: &str) -> Self {
        Aws {
            client: Client::builder(TokioExecutor::new()).build_http(),
            endpoint_url: endpoint_url.to_owned(),
            region: region.to_owned(),
            account_id: account_id.to_owned(),
        }
    }

    /// Where the calls go.
    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account's twelve digits.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// The host that ECR's image references name.
    pub fn registry_host(&self) -> String {
        format!("{}.dkr.ecr.{}.amazonaws.com", self.account_id, self.region)
    }

    /// Makes a call of the JSON protocols: `json("ecs", "DescribeServices", …)`.
    ///
    /// # Errors
    ///
    /// The endpoint gave no answer, or the service refused.
    pub async fn json(
        &self,
        service: &str,
        operation: &str,
        body: &Value,
    ) -> Result<Value, AwsError> {
        let (prefix, version) = target_prefix(service);
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.endpoint_url))
            .header("x-amz-target", format!("{prefix}.{operation}"))
            .header(CONTENT_TYPE, format!("application/x-amz-json-{version}"));
        let answer = self
            .send(service, operation, request, body.to_string())
            .await?;
        parsed(service, operation, &answer)
    }

    /// Makes a call of the query protocol and gives back the XML.
    ///
    /// # Errors
    ///
    /// The endpoint gave no answer, or the service refused.
    pub async fn query(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, AwsError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", query_version(service))
            .extend_pairs(parameters)
            .finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.endpoint_url))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(service, action, request, body).await
    }

    /// Reads what stands at a path of a REST service, such as Lambda.
    ///
    /// # Errors
    ///
    /// The endpoint gave no answer, or the service refused.
    pub async fn get(&self, service: &str, path: &str) -> Result<Value, AwsError> {
        let answer = self.get_text(service, path).await?;
        parsed(service, path, &answer)
    }

    /// Reads what stands at a path of a REST service that answers in XML, such as S3.
    ///
    /// # Errors
    ///
    /// The endpoint gave no answer, or the service refused.
    pub async fn get_text(&self, service: &str, path: &str) -> Result<String, AwsError> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("{}{path}", self.endpoint_url));
        self.send(service, path, request, String::new()).await
    }

    /// Sends JSON to a path of a REST service, such as Lambda.
    ///
    /// # Errors
    ///
    /// The endpoint gave no answer, or the service refused.
    pub async fn post(&self, service: &str, path: &str, body: &Value) -> Result<Value, AwsError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.endpoint_url))
            .header(CONTENT_TYPE, "application/json");
        let answer = self.send(service, path, request, body.to_string()).await?;
        parsed(service, path, &answer)
    }

    /// Removes what stands at a path of a REST service, such as Lambda.
    ///
    /// # Errors
    ///
    /// The endpoint gave no answer, or the service refused.
    pub async fn delete(&self, service: &str, path: &str) -> Result<(), AwsError> {
        let request = Request::builder()
            .method(Method::DELETE)
            .uri(format!("{}{path}", self.endpoint_url));
        self.send(service, path, request, String::new()).await?;
        Ok(())
    }

    async fn send(
        &self,
        service: &str,
        operation: &str,
        request: hyper::http::request::Builder,
        body: String,
    ) -> Result<String, AwsError> {
        let unreachable = |source: Box<dyn Error + Send + Sync>| AwsError::Unreachable {
            service: service.to_owned(),
            operation: operation.to_owned(),
            source,
        };
        let request = request
            .header(AUTHORIZATION, self.authorization(service))
            .body(Full::new(Bytes::from(body)))
            .map_err(|source| unreachable(source.into()))?;
        let response = self.client.request(request).await;
        let (head, body) = response
            .map_err(|source| unreachable(source.into()))?
            .into_parts();
        let body = body.collect().await;
        let body = body
            .map_err(|source| unreachable(source.into()))?
            .to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        if head.status.is_success() {
            return Ok(body);
        }
        let (code, message) = refusal(&body);
        Err(AwsError::Refused {
            service: service.to_owned(),
            operation: operation.to_owned(),
            status: head.status,
            code,
            message,
        })
    }

    fn authorization(&self, service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{}/{service}/aws4_request, \
             SignedHeaders=host, Signature=none",
            self.region
        )
    }
}

/// What `X-Amz-Target` starts with, and the protocol's version; each service's own.
fn target_prefix(service: &str) -> (&str, &'static str) {
    match service {
        "acm" => ("CertificateManager", "1.1"),
        "cognito-idp" => ("AWSCognitoIdentityProviderService", "1.1"),
        "dynamodb" => ("DynamoDB_20120810", "1.0"),
        "ecr" => ("AmazonEC2ContainerRegistry_V20150921", "1.1"),
        "ecs" => ("AmazonEC2ContainerServiceV20141113", "1.1"),
        "events" => ("AWSEvents", "1.1"),
        "kms" => ("TrentService", "1.1"),
        "logs" => ("Logs_20140328", "1.1"),
        "sqs" => ("AmazonSQS", "1.0"),
        "ssm" => ("AmazonSSM", "1.1"),
        other => (other, "1.1"),
    }
}

/// The version that a service of the query protocol is asked in.
fn query_version(service: &str) -> &'static str {
    match service {
        "cloudformation" => "2010-05-15",
        "ec2" => "2016-11-15",
        "elasticloadbalancing" => "2015-12-01",
        "iam" => "2010-05-08",
        "monitoring" => "2010-08-01",
        "rds" => "2014-10-31",
        _ => "2010-03-31",
    }
}

fn parsed(service: &str, operation: &str, answer: &str) -> Result<Value, AwsError> {
    if answer.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(answer).map_err(|_| AwsError::Unreadable {
        service: service.to_owned(),
        operation: operation.to_owned(),
        expected: "JSON",
        body: answer.to_owned(),
    })
}

/// The code and the message of an error, in any of the protocols.
fn refusal(body: &str) -> (String, String) {
    if let Ok(body) = serde_json::from_str::<Value>(body) {
        let text = |names: [&str; 2]| {
            let found = names.iter().find_map(|name| body[*name].as_str());
            found.unwrap_or_default().to_owned()
        };
        let code = text(["__type", "code"]);
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        return (code, text(["message", "Message"]));
    }
    let element = |name: &str| texts(body, name).into_iter().next();
    match (element("Code"), element("Message")) {
        (Some(code), message) => (code, message.unwrap_or_default()),
        (None, _) => (String::new(), body.to_owned()),
    }
}

/// The texts of all elements of this name in an XML answer; none where it is no XML.
pub fn texts(xml: &str, name: &str) -> Vec<String> {
    let Ok(document) = roxmltree::Document::parse(xml) else {
        return Vec::new();
    };
    document
        .descendants()
        .filter(|node| node.tag_name().name() == name)
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

/// The `member` elements of a list in an XML answer, each as its own elements' texts.
pub fn members(xml: &str, list: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let Ok(document) = roxmltree::Document::parse(xml) else {
        return Vec::new();
    };
    let lists = document
        .descendants()
        .filter(|node| node.tag_name().name() == list);
    lists
        .flat_map(|list| list.children().filter(roxmltree::Node::is_element))
        .map(|member| {
            let elements = member.children().filter(roxmltree::Node::is_element);
            let texts = elements.map(|element| {
                let text = element.text().unwrap_or_default();
                (element.tag_name().name().to_owned(), text.to_owned())
            });
            texts.collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_in_each_protocol() {
        let json = r#"{"__type":"com.amazonaws.ecs#ServiceNotFoundException","message":"gone"}"#;
        let read = ("ServiceNotFoundException".to_owned(), "gone".to_owned());
        assert_eq!(refusal(json), read);
        let xml = "<ErrorResponse><Error><Code>NotFound</Code><Message>no topic</Message></Error></ErrorResponse>";
        let read = ("NotFound".to_owned(), "no topic".to_owned());
        assert_eq!(refusal(xml), read);
        assert_eq!(refusal("busy"), (String::new(), "busy".to_owned()));
    }

    #[test]
    fn members_of_a_list_are_read_by_their_elements() {
        let xml = "<R xmlns='x'><Outputs><member><OutputKey>A</OutputKey>\
                   <OutputValue>1</OutputValue></member><member><OutputKey>B</OutputKey>\
                   <OutputValue>2</OutputValue></member></Outputs></R>";
        let outputs = members(xml, "Outputs");
        assert_eq!(outputs.len(), 2);
        assert_eq!(outputs[1]["OutputKey"], "B");
        assert_eq!(texts(xml, "OutputValue"), ["1", "2"]);
    }
}
