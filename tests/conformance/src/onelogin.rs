use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::http::BaseUrl;
use sym_integrations::onelogin::{OneLogin, Privilege};

use crate::request::{Fault, Person, Request, emails};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
enum Function {
    GetUserInfo {
        user: Person,
    },
    UsersInRole {
        role_id: u64,
    },
    IsUserInRole {
        user: Person,
        role_id: u64,
    },
    ListRoles {},
    ListAdmins {
        role_id: u64,
    },
    AddToRole {
        user: Person,
        role_id: u64,
        #[serde(default)]
        admin: bool,
    },
    RemoveFromRole {
        user: Person,
        role_id: u64,
        #[serde(default)]
        admin: bool,
    },
    RunMappings {
        user_id: u64,
    },
}

pub(crate) async fn call(request: &Request) -> Result<Value, Fault> {
    let onelogin = OneLogin::builder("example.onelogin.com")
        .credentials(request.setting("client_id")?, request.setting("client_secret")?)
        .base_url(BaseUrl::parse(&request.base_url)?)
        .build()?;
    let privilege = |admin| if admin { Privilege::Admin } else { Privilege::Member };
    Ok(match request.call()? {
        Function::GetUserInfo { user } => {
            let found = onelogin.get_user_info(&user.0).await?;
            json!({ "id": found.id, "email": found.email, "role_ids": found.role_ids })
        }
        Function::UsersInRole { role_id } => emails(&onelogin.users_in_role(role_id).await?),
        Function::IsUserInRole { user, role_id } => json!(onelogin.is_user_in_role(&user.0, role_id).await?),
        Function::ListRoles {} => onelogin.list_roles().await?.iter().map(|role| role.id).collect(),
        Function::ListAdmins { role_id } => {
            onelogin.list_role_users(role_id, Privilege::Admin).await?.iter().map(|admin| admin.id).collect()
        }
        Function::AddToRole { user, role_id, admin } => {
            let user = onelogin.user_id(&user.0).await?;
            onelogin.add_to_role(role_id, user, privilege(admin)).await?;
            Value::Null
        }
        Function::RemoveFromRole { user, role_id, admin } => {
            let user = onelogin.user_id(&user.0).await?;
            onelogin.remove_from_role(role_id, user, privilege(admin)).await?;
            Value::Null
        }
        Function::RunMappings { user_id } => {
            onelogin.run_mappings(user_id).await?;
            Value::Null
        }
    })
}
