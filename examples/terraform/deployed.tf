# What the parameter with what is deployed says, or null where it is not read. Refers
# to variables and its text alone: tests/tools/check-terraform evaluates this file.

locals {
  deployed = try(jsondecode(local.deployed_text), null)

  deployed_task_definition = try(local.deployed.taskDefinition, null)

  # A container that is not in it is an error, and not null: whoever takes the image
  # from here would get another one instead.
  deployed_image = local.deployed_text == null ? null : local.deployed.images[var.deployed_container]

  deployed_digest = try(regex("@(sha256:[0-9a-f]{64})$", local.deployed_image)[0], null)
}
