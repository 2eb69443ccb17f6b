//! Users on call get their requests approved automatically.

use sym_integrations::pagerduty::PagerDuty;
use sym_sdk::prelude::*;

use crate::clients::Slack;

/// The form.
#[derive(Debug, Deserialize)]
pub struct Form {
    reason: String,
}

/// Approves the request of a user on call. If PagerDuty is unavailable, the requester is notified and a person decides.
#[hook]
pub async fn on_request(
    event: &Event,
    form: Fields<Form>,
    pagerduty: &PagerDuty,
    slack: &Slack,
) -> Result<Option<NextEvent>> {
    match pagerduty.is_on_call(event.user()).schedule_name(event.flow().var("schedule")?).await {
        Ok(true) => Ok(Some(ApprovalTemplate::approve().reason(format!("{} (on call)", form.reason)))),
        Ok(false) => Ok(None),
        Err(error) => {
            slack.send_message(event.user().username(), &format!("Your request waits for an approver: {error}")).await;
            Ok(None)
        }
    }
}
