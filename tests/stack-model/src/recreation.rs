//! Which changed properties make a new resource of an old one.

/// Whether a change of a property makes the resource anew.
///
/// Source: `RequiresRecreation` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceTargetDefinition.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequiresRecreation {
    /// It is changed as it is.
    Never,
    /// It depends.
    Conditionally,
    /// It is made anew, and the old one deleted.
    Always,
}

impl RequiresRecreation {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            RequiresRecreation::Never => "Never",
            RequiresRecreation::Conditionally => "Conditionally",
            RequiresRecreation::Always => "Always",
        }
    }

    /// What a change of a property of a kind of resource needs.
    ///
    /// Source: "Update requires" of each property at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-taskdefinition.html>
    /// (all but the tags), and
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html>.
    /// Of kinds that are not listed here it is assumed that they are changed as
    /// they are.
    pub(crate) fn of(type_name: &str, property: &str) -> Self {
        match (type_name, property) {
            ("AWS::ECS::TaskDefinition", "Tags") => RequiresRecreation::Never,
            ("AWS::ECS::Service", "LaunchType") => RequiresRecreation::Conditionally,
            ("AWS::ECS::TaskDefinition", _)
            | ("AWS::ECS::Service", "Cluster" | "Role" | "SchedulingStrategy" | "ServiceName")
            | ("AWS::ECS::Cluster", "ClusterName")
            | ("AWS::Logs::LogGroup", "LogGroupName")
            | ("AWS::SSM::Parameter" | "AWS::Events::Rule", "Name")
            | ("AWS::IAM::Role", "RoleName") => RequiresRecreation::Always,
            _ => RequiresRecreation::Never,
        }
    }
}
