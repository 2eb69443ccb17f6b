//! Written before permissions and notifications were told apart: who sees the request decides it.

use sym_sdk::prelude::*;

/// One channel, in which requesters may approve their own.
#[reducer]
pub fn get_approvers() -> Result<SlackChannelName> {
    Ok(SlackChannelName::new("#access-requests")?.allow_self(true))
}
