//! What must be acknowledged before a template is used.

use crate::error::ServiceError;
use crate::template::Template;

/// The kinds of resources that can affect permissions, and the property that
/// names one.
///
/// Source: `Capabilities` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>.
const PERMISSIONS: [(&str, &str); 8] = [
    ("AWS::IAM::AccessKey", ""),
    ("AWS::IAM::Group", "GroupName"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"),
    ("AWS::IAM::Policy", ""),
    ("AWS::IAM::Role", "RoleName"),
    ("AWS::IAM::User", "UserName"),
    ("AWS::IAM::UserToGroupAddition", ""),
];

/// Checks that a template's resources are acknowledged.
///
/// `CAPABILITY_AUTO_EXPAND` is asked for by a direct update alone: it "doesn't
/// apply to creating change sets".
/// Source: as for the kinds; the text is the one CloudFormation is seen to send.
///
/// # Errors
///
/// `InsufficientCapabilitiesException`.
pub(crate) fn check(
    template: &Template,
    acknowledged: &[String],
    is_direct_update: bool,
) -> Result<(), ServiceError> {
    let has = |name: &str| acknowledged.iter().any(|one| one == name);
    let (mut affects, mut names) = (false, false);
    for resource in template.resources.values() {
        for (type_name, naming) in PERMISSIONS {
            if resource.type_name == type_name {
                affects = true;
                names |= resource.properties.contains_key(naming);
            }
        }
    }
    let needed = if names && !has("CAPABILITY_NAMED_IAM") {
        "CAPABILITY_NAMED_IAM"
    } else if affects && !has("CAPABILITY_IAM") && !has("CAPABILITY_NAMED_IAM") {
        "CAPABILITY_IAM"
    } else if template.has_transform && is_direct_update && !has("CAPABILITY_AUTO_EXPAND") {
        "CAPABILITY_AUTO_EXPAND"
    } else {
        return Ok(());
    };
    Err(ServiceError::new(
        "InsufficientCapabilitiesException",
        format!("Requires capabilities : [{needed}]"),
    ))
}
