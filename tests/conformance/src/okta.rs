use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::http::BaseUrl;
use sym_integrations::okta::{GroupExpand, Okta};

use crate::request::{Fault, Person, Request, emails};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
enum Function {
    GetUserInfo {
        user: Person,
    },
    UsersInGroup {
        group_id: String,
    },
    IsUserInGroup {
        user: Person,
        group_id: String,
    },
    ListGroups {
        name_filter: Option<String>,
        filter: Option<String>,
        #[serde(default)]
        expand: Vec<Expand>,
    },
    AddUserToGroup {
        user: Person,
        group_id: String,
    },
    RemoveUserFromGroup {
        user: Person,
        group_id: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expand {
    Stats,
    App,
}

impl From<Expand> for GroupExpand {
    fn from(expand: Expand) -> Self {
        match expand {
            Expand::Stats => Self::Stats,
            Expand::App => Self::App,
        }
    }
}

pub(crate) async fn call(request: &Request) -> Result<Value, Fault> {
    let base_url = BaseUrl::parse(&format!("{}/api/v1", request.base_url))?;
    let mut builder = Okta::builder("example.okta.com").base_url(base_url);
    builder = match request.known_setting("client_id") {
        None => builder.token(request.setting("api_token")?),
        Some(client_id) => {
            let app = builder.service_app(client_id, request.setting("private_key")?);
            request.known_setting("private_key_id").into_iter().fold(app, |app, id| app.private_key_id(id))
        }
    };
    let okta = builder.build()?;
    Ok(match request.call()? {
        Function::GetUserInfo { user } => {
            let found = okta.get_user_info(&user.0).await?;
            json!({ "id": found.id, "email": found.email(), "status": found.status })
        }
        Function::UsersInGroup { group_id } => emails(&okta.users_in_group(&group_id).await?),
        Function::IsUserInGroup { user, group_id } => json!(okta.is_user_in_group(&user.0, &group_id).await?),
        Function::ListGroups { name_filter, filter, expand } => {
            let mut groups = okta.list_groups().expand(expand.into_iter().map(GroupExpand::from));
            if let Some(prefix) = name_filter {
                groups = groups.name_filter(prefix);
            }
            if let Some(expression) = filter {
                groups = groups.filter(expression);
            }
            groups.await?.iter().map(|group| group.id.clone()).collect()
        }
        Function::AddUserToGroup { user, group_id } => {
            okta.add_group_member(&group_id, &okta.account_id(&user.0).await?).await?;
            Value::Null
        }
        Function::RemoveUserFromGroup { user, group_id } => {
            okta.remove_group_member(&group_id, &okta.account_id(&user.0).await?).await?;
            Value::Null
        }
    })
}
