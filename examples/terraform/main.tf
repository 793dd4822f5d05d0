resource "aws_ssm_parameter" "target" {
  name        = "/${var.target_prefix}/targets/${var.name}"
  description = "How Pushboat deploys to the ECS service ${var.service_name}."
  type        = "String"
  tier        = local.value_bytes > 4096 ? "Advanced" : "Standard"
  value       = local.value
  tags        = var.tags

  lifecycle {
    precondition {
      condition     = local.value_bytes <= 8192
      error_message = "The target has ${local.value_bytes} bytes as JSON, and Parameter Store takes 8192."
    }
  }

  # The service first when both are made, the target first when both are removed.
  depends_on = [aws_ecs_service.this]
}

resource "aws_ecs_service" "this" {
  count = var.service == null ? 0 : 1

  name            = var.service_name
  cluster         = var.cluster_arn
  task_definition = var.service.task_definition_arn
  desired_count   = var.service.desired_count
  launch_type     = "FARGATE"

  deployment_minimum_healthy_percent = var.service.minimum_healthy_percent
  deployment_maximum_percent         = var.service.maximum_percent
  health_check_grace_period_seconds  = var.service.health_check_grace_period_seconds
  enable_execute_command             = var.service.enable_execute_command

  # The owner's consent: without this tag Pushboat changes nothing of the service.
  tags = merge(var.tags, { "pushboat:target" = var.name })

  # ECS takes back by itself what does not start, also while Pushboat is held.
  # Pushboat watches it do so, tells it and keeps the image out.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.service.subnet_ids
    security_groups  = var.service.security_group_ids
    assign_public_ip = var.service.assign_public_ip
  }

  dynamic "load_balancer" {
    for_each = var.service.load_balancers
    content {
      target_group_arn = load_balancer.value.target_group_arn
      container_name   = load_balancer.value.container_name
      container_port   = load_balancer.value.container_port
    }
  }

  lifecycle {
    # What runs is Pushboat's to say, how many of it autoscaling's. Terraform says
    # both once, when it makes the service.
    ignore_changes = [task_definition, desired_count]
  }
}

# What is deployed and proven good: Pushboat writes it, from the adoption on.
#
# It depends on nothing that is made here, so that a task definition whose image it
# is may be the one of the service.
data "aws_ssm_parameter" "deployed" {
  count = var.deployed_container == null ? 0 : 1

  name = "/${var.target_prefix}/deployed/${var.name}"
}

locals {
  # The provider takes every parameter's text for a secret, and this one is none.
  deployed_text = one([for parameter in data.aws_ssm_parameter.deployed : nonsensitive(parameter.value)])
}
