# ── Where ────────────────────────────────────────────────────────────────────

variable "name" {
  description = "The target's name, such as `web` or `payments/api`. The service's tag `pushboat:target` has it as its value."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.name) <= 200 && can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", var.name))
    error_message = "A target's name has 1 to 200 letters, digits, `.`, `-`, `_`, and single slashes between them."
  }
}

variable "target_prefix" {
  description = "The parameter `TargetPrefix` of Pushboat's stack."
  type        = string
  default     = "pushboat"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", var.target_prefix))
    error_message = "The prefix is a parameter path without a leading or trailing slash."
  }
}

variable "tags" {
  description = "Tags of the parameter, and of the service if the module makes it."
  type        = map(string)
  default     = {}
  nullable    = false
}

# ── The target: the fields of docs/target.schema.json ────────────────────────

variable "cluster_arn" {
  description = "ARN of the cluster of the service. `service.cluster` of the target is its name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[^:]+:ecs:[^:]+:[0-9]{12}:cluster/[A-Za-z0-9_-]+$", var.cluster_arn)) && length(element(split("/", var.cluster_arn), 1)) <= 255
    error_message = "The cluster is given by its ARN, as `aws_ecs_cluster.prod.arn`."
  }
}

variable "service_name" {
  description = "`service.name`: the service's short name. A service belongs to one target only."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.service_name) <= 255 && can(regex("^[A-Za-z0-9_-]+$", var.service_name))
    error_message = "The service's short name has 1 to 255 letters, digits, `-` and `_`."
  }
}

# Terraform drops an attribute that a type does not know, so a misspelt one is not
# told. That `tags` has to be there, and one of its two, is why none of them can
# turn "these tags" into "every tag".
variable "images" {
  description = "`images`: the repositories that are followed, each once; of each one's tags those that count (`glob` or `semver`), and the containers that get the image (each one whose image is of that repository, where none is named)."
  type = list(object({
    repository = string
    tags = object({
      glob   = optional(list(string))
      semver = optional(string)
    })
    containers = optional(list(string))
  }))
  nullable = false

  validation {
    condition     = length(var.images) >= 1 && length(var.images) <= 10 && length(distinct(var.images[*].repository)) == length(var.images)
    error_message = "1 to 10 repositories are followed, each once."
  }

  validation {
    condition = alltrue([for image in var.images :
      length(image.repository) >= 2 && length(image.repository) <= 256 && can(regex("^[a-z0-9_./-]+$", image.repository))
    ])
    error_message = "A repository is named without host and tag, in 2 to 256 lower-case letters, digits, `_`, `.`, `/` and `-`."
  }

  validation {
    condition = alltrue([for image in var.images : image.tags == null ? true :
      length([for tags in [image.tags.glob, image.tags.semver] : tags if tags != null]) == 1
    ])
    error_message = "`tags` has either `glob` or `semver`."
  }

  validation {
    condition = alltrue([for glob in var.images[*].tags.glob : glob == null ? true :
      length(glob) >= 1 && length(glob) <= 10 && length(distinct(glob)) == length(glob) &&
      alltrue([for pattern in glob : length(pattern) >= 1 && length(pattern) <= 255])
    ])
    error_message = "`glob` has 1 to 10 patterns of 1 to 255 characters, each once."
  }

  validation {
    condition = alltrue([for semver in var.images[*].tags.semver : semver == null ? true :
      length(semver) >= 1
    ])
    error_message = "`semver` is a range of versions, such as `^1.2`."
  }

  validation {
    condition = alltrue([for containers in var.images[*].containers : containers == null ? true :
      length(containers) <= 10 && length(distinct(containers)) == length(containers) &&
      alltrue([for name in containers : length(name) >= 1 && length(name) <= 255])
    ])
    error_message = "`containers` has at most 10 names of 1 to 255 characters, each once."
  }
}

variable "alarms" {
  description = "`alarms`: names of CloudWatch alarms that must not fire while a version is deployed and watched."
  type        = list(string)
  default     = null

  validation {
    condition = var.alarms == null ? true : (
      length(var.alarms) <= 20 && length(distinct(var.alarms)) == length(var.alarms) &&
      alltrue([for name in var.alarms : length(name) >= 1 && length(name) <= 255])
    )
    error_message = "`alarms` has at most 20 names of 1 to 255 characters, each once."
  }
}

variable "alarms_at_start" {
  description = "`alarmsAtStart`: what happens where an alarm fires when a rollout is to start: `ignore`, `wait` or `reject`."
  type        = string
  default     = null

  validation {
    condition     = var.alarms_at_start == null ? true : contains(["ignore", "wait", "reject"], var.alarms_at_start)
    error_message = "`alarms_at_start` is `ignore`, `wait` or `reject`."
  }
}

variable "bake_time_seconds" {
  description = "`bakeTimeSeconds`: how long a finished deployment is watched before it counts as good."
  type        = number
  default     = null

  validation {
    condition     = var.bake_time_seconds == null ? true : var.bake_time_seconds >= 0 && var.bake_time_seconds <= 86400 && floor(var.bake_time_seconds) == var.bake_time_seconds
    error_message = "`bake_time_seconds` is a whole number, 0 to 86400."
  }
}

variable "deadline_seconds" {
  description = "`deadlineSeconds`: how long a deployment may take before it is given up."
  type        = number
  default     = null

  validation {
    condition     = var.deadline_seconds == null ? true : var.deadline_seconds >= 60 && var.deadline_seconds <= 43200 && floor(var.deadline_seconds) == var.deadline_seconds
    error_message = "`deadline_seconds` is a whole number, 60 to 43200."
  }
}

variable "max_failed_tasks" {
  description = "`maxFailedTasks`: at how many failed tasks a version is taken back: at `atLeast`, or at `percentOfDesired` if that is more."
  type = object({
    at_least           = optional(number)
    percent_of_desired = optional(number)
  })
  default = null

  validation {
    condition     = var.max_failed_tasks == null ? true : length([for value in var.max_failed_tasks : value if value != null]) >= 1
    error_message = "`max_failed_tasks` has `at_least`, `percent_of_desired` or both."
  }

  validation {
    condition     = try(var.max_failed_tasks.at_least, null) == null ? true : var.max_failed_tasks.at_least >= 1 && var.max_failed_tasks.at_least <= 1000 && floor(var.max_failed_tasks.at_least) == var.max_failed_tasks.at_least
    error_message = "`at_least` is a whole number, 1 to 1000."
  }

  validation {
    condition     = try(var.max_failed_tasks.percent_of_desired, null) == null ? true : var.max_failed_tasks.percent_of_desired >= 0 && var.max_failed_tasks.percent_of_desired <= 100 && floor(var.max_failed_tasks.percent_of_desired) == var.max_failed_tasks.percent_of_desired
    error_message = "`percent_of_desired` is a whole number, 0 to 100."
  }
}

variable "supersede" {
  description = "`supersede`: what a newer push does to the rollout under way: `whenFinished` or `immediately`."
  type        = string
  default     = null

  validation {
    condition     = var.supersede == null ? true : contains(["whenFinished", "immediately"], var.supersede)
    error_message = "`supersede` is `whenFinished` or `immediately`."
  }
}

# ── The service, and what it runs ────────────────────────────────────────────

variable "service" {
  description = "Makes the service too. Null: it is there already, or somebody else makes it. `task_definition_arn` and `desired_count` count once, when the service is made."
  type = object({
    task_definition_arn               = string
    desired_count                     = optional(number, 2)
    subnet_ids                        = list(string)
    security_group_ids                = list(string)
    assign_public_ip                  = optional(bool, false)
    minimum_healthy_percent           = optional(number, 100)
    maximum_percent                   = optional(number, 200)
    health_check_grace_period_seconds = optional(number)
    enable_execute_command            = optional(bool, false)
    load_balancers = optional(list(object({
      target_group_arn = string
      container_name   = string
      container_port   = number
    })), [])
  })
  default = null
}

variable "deployed_container" {
  description = "The container whose deployed image the outputs `deployed_*` tell. Null: nothing is read. Leave it out until the target is adopted: the parameter that says it is there from then on."
  type        = string
  default     = null

  validation {
    condition     = var.deployed_container == null ? true : length(var.deployed_container) >= 1 && length(var.deployed_container) <= 255
    error_message = "A container's name has 1 to 255 characters."
  }
}
