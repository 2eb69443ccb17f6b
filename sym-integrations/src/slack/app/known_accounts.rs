//! The Slack accounts of the people whom a message is about, so that it mentions them rather than naming them by an address.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use sym_sdk::delivery::RequestView;
use sym_sdk::error::ErrorKind;
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
    /// rather than not at all if that fails. That there is no account is remembered, so that not each message asks for it.
    pub(super) async fn known_accounts(&self, request: &RequestView) -> KnownAccounts {
        let slack = &self.clients().lookup;
        let mut known = KnownAccounts::of_workspace(slack.workspace());
        let decider = request.decided_by().map(|(user, _)| user);
        let now = self.now();
        let people = [request.event().requester(), decider, request.revoked_by()].into_iter().flatten();
        let unknown: BTreeMap<UserId, &User> = people
            .filter(|user| user.user_type() == UserType::Normal && known.of(user).is_none())
            .filter(|user| !self.0.without_account.contains(&user.id(), now))
            .map(|user| (user.id(), user))
            .collect();
        let found = unknown.into_iter().map(|(id, user)| async move { (id, slack.account_id(user).await) });
        for (id, found) in join_all(found).await {
            match found {
                Ok(account) => known.found.extend(SlackUser::new(account).ok().map(|account| (id, account))),
                Err(error) if error.kind() == ErrorKind::Identity => self.0.without_account.insert(id, now),
                Err(_) => {}
            }
        }
        known
    }
}
