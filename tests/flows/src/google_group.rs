//! An older flow with `get_approvers`, in which those who see a request decide it.

use sym_sdk::prelude::*;

/// Sends requests to one channel, in which requesters may approve their own.
#[reducer]
pub fn get_approvers() -> Result<SlackChannelName> {
    Ok(SlackChannelName::new("#access-requests")?.allow_self(true))
}
