//! Who is on call approves their own request, and it says so.

use sym_sdk::prelude::*;

use crate::clients::{PagerDuty, Slack};

/// The form.
#[derive(Debug, Deserialize)]
pub struct Form {
    reason: String,
}

/// Approves the request of somebody who is on call. If the service cannot be asked, the requester hears of it and a person
/// decides.
#[hook]
pub async fn on_request(
    event: &Event,
    form: Fields<Form>,
    pagerduty: &PagerDuty,
    slack: &Slack,
) -> Result<Option<NextEvent>> {
    match pagerduty.is_on_call(event.user(), event.flow().var("schedule")?).await {
        Ok(true) => Ok(Some(ApprovalTemplate::approve().reason(format!("{} (on call)", form.reason)))),
        Ok(false) => Ok(None),
        Err(error) => {
            slack.send_message(event.user().username(), &format!("You wait for an approver: {error}")).await;
            Ok(None)
        }
    }
}
