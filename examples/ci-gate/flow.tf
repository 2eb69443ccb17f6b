# There is no strategy: what is approved is the deployment, and nobody gets access.
resource "sym_flow" "deploy" {
  name           = "deploy"
  label          = "Deployment to production"
  implementation = "ci_gate"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#deployments"
  }

  params {
    # Only programs make these requests.
    allowed_sources = ["api"]

    prompt_field {
      name  = "service"
      label = "Service"
      type  = "string"
    }

    prompt_field {
      name  = "job"
      label = "Job"
      type  = "string"
    }
  }
}
