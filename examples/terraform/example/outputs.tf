output "targets" {
  description = "The parameters that register the two targets."
  value       = [module.backstage.parameter_name, module.web.parameter_name]
}

output "running" {
  description = "What each service was last told to run."
  value = {
    backstage = module.backstage.deployed_image
    web       = module.web.deployed_image
  }
}
