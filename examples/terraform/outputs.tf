output "parameter_name" {
  description = "The parameter that registers the target."
  value       = aws_ssm_parameter.target.name
}

output "parameter_arn" {
  description = "The same one's ARN, for the policy of whoever may change it."
  value       = aws_ssm_parameter.target.arn
}

output "target_json" {
  description = "What the parameter says."
  value       = local.value
}

output "service_arn" {
  description = "The service that the module made, or null."
  value       = one(aws_ecs_service.this[*].id)
}

output "deployed_task_definition" {
  description = "The revision that is deployed and proven good; null without `deployed_container`."
  value       = local.deployed_task_definition
}

output "deployed_image" {
  description = "The image of `deployed_container` in it, by digest if the target follows it, or null."
  value       = local.deployed_image
}

output "deployed_digest" {
  description = "Its digest, `sha256:…`, or null."
  value       = local.deployed_digest
}
