//! Users and bots: adding, changing and deleting them, and the rules for their names.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

#[cfg(feature = "runtime")]
use super::Inserted;
use super::{DirectoryStore, EventSource, UserChange};
#[cfg(feature = "runtime")]
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::{User, UserId, UserIdentity, UserRole, UserType};
use crate::normalize::fold_email;

/// The maximum length of a first or last name, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// The maximum length of the name of a bot, in characters.
const MAX_BOT_NAME_CHARS: usize = 100;

/// The users of the organization. Clones share the same store.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// async fn get_permissions(event: &Event, directory: &Directory) -> Result<RequestPermission> {
///     let owner = directory.get_or_create_user_by_email(event.flow().var("owner")?).await?;
///     let approvers = user_ids([owner]).or(PermissionLevel::Admin);
///     Ok(RequestPermission::decided_by(approvers).seen_by(PermissionLevel::Admin))
/// }
/// ```
#[derive(Clone)]
pub struct Directory {
    pub(crate) store: Arc<dyn DirectoryStore>,
    pub(super) domains: Arc<[String]>,
    /// Whether `ana+x@example.com` and `ana@example.com` are one person.
    pub(super) plus_aliases: bool,
    /// Whether people get ids that are derived from their addresses, as far as these are free: in simulations, so that they can be
    /// repeated.
    pub(super) reproducible_ids: bool,
    pub(super) events: Option<Arc<dyn EventSource>>,
    #[cfg(feature = "runtime")]
    pub(super) clock: Arc<dyn Clock>,
}

impl Directory {
    /// Creates a directory on a store. Unknown people become members if their e-mail address is in one of the `domains`,
    /// otherwise guests.
    pub fn new<D: Into<String>>(store: impl DirectoryStore + 'static, domains: impl IntoIterator<Item = D>) -> Self {
        Self::from_store(Arc::new(store), domains)
    }

    /// Like [`new`](Self::new), for a shared store.
    pub fn from_store<D: Into<String>>(store: Arc<dyn DirectoryStore>, domains: impl IntoIterator<Item = D>) -> Self {
        let domains = domains.into_iter().map(|domain| fold_email(&domain.into())).collect();
        Self {
            store,
            domains,
            plus_aliases: true,
            reproducible_ids: false,
            events: None,
            #[cfg(feature = "runtime")]
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets whether addresses that differ only by a tag, such as `ana+test@example.com` and `ana@example.com`, count as those of one
    /// person. They do by default: mail to either arrives in the same mailbox in most organizations.
    ///
    /// They stay different users with rights of their own. But what one of them requests, the other cannot approve, and their
    /// approvals count once.
    #[must_use]
    pub fn with_plus_aliases(mut self, plus_aliases: bool) -> Self {
        self.plus_aliases = plus_aliases;
        self
    }

    #[cfg(feature = "runtime")]
    pub(crate) fn with_reproducible_ids(mut self, reproducible_ids: bool) -> Self {
        self.reproducible_ids = reproducible_ids;
        self
    }

    /// Sets the source of the events that [`Directory::event_count`] counts. A runtime sets its own store.
    #[must_use]
    pub fn with_events(mut self, events: Arc<dyn EventSource>) -> Self {
        self.events = Some(events);
        self
    }

    /// Sets the clock that token expiry is measured by. A runtime sets its own.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the user with this id.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>> {
        Ok(self.store.user(id).await?.map(|user| self.recognized(user)))
    }

    /// Returns the user with the mailbox that their address is an alias of, if it is one.
    pub(super) fn recognized(&self, user: Arc<User>) -> Arc<User> {
        let owner = user.owner().map(|owner| owner.username());
        match user.email().or(owner).and_then(mailbox).filter(|_| self.plus_aliases) {
            Some(mailbox) => {
                let mut user = User::clone(&user);
                match &mut user.owner {
                    Some(owner) => owner.mailbox = Some(mailbox),
                    None => user.mailbox = Some(mailbox),
                }
                Arc::new(user)
            }
            None => user,
        }
    }

    /// Returns the users with these ids, in any order. Ids without a user are left out.
    pub async fn users_with_ids(&self, ids: &[UserId]) -> Result<Vec<Arc<User>>> {
        if ids.is_empty() { Ok(Vec::new()) } else { self.store.users_with_ids(ids).await }
    }

    /// Returns all users, sorted by name.
    pub async fn users(&self) -> Result<Vec<Arc<User>>> {
        self.store.users().await
    }

    /// Returns a page of users, sorted by name: up to `limit` whose names start with `prefix`, ignoring the case of ASCII letters, after the
    /// user with the name `after`. The name of a person is their e-mail address. For the next page, pass the name of the last user.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn users_page(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<Arc<User>>> {
        self.store.users_page(&fold_email(prefix), after, limit).await
    }

    /// Adds a user, or replaces the one with that id, who stays locked or unlocked.
    ///
    /// Fails if another user has the name, if the name of a bot could be mistaken for that of a person, the platform or
    /// another bot, if a person would become a bot, a bot an agent, or the reverse, and if a user with the id or the name was
    /// [deleted](super::DeletedUser).
    pub async fn put_user(&self, user: User) -> Result<Arc<User>> {
        let id = user.id();
        self.put_users([user]).await?.pop().ok_or_else(|| unknown_user(id))
    }

    /// Like [`put_user`](Self::put_user), for several users: saves all of them or none.
    pub async fn put_users(&self, users: impl IntoIterator<Item = User>) -> Result<Vec<Arc<User>>> {
        let users: Vec<User> = users.into_iter().collect();
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for user in &users {
            check_user(user)?;
            if !(ids.insert(user.id()) && names.insert(user)) {
                let message =
                    format!("two of the users are named `{}` or have the id `{}`", user.username(), user.id());
                return Err(Error::invalid(codes::USER_PROCESSING_ERROR, message));
            }
        }
        self.store.put_users(users.into_iter().map(as_stored).collect()).await
    }

    /// Sets the role of a user. Handlers that are running keep the user as they got it.
    ///
    /// # Errors
    /// Fails if there is no such user, if an agent would become an administrator, or if the store fails.
    pub async fn set_role(&self, id: UserId, role: UserRole) -> Result<Arc<User>> {
        // Who is an agent never changes, so nothing can come in between.
        if role == UserRole::Admin && self.store.user(id).await?.is_some_and(|user| user.is_agent()) {
            return Err(agents_are_no_admins());
        }
        self.change(id, UserChange::Role(role)).await
    }

    /// Sets the first and last name of a user.
    pub async fn set_name(&self, id: UserId, first: impl Into<String>, last: impl Into<String>) -> Result<Arc<User>> {
        let (first, last) = (first.into(), last.into());
        check_name(&first)?;
        check_name(&last)?;
        self.change(id, UserChange::Name { first, last }).await
    }

    /// Deletes a user with all accounts, and revokes the tokens of a bot.
    ///
    /// They are not added again on the next contact; see [`DeletedUser`](super::DeletedUser). Access that was approved but not
    /// granted yet will not be granted. Access that they have is revoked when a program starts, and within an hour by a running one;
    /// [`Runtime::delete_user`](crate::runtime::Runtime::delete_user) revokes it immediately, and leaves a record.
    ///
    /// # Errors
    /// Fails if there is no such user, or if the store fails.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn delete_user(&self, id: UserId) -> Result<Arc<User>> {
        self.store.delete_user(id, self.clock.now()).await?.ok_or_else(|| unknown_user(id))
    }

    /// Adds a bot, as a member. It may have the name of a bot that was deleted, from which it inherits nothing.
    ///
    /// # Errors
    /// Fails if a user with that name exists, or if the name contains characters other than ASCII letters, digits and `-_. `.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn create_bot(&self, name: &str) -> Result<Arc<User>> {
        match self.add_bot(User::bot(UserId::random(), name.trim())).await? {
            Inserted::New(bot) => Ok(bot),
            Inserted::Existing(existing) => Err(name_taken(&existing)),
        }
    }

    #[cfg(feature = "runtime")]
    pub(super) async fn add_bot(&self, bot: User) -> Result<Inserted> {
        check_bot_name(bot.username())?;
        self.store.admit_user(as_stored(bot)).await
    }

    /// Returns all bots, sorted by name.
    ///
    /// # Errors
    /// Fails if the store fails.
    #[cfg(feature = "runtime")]
    #[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
    pub async fn bots(&self) -> Result<Vec<Arc<User>>> {
        let mut users = self.users().await?;
        users.retain(|user| user.user_type() == UserType::Bot);
        Ok(users)
    }

    pub(crate) async fn change(&self, id: UserId, change: UserChange) -> Result<Arc<User>> {
        self.store.change_user(id, change).await?.ok_or_else(|| unknown_user(id))
    }
}

/// Returns the address without its tag, if it has one: the mailbox that it is an alias of.
fn mailbox(email: &str) -> Option<String> {
    let (local, domain) = email.rsplit_once('@')?;
    let (name, _) = local.split_once('+').filter(|(name, _)| !name.is_empty())?;
    Some(format!("{name}@{domain}"))
}

/// Returns the user without what the directory adds when it is read.
fn as_stored(mut user: User) -> User {
    user.mailbox = None;
    if let Some(owner) = &mut user.owner {
        owner.mailbox = None;
    }
    user
}

#[cfg(feature = "runtime")]
pub(super) fn name_taken(existing: &User) -> Error {
    let message = format!("a user named `{}` already exists", existing.username());
    Error::new(ErrorKind::Conflict, codes::USER_PROCESSING_ERROR, message).with_hint("give the bot another name")
}

fn agents_are_no_admins() -> Error {
    let error = Error::invalid(codes::USER_PROCESSING_ERROR, "an agent cannot be an administrator");
    error.with_hint("agents ask for access, and people decide: use a bot without an owner to administer")
}

pub(super) fn processing_error(email: &str, error: Error) -> Error {
    let message = format!("`{email}` cannot be the email address of a user");
    Error::invalid(codes::USER_PROCESSING_ERROR, message).with_source(error)
}

/// Checks a user that may not have been created by [`User::person`] or [`User::bot`], such as one deserialized from a file.
fn check_user(user: &User) -> Result<()> {
    let username = user.username();
    let invalid = |message| Err(Error::invalid(codes::USER_PROCESSING_ERROR, message));
    let is_platform = user.id() == User::system().id();
    match user.user_type() {
        UserType::Normal if !is_platform && user.is_outsider() => {}
        UserType::Normal if !is_platform => {
            let person = User::person(user.id(), username).map_err(|error| processing_error(username, error))?;
            if person.username() != username || user.email() != Some(username) {
                return invalid(format!(
                    "the name of a person must be their email address in lower case, got `{username}`"
                ));
            }
        }
        UserType::Bot if !is_platform => {
            check_bot_name(username)?;
            if user.email().is_some() {
                return invalid(format!("bots have no email address, but `{username}` has one"));
            }
        }
        _ => return invalid(format!("`{username}` cannot be saved: the id or type is reserved for the platform")),
    }
    match user.owner() {
        Some(_) if user.user_type() != UserType::Bot => {
            return invalid(format!("only bots have an owner, but `{username}` has one"));
        }
        Some(_) if user.is_admin() => return Err(agents_are_no_admins()),
        _ => {}
    }
    [user.first_name(), user.last_name()].into_iter().flatten().try_for_each(check_name)?;
    user.identities().iter().try_for_each(UserIdentity::check)
}

fn check_name(name: &str) -> Result<()> {
    if name.len() <= MAX_NAME_BYTES && !name.contains(char::is_control) {
        return Ok(());
    }
    let message =
        format!("a first or last name must be one line of at most {MAX_NAME_BYTES} bytes, got {} bytes", name.len());
    Err(Error::invalid(codes::USER_PROCESSING_ERROR, message))
}

/// Checks the name of a bot. Names identify bots to people, so letters that look like others are not allowed.
fn check_bot_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    let is_platform = name.eq_ignore_ascii_case(User::system().username());
    if !is_platform
        && !name.is_empty()
        && name.trim() == name
        && name.len() <= MAX_BOT_NAME_CHARS
        && name.chars().all(is_plain)
    {
        return Ok(());
    }
    Err(Error::invalid(codes::USER_PROCESSING_ERROR, format!("`{name}` is not a valid name for a bot")).with_hint(format!(
        "use at most {MAX_BOT_NAME_CHARS} ASCII letters, digits and `-_. `, without spaces at either end; `sym` is reserved for the platform"
    )))
}

pub(super) fn unknown_user(id: UserId) -> Error {
    Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("no user has the id `{id}`"))
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("domains", &self.domains).finish_non_exhaustive()
    }
}
