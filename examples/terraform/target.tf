# What the parameter says. Only fields that are set are written, so that what is
# left out has Pushboat's own default. Refers to variables alone:
# tests/tools/check-terraform evaluates this file and variables.tf without AWS.

locals {
  cluster_name = element(split("/", var.cluster_arn), 1)

  target = { for field, value in {
    service = {
      cluster = local.cluster_name
      name    = var.service_name
    }
    images = [for image in var.images : { for field, value in {
      repository = image.repository
      tags = image.tags == null ? null : { for field, value in {
        glob   = image.tags.glob
        semver = image.tags.semver
      } : field => value if value != null }
      containers = image.containers
    } : field => value if value != null }]
    alarms          = var.alarms
    alarmsAtStart   = var.alarms_at_start
    bakeTimeSeconds = var.bake_time_seconds
    deadlineSeconds = var.deadline_seconds
    maxFailedTasks = var.max_failed_tasks == null ? null : { for field, value in {
      atLeast          = var.max_failed_tasks.at_least
      percentOfDesired = var.max_failed_tasks.percent_of_desired
    } : field => value if value != null }
    supersede = var.supersede
  } : field => value if value != null }

  value = jsonencode(local.target)

  # `length` counts characters, and Parameter Store bytes.
  value_bytes = floor(length(replace(base64encode(local.value), "=", "")) * 3 / 4)
}
