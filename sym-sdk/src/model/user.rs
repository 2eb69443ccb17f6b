//! Users, their roles and their accounts in services.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Srn, UserId};
use crate::error::{Error, Result, codes};
use crate::normalize::normalize_email;
use crate::suggest;

/// The type of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UserType {
    /// A person.
    Normal,
    /// A program that authenticates with a token.
    Bot,
    /// The platform itself.
    System,
}

impl UserType {
    /// The name in SRNs and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Bot => "bot",
            Self::System => "system",
        }
    }
}

impl fmt::Display for UserType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UserRole {
    /// May do everything, including viewing and deciding every request.
    Admin,
    /// May make requests, and decide requests if the permissions allow it.
    Member,
    /// May not make requests. May decide requests if both the flow and the permissions allow it.
    Guest,
}

impl UserRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Member, Self::Guest];

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Guest => "guest",
        }
    }
}

impl FromStr for UserRole {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or_else(|| {
            Error::invalid(codes::USER_PROCESSING_ERROR, format!("`{name}` is not a role")).with_hint(suggest::hint(
                name,
                "roles",
                Self::ALL.map(Self::as_str),
            ))
        })
    }
}

impl fmt::Display for UserRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The maximum length of each part of an account, in bytes. The longest known ones are AWS ARNs.
const MAX_IDENTITY_PART_BYTES: usize = 2_048;

/// The account of a user in an instance of a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserIdentity {
    service: String,
    service_id: String,
    user_id: String,
}

impl UserIdentity {
    /// Creates the account `user_id` in the instance `service_id` of a service, such as `slack`.
    pub fn new(service: impl Into<String>, service_id: impl Into<String>, user_id: impl Into<String>) -> Self {
        Self { service: service.into(), service_id: service_id.into(), user_id: user_id.into() }
    }

    /// The type of service, such as `slack`.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The instance of the service: a workspace, a domain, an organization.
    pub fn service_id(&self) -> &str {
        &self.service_id
    }

    /// The id of the account, as the service assigned it.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Whether the account is in the service, and in this instance of the service if one is given.
    pub fn is_in(&self, service: &str, service_id: Option<&str>) -> bool {
        self.service.eq_ignore_ascii_case(service)
            && service_id.is_none_or(|service_id| self.service_id.eq_ignore_ascii_case(service_id))
    }

    /// Checks that the account can be stored. An empty id is rejected, because in the URL of a service it can address all
    /// accounts.
    pub(crate) fn check(&self) -> Result<()> {
        for (name, text) in [("service", &self.service), ("service_id", &self.service_id), ("user_id", &self.user_id)] {
            if text.trim().is_empty() || text.len() > MAX_IDENTITY_PART_BYTES || text.contains(char::is_control) {
                let message = format!(
                    "the `{name}` of an account must be one line of 1 to {MAX_IDENTITY_PART_BYTES} bytes, got {} bytes",
                    text.len()
                );
                return Err(Error::invalid(codes::IDENTITY_COULD_NOT_SAVE, message));
            }
        }
        Ok(())
    }

    /// Whether both refer to the same account.
    pub fn is_same(&self, other: &Self) -> bool {
        self.is_in(&other.service, Some(&other.service_id)) && self.user_id == other.user_id
    }
}

/// A person or a bot. Users are equal if their usernames are, ignoring ASCII case.
///
/// ```
/// use sym_sdk::model::{User, UserRole};
///
/// let ann = User::from_email("Ann@Example.com")?.with_role(UserRole::Admin);
/// assert_eq!(ann.username(), "ann@example.com");
/// assert_eq!(ann.email_domain(), Some("example.com"));
/// assert!(ann.is_admin());
/// # Ok::<(), sym_sdk::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub(crate) id: UserId,
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) email: Option<String>,
    #[serde(rename = "type")]
    pub(crate) user_type: UserType,
    pub(crate) role: UserRole,
    #[serde(default)]
    pub(crate) first_name: Option<String>,
    #[serde(default)]
    pub(crate) last_name: Option<String>,
    #[serde(default)]
    pub(crate) identities: Vec<UserIdentity>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) locked: bool,
    /// The address of the mailbox that the e-mail address is an alias of, if the directory says that it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mailbox: Option<String>,
    /// The person who answers for an agent. Nobody else has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<Box<AgentOwner>>,
}

/// The person who answers for an agent, as they were when the agent was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentOwner {
    pub(crate) id: UserId,
    pub(crate) username: String,
    /// As that of a [`User`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mailbox: Option<String>,
}

impl AgentOwner {
    /// The id.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The name: the e-mail address.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Returns whether the owner could be this person, as [`User::may_be`] does for users.
    #[cfg(feature = "runtime")]
    pub(crate) fn may_be(&self, other: &User) -> bool {
        let mailbox = self.mailbox.as_deref().unwrap_or(&self.username);
        self.id == other.id || mailbox.to_lowercase() == other.mailbox().to_lowercase()
    }
}

impl User {
    /// Creates a person with the role of a member, whose id is [derived from the address](UserId::from_email), for programs that declare
    /// people and for tests.
    ///
    /// ```
    /// use sym_sdk::prelude::*;
    ///
    /// let ana = User::from_email("ana@example.com")?;
    /// assert_eq!(ana.id(), UserId::from_email("ana@example.com"));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// If it is not an e-mail address.
    pub fn from_email(email: &str) -> Result<Self> {
        Self::person(UserId::from_email(email), email)
    }

    /// Creates a person with the role of a member. The e-mail address is composed (NFC), trimmed and converted to lower
    /// case.
    ///
    /// # Errors
    /// If it is not an e-mail address.
    pub fn person(id: UserId, email: &str) -> Result<Self> {
        let email = normalize_email(email)?;
        Ok(Self { email: Some(email.clone()), ..Self::named(id, email, UserType::Normal) })
    }

    /// Creates a person who is known by an account alone, as a guest: somebody of another organization, whose e-mail address
    /// nobody here can vouch for. The username is `<service>:<instance>:<account>`, which no e-mail address can be.
    pub fn outsider(id: UserId, account: UserIdentity) -> Self {
        let username = outsider_name(&account);
        Self::named(id, username, UserType::Normal).with_role(UserRole::Guest).with_identity(account)
    }

    /// Creates a bot with the role of a member.
    pub fn bot(id: UserId, name: impl Into<String>) -> Self {
        Self::named(id, name.into(), UserType::Bot)
    }

    /// Creates an agent: a bot that asks for access of its own, for which a person answers. An agent requests through
    /// [MCP](super::ChannelType::Mcp) alone, and decides nothing.
    pub fn agent(id: UserId, name: impl Into<String>, owner: &Self) -> Self {
        let owner = AgentOwner { id: owner.id, username: owner.username.clone(), mailbox: owner.mailbox.clone() };
        Self { owner: Some(Box::new(owner)), ..Self::bot(id, name) }
    }

    /// Returns the platform itself, the user of events that a timer triggers.
    pub fn system() -> Self {
        Self::named(UserId::from_uuid(Uuid::nil()), "sym".to_owned(), UserType::System)
    }

    fn named(id: UserId, username: String, user_type: UserType) -> Self {
        Self {
            id,
            username,
            email: None,
            user_type,
            role: UserRole::Member,
            first_name: None,
            last_name: None,
            identities: Vec::new(),
            locked: false,
            mailbox: None,
            owner: None,
        }
    }

    /// Sets the role.
    pub fn with_role(mut self, role: UserRole) -> Self {
        self.role = role;
        self
    }

    /// Sets the first and last name.
    pub fn with_name(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        self.first_name = Some(first.into());
        self.last_name = Some(last.into());
        self
    }

    /// Adds an account, or replaces the one in the same instance of the service.
    pub fn with_identity(self, identity: UserIdentity) -> Self {
        let mut user = self.without_identity(identity.service(), identity.service_id());
        user.identities.push(identity);
        user
    }

    /// Removes the account in this instance of a service, if there is one.
    pub fn without_identity(mut self, service: &str, service_id: &str) -> Self {
        self.identities.retain(|identity| !identity.is_in(service, Some(service_id)));
        self
    }

    /// The id.
    pub fn id(&self) -> UserId {
        self.id
    }

    /// The e-mail address. `None` for bots and [outsiders](Self::outsider).
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The part of the e-mail address after the `@`.
    pub fn email_domain(&self) -> Option<&str> {
        self.email().and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain)
    }

    /// The e-mail address of a person, the account of an [outsider](Self::outsider), or the name of a bot.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The type.
    pub fn user_type(&self) -> UserType {
        self.user_type
    }

    /// The role.
    pub fn role(&self) -> UserRole {
        self.role
    }

    /// Whether the role is admin.
    pub fn is_admin(&self) -> bool {
        self.role == UserRole::Admin
    }

    /// Whether the user is locked: everything that they submit is refused, and they are granted nothing.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// The person who answers for an agent. `None` for everybody else.
    pub fn owner(&self) -> Option<&AgentOwner> {
        self.owner.as_deref()
    }

    /// Whether the user is an agent: a bot with an [owner](Self::owner).
    pub fn is_agent(&self) -> bool {
        self.owner.is_some()
    }

    /// Whether the user is a person who is known by an account alone.
    pub fn is_outsider(&self) -> bool {
        self.user_type == UserType::Normal
            && self.email.is_none()
            && self.identities.iter().any(|account| outsider_name(account) == self.username)
    }

    /// Whether both are the same user, as far as rights are concerned: what one may do because of what they did before, the other
    /// may too. Only the id tells, because an address can be given to somebody else.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Whether both could be the same person, as far as prohibitions are concerned, such as that of approving one's own request.
    /// Besides the id, the address tells: somebody who was deleted and added again is the same person under another id, and so is
    /// somebody with two addresses of one mailbox.
    #[cfg(feature = "runtime")]
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        self.id == other.id || self.mailbox().to_lowercase() == other.mailbox().to_lowercase()
    }

    #[cfg(feature = "runtime")]
    fn mailbox(&self) -> &str {
        self.mailbox.as_deref().unwrap_or(&self.username)
    }

    /// The first name, if it is known.
    pub fn first_name(&self) -> Option<&str> {
        self.first_name.as_deref()
    }

    /// The last name, if it is known.
    pub fn last_name(&self) -> Option<&str> {
        self.last_name.as_deref()
    }

    /// The first and last name, as far as they are known. Empty if neither is.
    pub fn full_name(&self) -> String {
        let names: Vec<&str> = [self.first_name(), self.last_name()].into_iter().flatten().collect();
        names.join(" ").trim().to_owned()
    }

    /// The accounts of the user in services.
    pub fn identities(&self) -> &[UserIdentity] {
        &self.identities
    }

    /// Returns the account in a service, and in this instance of the service if one is given.
    pub fn identity(&self, service: &str, service_id: Option<&str>) -> Option<&UserIdentity> {
        self.identities.iter().find(|identity| identity.is_in(service, service_id))
    }

    /// The SRN: `org:user:<type>:<id>:latest`. Characters of `organization` that are not allowed in an SRN are
    /// replaced by dashes.
    pub fn srn(&self, organization: &str) -> Srn {
        let mut buffer = Uuid::encode_buffer();
        let id = self.id.as_uuid().hyphenated().encode_lower(&mut buffer);
        Srn::from_slugs(organization, "user", Some(self.user_type.as_str()), id)
    }
}

fn outsider_name(account: &UserIdentity) -> String {
    format!("{}:{}:{}", account.service(), account.service_id(), account.user_id())
}

impl PartialEq for User {
    fn eq(&self, other: &Self) -> bool {
        self.username.eq_ignore_ascii_case(&other.username)
    }
}

impl Eq for User {}

impl Hash for User {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.username.to_ascii_lowercase().hash(state);
    }
}
