//! Resources that only the examples have.

use serde_json::{Value, json};

use super::Look;
use crate::aws::{AwsError, texts};

/// Types that one call of the query protocol describes by their id: the type, the service,
/// its action, the member that takes the id, and the element that has it.
const DESCRIBED: [[&str; 5]; 14] = [
    [
        "AWS::EC2::InternetGateway",
        "ec2",
        "DescribeInternetGateways",
        "InternetGatewayId.1",
        "internetGatewayId",
    ],
    [
        "AWS::EC2::RouteTable",
        "ec2",
        "DescribeRouteTables",
        "RouteTableId.1",
        "routeTableId",
    ],
    [
        "AWS::EC2::SecurityGroup",
        "ec2",
        "DescribeSecurityGroups",
        "GroupId.1",
        "groupId",
    ],
    [
        "AWS::EC2::Subnet",
        "ec2",
        "DescribeSubnets",
        "SubnetId.1",
        "subnetId",
    ],
    ["AWS::EC2::VPC", "ec2", "DescribeVpcs", "VpcId.1", "vpcId"],
    [
        "AWS::EC2::VPCEndpoint",
        "ec2",
        "DescribeVpcEndpoints",
        "VpcEndpointId.1",
        "vpcEndpointId",
    ],
    [
        "AWS::ElasticLoadBalancingV2::Listener",
        "elasticloadbalancing",
        "DescribeListeners",
        "ListenerArns.member.1",
        "ListenerArn",
    ],
    [
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "elasticloadbalancing",
        "DescribeLoadBalancers",
        "LoadBalancerArns.member.1",
        "LoadBalancerArn",
    ],
    [
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "elasticloadbalancing",
        "DescribeTargetGroups",
        "TargetGroupArns.member.1",
        "TargetGroupArn",
    ],
    [
        "AWS::RDS::DBCluster",
        "rds",
        "DescribeDBClusters",
        "DBClusterIdentifier",
        "DBClusterIdentifier",
    ],
    [
        "AWS::RDS::DBClusterParameterGroup",
        "rds",
        "DescribeDBClusterParameterGroups",
        "DBClusterParameterGroupName",
        "DBClusterParameterGroupName",
    ],
    [
        "AWS::RDS::DBInstance",
        "rds",
        "DescribeDBInstances",
        "DBInstanceIdentifier",
        "DBInstanceIdentifier",
    ],
    [
        "AWS::RDS::DBParameterGroup",
        "rds",
        "DescribeDBParameterGroups",
        "DBParameterGroupName",
        "DBParameterGroupName",
    ],
    [
        "AWS::RDS::DBSubnetGroup",
        "rds",
        "DescribeDBSubnetGroups",
        "DBSubnetGroupName",
        "DBSubnetGroupName",
    ],
];

impl Look<'_> {
    pub(super) async fn finds_of_an_example(&self, kind: &str) -> Result<bool, AwsError> {
        let (aws, id) = (self.aws, self.physical_id);
        if let Some([_, service, action, member, element]) =
            DESCRIBED.iter().find(|row| row[0] == kind)
        {
            let found = aws.query(service, action, &[(member, id)]).await?;
            return Ok(texts(&found, element).iter().any(|found| found == id));
        }
        match kind {
            "AWS::EC2::Route" => {
                // The table, and where to.
                let (table, to) = id.split_once('|').unwrap_or_default();
                let table = [("RouteTableId.1", table)];
                let table = aws.query("ec2", "DescribeRouteTables", &table).await?;
                let routes = texts(&table, "destinationCidrBlock");
                Ok(routes.iter().any(|route| route == to))
            }
            "AWS::EC2::SubnetRouteTableAssociation" => {
                let tables = aws.query("ec2", "DescribeRouteTables", &[]).await?;
                let made = texts(&tables, "routeTableAssociationId");
                Ok(made.iter().any(|made| made == id))
            }
            "AWS::EC2::VPCGatewayAttachment" => {
                let gateways = aws.query("ec2", "DescribeInternetGateways", &[]).await?;
                let vpc = self.referred(&self.properties["VpcId"]);
                Ok(texts(&gateways, "vpcId").iter().any(|made| made == vpc))
            }
            "AWS::ECR::Repository" => {
                let repository = json!({"repositoryNames": [id]});
                let found = aws.json("ecr", "DescribeRepositories", &repository).await?;
                Ok(found["repositories"][0]["repositoryName"] == id)
            }
            "AWS::SecretsManager::Secret" => {
                let secret = json!({"SecretId": id});
                let secret = aws
                    .json("secretsmanager", "DescribeSecret", &secret)
                    .await?;
                Ok(secret["Name"] == id && secret["DeletedDate"].is_null())
            }
            "AWS::CertificateManager::Certificate" => {
                let certificate = json!({"CertificateArn": id});
                let found = aws.json("acm", "DescribeCertificate", &certificate).await?;
                Ok(found["Certificate"]["CertificateArn"] == id)
            }
            "AWS::Scheduler::Schedule" => {
                let schedule = aws.get("scheduler", &format!("/schedules/{id}")).await?;
                Ok(schedule["State"] == "ENABLED")
            }
            "AWS::S3::Bucket" => {
                let bucket = aws.get_text("s3", &format!("/{id}?location")).await?;
                Ok(bucket.contains("LocationConstraint"))
            }
            "AWS::S3::BucketPolicy" => {
                let bucket = self.referred(&self.properties["Bucket"]);
                let policy = aws.get("s3", &format!("/{bucket}?policy")).await?;
                Ok(policy["Statement"].is_array())
            }
            "AWS::Route53::RecordSet" => {
                // Of all zones: the zone is a parameter.
                let zones = aws.get_text("route53", "/2013-04-01/hostedzone").await?;
                let mut names = Vec::new();
                for zone in texts(&zones, "Id") {
                    let path = format!("/2013-04-01{zone}/rrset");
                    names.extend(texts(&aws.get_text("route53", &path).await?, "Name"));
                }
                Ok(names.iter().any(|name| name == id))
            }
            _ => self.finds_of_cognito(kind).await,
        }
    }

    async fn finds_of_cognito(&self, kind: &str) -> Result<bool, AwsError> {
        let id = self.physical_id;
        let pool = self.referred(&self.properties["UserPoolId"]);
        let (operation, asked, found): (_, Value, _) = match kind {
            "AWS::Cognito::UserPool" => (
                "DescribeUserPool",
                json!({"UserPoolId": id}),
                "/UserPool/Id",
            ),
            "AWS::Cognito::UserPoolClient" => (
                "DescribeUserPoolClient",
                json!({"UserPoolId": pool, "ClientId": id}),
                "/UserPoolClient/ClientId",
            ),
            "AWS::Cognito::UserPoolDomain" => (
                "DescribeUserPoolDomain",
                json!({"Domain": id}),
                "/DomainDescription/Domain",
            ),
            "AWS::Cognito::UserPoolGroup" => (
                "GetGroup",
                json!({"UserPoolId": pool, "GroupName": id}),
                "/Group/GroupName",
            ),
            // Whoever adds a type to a template says in one of these how it is looked for.
            _ => return Ok(false),
        };
        let answer = self.aws.json("cognito-idp", operation, &asked).await?;
        Ok(answer.pointer(found).is_some_and(|found| found == id))
    }
}
