//! Who is who, who is where.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use sym_sdk::BoxFuture;
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::model::User;
use sym_sdk::routing::SlackUser;

use super::api::{USERS_PER_PAGE, Users};
use super::place;
use super::roster::{People, Person};
use super::who::Known;
use super::{ChannelInfo, Place, Slack, UserInfo, Who};
use crate::http::{Page, Paginator};
use crate::kit::Account;

/// Up to so many people are asked for one by one. To ask for more, the whole workspace is listed.
const FEW: usize = 20;

/// So many are asked for at the same time.
const AT_ONCE: usize = 4;

impl Slack {
    /// Finds out who is meant: by an e-mail address, by a [`User`]'s account, by a name as in `@Jane Austen`, or by what already says
    /// it, as [`user`](super::user) does.
    ///
    /// A name is a display name, a full name or an old user name, whatever its case. People choose their names themselves, and
    /// another one can have the same tomorrow: to say who may do something, use an id or an address. What is known of names is up to
    /// five minutes old.
    ///
    /// # Errors
    /// `Slack:USER_NOT_FOUND`; `Slack:AMBIGUOUS_USER` for a name that several people have, with their ids in the hint;
    /// `Identity:NOT_FOUND` for a [`User`] without an account.
    pub async fn resolve<'a>(&self, who: impl Into<Who<'a>>) -> Result<SlackUser> {
        let who = who.into();
        match who.known()? {
            Known::Slack(user) => Ok(user),
            Known::User(user) => SlackUser::new(self.account_id(user).await?),
            Known::Email(email) => match self.id_by_email(email).await? {
                Some(id) => SlackUser::new(id),
                None => Err(self.nobody(&who)),
            },
            Known::Name(name) => {
                let people = self.people().await?;
                match *people.named(name) {
                    [id] => SlackUser::new(id),
                    [] => Err(self.nobody(&who)),
                    ref several => {
                        let message = format!("`{}` is the name of {} people in Slack", who.trimmed(), several.len());
                        let error = self.api().error(ErrorKind::InvalidInput, "AMBIGUOUS_USER", message);
                        Err(error.with_hint(format!("name one by their id: {}", several.join(", "))))
                    }
                }
            }
        }
    }

    /// Says what Slack knows of somebody ([`users.info`](https://docs.slack.dev/reference/methods/users.info)).
    ///
    /// # Errors
    /// Those of [`resolve`](Self::resolve), and `Slack:USER_NOT_FOUND` for an id that nobody has.
    pub async fn get_user_info<'a>(&self, who: impl Into<Who<'a>>) -> Result<UserInfo> {
        let user = self.resolve(who).await?;
        self.api().user_info(user.user_id()).await
    }

    /// Lists the people of the workspace ([`users.list`](https://docs.slack.dev/reference/methods/users.list)), bots and guests too.
    /// Those who are deactivated are left out, unless asked for.
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

    /// Lists the public channels, and the private ones that the app is in, without those that are archived
    /// ([`conversations.list`](https://docs.slack.dev/reference/methods/conversations.list)).
    pub fn list_channels(&self) -> Paginator<ChannelInfo> {
        self.api().list_channels()
    }

    /// Says whether a user is in the user group of this id, which begins with S
    /// ([`usergroups.users.list`](https://docs.slack.dev/reference/methods/usergroups.users.list)).
    ///
    /// # Errors
    /// `Slack:GROUP_NOT_FOUND`; `Identity:NOT_FOUND` for a user without an account in the workspace.
    pub async fn is_user_in_group(&self, user: &User, group_id: &str) -> Result<bool> {
        let id = self.account_id(user).await?;
        let users = self.api().group_users(group_id).await?;
        Ok(users.contains(&id))
    }

    /// Lists the people in a channel, by its name or id, in Slack's order and each once. People from outside are among them; bots
    /// and those who are deactivated are not. That takes long for large channels, and the app must be in the channel if it is
    /// private.
    ///
    /// Whose account it is, the directory says, or else the e-mail address, unless Slack says that it is not confirmed. The address of
    /// one from outside counts only if there is a directory and no user of it has the address: another organization says what it is.
    ///
    /// # Errors
    /// `Slack:CHANNEL_NOT_FOUND`.
    pub async fn users_in_channel<'a>(&self, channel: impl Into<Place<'a>>) -> Result<Vec<Arc<User>>> {
        let channel = self.channel_id(&channel.into()).await?;
        let members = self.api().channel_members(&channel).await?;
        let mut accounts = Vec::with_capacity(members.len());
        for person in self.persons(members).await? {
            if !person.is_bot && !person.is_deactivated {
                accounts.push(self.account(person).await?);
            }
        }
        self.inner().accounts.users(accounts).await
    }

    /// The id of a user's account.
    pub(super) async fn account_id(&self, user: &User) -> Result<String> {
        self.inner().accounts.account_id(user, async |email| self.id_by_email(email).await).await
    }

    /// The id of the account of this workspace that has an address.
    async fn id_by_email(&self, email: &str) -> Result<Option<String>> {
        let found = self.api().user_by_email(email).await?;
        let has_it = |user: &UserInfo| match (user.email(), user.verified_email()) {
            (Some(_), verified) => verified.is_some_and(|found| found.eq_ignore_ascii_case(email.trim())),
            // The app may not see addresses, so it is as Slack says.
            (None, _) => true,
        };
        let found = found.filter(|user| !user.is_deactivated() && !user.is_outsider(self.workspace()) && has_it(user));
        Ok(found.map(|user| user.id().to_owned()))
    }

    async fn channel_id(&self, channel: &Place<'_>) -> Result<String> {
        let name = match channel.known()? {
            place::Known::Id(id) => return Ok(id),
            place::Known::Name(name) if self.inner().dry => return Ok(name),
            place::Known::Name(name) => name,
        };
        let wanted = name.to_lowercase();
        let mut channels = self.list_channels();
        // No two channels of a workspace have the same name.
        while let Some(channel) = channels.next_item().await? {
            if channel.name().is_some_and(|name| name.to_lowercase() == wanted) {
                return Ok(channel.id().to_owned());
            }
        }
        let message = format!("there is no channel `#{name}` that the app can see");
        let error = self.api().error(ErrorKind::NotFound, "CHANNEL_NOT_FOUND", message);
        Err(error.with_hint("look how it is spelt, and invite the app if it is private"))
    }

    /// Who has these ids. Those whom the app may not see are left out, with a warning in the log.
    async fn persons(&self, ids: Vec<String>) -> Result<Vec<Person>> {
        let people = match ids.len() {
            0..=FEW => self.inner().roster.known().unwrap_or_default(),
            _ => self.people().await?,
        };
        let people = &people;
        let persons = stream::iter(ids).map(|id| async move {
            if let Some(person) = people.by_id(&id) {
                return Ok(Some(person.clone()));
            }
            match self.api().user_info(&id).await {
                Ok(user) => Ok(Some(Person::new(&user, self.workspace()))),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    tracing::warn!(service = "slack", account = id, "the app may not see a member of a channel");
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        });
        let persons: Vec<Option<Person>> = persons.buffered(AT_ONCE).try_collect().await?;
        Ok(persons.into_iter().flatten().collect())
    }

    /// All people of the workspace, as of at most five minutes ago.
    async fn people(&self) -> Result<Arc<People>> {
        let list = async {
            let mut users = self.api().list_users(USERS_PER_PAGE);
            let mut people = Vec::new();
            while let Some(user) = users.next_item().await? {
                people.push(Person::new(&user, self.workspace()));
            }
            Ok(people.into_iter().collect())
        };
        self.inner().roster.people(list).await
    }

    /// Whose account it is; `None` if nobody is known to have it.
    #[cfg(feature = "slack-app")]
    pub(super) async fn user_of(&self, person: Person) -> Result<Option<Arc<User>>> {
        let account = self.account(person).await?;
        Ok(self.inner().accounts.users([account]).await?.pop())
    }

    /// Whose account it is said to be.
    async fn account(&self, person: Person) -> Result<Account> {
        let Person { id, email, is_outsider, .. } = person;
        let email = match email {
            Some(claimed) if is_outsider && !self.is_free(&claimed).await? => None,
            email => email,
        };
        Ok(Account { id, email })
    }

    /// Whether it is known that nobody of the organization has an address.
    async fn is_free(&self, email: &str) -> Result<bool> {
        match &self.inner().directory {
            Some(directory) => {
                Ok(!directory.is_internal_email(email) && directory.user_by_email(email).await?.is_none())
            }
            None => Ok(false),
        }
    }

    fn nobody(&self, who: &Who<'_>) -> sym_sdk::Error {
        let message = format!("there is nobody `{}` in Slack", who.trimmed());
        self.api().error(ErrorKind::NotFound, "USER_NOT_FOUND", message)
    }
}

/// A list of people to be asked for. See [`Slack::list_users`].
#[derive(Clone, Debug)]
#[must_use = "a listing asks for nothing until it is awaited or polled"]
pub struct ListUsers {
    slack: Slack,
    with_deactivated: bool,
    page_size: u32,
}

impl ListUsers {
    /// Lists those who are deactivated too.
    pub fn with_deactivated(mut self) -> Self {
        self.with_deactivated = true;
        self
    }

    /// Sets how many there are on a page, at most 999.
    pub fn page_size(mut self, users: u32) -> Self {
        self.page_size = users;
        self
    }

    /// The people as a stream, which holds one page of them.
    pub fn listing(self) -> Paginator<UserInfo> {
        let with_deactivated = self.with_deactivated;
        self.slack.api().users_by_page(self.page_size).pages_by(move |response| {
            let page: Users = response.json()?;
            let next = page.next(response)?;
            let mut users = page.into_items();
            users.retain(|user| with_deactivated || !user.is_deactivated());
            Ok((users, next))
        })
    }
}

impl IntoFuture for ListUsers {
    type Output = Result<Vec<UserInfo>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<UserInfo>>>;

    fn into_future(self) -> Self::IntoFuture {
        IntoFuture::into_future(self.listing())
    }
}
