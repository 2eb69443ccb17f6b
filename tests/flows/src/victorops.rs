//! Users on call get their requests approved automatically. The service has usernames of its own, which are looked up once and
//! stored in the directory.

use sym_sdk::prelude::*;

use crate::clients::VictorOps;

/// Approves the request of a user on call. If the service is unavailable, a person decides.
#[hook]
pub async fn on_request(event: &Event, victorops: &VictorOps, directory: &Directory) -> Option<NextEvent> {
    match is_on_call(event, victorops, directory).await {
        Ok(true) => Some(ApprovalTemplate::approve().reason("the requester is on call")),
        Ok(false) => None,
        Err(error) => {
            victorops.outbox.record("log", "error channel", error.to_string());
            None
        }
    }
}

async fn is_on_call(event: &Event, victorops: &VictorOps, directory: &Directory) -> Result<bool> {
    let username = username(event, victorops, directory).await?;
    let on_call = victorops.on_call(event.flow().var("team")?).await?;
    Ok(on_call.contains(&username))
}

async fn username(event: &Event, victorops: &VictorOps, directory: &Directory) -> Result<String> {
    let integration = event.flow().environment().integration("victorops")?;
    let (user, account) = (event.user(), integration.external_id());
    if let Some(known) = directory.identity(user.id(), "victorops", Some(account)).await? {
        return Ok(known.user_id().to_owned());
    }
    let username = victorops.username(user.username()).await?;
    directory.persist_user_identity(user.username(), "victorops", account, &username).await?;
    Ok(username)
}
