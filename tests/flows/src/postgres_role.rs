//! A function grants a role to the requester's database user, and returns its name.

use sym_sdk::prelude::*;

use crate::clients::Slack;

/// Sends the name to log in with to the requester. The response is parsed by hand, because a function may return anything.
#[hook]
pub async fn after_escalate(event: &Event, slack: &Slack) -> Result<()> {
    let Some(output) = event.step_output(Step::Escalate) else { return Ok(()) };
    let failed = output.get("errors").and_then(|errors| errors.as_array()).is_some_and(|errors| !errors.is_empty());
    let user = output.get("body").and_then(|body| body.get("user_name")).and_then(|user| user.as_str());
    if let (false, Some(user), Some(requester)) = (failed, user, event.requester()) {
        slack.send_message(requester.username(), &format!("Log in as `{user}`.")).await;
    }
    Ok(())
}
