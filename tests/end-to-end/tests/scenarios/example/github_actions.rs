//! `examples/github-actions`: a role that pushes to one repository.

use std::collections::BTreeMap;

use end_to_end::aws::texts;
use end_to_end::{Example, Failure};

use super::{INVENTED, TAKEN_OUT, template};
use crate::world::World;

pub(crate) async fn the_role_of_github_actions_is_made(world: &World) -> Result<(), Failure> {
    let aws = &world.aws;
    let template = template("github-actions/template.yaml").await?;
    let parameters = [
        ("GitHubRepository", "shop/web"),
        ("RepositoryName", "team/web"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let example = Example {
        name: "web-push",
        template: &template,
        parameters: &BTreeMap::from(parameters),
        taken_out: &TAKEN_OUT,
        invented: &INVENTED,
    };
    let stack = example.create(aws).await?;
    assert_eq!(stack.missing(aws).await, [""; 0]);

    let name = stack.resources["PushRole"].physical_id.as_str();
    let role = aws.query("iam", "GetRole", &[("RoleName", name)]).await?;
    assert_eq!(texts(&role, "Arn"), [stack.outputs["RoleArn"].as_str()]);
    let trusted = texts(&role, "AssumeRolePolicyDocument").concat();
    assert!(
        trusted.contains("shop%2Fweb%3Aref%3Arefs%2Fheads%2Fmain"),
        "{trusted}"
    );
    let policy = [("RoleName", name), ("PolicyName", "push-images")];
    let policy = aws.query("iam", "GetRolePolicy", &policy).await?;
    let policy = texts(&policy, "PolicyDocument").concat();
    assert!(policy.contains("repository%2Fteam%2Fweb"), "{policy}");

    stack.delete(aws).await?;
    assert_eq!(stack.left_over(aws).await?, [""; 0]);
    Ok(())
}
