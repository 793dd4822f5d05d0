//! What a stack's owner does with it besides Pushboat, and sees of it.

use serde_json::{Value, json};
use stack_model::{CreateStack, Parameter, StackStatus};

use super::{Account, Stacks};
use crate::deeds::StackDoing;
use crate::ecs::ServiceSpecification;

/// The parameter that holds the image.
pub(super) const IMAGE: &str = "Image";

/// A stack as its owner makes it: the task definition `TaskDefinition`, its service `Service`,
/// and `Dashboard`, which is of another kind.
///
/// The image is the parameter `Image`. What the dashboard shows is the parameter `Title`, which
/// is a name in Parameter Store: whoever updates the stack after that was written anew changes
/// the dashboard too.
#[derive(Clone, Debug)]
pub struct StackSpecification {
    /// The stack's name.
    pub name: String,
    /// The service.
    pub service: ServiceSpecification,
    /// The role with which CloudFormation changes the stack.
    pub role_arn: Option<String>,
}

impl StackSpecification {
    /// The name in Parameter Store of what the dashboard shows.
    pub const TITLE: &str = "/stack/title";

    /// Names a stack with a role of its own.
    #[must_use]
    pub fn new(name: &str, service: ServiceSpecification) -> Self {
        Self {
            name: name.to_owned(),
            service,
            role_arn: Some(format!(
                "arn:aws:iam::{}:role/stack",
                crate::images::ACCOUNT
            )),
        }
    }

    fn template(&self) -> Value {
        let service = &self.service.service;
        json!({
            "Parameters": {
                "Image": { "Type": "String" },
                "Title": {
                    "Type": "AWS::SSM::Parameter::Value<String>",
                    "Default": Self::TITLE,
                },
            },
            "Resources": {
                "TaskDefinition": {
                    "Type": "AWS::ECS::TaskDefinition",
                    "Properties": {
                        "Family": service.name,
                        "RequiresCompatibilities": ["FARGATE"],
                        "NetworkMode": "awsvpc",
                        "Cpu": "256",
                        "Memory": "512",
                        "ContainerDefinitions": [
                            { "Name": "app", "Image": { "Ref": "Image" }, "Essential": true },
                        ],
                    },
                },
                "Service": {
                    "Type": "AWS::ECS::Service",
                    "Properties": {
                        "Cluster": service.cluster,
                        "ServiceName": service.name,
                        "TaskDefinition": { "Ref": "TaskDefinition" },
                    },
                },
                "Dashboard": {
                    "Type": "AWS::CloudWatch::Dashboard",
                    "Properties": { "DashboardBody": { "Ref": "Title" } },
                },
            },
        })
    }
}

impl Stacks {
    /// Makes a stack, and its service.
    ///
    /// # Panics
    ///
    /// If CloudFormation or ECS refuses it.
    pub fn create(&self, specification: &StackSpecification) {
        let service = &specification.service;
        let revision = self.ecs.register(&service.service.name, &service.image);
        self.ecs.create_service_of(service, &revision);
        self.create_around(specification, &revision);
    }

    /// Makes a stack of a service that is there already, and runs this revision.
    ///
    /// # Panics
    ///
    /// If CloudFormation refuses it, or there is no such service.
    pub fn create_around(&self, specification: &StackSpecification, revision: &str) {
        let service = &specification.service;
        let physical_ids = [
            ("TaskDefinition".to_owned(), revision.to_owned()),
            ("Service".to_owned(), self.ecs.service_arn(&service.service)),
        ];
        let consent = service.target.iter();
        let consent = consent.map(|target| ("pushboat:target".to_owned(), target.clone()));
        let mut account = self.account();
        account
            .model
            .set_ssm_parameter(StackSpecification::TITLE, "as it was");
        account
            .model
            .create_stack(CreateStack {
                name: specification.name.clone(),
                template: specification.template(),
                parameters: vec![Parameter::new(IMAGE, &service.image)],
                physical_ids: physical_ids.into_iter().collect(),
                tags: consent.collect(),
                role_arn: specification.role_arn.clone(),
                ..CreateStack::default()
            })
            .expect("the stack is a valid one");
    }

    /// Deletes a stack and what is in it.
    ///
    /// # Panics
    ///
    /// If it is being changed.
    pub fn delete(&self, stack: &str) {
        let deleted = self.account().model.delete_stack(stack, None);
        deleted.expect("the stack is not being changed");
    }

    /// Writes a parameter of Parameter Store that stacks read.
    pub fn write_parameter(&self, name: &str, value: &str) {
        self.account().model.set_ssm_parameter(name, value);
    }

    /// Puts a stack in a status, such as `UPDATE_ROLLBACK_FAILED`; what goes on is dropped.
    ///
    /// # Panics
    ///
    /// If there is no such stack or status.
    pub fn set_status(&self, stack: &str, word: &str) {
        let mut statuses = StackStatus::ALL.into_iter();
        let status = statuses.find(|status| status.as_str() == word);
        let mut account = self.account();
        let key = account.model.find_stack(stack);
        let key = key.expect("the stack exists");
        account
            .model
            .set_status(key, status.expect("it is a status"), None);
        account.note(
            &self.ecs,
            stack,
            StackDoing::BySomebody { change_set: None },
        );
    }

    /// Has the next work on a resource fail that is neither a task definition nor a service.
    ///
    /// # Panics
    ///
    /// If there is no such stack.
    pub fn fail_resource(&self, stack: &str, logical_id: &str, reason: &str) {
        let mut account = self.account();
        let key = account.model.find_stack(stack);
        let key = key.expect("the stack exists");
        account.model.fail_resource(key, logical_id, reason);
    }

    /// Says how a stack stands, in CloudFormation's word.
    ///
    /// # Panics
    ///
    /// If there is no such stack.
    #[must_use]
    pub fn status(&self, stack: &str) -> &'static str {
        self.of_stack(stack, |_, found| found.status.as_str())
    }

    /// Says how a stack stood since it was created, one word after the other.
    ///
    /// # Panics
    ///
    /// If there is no such stack.
    #[must_use]
    pub fn statuses(&self, stack: &str) -> Vec<&'static str> {
        self.of_stack(stack, |_, found| {
            let events = found.events.iter();
            let own = events.filter(|event| event.physical_id == found.arn);
            own.map(|event| event.status).collect()
        })
    }

    /// Says what a stack's parameter is now.
    ///
    /// # Panics
    ///
    /// If there is no such stack or parameter.
    #[must_use]
    pub fn parameter(&self, stack: &str, name: &str) -> String {
        self.of_stack(stack, |_, found| {
            let value = found.desired.parameters.get(name);
            value.expect("it has the parameter").effective().to_owned()
        })
    }

    /// Names the change sets of a stack that are not deleted, the oldest first.
    ///
    /// # Panics
    ///
    /// If there is no such stack.
    #[must_use]
    pub fn change_sets(&self, stack: &str) -> Vec<String> {
        self.of_stack(stack, |account, _| {
            let key = account.model.find_stack(stack);
            let sets = key
                .into_iter()
                .flat_map(|key| account.model.change_sets(key));
            sets.map(|one| one.name.clone()).collect()
        })
    }

    fn of_stack<T>(&self, stack: &str, read: impl FnOnce(&Account, &stack_model::Stack) -> T) -> T {
        let account = self.account();
        let found = account.find(stack).expect("the stack exists");
        read(&account, found)
    }
}
