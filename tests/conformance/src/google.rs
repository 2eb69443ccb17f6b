use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::google::{Google, Role};
use sym_integrations::http::{Auth, BaseUrl, SecretString};

use crate::request::{Fault, Person, Request, emails};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
enum Function {
    ListGroups {
        domain: Option<String>,
    },
    GetGroup {
        group: String,
    },
    IsUserInGroup {
        user: Person,
        group: String,
    },
    UsersInGroup {
        group: String,
        #[serde(default = "yes")]
        include_indirect_members: bool,
    },
    AddMember {
        group: String,
        user: String,
        role: Role,
    },
    SetRole {
        group: String,
        user: String,
        role: Role,
    },
    RemoveMember {
        group: String,
        user: String,
    },
}

const fn yes() -> bool {
    true
}

pub(crate) async fn call(request: &Request) -> Result<Value, Fault> {
    let google = Google::builder("example.com")
        .domains(["example.org"])
        .auth(Auth::bearer(SecretString::from(request.setting("access_token")?)))
        .base_url(BaseUrl::parse(&format!("{}/admin/directory/v1", request.base_url))?)
        .build()?;
    Ok(match request.call()? {
        Function::ListGroups { domain } => {
            google.list_groups(domain.as_deref()).await?.iter().map(|group| group.email.clone()).collect()
        }
        Function::GetGroup { group } => {
            let found = google.get_group(&group).await?;
            json!({ "id": found.id, "email": found.email, "name": found.name })
        }
        Function::IsUserInGroup { user, group } => json!(google.is_user_in_group(&user.0, &group).await?),
        Function::UsersInGroup { group, include_indirect_members: true } => {
            emails(&google.users_in_group(&group).await?)
        }
        Function::UsersInGroup { group, .. } => emails(&google.direct_users_in_group(&group).await?),
        Function::AddMember { group, user, role } => json!(google.add_group_member(&group, &user, &role).await?.id),
        Function::SetRole { group, user, role } => json!(google.set_member_role(&group, &user, &role).await?.role),
        Function::RemoveMember { group, user } => {
            google.remove_group_member(&group, &user).await?;
            Value::Null
        }
    })
}
