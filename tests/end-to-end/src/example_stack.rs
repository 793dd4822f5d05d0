//! The stack of an example on the local AWS: the emulator makes what it can, and the
//! model of ECS gets the cluster, the task definition and the service, from the same
//! template.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stack_model::ecs_request;

use crate::aws::{Aws, AwsError, texts};
use crate::customer::text;
use crate::intrinsic::{Scope, Unresolved};
use crate::resource::{self, Resources};
use crate::stack::{self, StackError};
use crate::taken_out::without;
use crate::wait::{Seen, wait};

/// How long the tasks of a deleted service may take to stop.
const DRAINED_WITHIN: std::time::Duration = std::time::Duration::from_secs(120);
/// What CloudFormation ends the names with that it makes up.
const SUFFIX: &str = "1A2B3C4D5E6F";

/// Why the stack of an example was not made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ExampleError {
    /// A part of the template is not understood.
    #[error("{logical_id}: {source}")]
    Unresolved {
        /// The resource, or the section of the template.
        logical_id: String,
        /// What is not known.
        source: Unresolved,
    },
    /// The template has not one of these, but none or several.
    #[error("the template has {found} of {kind}, not one")]
    NotOne {
        /// The type.
        kind: &'static str,
        /// How many it has.
        found: usize,
    },
    /// The emulator's part.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A call did not succeed.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

impl From<crate::WaitError> for ExampleError {
    fn from(error: crate::WaitError) -> Self {
        ExampleError::Stack(error.into())
    }
}

/// What a stack is made of.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    /// The stack's name.
    pub name: &'a str,
    /// The template, as JSON.
    pub template: &'a Value,
    /// The parameters that are given.
    pub parameters: &'a BTreeMap<String, String>,
    /// The types that the emulator is not to make, each with the reason.
    pub taken_out: &'a [(&'a str, &'a str)],
    /// What `Ref` and `Fn::GetAtt` (`LogicalId.Attribute`) lead to where the emulator does
    /// not know it, because it was taken out or else.
    pub invented: &'a [(&'a str, &'a str)],
}

/// What the emulator made of a stack.
#[derive(Clone, Debug)]
pub struct MadeStack {
    /// Its name.
    pub name: String,
    /// The template as the emulator got it.
    pub template: Value,
    /// The parameters that were given.
    pub parameters: BTreeMap<String, String>,
    /// What it made.
    pub resources: Resources,
    /// The outputs.
    pub outputs: BTreeMap<String, String>,
}

/// A stack with a service.
#[derive(Clone, Debug)]
pub struct ServiceStack {
    /// What the emulator made of it.
    pub made: MadeStack,
    /// The whole template.
    pub template: Value,
    /// What `Ref` and `Fn::GetAtt` (`LogicalId.Attribute`) lead to.
    pub known: BTreeMap<String, String>,
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
    /// The ARN of the task definition's revision.
    pub definition: String,
}

impl Example<'_> {
    /// Makes a stack that has nothing of ECS.
    ///
    /// # Errors
    ///
    /// Says what in the template is not understood, or what was refused.
    pub async fn create(self, aws: &Aws) -> Result<MadeStack, ExampleError> {
        let exports = stack::exports(aws).await?;
        let scope = self.scope(aws, &exports);
        self.make(aws, &scope).await
    }

    /// Makes a stack with a service: first the emulator's part, then that of the model of ECS.
    ///
    /// # Errors
    ///
    /// Says what in the template is not understood, or what was refused.
    pub async fn create_with_service(self, aws: &Aws) -> Result<ServiceStack, ExampleError> {
        let cluster = self.only("AWS::ECS::Cluster")?;
        let definition = self.only("AWS::ECS::TaskDefinition")?;
        let service = self.only("AWS::ECS::Service")?;
        let exports = stack::exports(aws).await?;
        let mut scope = self.scope(aws, &exports);
        let cluster_name = self.name_of(&scope, cluster, "ClusterName")?;
        let service_name = self.name_of(&scope, service, "ServiceName")?;
        let arn =
            |rest: String| format!("arn:aws:ecs:{}:{}:{rest}", aws.region(), aws.account_id());
        let cluster_arn = arn(format!("cluster/{cluster_name}"));
        let service_arn = arn(format!("service/{cluster_name}/{service_name}"));
        scope.known.extend([
            (cluster.to_owned(), cluster_name.clone()),
            (format!("{cluster}.Arn"), cluster_arn),
            (service.to_owned(), service_arn),
            (format!("{service}.Name"), service_name.clone()),
        ]);
        let made = self.make(aws, &scope).await?;
        learn(aws, &made.resources, &mut scope.known).await?;

        let request = ecs_request::cluster(&cluster_name, self.properties(&scope, cluster)?);
        aws.json("ecs", "CreateCluster", &request).await?;
        let request = ecs_request::definition(self.properties(&scope, definition)?);
        let registered = aws.json("ecs", "RegisterTaskDefinition", &request).await?;
        let revision = text(&registered["taskDefinition"]["taskDefinitionArn"]);
        scope.known.insert(definition.to_owned(), revision.clone());
        let request = ecs_request::service(&service_name, self.properties(&scope, service)?);
        aws.json("ecs", "CreateService", &request).await?;
        Ok(ServiceStack {
            made,
            template: self.template.clone(),
            known: scope.known,
            cluster: cluster_name,
            service: service_name,
            definition: revision,
        })
    }

    /// Lets the emulator make its part.
    async fn make(self, aws: &Aws, scope: &Scope<'_>) -> Result<MadeStack, ExampleError> {
        let template = without(self.taken_out, self.invented, scope)
            .map_err(|(logical_id, source)| ExampleError::Unresolved { logical_id, source })?;
        stack::create(aws, self.name, &template, self.parameters).await?;
        Ok(MadeStack {
            name: self.name.to_owned(),
            template,
            parameters: self.parameters.clone(),
            resources: resource::resources(aws, self.name).await?,
            outputs: stack::outputs(aws, self.name).await?,
        })
    }

    /// The logical id of the one resource of a type.
    fn only(&self, kind: &'static str) -> Result<&str, ExampleError> {
        let resources = self.template["Resources"].as_object();
        let of_kind = resources.into_iter().flatten();
        let of_kind = of_kind.filter(|(_, resource)| resource["Type"] == kind);
        let found: Vec<&str> = of_kind.map(|(logical_id, _)| logical_id.as_str()).collect();
        match found[..] {
            [only] => Ok(only),
            _ => Err(ExampleError::NotOne {
                kind,
                found: found.len(),
            }),
        }
    }

    fn scope<'a>(&'a self, aws: &Aws, exports: &'a BTreeMap<String, String>) -> Scope<'a> {
        let pseudo = [
            ("AWS::AccountId", aws.account_id()),
            ("AWS::Partition", "aws"),
            ("AWS::Region", aws.region()),
            ("AWS::StackName", self.name),
        ];
        let known = pseudo.iter().chain(self.invented);
        let known = known.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Scope {
            template: self.template,
            parameters: self.parameters,
            known: known.collect(),
            exports,
        }
    }

    /// The name that a resource has of its template, or else of CloudFormation.
    fn name_of(
        &self,
        scope: &Scope<'_>,
        logical_id: &str,
        member: &str,
    ) -> Result<String, ExampleError> {
        match &self.template["Resources"][logical_id]["Properties"][member] {
            Value::Null => Ok(format!("{}-{logical_id}-{SUFFIX}", self.name)),
            name => scope.text(name).map_err(in_part(logical_id)),
        }
    }

    fn properties(&self, scope: &Scope<'_>, logical_id: &str) -> Result<Value, ExampleError> {
        let properties = &self.template["Resources"][logical_id]["Properties"];
        let properties = scope.resolve(properties).map_err(in_part(logical_id))?;
        Ok(properties.unwrap_or_default())
    }
}

fn in_part(logical_id: &str) -> impl FnOnce(Unresolved) -> ExampleError {
    let logical_id = logical_id.to_owned();
    |source| ExampleError::Unresolved { logical_id, source }
}

/// Learns what `Ref` and `Fn::GetAtt` lead to, of the resources that ECS is told of.
async fn learn(
    aws: &Aws,
    resources: &Resources,
    known: &mut BTreeMap<String, String>,
) -> Result<(), AwsError> {
    for (logical_id, resource) in resources {
        let id = resource.physical_id.clone();
        match resource.kind.as_str() {
            "AWS::IAM::Role" => {
                let role = aws.query("iam", "GetRole", &[("RoleName", &id)]).await?;
                known.insert(format!("{logical_id}.Arn"), texts(&role, "Arn").concat());
            }
            "AWS::EC2::SecurityGroup" => {
                known.insert(format!("{logical_id}.GroupId"), id.clone());
            }
            _ => {}
        }
        known.insert(logical_id.clone(), id);
    }
    Ok(())
}

impl MadeStack {
    /// Deletes the stack.
    ///
    /// # Errors
    ///
    /// Says what was not deleted.
    pub async fn delete(&self, aws: &Aws) -> Result<(), StackError> {
        stack::delete(aws, &self.name).await
    }

    /// A sentence for each resource of the template that is not there.
    pub async fn missing(&self, aws: &Aws) -> Vec<String> {
        resource::missing(aws, &self.template, &self.parameters, &self.resources).await
    }

    /// The logical ids of the resources that are still there once the stack is deleted.
    ///
    /// # Errors
    ///
    /// A service gave no answer.
    pub async fn left_over(&self, aws: &Aws) -> Result<Vec<String>, AwsError> {
        resource::left_over(aws, &self.template, &self.resources).await
    }
}

impl ServiceStack {
    /// Lets the local AWS play the stack's updates from now on, with the service that the
    /// stack made, and gives back the stack's ARN. Without it the emulator answers, and
    /// knows nothing of what was taken out.
    ///
    /// # Errors
    ///
    /// Says what of it the model of stacks does not take.
    pub async fn mirror(&self, aws: &Aws, role_arn: Option<&str>) -> Result<String, AwsError> {
        let known = self.known.iter();
        let known = known.filter(|(name, _)| !name.starts_with("AWS::"));
        let (attributes, ids): (BTreeMap<_, _>, BTreeMap<_, _>) =
            known.partition(|(name, _)| name.contains('.'));
        let stack = json!({
            "name": self.made.name,
            "template": self.template,
            "parameters": self.made.parameters,
            "capabilities": ["CAPABILITY_IAM"],
            "roleArn": role_arn,
            "physicalIds": ids,
            "attributes": attributes,
        });
        let mirrored = aws.post("local", "/_local/stacks", &stack).await?;
        Ok(text(&mirrored["stackId"]))
    }

    /// Deletes the stack, in CloudFormation's order: what refers to the service, then the
    /// service and what it needs.
    ///
    /// # Errors
    ///
    /// Says what was not deleted.
    pub async fn delete(&self, aws: &Aws) -> Result<(), ExampleError> {
        self.made.delete(aws).await?;
        let service = json!({"cluster": self.cluster, "service": self.service, "force": true});
        aws.json("ecs", "DeleteService", &service).await?;
        let definition = json!({"taskDefinition": self.definition});
        let deregistered = aws.json("ecs", "DeregisterTaskDefinition", &definition);
        deregistered.await?;
        let cluster = json!({"cluster": self.cluster});
        wait("the deletion of the cluster", DRAINED_WITHIN, async || {
            Ok(match aws.json("ecs", "DeleteCluster", &cluster).await {
                Ok(_) => Seen::Reached(()),
                Err(error) if error.code().starts_with("ClusterContains") => {
                    Seen::NotYet(error.to_string())
                }
                Err(error) => return Err(error.into()),
            })
        })
        .await
    }
}
