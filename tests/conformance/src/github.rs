use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::github::{Affiliation, GitHub, RepositoryRole};
use sym_integrations::http::BaseUrl;

use crate::request::{Fault, Request};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
enum Function {
    ListRepos {},
    ListTeams {},
    GetRepo { repo: String },
    GetUserById { id: u64 },
    Collaborators { repo: String },
    RoleOf { repo: String, login: String },
    AddCollaborator { repo: String, login: String, permission: String },
    RemoveCollaborator { repo: String, login: String },
    Invitations { repo: String },
    DeleteInvitation { repo: String, id: u64 },
}

pub(crate) async fn call(request: &Request) -> Result<Value, Fault> {
    let github = GitHub::builder(request.setting("organization")?)
        .token(request.setting("api_token")?)
        .base_url(BaseUrl::parse(&request.base_url)?)
        .build()?;
    Ok(match request.call()? {
        Function::ListRepos {} => github.list_repos().await?.iter().map(|repo| repo.full_name.clone()).collect(),
        Function::ListTeams {} => github.list_teams().await?.iter().map(|team| team.slug.clone()).collect(),
        Function::GetRepo { repo } => json!(github.get_repo(&repo).await?.id),
        Function::GetUserById { id } => json!(github.get_user_by_id(id).await?.login),
        Function::Collaborators { repo } => {
            let listed = github.repo(&repo).collaborators(Affiliation::All).await?;
            listed.iter().map(|user| json!([user.id, user.login, user.role_name])).collect()
        }
        Function::RoleOf { repo, login } => {
            let found = github.repo(&repo).collaborator(&login).await?;
            json!(found.and_then(|user| user.role_name))
        }
        Function::AddCollaborator { repo, login, permission } => {
            let role = RepositoryRole::parse(&permission);
            let invitation = github.repo(&repo).add_collaborator(&login, &role).await?;
            json!(invitation.map(|invitation| invitation.id))
        }
        Function::RemoveCollaborator { repo, login } => {
            github.repo(&repo).remove_collaborator(&login).await?;
            Value::Null
        }
        Function::Invitations { repo } => {
            let listed = github.repo(&repo).invitations().await?;
            let login = |invitee: &sym_integrations::github::Invitee| invitee.login.clone();
            let listed =
                listed.iter().map(|found| json!([found.id, found.invitee.as_ref().and_then(login), found.role]));
            listed.collect()
        }
        Function::DeleteInvitation { repo, id } => {
            github.repo(&repo).delete_invitation(id).await?;
            Value::Null
        }
    })
}
