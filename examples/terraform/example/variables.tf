variable "region" {
  description = "Where Pushboat is, and so everything else."
  type        = string
}

variable "cluster_name" {
  description = "A cluster that `ClusterPattern` of Pushboat's stack matches."
  type        = string
}

variable "subnet_ids" {
  description = "Where tasks of `web` run. They have to reach ECR and CloudWatch Logs: by NAT, or by VPC endpoints."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the tasks of `web`."
  type        = list(string)
}

variable "execution_role_arn" {
  description = "Execution role of `web`. `TaskRolePattern` of Pushboat's stack has to match it."
  type        = string
}

variable "task_role_arn" {
  description = "Task role of `web`. `TaskRolePattern` of Pushboat's stack has to match it."
  type        = string
}

variable "web_image" {
  description = "What `web` runs first, an image of `team/web` that is in ECR already, with its host. Later revisions that Terraform registers have it too."
  type        = string
}

variable "adopted" {
  description = "Set it once `status` says that both targets are adopted: what is deployed is published from then on."
  type        = bool
  default     = false
}
