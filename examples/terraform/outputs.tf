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
  description = "The revision that the service was last told to run; null without `deployed_container`."
  value       = one(data.aws_ecs_service.deployed[*].task_definition)
}

output "deployed_image" {
  description = "The image of `deployed_container` in that revision, or null."
  value       = one(data.aws_ecs_container_definition.deployed[*].image)
}

# Not the provider's `image_digest`: that is whatever stands behind the first colon.
output "deployed_digest" {
  description = "Its digest, `sha256:…`; null where the revision names the image by a tag, as before the first push."
  value       = try(regex("@(sha256:[0-9a-f]{64})$", one(data.aws_ecs_container_definition.deployed[*].image))[0], null)
}
