use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::http::BaseUrl;
use sym_integrations::slack::signature::SigningSecret;
use sym_integrations::slack::{self, MessageRef, Slack};

use crate::request::{Fault, Person, Request, emails};

#[derive(Deserialize)]
#[serde(tag = "call", content = "arguments", rename_all = "snake_case", deny_unknown_fields)]
enum Function {
    User { identifier: String },
    GetUserInfo { user: Person },
    ListUsers {},
    IsUserInGroup { user: Person, group_id: String },
    UsersInChannel { channel: String },
    SendMessage { channel: String, text: String },
    SendMessageToUser { user: Person, text: String },
    SendMessageToGroup { users: Vec<String>, text: String },
    SendThreadMessage { channel: String, ts: String, text: String },
    UpdateMessage { channel: String, ts: String, text: String, blocks: Value },
    OpenView { trigger_id: String, view: Value },
    IsSigned { secret: String, now: i64, timestamp: String, signature: String, body: String },
}

pub(crate) async fn call(request: &Request) -> Result<Value, Fault> {
    let base_url = BaseUrl::parse(&format!("{}/api", request.base_url))?;
    let slack = Slack::builder("T000000001").token(request.setting("api_token")?).base_url(base_url).build()?;
    Ok(match request.call()? {
        Function::User { identifier } => json!(slack.resolve(&identifier).await?.user_id()),
        Function::GetUserInfo { user } => {
            let found = slack.get_user_info(&user.0).await?;
            json!({ "id": found.id(), "email": found.email() })
        }
        Function::ListUsers {} => slack.list_users().await?.iter().map(|user| user.id()).collect(),
        Function::IsUserInGroup { user, group_id } => json!(slack.is_user_in_group(&user.0, &group_id).await?),
        Function::UsersInChannel { channel } => emails(&slack.users_in_channel(&channel).await?),
        Function::SendMessage { channel, text } => sent(&slack.send_message(slack::channel(&channel)?, text).await?),
        Function::SendMessageToUser { user, text } => sent(&slack.send_message(&user.0, text).await?),
        Function::SendMessageToGroup { users, text } => {
            sent(&slack.send_message(slack::group(users.iter().map(String::as_str))?, text).await?)
        }
        Function::SendThreadMessage { channel, ts, text } => {
            sent(&slack.send_thread_message(&MessageRef::new(channel, ts), text).await?)
        }
        Function::UpdateMessage { channel, ts, text, blocks } => {
            let message = MessageRef::new(channel, ts);
            sent(&slack.api().update_message(&message).text(text).blocks(blocks).await?)
        }
        Function::IsSigned { secret, now, timestamp, signature, body } => {
            let now = Timestamp::from_second(now).map_err(|error| Fault::Request(error.to_string()))?;
            let verified = SigningSecret::new(secret.into())?;
            json!(verified.verify(Some(&timestamp), Some(&signature), body.as_bytes(), now).is_ok())
        }
        Function::OpenView { trigger_id, view } => json!(slack.api().open_view(&trigger_id, view).await?.id),
    })
}

fn sent(message: &MessageRef) -> Value {
    json!({ "channel": message.channel(), "ts": message.ts() })
}
