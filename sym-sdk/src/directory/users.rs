use std::fmt;
use std::sync::Arc;

use crate::BoxFuture;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{User, UserId, UserIdentity, UserRole};

/// Where users are kept. Handlers use a [`Directory`], which holds one.
///
/// Usernames are compared whatever their case.
pub trait DirectoryStore: Send + Sync {
    /// The user with this id.
    fn user(&self, id: UserId) -> BoxFuture<'_, Result<Option<Arc<User>>>>;

    /// The user of this name, which is the e-mail address of a person.
    fn user_by_username<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Result<Option<Arc<User>>>>;

    /// The user who has this account.
    fn user_by_identity<'a>(&'a self, identity: &'a UserIdentity) -> BoxFuture<'a, Result<Option<Arc<User>>>>;

    /// All users, by name.
    fn users(&self) -> BoxFuture<'_, Result<Vec<Arc<User>>>>;

    /// Adds the user, unless there is one of that name; gives back the one that is there then. If another user has the id,
    /// that is an error.
    fn insert_user(&self, user: User) -> BoxFuture<'_, Result<Arc<User>>>;

    /// Adds the user, or replaces the one with that id. If another user has the name, that is an error.
    fn put_user(&self, user: User) -> BoxFuture<'_, Result<Arc<User>>>;

    /// Sets a user's role. None if there is no such user.
    fn set_role(&self, id: UserId, role: UserRole) -> BoxFuture<'_, Result<Option<Arc<User>>>>;

    /// Adds an account to a user; it replaces the one in the same instance of the service. None if there is no such user.
    fn put_identity(&self, id: UserId, identity: UserIdentity) -> BoxFuture<'_, Result<Option<Arc<User>>>>;
}

/// The users of the organization. Clones share them.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// async fn get_permissions(event: &Event, directory: &Directory) -> Result<RequestPermission> {
///     let owner = directory.get_or_create_user_by_email(event.flow().var("owner")?).await?;
///     let approvers = user_ids([owner]).or(PermissionLevel::Admin);
///     Ok(RequestPermission::new(PermissionLevel::Admin, approvers))
/// }
/// ```
#[derive(Clone)]
pub struct Directory {
    store: Arc<dyn DirectoryStore>,
    domains: Arc<[String]>,
}

impl Directory {
    /// The users in this store. People with an address in one of the `domains` become members on first contact, others
    /// guests.
    pub fn new<D: Into<String>>(store: impl DirectoryStore + 'static, domains: impl IntoIterator<Item = D>) -> Self {
        Self::from_store(Arc::new(store), domains)
    }

    /// The same for a store that is shared.
    pub fn from_store<D: Into<String>>(store: Arc<dyn DirectoryStore>, domains: impl IntoIterator<Item = D>) -> Self {
        let domains = domains.into_iter().map(|domain| domain.into().trim().to_ascii_lowercase()).collect();
        Self { store, domains }
    }

    /// The user with this id.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>> {
        self.store.user(id).await
    }

    /// The person with this e-mail address, or the bot of this name.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<Arc<User>>> {
        self.store.user_by_username(email.trim()).await
    }

    /// The user who has this account in an instance of a service.
    pub async fn user_by_identity(&self, service: &str, service_id: &str, user_id: &str) -> Result<Option<Arc<User>>> {
        self.store.user_by_identity(&UserIdentity::new(service, service_id, user_id)).await
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<Arc<User>>> {
        self.store.users().await
    }

    /// The person with this e-mail address. On first contact they are added: as a member if the address is in one of the
    /// organization's domains, else as a guest.
    pub async fn get_or_create_user_by_email(&self, email: &str) -> Result<Arc<User>> {
        let user = User::person(UserId::of_email(email), email).map_err(|error| processing_error(email, error))?;
        if let Some(known) = self.store.user_by_username(user.username()).await? {
            return Ok(known);
        }
        let role = self.role_on_first_contact(&user);
        self.store.insert_user(user.with_role(role)).await
    }

    /// The same for several addresses. The first bad address is the error; nobody is added then.
    pub async fn get_or_create_users_by_emails<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Arc<User>>> {
        let emails: Vec<&str> = emails.into_iter().collect();
        for email in &emails {
            User::person(UserId::of_email(email), email).map_err(|error| processing_error(email, error))?;
        }
        let mut users = Vec::with_capacity(emails.len());
        for email in emails {
            users.push(self.get_or_create_user_by_email(email).await?);
        }
        Ok(users)
    }

    /// Adds the user, or replaces the one with that id. If another user has the name, that is an error.
    pub async fn put_user(&self, user: User) -> Result<Arc<User>> {
        self.store.put_user(user).await
    }

    /// Sets a user's role.
    pub async fn set_role(&self, id: UserId, role: UserRole) -> Result<Arc<User>> {
        self.store.set_role(id, role).await?.ok_or_else(|| unknown_user(id))
    }

    /// The user's stored account in a service, and in this instance of it if one is given.
    pub async fn identity(&self, id: UserId, service: &str, service_id: Option<&str>) -> Result<Option<UserIdentity>> {
        let user = self.store.user(id).await?.ok_or_else(|| unknown_user(id))?;
        Ok(user.identity(service, service_id).cloned())
    }

    /// Stores the account that the person with this e-mail address has in an instance of a service. The person is added
    /// if they are not known.
    pub async fn persist_user_identity(
        &self,
        email: &str,
        service: &str,
        service_id: &str,
        user_id: &str,
    ) -> Result<UserIdentity> {
        let could_not_save = |error: Error| {
            let message = format!("the account of `{email}` in {service} `{service_id}` could not be saved");
            Error::new(ErrorKind::Identity, codes::IDENTITY_COULD_NOT_SAVE, message).with_source(error)
        };
        let identity = UserIdentity::new(service, service_id, user_id);
        let user = self.get_or_create_user_by_email(email).await.map_err(could_not_save)?;
        match self.store.put_identity(user.id(), identity.clone()).await {
            Ok(Some(_)) => Ok(identity),
            Ok(None) => Err(could_not_save(unknown_user(user.id()))),
            Err(error) => Err(could_not_save(error)),
        }
    }

    /// Stores the account that a user has in an instance of a service.
    pub async fn put_identity(&self, id: UserId, identity: UserIdentity) -> Result<Arc<User>> {
        self.store.put_identity(id, identity).await?.ok_or_else(|| unknown_user(id))
    }

    /// Whether the e-mail address is in one of the organization's domains.
    pub fn owns_domain_of(&self, email: &str) -> bool {
        email.rsplit_once('@').is_some_and(|(_, domain)| {
            // Other letters whose lower case is ASCII, such as the Kelvin sign, make another domain.
            self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain.trim()))
        })
    }

    fn role_on_first_contact(&self, user: &User) -> UserRole {
        if self.owns_domain_of(user.email().unwrap_or_default()) { UserRole::Member } else { UserRole::Guest }
    }
}

fn processing_error(email: &str, error: Error) -> Error {
    let message = format!("there can be no user with the e-mail address `{email}`");
    Error::invalid(codes::USER_PROCESSING_ERROR, message).with_source(error)
}

fn unknown_user(id: UserId) -> Error {
    Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("there is no user with the id `{id}`"))
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("domains", &self.domains).finish_non_exhaustive()
    }
}
