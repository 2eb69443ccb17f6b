//! Slack users that were selected in a form, resolved to users of the directory.

use crate::directory::Directory;
use crate::error::Result;
use crate::forms::{FieldMap, FieldValue, SlackUserSelection};
use crate::model::Flow;

/// Sets the usernames of Slack users that the directory knows. Submitted usernames are discarded, because handlers trust them.
pub(super) async fn resolve_slack_fields(directory: &Directory, flow: &Flow, fields: &mut FieldMap) -> Result<()> {
    let mut integrations = flow.environment().integrations().values();
    let Some(slack) = integrations.find(|integration| integration.kind() == "slack") else { return Ok(()) };
    let mut named = FieldMap::new();
    for (name, value) in fields.iter() {
        let value: FieldValue = match value {
            FieldValue::SlackUser(user) => selection(directory, slack.external_id(), user).await?.into(),
            FieldValue::SlackUsers(users) => {
                let mut known = Vec::with_capacity(users.len());
                for user in users {
                    known.push(selection(directory, slack.external_id(), user).await?);
                }
                known.into()
            }
            _ => continue,
        };
        named.insert(name, value);
    }
    fields.extend(named);
    Ok(())
}

async fn selection(directory: &Directory, workspace: &str, user: &SlackUserSelection) -> Result<SlackUserSelection> {
    let known = directory.user_by_identity("slack", workspace, user.user_id()).await?;
    Ok(SlackUserSelection::new(user.user_id(), known.map(|known| known.username().to_owned())))
}
