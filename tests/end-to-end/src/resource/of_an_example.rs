//! Resources that only the examples have, in the network mostly.

use serde_json::json;

use super::Look;
use crate::aws::{AwsError, texts};

impl Look<'_> {
    pub(super) async fn finds_of_an_example(&self, kind: &str) -> Result<bool, AwsError> {
        let (aws, id) = (self.aws, self.physical_id);
        let balancing = async |operation: &str, member: &str| {
            let asked = [(member, id)];
            aws.query("elasticloadbalancing", operation, &asked).await
        };
        match kind {
            "AWS::EC2::SecurityGroup" => {
                let groups = [("GroupId.1", id)];
                let groups = aws.query("ec2", "DescribeSecurityGroups", &groups).await?;
                let lets_in = texts(&groups, "ipProtocol").contains(&"tcp".to_owned());
                Ok(texts(&groups, "groupId").iter().any(|found| found == id) && lets_in)
            }
            "AWS::ElasticLoadBalancingV2::LoadBalancer" => {
                let member = "LoadBalancerArns.member.1";
                let balancers = balancing("DescribeLoadBalancers", member).await?;
                Ok(texts(&balancers, "LoadBalancerArn") == [id]
                    && texts(&balancers, "Code") == ["active"])
            }
            "AWS::ElasticLoadBalancingV2::TargetGroup" => {
                let groups = balancing("DescribeTargetGroups", "TargetGroupArns.member.1").await?;
                let path = &self.properties["HealthCheckPath"];
                let path = texts(&groups, "HealthCheckPath") != [""] || path.is_null();
                Ok(texts(&groups, "TargetGroupArn") == [id] && path)
            }
            "AWS::ElasticLoadBalancingV2::Listener" => {
                let listeners = balancing("DescribeListeners", "ListenerArns.member.1").await?;
                let balancer = self.referred(&self.properties["LoadBalancerArn"]);
                Ok(texts(&listeners, "ListenerArn") == [id]
                    && texts(&listeners, "LoadBalancerArn") == [balancer])
            }
            "AWS::ECR::Repository" => {
                let repository = json!({"repositoryNames": [id]});
                let found = aws.json("ecr", "DescribeRepositories", &repository).await?;
                Ok(found["repositories"][0]["repositoryName"] == id)
            }
            "AWS::Scheduler::Schedule" => {
                let schedule = aws.get("scheduler", &format!("/schedules/{id}")).await?;
                Ok(schedule["State"] == "ENABLED")
            }
            // Whoever adds a type to a template says here or in `resource` how it is looked for.
            _ => Ok(false),
        }
    }
}
