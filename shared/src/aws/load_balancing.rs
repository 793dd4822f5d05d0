//! Elastic Load Balancing: how healthy the targets of a target group are.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::config::Builder;
use aws_sdk_elasticloadbalancingv2::config::retry::RetryConfig;
use aws_sdk_elasticloadbalancingv2::config::timeout::TimeoutConfig;
use aws_sdk_elasticloadbalancingv2::types::{TargetHealthDescription, TargetHealthReasonEnum};
use jiff::Timestamp;

use super::client::Clients;
use super::failure::call_error;
use crate::core::evidence::TargetHealth;
use crate::ports::{CallError, LoadBalancers};
use crate::redact::redact;

/// How long the one try may take: a version that is at fault waits for it to be taken back.
const LIMIT: Duration = Duration::from_secs(2);

/// Elastic Load Balancing on the AWS SDK.
#[derive(Clone, Debug)]
pub struct LoadBalancing {
    client: Client,
}

impl LoadBalancing {
    /// Makes it on the shared clients; a call is tried once.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        let config = Builder::from(&clients.config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(LIMIT).build());
        Self {
            client: Client::from_conf(config.build()),
        }
    }
}

impl LoadBalancers for LoadBalancing {
    async fn target_health(
        &self,
        target_group_arn: &str,
        at: Timestamp,
    ) -> Result<Vec<TargetHealth>, CallError> {
        let call = format!("elasticloadbalancing:DescribeTargetHealth {target_group_arn}");
        let answer = self
            .client
            .describe_target_health()
            .target_group_arn(target_group_arn)
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        let targets = answer.target_health_descriptions().iter();
        Ok(targets
            .filter_map(|target| seen(target_group_arn, target, at))
            .collect())
    }
}

/// Reads a target; one without an id, or of which nothing is said, tells nothing.
fn seen(
    target_group_arn: &str,
    described: &TargetHealthDescription,
    at: Timestamp,
) -> Option<TargetHealth> {
    let (target, health) = (described.target()?, described.target_health()?);
    let reason = health.reason().map(TargetHealthReasonEnum::as_str);
    Some(TargetHealth {
        target_group_arn: target_group_arn.to_owned(),
        target: target.id()?.to_owned(),
        port: target.port().and_then(|port| u16::try_from(port).ok()),
        state: health.state()?.as_str().to_owned(),
        reason: reason.unwrap_or_default().to_owned(),
        description: redact(health.description().unwrap_or_default()),
        at,
    })
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::{Answer, Endpoint};
    use super::*;

    const GROUP: &str =
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/73e2d6bc24d8a067";

    fn described(targets: &str) -> Answer {
        Answer::Status(
            200,
            format!(
                r#"<DescribeTargetHealthResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeTargetHealthResult><TargetHealthDescriptions>{targets}</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>"#
            ),
        )
    }

    async fn ask(endpoint: &Endpoint) -> Result<Vec<TargetHealth>, CallError> {
        let balancing = LoadBalancing::new(&endpoint.clients());
        balancing.target_health(GROUP, Timestamp::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn each_target_is_read_with_its_reason() {
        let endpoint = Endpoint::new(|_| {
            described(
                "<member><HealthCheckPort>8080</HealthCheckPort>\
                 <Target><Id>10.0.3.17</Id><Port>8080</Port></Target>\
                 <TargetHealth><State>unhealthy</State><Reason>Target.ResponseCodeMismatch</Reason>\
                 <Description>Health checks failed with these codes: [502]</Description></TargetHealth></member>\
                 <member><Target><Id>10.0.3.18</Id></Target>\
                 <TargetHealth><State>of-a-later-day</State></TargetHealth></member>\
                 <member><Target><Id>10.0.3.19</Id></Target></member>",
            )
        });
        let targets = ask(&endpoint).await.unwrap();
        let told: Vec<_> = targets
            .iter()
            .map(|one| (one.target.as_str(), one.port, one.state.as_str()))
            .collect();
        let expected = [
            ("10.0.3.17", Some(8080), "unhealthy"),
            ("10.0.3.18", None, "of-a-later-day"),
        ];
        assert_eq!(told, expected);
        assert_eq!(targets[0].reason, "Target.ResponseCodeMismatch");
        let words = "Health checks failed with these codes: [502]";
        assert_eq!(targets[0].description, words);
        let asked = &endpoint.calls()[0].body;
        assert!(asked.contains("Action=DescribeTargetHealth"), "{asked}");
        assert!(asked.contains("targetgroup%2Fweb"), "{asked}");
    }

    #[tokio::test]
    async fn errors_are_told_after_one_try() {
        let error = |code: &str| {
            format!(
                "<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
            )
        };
        for (status, body, expected) in [
            (403, error("AccessDenied"), "refused: AccessDenied: no"),
            (400, error("Throttling"), "was throttled"),
            (500, error("InternalFailure"), "no clear answer"),
            (502, "<html><p>bad gateway".to_owned(), "no clear answer"),
        ] {
            let answer = body.clone();
            let endpoint = Endpoint::new(move |_| Answer::Status(status, answer.clone()));
            let told = ask(&endpoint).await.unwrap_err().to_string();
            assert!(told.contains(expected), "{status} {body}: {told}");
            assert_eq!(endpoint.calls().len(), 1, "{body}");
        }
        let broken = Endpoint::new(|_| Answer::Broken);
        assert!(ask(&broken).await.is_err());
        assert_eq!(broken.calls().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_not_waited_for_longer_than_two_seconds() {
        let endpoint = Endpoint::new(|_| Answer::Silence);
        let answer = tokio::time::timeout(Duration::from_secs(3), ask(&endpoint)).await;
        assert!(answer.expect("it is given up in time").is_err());
        assert_eq!(endpoint.calls().len(), 1);
    }
}
