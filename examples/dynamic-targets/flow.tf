resource "sym_flow" "repositories" {
  name           = "repositories"
  label          = "Repositories"
  implementation = "dynamic_targets"
  environment_id = sym_environment.main.id

  vars = {
    request_channel = "#repository-access"
  }

  params {
    strategy_id = sym_strategy.github.id

    # The options come from the prefetch reducer.
    prompt_field {
      name     = "repo_name"
      label    = "Repository"
      type     = "string"
      prefetch = true
    }

    prompt_field {
      name           = "permission"
      label          = "Role"
      type           = "string"
      allowed_values = ["pull", "push", "admin"]
      on_change      = true
    }

    # Shown for the role `admin` only.
    prompt_field {
      name     = "ticket"
      label    = "Ticket"
      type     = "string"
      required = false
      visible  = false
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["1h", "1d"]
    }
  }
}

resource "sym_strategy" "github" {
  type           = "github"
  name           = "github"
  integration_id = sym_integration.github.id
  targets        = [sym_target.repository.id]
}

# Stands for every repository: two fields of the form become settings of the target.
resource "sym_target" "repository" {
  type           = "github_repo"
  name           = "repository"
  label          = "Repository"
  field_bindings = ["repo_name", "permission"]
}
