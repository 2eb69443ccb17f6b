//! The clients of the workspace: the same one, with a patience for each kind of call.
//!
//! A call that Slack limits waits as long as its client allows, and fails immediately if Slack asks for more. All of them share connections,
//! rate limits and the cache of users.

use std::time::Duration;

use crate::kit::VendorClient;
use crate::slack::Slack;

/// The timeout of a call that delivers. A delivery makes few calls, within the [limit](sym_sdk::runtime::Limits::delivery) of the runtime;
/// one that fails is repeated without occupying a worker meanwhile.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(8);

/// The timeout of a look-up that only improves a message: the account of a person to mention, or the address of a message.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(3);

/// The timeout of a call that shows what somebody has asked for, after Slack got its response. Nothing repeats it, and somebody is looking at
/// a view that waits for it. Slack counts calls by the minute.
const FOLLOW_UP_TIMEOUT: Duration = Duration::from_secs(120);

/// The clients of a workspace.
pub(super) struct Clients {
    /// For what somebody waits for: accounts, views that a trigger opens, and responses.
    pub(super) interactive: Slack,
    pub(super) delivery: Slack,
    pub(super) lookup: Slack,
    pub(super) follow_up: Slack,
}

impl Clients {
    pub(super) fn new(slack: Slack) -> Self {
        let with_timeout = |timeout| slack.with_service(slack.service().with_timeout(timeout));
        Self {
            delivery: with_timeout(DELIVERY_TIMEOUT),
            lookup: with_timeout(LOOKUP_TIMEOUT),
            follow_up: with_timeout(FOLLOW_UP_TIMEOUT),
            interactive: slack,
        }
    }
}
