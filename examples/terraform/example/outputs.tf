output "targets" {
  description = "The parameters that register the two targets."
  value       = [module.backstage.parameter_name, module.web.parameter_name]
}

output "deployed" {
  description = "What is deployed and proven good; null until `adopted` is set."
  value = {
    backstage = module.backstage.deployed_image
    web       = module.web.deployed_image
  }
}
