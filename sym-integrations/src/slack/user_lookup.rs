//! Finding Slack users, channels and the members of channels and groups.
//!
//! A Slack account becomes a user through the directory first and the verified e-mail address second. The address of an
//! outsider is set by another organization, so it selects nobody unless the configuration [vouches](super::TrustedTeams) for it: an
//! outsider is known by their workspace and account.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use sym_sdk::BoxFuture;
use sym_sdk::directory::Inserted;
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::User;
use sym_sdk::routing::SlackUser;

use super::api::{CHANNEL_HINT, USERS_PER_PAGE};
use super::args::{ParsedChannel, ParsedUser};
use super::client::SLACK;
use super::user_cache::{CachedUser, UserList};
use super::{ChannelArg, ChannelInfo, Slack, UserArg, UserInfo, codes};
use crate::http::Paginator;
use crate::kit::{Account, Resource, VendorClient, is_same_address};

/// The most users that are fetched one by one. For more, the whole workspace is listed.
const MAX_SINGLE_LOOKUPS: usize = 20;

/// The number of concurrent `users.info` calls.
const LOOKUP_CONCURRENCY: usize = 4;

impl Slack {
    /// Resolves a Slack user from an e-mail address, a [`User`], a name as in `@Jane Austen`, or anything that
    /// [`user`](super::user) accepts.
    ///
    /// A name is a display name, a full name or a legacy user name; case is ignored, and names may be up to five minutes out of
    /// date. People choose their own names, and someone else can take the same name later: use an id or an e-mail address to
    /// decide permissions.
    ///
    /// # Errors
    /// `Slack:USER_NOT_FOUND`; `Slack:AMBIGUOUS_USER` if several users have the name, with their ids in the hint;
    /// `Identity:NOT_FOUND` for a [`User`] without an account.
    pub async fn resolve<'a>(&self, user: impl Into<UserArg<'a>>) -> Result<SlackUser> {
        let arg = user.into();
        match arg.parse()? {
            ParsedUser::Slack(user) => Ok(user),
            ParsedUser::User(user) => SlackUser::new(self.account_id(user).await?),
            ParsedUser::Email(email) => match self.id_by_email(email).await? {
                Some(id) => SlackUser::new(id),
                None => Err(self.user_not_found(&arg)),
            },
            ParsedUser::Name(name) => {
                let users = self.users().await?;
                match *users.ids_by_name(name) {
                    [id] => SlackUser::new(id),
                    [] => Err(self.user_not_found(&arg)),
                    ref several => {
                        let message = format!("{} Slack users are named `{}`", several.len(), arg.trimmed());
                        let error = SLACK.error(ErrorKind::InvalidInput, codes::AMBIGUOUS_USER, message);
                        Err(error.with_hint(format!("use an id instead: {}", several.join(", "))))
                    }
                }
            }
        }
    }

    /// Returns Slack's description of a user ([`users.info`](https://docs.slack.dev/reference/methods/users.info)).
    ///
    /// # Errors
    /// Those of [`resolve`](Self::resolve), and `Slack:USER_NOT_FOUND` for an unknown id.
    pub async fn get_user_info<'a>(&self, user: impl Into<UserArg<'a>>) -> Result<Resource<UserInfo>> {
        let user = self.resolve(user).await?;
        self.api().user_info(user.user_id()).await
    }

    /// Lists the users of the workspace ([`users.list`](https://docs.slack.dev/reference/methods/users.list)), including bots
    /// and guests. Deactivated users are left out unless [`with_deactivated`](ListUsers::with_deactivated) is called.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use serde_json::json;
    /// # use sym_integrations::slack::Slack;
    /// # use sym_integrations::testing::{Replay, Reply};
    /// # let replay = Replay::new();
    /// # let (ana, ben) = (json!({ "id": "U1", "real_name": "Ana" }), json!({ "id": "U2", "deleted": true }));
    /// # replay.post("/api/users.list").times(2).reply(Reply::json(json!({ "ok": true, "members": [ana, ben] })));
    /// # let slack = Slack::builder("T012AB3CD").token("xoxb-1").connection(replay.connection()).build()?;
    /// let active = slack.list_users().await?;
    /// let options = sym_integrations::field_options(&active)?;
    /// assert_eq!(options[0].label(), "Ana");
    ///
    /// let mut all = slack.list_users().with_deactivated().listing();
    /// while let Some(user) = all.next_item().await? {
    ///     println!("{}", user.label());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_users(&self) -> ListUsers {
        ListUsers { slack: self.clone(), with_deactivated: false, page_size: USERS_PER_PAGE }
    }

    /// Lists the public channels and the private channels of which the app is a member, without archived channels
    /// ([`conversations.list`](https://docs.slack.dev/reference/methods/conversations.list)).
    pub fn list_channels(&self) -> Paginator<Resource<ChannelInfo>> {
        self.api().list_channels()
    }

    /// Returns whether a user is a member of the user group with this id, which begins with S
    /// ([`usergroups.users.list`](https://docs.slack.dev/reference/methods/usergroups.users.list)).
    ///
    /// # Errors
    /// `Slack:GROUP_NOT_FOUND`; `Identity:NOT_FOUND` for a user without an account in the workspace.
    pub async fn is_user_in_group(&self, user: &User, group_id: &str) -> Result<bool> {
        let question = format!("is_user_in_group {} `{group_id}`", user.username());
        let ask = async {
            let id = self.account_id(user).await?;
            let users = self.api().group_users(group_id).await?;
            Ok(users.contains(&id))
        };
        look_up(SLACK.name(), question, ask).await
    }

    /// Lists the people in a channel, given by its name or id, in Slack's order and without duplicates. People from other
    /// workspaces are included; bots and deactivated users are not. Large channels take many calls. The app must be a member of
    /// a private channel.
    ///
    /// An account is matched to a user by the directory, or else by the e-mail address, unless Slack reports the address as
    /// unconfirmed. Someone from another organization is known by their workspace and account, as a guest, because the other organization
    /// decides what their address is; see [`TrustedTeams`](super::TrustedTeams) for exceptions. Without a directory, they are left out,
    /// and so is everybody who was deleted.
    ///
    /// # Errors
    /// `Slack:CHANNEL_NOT_FOUND`.
    pub async fn users_in_channel<'a>(&self, channel: impl Into<ChannelArg<'a>>) -> Result<Vec<Arc<User>>> {
        let channel = channel.into();
        let name = match channel.parse()? {
            ParsedChannel::Id(id) => id,
            ParsedChannel::Name(name) => format!("#{name}"),
        };
        look_up_users(SLACK.name(), format!("users_in_channel {name}"), self.ask_users_in_channel(&channel)).await
    }

    async fn ask_users_in_channel(&self, channel: &ChannelArg<'_>) -> Result<Vec<Arc<User>>> {
        let channel = self.channel_id(channel).await?;
        let members = self.api().channel_members(&channel).await?;
        let (mut users, mut seen) = (Vec::with_capacity(members.len()), HashSet::new());
        for account in self.cached_or_fetched(members).await? {
            if account.is_bot || account.is_deactivated {
                continue;
            }
            let contact = match self.contact(&account).await {
                Err(error) if *error.code() == sym_sdk::error::codes::USER_DELETED => None,
                contact => contact?,
            };
            match contact.map(Inserted::into_user) {
                Some(user) if seen.insert(user.id()) => users.push(user),
                Some(_) => {}
                None => {
                    tracing::warn!(service = "slack", account = account.id, "no user is known to have this account")
                }
            }
        }
        Ok(users)
    }

    /// Returns the id of a user's Slack account.
    pub(super) async fn account_id(&self, user: &User) -> Result<String> {
        if let Some(account) = user.identity("slack", None).filter(|_| user.is_outsider()) {
            return Ok(account.user_id().to_owned());
        }
        self.service().account_id(user, async |email| self.id_by_email(email).await).await
    }

    /// Returns the id of the active member of this workspace with an e-mail address.
    async fn id_by_email(&self, email: &str) -> Result<Option<String>> {
        let found = self.api().user_by_email(email).await?;
        let has_address = |user: &UserInfo| match (user.email(), user.verified_email()) {
            (Some(_), verified) => is_same_address(verified, email),
            // The app lacks the scope to see addresses, so Slack's result is trusted.
            (None, _) => true,
        };
        let found =
            found.filter(|user| !user.is_deactivated() && !user.is_outsider(self.workspace()) && has_address(user));
        Ok(found.map(|user| user.id().to_owned()))
    }

    async fn channel_id(&self, channel: &ChannelArg<'_>) -> Result<String> {
        let name = match channel.parse()? {
            ParsedChannel::Id(id) => return Ok(id),
            ParsedChannel::Name(name) if self.is_simulated => return Ok(name),
            ParsedChannel::Name(name) => name,
        };
        let wanted = name.to_lowercase();
        let is_wanted = |name: &str| name.to_lowercase() == wanted;
        // Channel names are unique within a workspace.
        if let Some(channel) = self.list_channels().find(|channel| channel.name().is_some_and(is_wanted)).await? {
            return Ok(channel.id().to_owned());
        }
        let message = format!("channel `#{name}` does not exist, or the app cannot see it");
        let error = SLACK.error(ErrorKind::NotFound, codes::CHANNEL_NOT_FOUND, message);
        Err(error.with_hint(CHANNEL_HINT))
    }

    /// Returns the users with these ids, from the cache where possible. Users that the app cannot see are skipped with a warning.
    async fn cached_or_fetched(&self, ids: Vec<String>) -> Result<Vec<CachedUser>> {
        let cached = match ids.len() {
            0..=MAX_SINGLE_LOOKUPS => self.users.get().unwrap_or_default(),
            _ => self.users().await?,
        };
        let cached = &cached;
        let users = stream::iter(ids).map(|id| async move {
            if let Some(user) = cached.get(&id) {
                return Ok(Some(user.clone()));
            }
            match self.api().user_info(&id).await {
                Ok(user) => Ok(Some(CachedUser::new(&user, self.workspace()))),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    tracing::warn!(service = "slack", account = id, "the app cannot see a member of a channel");
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        });
        let users: Vec<Option<CachedUser>> = users.buffered(LOOKUP_CONCURRENCY).try_collect().await?;
        Ok(users.into_iter().flatten().collect())
    }

    /// Returns all users of the workspace, at most five minutes old.
    async fn users(&self) -> Result<Arc<UserList>> {
        let fetch = async {
            let mut users = self.api().list_users(USERS_PER_PAGE);
            let mut fetched = Vec::new();
            while let Some(user) = users.next_item().await? {
                fetched.push(CachedUser::new(&user, self.workspace()));
            }
            Ok(fetched.into_iter().collect())
        };
        self.users.get_or_fetch(fetch).await
    }

    /// Returns the user to whom a Slack account belongs, and whether they were unknown until now. `None` if nobody is known to have it.
    ///
    /// # Errors
    /// `SymSDK:USER_DELETED` if the user was deleted.
    pub(super) async fn contact(&self, account: &CachedUser) -> Result<Option<Inserted>> {
        let CachedUser { id, email, .. } = account;
        let service = self.service();
        if !account.is_outsider {
            return service.contact(&Account::new(id.clone(), email.clone())).await;
        }
        // An administrator has linked it. The account of a linked user who was deleted is an error here.
        if let Some(linked) = service.contact(&Account::new(id.clone(), None)).await? {
            return Ok(Some(linked));
        }
        let Some(team) = &account.foreign_team else { return Ok(None) };
        let vouched = email.as_deref().filter(|email| self.trusted_teams().vouches_for(team, email));
        service.contact_of_outsider(team, id, vouched).await
    }

    fn user_not_found(&self, user: &UserArg<'_>) -> Error {
        let message = format!("no Slack user matches `{}`", user.trimmed());
        SLACK.error(ErrorKind::NotFound, codes::USER_NOT_FOUND, message)
    }
}

/// A request for the users of a workspace. Created by [`Slack::list_users`].
#[derive(Clone, Debug)]
#[must_use = "a listing makes no calls until it is awaited or polled"]
pub struct ListUsers {
    slack: Slack,
    with_deactivated: bool,
    page_size: u32,
}

impl ListUsers {
    /// Includes deactivated users.
    pub fn with_deactivated(mut self) -> Self {
        self.with_deactivated = true;
        self
    }

    /// Sets the page size, at most 999.
    pub fn page_size(mut self, users: u32) -> Self {
        self.page_size = users;
        self
    }

    /// Returns a paginator over the users, which holds one page in memory.
    pub fn listing(self) -> Paginator<Resource<UserInfo>> {
        let with_deactivated = self.with_deactivated;
        let users = self.slack.api().list_users(self.page_size);
        users.filter_items(move |user| with_deactivated || !user.is_deactivated())
    }
}

impl IntoFuture for ListUsers {
    type Output = Result<Vec<Resource<UserInfo>>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<Resource<UserInfo>>>>;

    fn into_future(self) -> Self::IntoFuture {
        IntoFuture::into_future(self.listing())
    }
}
