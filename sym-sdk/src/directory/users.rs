use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::{DirectoryStore, EventSource, UserChange};
#[cfg(feature = "runtime")]
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{User, UserId, UserIdentity, UserRole, UserType};

/// For a first or last name, in bytes.
const NAME_MAX: usize = 200;

/// For the name of a bot, in characters.
const BOT_NAME_MAX: usize = 100;

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
    pub(super) store: Arc<dyn DirectoryStore>,
    domains: Arc<[String]>,
    pub(super) events: Option<Arc<dyn EventSource>>,
    #[cfg(feature = "runtime")]
    pub(super) clock: Arc<dyn Clock>,
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
        Self {
            store,
            domains,
            events: None,
            #[cfg(feature = "runtime")]
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets where the events come from that [`Directory::event_count`] counts. A runtime sets it to its own store.
    #[must_use]
    pub fn with_events(mut self, events: Arc<dyn EventSource>) -> Self {
        self.events = Some(events);
        self
    }

    /// Sets the clock by which tokens expire. A runtime sets it to its own.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The user with this id.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>> {
        self.store.user(id).await
    }

    /// The person with this e-mail address, or the bot of this name.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<Arc<User>>> {
        self.store.user_by_username(email.trim()).await
    }

    /// The user who has this account in an instance of a service. An account that two users have is an error.
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
        let user = User::person(UserId::from_email(email), email).map_err(|error| processing_error(email, error))?;
        if let Some(known) = self.store.user_by_username(user.username()).await? {
            return Ok(known);
        }
        let role = self.role_on_first_contact(&user);
        Ok(self.store.insert_user(user.with_role(role)).await?.into_user())
    }

    /// The same for several addresses. The first bad address is the error; nobody is added then.
    pub async fn get_or_create_users_by_emails<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Arc<User>>> {
        let emails: Vec<&str> = emails.into_iter().collect();
        for email in &emails {
            User::person(UserId::from_email(email), email).map_err(|error| processing_error(email, error))?;
        }
        let mut users = Vec::with_capacity(emails.len());
        for email in emails {
            users.push(self.get_or_create_user_by_email(email).await?);
        }
        Ok(users)
    }

    /// The same, but leaves out what is no address, and whom there can be no user for, with a warning in the log. Anything else
    /// that goes wrong is an error.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn get_or_create_users_by_emails_lossy<'a>(
        &self,
        emails: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Arc<User>>> {
        let emails: Vec<&str> = emails.into_iter().collect();
        let mut users = Vec::with_capacity(emails.len());
        for email in emails {
            match self.get_or_create_user_by_email(email).await {
                Ok(user) => users.push(user),
                Err(error) if *error.code() == codes::USER_PROCESSING_ERROR => {
                    tracing::warn!(%error, "an address is left out");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(users)
    }

    /// Adds the user, or replaces the one with that id. If another user has the name, that is an error, and so is a bot
    /// whose name could be taken for a person's, the platform's or another bot's. A person cannot become a bot, nor the
    /// reverse.
    pub async fn put_user(&self, user: User) -> Result<Arc<User>> {
        let id = user.id();
        self.put_users([user]).await?.pop().ok_or_else(|| unknown_user(id))
    }

    /// The same for several users: all of them are saved, or none.
    pub async fn put_users(&self, users: impl IntoIterator<Item = User>) -> Result<Vec<Arc<User>>> {
        let users: Vec<User> = users.into_iter().collect();
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for user in &users {
            check_user(user)?;
            if !(ids.insert(user.id()) && names.insert(user)) {
                let message = format!("`{}` is given twice, or the id `{}` is", user.username(), user.id());
                return Err(Error::invalid(codes::USER_PROCESSING_ERROR, message));
            }
        }
        self.store.put_users(users).await
    }

    /// Sets a user's role. Handlers that hold the user go on with the one that they have.
    pub async fn set_role(&self, id: UserId, role: UserRole) -> Result<Arc<User>> {
        self.change(id, UserChange::Role(role)).await
    }

    /// Sets a user's first and last name.
    pub async fn set_name(&self, id: UserId, first: impl Into<String>, last: impl Into<String>) -> Result<Arc<User>> {
        let (first, last) = (first.into(), last.into());
        check_name(&first)?;
        check_name(&last)?;
        self.change(id, UserChange::Name { first, last }).await
    }

    /// Deletes a user with all accounts; a bot's tokens are revoked.
    ///
    /// The user's Runs go on with what they have: access that was granted ends in its time, and access that was approved but
    /// not yet granted is not. A person with an address in one of the organization's domains is added anew on the next
    /// contact, as a member.
    ///
    /// # Errors
    /// If there is no such user, or the store fails.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn delete_user(&self, id: UserId) -> Result<Arc<User>> {
        self.store.delete_user(id, self.clock.now()).await?.ok_or_else(|| unknown_user(id))
    }

    async fn change(&self, id: UserId, change: UserChange) -> Result<Arc<User>> {
        self.store.change_user(id, change).await?.ok_or_else(|| unknown_user(id))
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
        identity.check().map_err(could_not_save)?;
        let user = self.get_or_create_user_by_email(email).await.map_err(could_not_save)?;
        self.put_identity(user.id(), identity.clone()).await.map_err(could_not_save)?;
        Ok(identity)
    }

    /// Stores the account that a user has in an instance of a service.
    pub async fn put_identity(&self, id: UserId, identity: UserIdentity) -> Result<Arc<User>> {
        identity.check()?;
        self.change(id, UserChange::PutIdentity(identity)).await
    }

    /// Forgets the account that a user has in an instance of a service. Nothing changes if there is none.
    pub async fn delete_identity(&self, id: UserId, service: &str, service_id: &str) -> Result<Arc<User>> {
        self.change(id, UserChange::DeleteIdentity { service: service.to_owned(), service_id: service_id.to_owned() })
            .await
    }

    /// Whether the e-mail address is in one of the organization's domains.
    pub fn is_internal_email(&self, email: &str) -> bool {
        email.rsplit_once('@').is_some_and(|(_, domain)| {
            // Other letters whose lower case is ASCII, such as the Kelvin sign, make another domain.
            self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain.trim()))
        })
    }

    fn role_on_first_contact(&self, user: &User) -> UserRole {
        if self.is_internal_email(user.email().unwrap_or_default()) { UserRole::Member } else { UserRole::Guest }
    }
}

fn processing_error(email: &str, error: Error) -> Error {
    let message = format!("there can be no user with the e-mail address `{email}`");
    Error::invalid(codes::USER_PROCESSING_ERROR, message).with_source(error)
}

/// A user may have been read from a list, and so have been made in other ways than by [`User::person`] and [`User::bot`].
fn check_user(user: &User) -> Result<()> {
    let username = user.username();
    let refused = |message| Err(Error::invalid(codes::USER_PROCESSING_ERROR, message));
    let is_platform = user.id() == User::system().id();
    match user.user_type() {
        UserType::Normal if !is_platform => {
            let person = User::person(user.id(), username).map_err(|error| processing_error(username, error))?;
            if person.username() != username || user.email() != Some(username) {
                return refused(format!("the name of a person is the e-mail address in lower case, got `{username}`"));
            }
        }
        UserType::Bot if !is_platform => {
            check_bot_name(username)?;
            if user.email().is_some() {
                return refused(format!("a bot has no e-mail address, but `{username}` has one"));
            }
        }
        _ => return refused(format!("`{username}` cannot be saved as the platform itself")),
    }
    [user.first_name(), user.last_name()].into_iter().flatten().try_for_each(check_name)?;
    user.identities().iter().try_for_each(UserIdentity::check)
}

fn check_name(name: &str) -> Result<()> {
    if name.len() <= NAME_MAX && !name.contains(char::is_control) {
        return Ok(());
    }
    let message = format!("a first or last name is one line of at most {NAME_MAX} bytes, got one of {}", name.len());
    Err(Error::invalid(codes::USER_PROCESSING_ERROR, message))
}

/// Bots are told apart by their names, so letters that look like others are kept out.
pub(super) fn check_bot_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    let is_platform = name.eq_ignore_ascii_case(User::system().username());
    if !is_platform
        && !name.is_empty()
        && name.trim() == name
        && name.len() <= BOT_NAME_MAX
        && name.chars().all(is_plain)
    {
        return Ok(());
    }
    Err(Error::invalid(codes::USER_PROCESSING_ERROR, format!("a bot cannot be called `{name}`")).with_hint(format!(
        "the name of a bot has at most {BOT_NAME_MAX} ASCII letters, digits and `-_. `; `sym` is the platform itself"
    )))
}

pub(super) fn unknown_user(id: UserId) -> Error {
    Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("there is no user with the id `{id}`"))
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("domains", &self.domains).finish_non_exhaustive()
    }
}
