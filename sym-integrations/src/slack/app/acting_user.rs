//! The acting user: which user a Slack account that interacts with the app acts for, and which accounts are refused.
//!
//! A person whom nobody knew until now may ask for something, and is known from then on. A decision with which they appear is refused.
//!
//! Slack's description of an account is cached, because every interaction needs it. An action uses a shorter lifetime than
//! anything that only reads, so that a deactivated account loses its permissions within a minute.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sym_sdk::directory::Inserted;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::User;
use sym_sdk::runtime::{Actor, Runtime, first_contact};

use crate::bounded_cache::BoundedCache;
use crate::slack::Slack;
use crate::slack::user_cache::CachedUser;

/// The lifetime of Slack's description of an account.
const ACCOUNT_TTL: Duration = Duration::from_secs(300);

/// The shorter lifetime that applies to actions: making a request and deciding on one.
const FRESH_ACCOUNT_TTL: Duration = Duration::from_secs(60);

/// The maximum number of cached accounts.
const ACCOUNTS_CAPACITY: usize = 10_000;

/// A cache of Slack accounts, by user id, with the time when each was fetched.
pub(super) struct ActingUsers(BoundedCache<String, (Timestamp, Arc<CachedUser>)>);

impl Default for ActingUsers {
    fn default() -> Self {
        Self(BoundedCache::new(ACCOUNTS_CAPACITY))
    }
}

impl ActingUsers {
    /// Returns the user to whom a Slack account belongs. A member of the workspace is matched by the directory or by the e-mail
    /// address; someone from another workspace becomes a guest who is known by their account alone.
    ///
    /// # Errors
    /// `SymSDK:NOT_PERMITTED` for bots, deactivated accounts, and accounts that are not linked to a user.
    pub(super) async fn user(&self, slack: &Slack, id: &str, now: Timestamp) -> Result<Arc<User>> {
        self.lookup(ACCOUNT_TTL, slack, id, now).await
    }

    /// Returns the same user for an action, with an account that Slack described at most a minute ago.
    pub(super) async fn fresh_user(&self, slack: &Slack, id: &str, now: Timestamp) -> Result<Arc<User>> {
        self.lookup(FRESH_ACCOUNT_TTL, slack, id, now).await
    }

    /// Returns the same user as the actor of a decision, with an account that Slack described at most a minute ago. The runtime reads
    /// a user whose account is known, once for the whole decision.
    ///
    /// # Errors
    /// Besides, `SymSDK:FIRST_CONTACT` if the user was unknown until now.
    pub(super) async fn actor(&self, slack: &Slack, runtime: &Runtime, id: &str) -> Result<Actor> {
        let account = self.account(FRESH_ACCOUNT_TTL, slack, id, runtime.clock().now()).await?;
        match runtime.actor_by_identity(Slack::TYPE, slack.workspace(), id).await? {
            Some(actor) => Ok(actor),
            // On first contact, the account is linked to a user by its e-mail address.
            None => match contact(slack, &account).await? {
                Inserted::New(user) => Err(first_contact(&user)),
                known => Ok(Actor::from(known.into_user())),
            },
        }
    }

    async fn lookup(&self, ttl: Duration, slack: &Slack, id: &str, now: Timestamp) -> Result<Arc<User>> {
        let account = self.account(ttl, slack, id, now).await?;
        let user = contact(slack, &account).await?.into_user();
        // Submissions are refused by the runtime. Forms and lists are not for them either.
        if user.is_locked() {
            return Err(refused("you are locked").with_hint("ask an administrator"));
        }
        Ok(user)
    }

    /// Returns the reason why an account cannot be selected in a form, in the words of whoever selected it. `None` for a person.
    pub(super) async fn unselectable(&self, slack: &Slack, id: &str, now: Timestamp) -> Result<Option<&'static str>> {
        let account = match self.describe(ACCOUNT_TTL, slack, id, now).await {
            Err(error) if error.kind() == ErrorKind::Forbidden => return Ok(Some("This account does not exist")),
            described => described?,
        };
        Ok(match (account.is_bot, account.is_deactivated) {
            (true, _) => Some("A bot cannot be selected here"),
            (false, true) => Some("A deactivated account cannot be selected here"),
            (false, false) => None,
        })
    }

    /// Returns Slack's description of an account that may use the app.
    async fn account(&self, ttl: Duration, slack: &Slack, id: &str, now: Timestamp) -> Result<Arc<CachedUser>> {
        let account = self.describe(ttl, slack, id, now).await?;
        if account.is_deactivated {
            return Err(refused("your Slack account is deactivated"));
        }
        if account.is_bot {
            return Err(refused("bots cannot use this app"));
        }
        Ok(account)
    }

    /// Returns Slack's description of an account.
    async fn describe(&self, ttl: Duration, slack: &Slack, id: &str, now: Timestamp) -> Result<Arc<CachedUser>> {
        let age = |fetched_at: Timestamp| now.duration_since(fetched_at).unsigned_abs();
        let cached = self.0.get(id).filter(|(fetched_at, _)| age(*fetched_at) < ttl);
        let account = match cached {
            Some((_, account)) => account,
            None => {
                let info = match slack.api().user_info(id).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        let error = refused("your Slack account was not found in this workspace").with_source(error);
                        return Err(error);
                    }
                    info => info?,
                };
                let account = Arc::new(CachedUser::new(&info, slack.workspace()));
                let is_stale = |(fetched_at, _): &(Timestamp, Arc<CachedUser>)| age(*fetched_at) >= ACCOUNT_TTL;
                self.0.insert(id.to_owned(), (now, account.clone()), is_stale);
                account
            }
        };
        Ok(account)
    }
}

async fn contact(slack: &Slack, account: &CachedUser) -> Result<Inserted> {
    slack.contact(account).await?.ok_or_else(|| {
        refused("your Slack account is not linked to a user")
            .with_hint("ask an administrator to link it, or to check that the app is allowed to read e-mail addresses")
    })
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message).with_service("slack")
}
