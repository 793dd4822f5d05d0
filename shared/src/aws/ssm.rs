//! Parameter Store: the targets' parameters.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_sdk_ssm::types::Parameter as Answered;

use super::client::Clients;
use super::failure::{call_error, unclear};
use super::timestamp;
use crate::ports::{CallError, Parameter, Parameters};

/// How many parameters a page can hold.
///
/// Source: Systems Manager API reference, GetParametersByPath, `MaxResults`.
const PARAMETERS_PER_PAGE: i32 = 10;

/// Parameter Store on the AWS SDK.
#[derive(Clone, Debug)]
pub struct Ssm {
    client: Client,
}

impl Ssm {
    /// Makes it on the shared clients.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: Client::new(&clients.config),
        }
    }
}

impl Parameters for Ssm {
    async fn below(&self, path: &str) -> Result<Vec<Parameter>, CallError> {
        let call = format!("ssm:GetParametersByPath {path}");
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let page = self
                .client
                .get_parameters_by_path()
                .path(path)
                .recursive(true)
                .max_results(PARAMETERS_PER_PAGE)
                .set_next_token(next)
                .send()
                .await
                .map_err(|error| call_error(&call, &error))?;
            for answered in page.parameters() {
                found.push(parameter(answered).ok_or_else(|| {
                    let name = answered.name().unwrap_or("a parameter");
                    unclear(
                        &call,
                        &format!("{name} came without version, time or value"),
                    )
                })?);
            }
            // A page may be empty and still not be the last one.
            next = page.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    async fn value(&self, name: &str) -> Result<Option<String>, CallError> {
        let call = format!("ssm:GetParameter {name}");
        match self.client.get_parameter().name(name).send().await {
            Ok(answer) => {
                let value = answer.parameter.and_then(|parameter| parameter.value);
                value
                    .map(Some)
                    .ok_or_else(|| unclear(&call, "it came without value"))
            }
            Err(error) => match error.as_service_error() {
                Some(GetParameterError::ParameterNotFound(_)) => Ok(None),
                _ => Err(call_error(&call, &error)),
            },
        }
    }
}

fn parameter(answered: &Answered) -> Option<Parameter> {
    Some(Parameter {
        name: answered.name()?.to_owned(),
        value: answered.value()?.to_owned(),
        version: answered.version(),
        changed_at: timestamp(answered.last_modified_date()?)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::endpoint::{Answer, Endpoint};
    use super::*;

    fn stored(name: &str) -> Value {
        json!({ "Name": name, "Type": "String", "Value": "{}", "Version": 3,
                "LastModifiedDate": 1_700_000_000.125 })
    }

    #[tokio::test]
    async fn empty_pages_do_not_end_the_list() {
        let endpoint = Endpoint::new(|call| {
            let token = call.json()["NextToken"].as_str().map(str::to_owned);
            Answer::json(&match token.as_deref() {
                None => json!({ "Parameters": [stored("/p/targets/a")], "NextToken": "1" }),
                Some("1") => json!({ "Parameters": [], "NextToken": "2" }),
                Some(_) => json!({ "Parameters": [stored("/p/targets/team/b")] }),
            })
        });
        let found = Ssm::new(&endpoint.clients())
            .below("/p/targets/")
            .await
            .unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|parameter| parameter.name.as_str())
            .collect();
        assert_eq!(names, ["/p/targets/a", "/p/targets/team/b"]);
        assert_eq!(found[0].version, 3);
        assert_eq!(found[0].changed_at.as_millisecond(), 1_700_000_000_125);
        assert_eq!(
            endpoint.calls()[1].json(),
            json!({ "Path": "/p/targets/", "Recursive": true, "MaxResults": 10, "NextToken": "1" })
        );
    }

    #[tokio::test]
    async fn a_parameter_that_does_not_exist_is_none() {
        let endpoint = Endpoint::new(|call| match call.json()["Name"].as_str() {
            Some("/p/hold") => Answer::json(&json!({ "Parameter": stored("/p/hold") })),
            Some("/p/denied") => Answer::error("AccessDeniedException", "no"),
            _ => Answer::error("ParameterNotFound", "no"),
        });
        let ssm = Ssm::new(&endpoint.clients());
        assert_eq!(ssm.value("/p/hold").await, Ok(Some("{}".to_owned())));
        assert_eq!(ssm.value("/p/none").await, Ok(None));
        let denied = ssm.value("/p/denied").await;
        assert!(
            matches!(denied, Err(CallError::Refused { .. })),
            "{denied:?}"
        );
    }

    #[tokio::test]
    async fn a_page_that_cannot_be_read_leaves_no_half_list() {
        let endpoint = Endpoint::new(|_| {
            Answer::json(&json!({ "Parameters": [{ "Name": "/p/targets/a", "Value": "{}" }] }))
        });
        let error = Ssm::new(&endpoint.clients()).below("/p").await.unwrap_err();
        assert!(
            matches!(&error, CallError::Unclear { problem, .. } if problem.contains("/p/targets/a")),
            "{error:?}"
        );
    }
}
