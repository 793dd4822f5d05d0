//! An account to try the rules on: the model with the stack `web`, and a clock.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stack_model::{
    CreateStack, Effect, EffectAction, Failure, Outcome, Parameter, ServiceError, Settings,
    StackKey, Stacks, Timings,
};

/// What the task definition `web` is when a world begins.
pub(crate) const OLD: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1";
/// What the first task definition is that is registered after that.
pub(crate) const NEW: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:2";
pub(crate) const SERVICE: &str = "arn:aws:ecs:eu-west-1:123456789012:service/prod/web";

/// The model and its clock.
pub(crate) struct World {
    pub(crate) stacks: Stacks,
    pub(crate) web: StackKey,
    pub(crate) now: Timestamp,
    /// Every EventBridge event so far.
    pub(crate) events: Vec<Value>,
    /// Every effect so far.
    pub(crate) effects: Vec<Effect>,
    revisions: u32,
}

/// The stack `web`: a task definition, a service, and a log group.
pub(crate) fn template() -> Value {
    json!({
        "Parameters": {
            "Image": {"Type": "String"},
            "Count": {"Type": "Number", "Default": 2},
            "Password": {"Type": "String", "NoEcho": true, "Default": "initial"},
            "Retention": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/retention"},
        },
        "Resources": {
            "Logs": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "LogGroupName": {"Fn::Sub": "/ecs/${AWS::StackName}"},
                    "RetentionInDays": {"Ref": "Retention"},
                },
            },
            "TaskDefinition": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {
                    "Family": "web",
                    "ContainerDefinitions": [{
                        "Name": "web", "Image": {"Ref": "Image"},
                        "Environment": [{"Name": "PASSWORD", "Value": {"Ref": "Password"}}],
                        "LogConfiguration": {"Options": {"awslogs-group": {"Ref": "Logs"}}},
                    }],
                },
            },
            "Service": {
                "Type": "AWS::ECS::Service",
                "Properties": {
                    "Cluster": "prod", "ServiceName": "web",
                    "DesiredCount": {"Ref": "Count"},
                    "TaskDefinition": {"Ref": "TaskDefinition"},
                },
            },
        },
    })
}

impl World {
    /// An account with the stack `web`, whose image is `web:1`.
    pub(crate) fn new() -> Self {
        World::with(template())
    }

    pub(crate) fn with(template: Value) -> Self {
        let mut stacks = Stacks::new(Settings {
            account_id: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            partition: "aws".to_owned(),
            timings: Timings::default(),
        });
        let now = "2026-05-06T11:00:00Z".parse().unwrap();
        stacks.advance(now);
        stacks.set_ssm_parameter("/retention", "7");
        let web = stacks
            .create_stack(CreateStack {
                name: "web".to_owned(),
                template,
                parameters: vec![Parameter::new("Image", "web:1")],
                physical_ids: [
                    ("TaskDefinition", OLD),
                    ("Service", SERVICE),
                    ("Logs", "/ecs/web"),
                ]
                .map(|(name, id)| (name.to_owned(), id.to_owned()))
                .into(),
                capabilities: vec![
                    "CAPABILITY_NAMED_IAM".to_owned(),
                    "CAPABILITY_AUTO_EXPAND".to_owned(),
                ],
                role_arn: Some("arn:aws:iam::123456789012:role/cloudformation".to_owned()),
                ..CreateStack::default()
            })
            .unwrap();
        stacks.take_changes();
        World {
            stacks,
            web,
            now,
            events: Vec::new(),
            effects: Vec::new(),
            revisions: 1,
        }
    }

    /// Makes the stack `other` after the same template.
    pub(crate) fn other_stack(&mut self) -> StackKey {
        let other = CreateStack {
            name: "other".to_owned(),
            template: template(),
            parameters: vec![Parameter::new("Image", "web:1")],
            ..CreateStack::default()
        };
        self.stacks.create_stack(other).unwrap()
    }

    /// Calls an operation that must succeed.
    #[track_caller]
    pub(crate) fn call(&mut self, operation: &str, request: Value) -> Value {
        self.try_call(operation, request)
            .unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// Calls an operation that must be refused.
    #[track_caller]
    pub(crate) fn refused(&mut self, operation: &str, request: Value) -> ServiceError {
        match self.try_call(operation, request) {
            Ok(answer) => panic!("{operation} answered {answer}"),
            Err(error) => error,
        }
    }

    pub(crate) fn try_call(
        &mut self,
        operation: &str,
        request: Value,
    ) -> Result<Value, ServiceError> {
        let answer = self.stacks.call(operation, &request, self.now);
        self.collect();
        answer
    }

    /// Lets time pass.
    pub(crate) fn wait_seconds(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        self.stacks.advance(self.now);
        self.collect();
    }

    fn collect(&mut self) {
        self.events.extend(self.stacks.take_events());
        self.effects.extend(self.stacks.take_effects());
    }

    /// Makes a change set of an image and waits until it is made.
    pub(crate) fn change_set(&mut self, name: &str, parameters: Value) {
        self.call("CreateChangeSet", change_set(name, parameters));
        self.wait_seconds(10);
    }

    pub(crate) fn describe_change_set(&mut self, name: &str) -> Value {
        let request = json!({"StackName": "web", "ChangeSetName": name});
        self.call("DescribeChangeSet", request)
    }

    /// Makes a change set of an image, and executes it under a token.
    pub(crate) fn deploy(&mut self, image: &str, token: &str) {
        self.change_set(token, image_and_previous(image));
        self.execute(token, token);
    }

    pub(crate) fn execute(&mut self, name: &str, token: &str) {
        let request = json!({
            "StackName": "web", "ChangeSetName": name, "ClientRequestToken": token,
        });
        self.call("ExecuteChangeSet", request);
    }

    /// The effect that was emitted last.
    #[track_caller]
    pub(crate) fn effect(&self) -> &Effect {
        self.effects.last().expect("there is an effect")
    }

    /// Says that the last effect came to this.
    #[track_caller]
    pub(crate) fn answer(&mut self, outcome: Outcome) {
        let id = self.effect().id;
        assert!(self.stacks.answer(id, outcome), "the answer is awaited");
        self.collect();
    }

    /// Says that the task definition of the last effect is registered.
    #[track_caller]
    pub(crate) fn register(&mut self) {
        let is_creation = matches!(self.effect().action, EffectAction::Create { .. });
        assert!(is_creation, "{:?}", self.effect());
        assert_eq!(self.effect().resource_type, "AWS::ECS::TaskDefinition");
        self.revisions += 1;
        let family = OLD.trim_end_matches('1');
        let physical_id = format!("{family}{}", self.revisions);
        self.answer(Outcome::Created { physical_id });
    }

    /// Deploys an image up to where its service is being updated.
    #[track_caller]
    pub(crate) fn deploy_to_service(&mut self, image: &str, token: &str) {
        self.deploy(image, token);
        self.wait_seconds(3);
        self.register();
        assert_eq!(self.effect().logical_id, "Service");
    }

    /// Says that the service of the last effect failed.
    pub(crate) fn fail(&mut self) {
        self.answer(Outcome::Failed(Failure::circuit_breaker()));
    }

    /// Describes the stack `web`.
    pub(crate) fn stack(&mut self) -> Value {
        self.call("DescribeStacks", json!({"StackName": "web"}))["Stacks"][0].clone()
    }

    pub(crate) fn status(&mut self) -> String {
        text(&self.stack()["StackStatus"])
    }

    /// The events of the stack `web` since its creation, oldest first: name,
    /// status and, if there is one, reason.
    pub(crate) fn story(&mut self) -> Vec<String> {
        let answer = self.call("DescribeStackEvents", json!({"StackName": "web"}));
        let events = answer["StackEvents"].as_array().unwrap().iter().rev();
        events
            .skip(4)
            .map(|event| {
                let name = text(&event["LogicalResourceId"]);
                let status = text(&event["ResourceStatus"]);
                match event["ResourceStatusReason"].as_str() {
                    Some(reason) => format!("{name} {status}: {reason}"),
                    None => format!("{name} {status}"),
                }
            })
            .collect()
    }

    /// One resource of the stack `web`.
    pub(crate) fn resource(&mut self, logical_id: &str) -> Value {
        let request = json!({"StackName": "web", "LogicalResourceId": logical_id});
        let answer = self.call("DescribeStackResources", request);
        answer["StackResources"][0].clone()
    }
}

/// The parameters of a deployment: the image, and every other as it is.
pub(crate) fn image_and_previous(image: &str) -> Value {
    json!([
        {"ParameterKey": "Image", "ParameterValue": image},
        {"ParameterKey": "Count", "UsePreviousValue": true},
        {"ParameterKey": "Password", "UsePreviousValue": true},
        {"ParameterKey": "Retention", "UsePreviousValue": true},
    ])
}

/// A request for a change set of the stack `web` with its previous template.
pub(crate) fn change_set(name: &str, parameters: Value) -> Value {
    json!({
        "StackName": "web", "ChangeSetName": name, "UsePreviousTemplate": true,
        "Parameters": parameters, "Capabilities": ["CAPABILITY_NAMED_IAM"],
    })
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}
