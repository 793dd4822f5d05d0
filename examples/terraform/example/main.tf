# Two services of one cluster: one that was there before, one made from nothing.

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

provider "aws" {
  region = var.region
}

data "aws_ecs_cluster" "this" {
  cluster_name = var.cluster_name
}

# ── A target for a service that is there already ─────────────────────────────

# Its owner gives it the tag `pushboat:target` = `backstage`, and where Terraform
# has it, `ignore_changes = [task_definition]`.
module "backstage" {
  source = "../"

  name         = "backstage"
  cluster_arn  = data.aws_ecs_cluster.this.arn
  service_name = "backstage"

  images = [{
    repository = "team/backstage"
    tags       = { glob = ["main-*"] }
  }]
  alarms             = ["backstage-5xx"]
  bake_time_seconds  = 600
  deployed_container = var.adopted ? "backstage" : null
}

# ── A service that the module makes ──────────────────────────────────────────

resource "aws_cloudwatch_log_group" "web" {
  name              = "/ecs/web"
  retention_in_days = 30
}

# The service is made with it. The revisions after it are Pushboat's: each the one that
# runs with another image. Change something here, and the README says how it goes live;
# the image is the deployed one then, and not the first.
resource "aws_ecs_task_definition" "web" {
  family                   = "web"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = var.task_role_arn

  # A revision that Terraform replaces stays, for it may be the way back.
  skip_destroy = true

  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([{
    name         = "web"
    image        = var.adopted ? module.web.deployed_image : var.web_image
    essential    = true
    portMappings = [{ containerPort = 8080, protocol = "tcp" }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.web.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "web"
      }
    }
  }])
}

module "web" {
  source = "../"

  name         = "web"
  cluster_arn  = data.aws_ecs_cluster.this.arn
  service_name = "web"

  images = [{
    repository = "team/web"
    tags       = { semver = "^1" }
    containers = ["web"]
  }]
  max_failed_tasks   = { at_least = 3 }
  supersede          = "immediately"
  deployed_container = var.adopted ? "web" : null

  service = {
    task_definition_arn = aws_ecs_task_definition.web.arn
    subnet_ids          = var.subnet_ids
    security_group_ids  = var.security_group_ids
  }
}
