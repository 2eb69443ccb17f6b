//! Calls about users, and the resolution of users to logins.

use std::sync::Arc;

use serde::Deserialize;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::User;

use super::client::TAILSCALE;
use super::{Tailscale, TailscaleUser, codes};
use crate::kit::{Account, null_as_default};

#[derive(Deserialize)]
struct Users {
    #[serde(default, deserialize_with = "null_as_default")]
    users: Vec<TailscaleUser>,
}

impl Tailscale {
    /// Returns the users of the tailnet, with those with whom a device is shared.
    /// [`GET /tailnet/{tailnet}/users`](https://tailscale.com/api#tag/users/GET/tailnet/{tailnet}/users)
    pub async fn list_users(&self) -> Result<Vec<TailscaleUser>> {
        let users: Users = self.0.get("tailnet/{tailnet}/users", &[self.tailnet()]).await?.json()?;
        Ok(users.users)
    }

    /// Returns whether a user is in a group of the policy file.
    ///
    /// # Errors
    /// `Tailscale:GROUP_NOT_FOUND` if there is no such group, and `Identity:NOT_FOUND` if the user has no known login.
    pub async fn is_user_in_group(&self, user: &User, group: &str) -> Result<bool> {
        let question = format!("is_user_in_group {} `{group}`", user.username());
        let ask = async {
            let login = self.account_id(user).await?;
            Ok(self.policy_file().await?.group(group)?.has(&login))
        };
        look_up(TAILSCALE.name(), question, ask).await
    }

    /// Returns the users in a group of the policy file, in its order and without duplicates. Logins that are no e-mail addresses, and that
    /// the directory does not know, are omitted, with a warning in the log.
    ///
    /// # Errors
    /// `Tailscale:GROUP_NOT_FOUND` if there is no such group.
    pub async fn users_in_group(&self, group: &str) -> Result<Vec<Arc<User>>> {
        let question = format!("users_in_group `{group}`");
        look_up_users(TAILSCALE.name(), question, self.ask_users_in_group(group)).await
    }

    async fn ask_users_in_group(&self, group: &str) -> Result<Vec<Arc<User>>> {
        let logins = self.member_logins(group).await?;
        let account = |login: String| Account::new(login.clone(), Some(login).filter(|login| is_address(login)));
        self.0.users(logins.into_iter().map(account)).await
    }

    /// Returns a user's login: the one in the directory, or else the one that is their e-mail address, which is then stored in the
    /// directory.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub async fn account_id(&self, user: &User) -> Result<String> {
        self.0.account_id(user, async |email| self.find_login(email).await).await
    }

    /// Finds the member of the tailnet whose login is an e-mail address. Logins of other forms, such as `ana@github`, do not say whose
    /// they are.
    pub(super) async fn find_login(&self, email: &str) -> Result<Option<String>> {
        let users = self.list_users().await?;
        let found = users.into_iter().filter(|user| user.is_member() && user.has_login(email.trim())).collect();
        Ok(TAILSCALE.only_active(email, found, TailscaleUser::account)?.map(|user| user.login_name))
    }

    /// Looks up a member of the tailnet by their login.
    pub(super) async fn member(&self, login: &str) -> Result<TailscaleUser> {
        let not_found = |reason: &str| {
            let message = format!("`{login}` is not the login of a member of the tailnet: {reason}");
            TAILSCALE.error(ErrorKind::Identity, codes::USER_NOT_FOUND, message).with_hint(
                "the policy file accepts any text, so the login is looked up among the users of the tailnet; store the right one with \
                 `Directory::put_identity`, as Tailscale's admin console shows it",
            )
        };
        // `autogroup:admin`, `tag:prod` and `group:ops` are more than one user.
        if login.contains(':') || login.trim().is_empty() {
            return Err(not_found("it is not a login at all"));
        }
        let found = self.list_users().await?.into_iter().find(|user| user.has_login(login));
        match found {
            Some(user) if user.is_member() => Ok(user),
            Some(_) => Err(not_found("a device is shared with them, but they belong to another tailnet")),
            None => Err(not_found("there is no such user")),
        }
    }
}

/// Whether a login is an e-mail address, and not the name of an account at a provider, such as `ana@github` or `ana@passkey`.
fn is_address(login: &str) -> bool {
    login.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'))
}
