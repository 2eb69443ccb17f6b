//! The mapping between users and their accounts in a service.
//!
//! Access is granted to an account, so the wrong account is the worst mistake a client can make. An account that the directory
//! knows always counts before an e-mail address, because addresses are reassigned; what an address leads to is stored, so that it is
//! looked up once; and an account that another user is known to have is never taken from them. The account of somebody who was deleted
//! is nobody's.

use std::collections::HashSet;
use std::sync::Arc;

use sym_sdk::directory::{Directory, Inserted};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::{User, UserId, UserIdentity};

/// Resolves users to accounts, and accounts to users, for one account of a service such as a domain or a workspace.
#[derive(Clone, Debug)]
pub(crate) struct AccountResolver {
    service: &'static str,
    service_id: Arc<str>,
    directory: Option<Directory>,
    /// Whether the accounts that the directory knows are passed over, and none are stored in it.
    is_by_email: bool,
}

/// An account as a service lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The id in the service.
    pub id: String,
    /// The e-mail address, if the service gives one.
    pub email: Option<String>,
    /// Whether it is in use.
    pub is_active: bool,
}

impl Account {
    /// An account in use, with an e-mail address or without.
    pub fn new(id: impl Into<String>, email: Option<String>) -> Self {
        Self { id: id.into(), email, is_active: true }
    }

    /// Sets whether the account is in use. Deactivated ones get no access.
    #[must_use]
    pub fn active(mut self, is_active: bool) -> Self {
        self.is_active = is_active;
        self
    }
}

/// Returns whether an address that a service lists is the one that was searched for.
///
/// Services find similar addresses too. Only ASCII letters are compared without regard to case: some other letters would turn into
/// ASCII ones, and make two addresses equal.
pub fn is_same_address(listed: Option<&str>, email: &str) -> bool {
    listed.is_some_and(|listed| listed.trim().eq_ignore_ascii_case(email.trim()))
}

impl AccountResolver {
    /// Creates a resolver for a service and its own id of the domain or workspace. Without a directory, users and accounts are matched
    /// by e-mail address alone.
    pub(crate) fn new(service: &'static str, service_id: Arc<str>, directory: Option<Directory>) -> Self {
        Self { service, service_id, directory, is_by_email: false }
    }

    /// Matches users and accounts by e-mail address alone. The directory is used to find users by their addresses.
    pub(super) fn by_email(self) -> Self {
        Self { is_by_email: true, ..self }
    }

    /// Returns the directory, if it decides which account is whose.
    fn accounts(&self) -> Option<&Directory> {
        self.directory.as_ref().filter(|_| !self.is_by_email)
    }

    /// Returns the id of a user's account: the one in the directory, or else the one that `look_up` finds by e-mail address, which is
    /// then stored in the directory.
    ///
    /// # Errors
    /// `Identity:NOT_FOUND` if there is none, `Identity:COULD_NOT_SAVE` if the account found is known to be another user's.
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
        if let Some(directory) = self.accounts()
            && let Some(other) = directory.user_by_identity(self.service, &self.service_id, &id).await?
            && other.id() != user.id()
        {
            return Err(self.conflict(user, &other));
        }
        self.store(user.id(), &id).await?;
        Ok(id)
    }

    /// Whether the directory has a user with this account, so that no e-mail address is needed to resolve it.
    pub(crate) async fn is_known(&self, id: &str) -> Result<bool> {
        let Some(directory) = self.accounts() else { return Ok(false) };
        Ok(directory.user_by_identity(self.service, &self.service_id, id).await?.is_some())
    }

    /// Returns the users who have these accounts, in the same order and without duplicates. An account that the directory does not
    /// know is resolved by its e-mail address, and its user added to the directory; one without an address, or of a deleted user, is
    /// omitted with a warning in the log.
    pub(crate) async fn users(&self, accounts: impl IntoIterator<Item = Account>) -> Result<Vec<Arc<User>>> {
        let (mut users, mut seen) = (Vec::new(), HashSet::new());
        for account in accounts {
            let contact = match self.contact(&account).await {
                Err(error) if *error.code() == codes::USER_DELETED => None,
                contact => contact?,
            };
            match contact.map(Inserted::into_user) {
                Some(user) if seen.insert(user.id()) => users.push(user),
                Some(_) => {}
                None => {
                    tracing::warn!(
                        service = self.service,
                        account = account.id,
                        "no user is known to have this account"
                    );
                }
            }
        }
        Ok(users)
    }

    /// Returns the user who has an account, as [`users`](Self::users) does, and whether they were unknown until now.
    ///
    /// # Errors
    /// `SymSDK:USER_DELETED` if the account or the address was that of a deleted user.
    pub(crate) async fn contact(&self, account: &Account) -> Result<Option<Inserted>> {
        let email = account.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
        let Some(directory) = &self.directory else {
            let Some(email) = email else { return Ok(None) };
            // The account of an integration, for example, may have an address that cannot be a user's.
            let Ok(user) = User::from_email(email) else { return Ok(None) };
            let identity = UserIdentity::new(self.service, &*self.service_id, &account.id);
            return Ok(Some(Inserted::Existing(Arc::new(user.with_identity(identity)))));
        };
        if self.is_by_email {
            let Some(email) = email.filter(|email| User::from_email(email).is_ok()) else { return Ok(None) };
            return directory.contact(email).await.map(Some);
        }
        self.contact_in(directory, &self.service_id, &account.id, email).await
    }

    /// Returns the user who has an account in another instance of the service, such as the workspace of another organization, and
    /// whether they were unknown until now. An e-mail address is used only if the caller vouches for it; without one, the user is known by
    /// the account alone.
    ///
    /// # Errors
    /// `SymSDK:USER_DELETED` if the account or the address was that of a deleted user.
    pub(crate) async fn contact_of_outsider(
        &self,
        instance: &str,
        id: &str,
        vouched_email: Option<&str>,
    ) -> Result<Option<Inserted>> {
        let Some(directory) = &self.directory else { return Ok(None) };
        match vouched_email {
            Some(email) => self.contact_in(directory, instance, id, Some(email)).await,
            None => {
                let account = UserIdentity::new(self.service, instance, id);
                directory.contact_of_outsider(account).await.map(Some)
            }
        }
    }

    async fn contact_in(
        &self,
        directory: &Directory,
        instance: &str,
        id: &str,
        email: Option<&str>,
    ) -> Result<Option<Inserted>> {
        if let Some(user) = directory.user_by_identity(self.service, instance, id).await? {
            return Ok(Some(Inserted::Existing(user)));
        }
        if directory.is_account_deleted(self.service, instance, id).await? {
            let message = format!("the user of this {} account was deleted", self.service);
            return Err(Error::new(ErrorKind::Forbidden, codes::USER_DELETED, message)
                .with_service(self.service)
                .with_hint("an administrator can restore the user"));
        }
        let Some(email) = email.filter(|email| User::person(UserId::random(), email).is_ok()) else { return Ok(None) };
        let contact = directory.contact(email).await?;
        let is_new = matches!(contact, Inserted::New(_));
        let user = contact.into_user();
        // The user is known to have another account, so the address does not tell whose this one is.
        if user.identity(self.service, Some(instance)).is_some() {
            return Ok(None);
        }
        let user = match directory.put_identity(user.id(), UserIdentity::new(self.service, instance, id)).await {
            Err(error) if error.code() == &codes::UNKNOWN_USER => user,
            stored => stored?,
        };
        Ok(Some(if is_new { Inserted::New(user) } else { Inserted::Existing(user) }))
    }

    async fn known(&self, user: &User) -> Result<Option<String>> {
        if self.is_by_email {
            return Ok(None);
        }
        let stored = match &self.directory {
            // A handler's copy may be older than the directory's.
            Some(directory) => directory.user(user.id()).await?,
            None => None,
        };
        let identity = stored.as_deref().unwrap_or(user).identity(self.service, Some(&*self.service_id));
        Ok(identity.map(|identity| identity.user_id().to_owned()))
    }

    async fn store(&self, user: UserId, id: &str) -> Result<Option<Arc<User>>> {
        let Some(directory) = self.accounts() else { return Ok(None) };
        match directory.put_identity(user, UserIdentity::new(self.service, &*self.service_id, id)).await {
            Ok(user) => Ok(Some(user)),
            // A user whom the directory does not know, as in a test, can be looked up nevertheless.
            Err(error) if error.code() == &codes::UNKNOWN_USER => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The error for an address that belonged to another user before.
    fn conflict(&self, user: &User, other: &User) -> Error {
        let message = format!(
            "the {} `{}` account found for `{}` is stored as that of `{}`",
            self.service,
            self.service_id,
            user.username(),
            other.username()
        );
        Error::new(ErrorKind::Identity, codes::IDENTITY_COULD_NOT_SAVE, message)
            .with_service(self.service)
            .with_hint("delete the identity of one user, or store another account for the other, with `Directory`")
    }

    fn not_found(&self, user: &User) -> Error {
        let message = format!("`{}` has no known account in {} `{}`", user.username(), self.service, self.service_id);
        Error::new(ErrorKind::Identity, codes::IDENTITY_NOT_FOUND, message)
            .with_service(self.service)
            .with_hint("store the account with `Directory::put_identity`, or return it from a `get_identity` reducer")
    }
}
