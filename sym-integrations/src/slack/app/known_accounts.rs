//! The Slack accounts of the people whom a message is about, so that it mentions them rather than naming them by an address.

use std::collections::BTreeMap;

use sym_sdk::delivery::RequestView;
use sym_sdk::model::{User, UserId, UserType};
use sym_sdk::routing::SlackUser;

use super::SlackApp;
use super::request_text::slack_account;

/// The accounts of the people of a request, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct KnownAccounts {
    workspace: String,
    found: BTreeMap<UserId, SlackUser>,
}

impl KnownAccounts {
    /// Creates the accounts that users bring with them.
    pub(super) fn of_workspace(workspace: &str) -> Self {
        Self { workspace: workspace.to_owned(), found: BTreeMap::new() }
    }

    /// Returns the account of a user.
    pub(super) fn of(&self, user: &User) -> Option<SlackUser> {
        slack_account(user, &self.workspace).or_else(|| self.found.get(&user.id()).cloned())
    }
}

impl SlackApp {
    /// Returns the accounts of the people of a request. Somebody who has acted outside of Slack is looked up; a message is sent with a name
    /// rather than not at all if that fails.
    pub(super) async fn known_accounts(&self, request: &RequestView) -> KnownAccounts {
        let mut known = KnownAccounts::of_workspace(self.slack().workspace());
        let decider = request.decided_by().map(|(user, _)| user);
        for user in [request.event().requester(), decider, request.revoked_by()].into_iter().flatten() {
            if user.user_type() != UserType::Normal || known.of(user).is_some() {
                continue;
            }
            if let Ok(account) = self.slack().account_id(user).await
                && let Ok(account) = SlackUser::new(account)
            {
                known.found.insert(user.id(), account);
            }
        }
        known
    }
}
