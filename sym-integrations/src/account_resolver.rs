//! Whose an account in a service is.

use std::collections::HashSet;
use std::sync::Arc;

use sym_sdk::directory::Directory;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::{User, UserId, UserIdentity};

/// The accounts that users have in one instance of a service: what is found out about them is kept in the directory.
#[derive(Clone, Debug)]
pub(crate) struct AccountResolver {
    service: &'static str,
    service_id: String,
    directory: Option<Directory>,
}

/// An account as the service lists it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) email: Option<String>,
}

impl AccountResolver {
    /// Those of an instance, such as a domain or a workspace. Without a directory, users are told by e-mail addresses alone.
    pub(crate) fn new(service: &'static str, service_id: impl Into<String>, directory: Option<Directory>) -> Self {
        Self { service, service_id: service_id.into(), directory }
    }

    /// The id of a user's account: the one that is known, or else the one that `look_up` finds by the e-mail address, which is
    /// kept for the next time.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none.
    pub(crate) async fn account_id(
        &self,
        user: &User,
        look_up: impl AsyncFnOnce(&str) -> Result<Option<String>>,
    ) -> Result<String> {
        if let Some(known) = self.known(user).await? {
            return Ok(known);
        }
        let found = match user.email() {
            Some(email) => look_up(email).await?,
            None => None,
        };
        let id = found.ok_or_else(|| self.not_found(user))?;
        if let Some(directory) = &self.directory
            && let Some(other) = directory.user_by_identity(self.service, &self.service_id, &id).await?
            && other.id() != user.id()
        {
            return Err(self.conflict(user, &other));
        }
        self.keep(user.id(), &id).await?;
        Ok(id)
    }

    /// Whether the directory has a user with this account, who can be told without an e-mail address.
    #[cfg(feature = "pagerduty")]
    pub(crate) async fn is_known(&self, id: &str) -> Result<bool> {
        let Some(directory) = &self.directory else { return Ok(false) };
        Ok(directory.user_by_identity(self.service, &self.service_id, id).await?.is_some())
    }

    /// The users who have these accounts, in their order, each once. Who is not known is told by the e-mail address, and added
    /// to the directory; an account without one is left out, with a warning in the log.
    pub(crate) async fn users(&self, accounts: impl IntoIterator<Item = Account>) -> Result<Vec<Arc<User>>> {
        let (mut users, mut seen) = (Vec::new(), HashSet::new());
        for account in accounts {
            match self.user(&account).await? {
                Some(user) if seen.insert(user.id()) => users.push(user),
                Some(_) => {}
                None => {
                    tracing::warn!(
                        service = self.service,
                        account = account.id,
                        "nobody is known to have this account"
                    );
                }
            }
        }
        Ok(users)
    }

    async fn user(&self, account: &Account) -> Result<Option<Arc<User>>> {
        let email = account.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        let Some(directory) = &self.directory else {
            let Some(email) = email else { return Ok(None) };
            // One who cannot be a user, such as an integration's own account, is nobody.
            let Ok(user) = User::person(UserId::from_email(email), email) else { return Ok(None) };
            let identity = UserIdentity::new(self.service, &self.service_id, &account.id);
            return Ok(Some(Arc::new(user.with_identity(identity))));
        };
        if let Some(user) = directory.user_by_identity(self.service, &self.service_id, &account.id).await? {
            return Ok(Some(user));
        }
        let Some(email) = email else { return Ok(None) };
        if User::person(UserId::from_email(email), email).is_err() {
            return Ok(None);
        }
        let user = directory.get_or_create_user_by_email(email).await?;
        // They are known to have another account: whose this one is, the e-mail address does not say.
        if user.identity(self.service, Some(&self.service_id)).is_some() {
            return Ok(None);
        }
        self.keep(user.id(), &account.id).await.map(|kept| Some(kept.unwrap_or(user)))
    }

    async fn known(&self, user: &User) -> Result<Option<String>> {
        let stored = match &self.directory {
            // A handler's copy may be older than what is known by now.
            Some(directory) => directory.user(user.id()).await?,
            None => None,
        };
        let identity = stored.as_deref().unwrap_or(user).identity(self.service, Some(&self.service_id));
        Ok(identity.map(|identity| identity.user_id().to_owned()))
    }

    async fn keep(&self, user: UserId, id: &str) -> Result<Option<Arc<User>>> {
        let Some(directory) = &self.directory else { return Ok(None) };
        match directory.put_identity(user, UserIdentity::new(self.service, &self.service_id, id)).await {
            Ok(user) => Ok(Some(user)),
            // Somebody the directory does not know, as in a test, can be looked up all the same.
            Err(error) if error.code() == &codes::UNKNOWN_USER => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The e-mail address may have been another person's before.
    fn conflict(&self, user: &User, other: &User) -> Error {
        let message = format!(
            "the account that {} `{}` has for `{}` is known to be that of `{}`",
            self.service,
            self.service_id,
            user.username(),
            other.username()
        );
        Error::new(ErrorKind::Identity, codes::IDENTITY_COULD_NOT_SAVE, message)
            .with_service(self.service)
            .with_hint("delete the account of the one, or store another one for the other, with `Directory`")
    }

    fn not_found(&self, user: &User) -> Error {
        let message = format!("`{}` has no known account in {} `{}`", user.username(), self.service, self.service_id);
        Error::new(ErrorKind::Identity, codes::IDENTITY_NOT_FOUND, message)
            .with_service(self.service)
            .with_hint("store the account with `Directory::put_identity`, or tell it in a `get_identity` reducer")
    }
}
