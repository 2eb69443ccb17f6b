//! The record of who may act: sign-ins, sign-outs, tokens, trusts and roles, with those who were refused.
//!
//! A change that takes something away happens first and is recorded second. One that gives something is recorded before it is handed out: a
//! token that could not be recorded is revoked. A sign-in is the exception: whoever revokes access while nothing can be written must get in,
//! and all that they do is recorded by itself.
//!
//! Whoever is refused has authenticated nobody, and decides how often they try. The number of records is therefore
//! [limited](super::refusals), apart from that of refused submissions: a flood of the one does not displace the other.

use std::sync::Arc;
use std::time::Duration;

use super::refusals::{claimed_user, is_refusal};
use super::user_administration::Administration;
use super::{Actor, Administrator, Runtime};
use crate::directory::{DeletedBy, IssuedToken, NewTrust, SessionKind, Token, WorkloadTrust};
use crate::engine::InputKey;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::machine::{
    AccountEvent, AccountEventInput, EffectError, Input, InputBody, RecordedToken, RecordedTrust, RecordedUser,
    SignInPlace,
};
use crate::model::{Channel, ChannelType, EventId, TokenId, TrustId, User, UserId, UserIdentity, UserRole};

/// The name of callers of whom nothing is known.
const NOBODY: &str = "unknown";

/// The maximum length of a message in the record, in characters: it may quote what a token says.
const MAX_MESSAGE_CHARS: usize = 1_000;

/// Whoever was refused, as far as is known.
#[derive(Debug)]
pub(super) enum RefusedCaller {
    /// A user of the directory.
    Known(Arc<User>),
    /// Whoever the identity provider says has this address.
    Address(String),
    /// Whoever the issuer says has this account: the subject of a token that it has signed.
    Account(UserIdentity),
    /// A job that the issuer with this address runs.
    Job {
        /// The issuer. Nobody has verified it unless there is a subject.
        issuer: String,
        /// The subject of the token, once it was verified.
        subject: Option<String>,
    },
    /// Somebody of whom nothing is known.
    Nobody,
}

impl RefusedCaller {
    /// Returns the actor of the record, and whether they are in the directory.
    fn actor(&self) -> (Arc<User>, bool) {
        let claimed = |actor: Actor| Arc::new(claimed_user(&actor));
        match self {
            Self::Known(user) => (user.clone(), true),
            Self::Address(email) => (claimed(Actor::Email(email.clone())), false),
            Self::Account(account) => (claimed(Actor::Account(account.clone())), false),
            // What an unverified token says names nobody: else whoever makes one up would count as somebody else each time.
            Self::Job { subject: Some(subject), .. } => (claimed(Actor::Email(subject.clone())), false),
            Self::Job { subject: None, .. } | Self::Nobody => (claimed(Actor::Email(NOBODY.to_owned())), false),
        }
    }
}

impl Runtime {
    /// Issues a token for a bot, for an administrator: see [`Directory::issue_token`](crate::directory::Directory::issue_token). It leaves an
    /// audit entry.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # async fn issue(runtime: &sym_sdk::runtime::Runtime) -> Result<(), sym_sdk::Error> {
    /// let bot = runtime.directory().create_bot("ci").await?;
    /// let valid_for = Duration::from_secs(30 * 86_400);
    /// let issued = runtime.issue_token(bot.id(), "build server", valid_for, "ada@example.com").await?;
    /// # let _ = issued;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If `by` is not an administrator, there is no such bot, the label or the time is invalid, or the store fails.
    pub async fn issue_token(
        &self,
        bot: UserId,
        label: &str,
        expires_in: Duration,
        by: impl Into<Administrator>,
    ) -> Result<IssuedToken> {
        let admin = self.administration(by.into(), None).await?;
        admin.check()?;
        let directory = &self.executor.directory;
        let issued = self.executor.ask_directory(directory.issue_token(bot, label, expires_in)).await?;
        let recorded = async {
            let bot = self.recorded_user(bot).await?;
            let token = RecordedToken::new(issued.id, label.trim(), issued.expires_at);
            self.record_administration(&admin, AccountEvent::TokenIssued { token, bot }).await
        };
        self.or_revoke(&issued, recorded.await).await?;
        tracing::info!(token = %issued.id, bot = %bot, by = admin.actor.username(), "a token was issued");
        Ok(issued)
    }

    /// Revokes a token, for an administrator. Revoking it again has no effect. It leaves an audit entry.
    ///
    /// # Errors
    /// If `by` is not an administrator, there is no such token, or the store fails.
    pub async fn revoke_token(&self, token: TokenId, by: impl Into<Administrator>) -> Result<Token> {
        let admin = self.administration(by.into(), None).await?;
        admin.check()?;
        let directory = &self.executor.directory;
        let had_ended = self.executor.ask_directory(directory.store.token(token)).await?;
        let had_ended = had_ended.is_some_and(|stored| stored.token.revoked_at.is_some());
        let revoked = self.executor.ask_directory(directory.revoke_token(token)).await?;
        if had_ended {
            return Ok(revoked);
        }
        tracing::info!(%token, by = admin.actor.username(), "a token was revoked");
        let token = RecordedToken::new(revoked.id, revoked.label.clone(), revoked.expires_at);
        let bot = self.recorded_user(revoked.bot).await?;
        self.record_administration(&admin, AccountEvent::TokenRevoked { token, bot }).await?;
        Ok(revoked)
    }

    /// Adds the trust of a bot in certain jobs of a CI service, for an administrator: see
    /// [`Directory::add_trust`](crate::directory::Directory::add_trust). It leaves an audit entry, without which no trust is added.
    ///
    /// # Errors
    /// If `by` is not an administrator, there is no such bot, the trust is invalid, or the store fails.
    pub async fn add_trust(&self, bot: UserId, trust: NewTrust, by: impl Into<Administrator>) -> Result<WorkloadTrust> {
        let admin = self.administration(by.into(), None).await?;
        admin.check()?;
        let directory = &self.executor.directory;
        let trust = self.executor.ask_directory(directory.checked_trust(bot, trust)).await?;
        let bot = self.recorded_user(bot).await?;
        let name = bot.username.clone();
        self.record_administration(&admin, AccountEvent::TrustAdded { trust: recorded_trust(&trust), bot }).await?;
        self.executor.ask_directory(directory.insert_trust(&trust)).await?;
        tracing::info!(trust = %trust.id, bot = name, by = admin.actor.username(), "a trust was added");
        Ok(trust)
    }

    /// Removes a trust, for an administrator. Tokens that were issued by it are valid until they expire. It leaves an audit entry.
    ///
    /// # Errors
    /// If `by` is not an administrator, there is no such trust, or the store fails.
    pub async fn remove_trust(&self, trust: TrustId, by: impl Into<Administrator>) -> Result<WorkloadTrust> {
        let admin = self.administration(by.into(), None).await?;
        admin.check()?;
        let removed = self.executor.ask_directory(self.executor.directory.remove_trust(trust)).await?;
        tracing::info!(%trust, by = admin.actor.username(), "a trust was removed");
        let bot = self.recorded_user(removed.bot).await?;
        self.record_administration(&admin, AccountEvent::TrustRemoved { trust: recorded_trust(&removed), bot }).await?;
        Ok(removed)
    }

    /// Changes the role of a user, for an administrator. It leaves an audit entry, with the role before; nothing happens if the user has the
    /// role already. Whoever loses rights loses their sessions.
    ///
    /// # Errors
    /// If `by` is not an administrator, which is recorded; if there is no such user, an agent would become an administrator, or the store
    /// fails.
    pub async fn change_role(
        &self,
        user: impl Into<Actor>,
        role: UserRole,
        by: impl Into<Administrator>,
        reason: impl Into<String>,
    ) -> Result<Arc<User>> {
        let user = self.known_user(user.into()).await?;
        let reason = Some(reason.into()).filter(|reason| !reason.is_empty());
        let admin = self.administration(by.into(), reason).await?;
        let event = |refusal| {
            let (from, to) = (user.role(), role);
            AccountEvent::RoleChanged { user: RecordedUser::new(&user), from, to, refusal }
        };
        if let Err(error) = admin.check() {
            self.record_administration(&admin, event(Some(EffectError::from(&error)))).await?;
            return Err(error);
        }
        if user.role() == role {
            return Ok(user);
        }
        self.set_role_on_record(&admin, &user, role, event(None)).await
    }

    /// Gives a role by the rules for people who sign in.
    pub(super) async fn role_by_identity_provider(
        &self,
        user: &Arc<User>,
        role: UserRole,
        issuer: &str,
    ) -> Result<Arc<User>> {
        let admin = by_identity_provider(issuer);
        let (from, to, refusal) = (user.role(), role, None);
        let event = AccountEvent::RoleChanged { user: RecordedUser::new(user), from, to, refusal };
        self.set_role_on_record(&admin, user, role, event).await
    }

    async fn set_role_on_record(
        &self,
        admin: &Administration,
        user: &Arc<User>,
        role: UserRole,
        event: AccountEvent,
    ) -> Result<Arc<User>> {
        let directory = &self.executor.directory;
        let setting = directory.set_role(user.id(), role);
        if event.takes_away() {
            let changed = self.executor.ask_directory(setting).await?;
            self.record_administration(admin, event).await?;
            return Ok(changed);
        }
        if role == UserRole::Admin && user.is_agent() {
            // It is refused, and so nothing is to be recorded.
            return self.executor.ask_directory(setting).await;
        }
        self.record_administration(admin, event).await?;
        self.executor.ask_directory(setting).await
    }

    /// Records an event that an administrator has caused.
    pub(super) async fn record_administration(&self, admin: &Administration, event: AccountEvent) -> Result<()> {
        self.record_account_event(&admin.actor, &admin.channel, event, admin.reason.clone()).await
    }

    /// Records an event of an account.
    pub(super) async fn record_account_event(
        &self,
        actor: &Arc<User>,
        channel: &Channel,
        event: AccountEvent,
        reason: Option<String>,
    ) -> Result<()> {
        let id = EventId::from_uuid(self.new_id(None, "event"));
        let mut recorded = AccountEventInput::new(id, actor.clone(), channel.clone(), event);
        recorded.reason = reason;
        let body = InputBody::AccountEvent(Box::new(recorded));
        let input = Input::new(self.new_run(None), self.directory_srn(), self.clock().now(), body);
        self.engine.submit(InputKey::new(format!("event:{id}")), input).await.map(drop)
    }

    /// Records that somebody has signed in. If it cannot be recorded, they get in all the same.
    pub(super) async fn record_sign_in(&self, user: &Arc<User>, place: SignInPlace, issuer: Option<&str>) {
        let channel = channel_of(&place);
        let event = AccountEvent::SignedIn { place, issuer: issuer.map(str::to_owned) };
        if let Err(error) = self.record_account_event(user, &channel, event, None).await {
            tracing::error!(user = user.username(), %error, "a sign-in could not be recorded in the audit log");
        }
    }

    /// Records that sessions of a person were ended.
    pub(super) async fn record_sign_out(&self, admin: &Administration, user: &User, sessions: usize) -> Result<()> {
        let event = AccountEvent::SignedOut { user: RecordedUser::new(user), sessions };
        self.record_administration(admin, event).await
    }

    /// Records the refusal of a sign-in, unless the error is not a refusal or there were too many.
    pub(super) async fn record_sign_in_refused(&self, caller: &RefusedCaller, place: SignInPlace, error: &Error) {
        // Somebody has loaded a page again, or was too slow.
        if *error.code() == codes::AUTHENTICATION_SIGN_IN_EXPIRED {
            return;
        }
        let channel = channel_of(&place);
        let event = |is_known_actor, error, omitted| AccountEvent::SignInRefused {
            place: place.clone(),
            is_known_actor,
            error,
            omitted,
        };
        self.record_account_refusal(caller, &channel, error, event).await;
    }

    /// Records the refusal of an exchange, unless the error is not a refusal or there were too many.
    pub(super) async fn record_exchange_refused(&self, caller: &RefusedCaller, error: &Error) {
        let issuer = match caller {
            RefusedCaller::Job { issuer, .. } => Some(issuer.clone()),
            _ => None,
        };
        let event = |_, error, omitted| AccountEvent::ExchangeRefused { issuer: issuer.clone(), error, omitted };
        self.record_account_refusal(caller, &Channel::new(ChannelType::Api), error, event).await;
    }

    async fn record_account_refusal(
        &self,
        caller: &RefusedCaller,
        channel: &Channel,
        error: &Error,
        event: impl Fn(bool, EffectError, u64) -> AccountEvent,
    ) {
        if !is_refusal(error) {
            return;
        }
        let (actor, is_known) = caller.actor();
        let key = (actor.id(), channel.kind());
        let Some(omitted) = self.account_refusals.admit(key, self.clock().now()) else { return };
        let mut recorded = EffectError::from(error);
        if let Some((end, _)) = recorded.message.char_indices().nth(MAX_MESSAGE_CHARS) {
            recorded.message.truncate(end);
        }
        let event = event(is_known, recorded, omitted);
        if let Err(failure) = self.record_account_event(&actor, channel, event, None).await {
            self.account_refusals.put_back(omitted.saturating_add(1));
            tracing::error!(error = %failure, refused = %error.code(), "a refusal could not be recorded in the audit log");
        }
    }

    /// Returns the result of recording a token, and revokes it if it could not be recorded.
    pub(super) async fn or_revoke(&self, issued: &IssuedToken, recorded: Result<()>) -> Result<()> {
        let Err(error) = recorded else { return Ok(()) };
        let directory = &self.executor.directory;
        if let Err(failure) = self.executor.ask_directory(directory.revoke_token(issued.id)).await {
            tracing::error!(token = %issued.id, error = %failure, "a token that could not be recorded could not be revoked; nobody has it");
        }
        Err(error)
    }

    /// Returns the name of a user for the record. A bot may have been deleted.
    async fn recorded_user(&self, id: UserId) -> Result<RecordedUser> {
        let directory = &self.executor.directory;
        if let Some(user) = self.executor.ask_directory(directory.user(id)).await? {
            return Ok(RecordedUser::new(&user));
        }
        let deleted = self.executor.ask_directory(directory.store.deleted_user(DeletedBy::Id(id))).await?;
        deleted
            .map(|deleted| RecordedUser::new(&deleted.user))
            .ok_or_else(|| Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("no user has the id `{id}`")))
    }
}

fn recorded_trust(trust: &WorkloadTrust) -> RecordedTrust {
    RecordedTrust::new(trust.id, trust.issuer.clone(), trust.audience.clone(), trust.claims.clone())
}

/// Returns the author of what follows from the groups that an identity provider names.
pub(super) fn by_identity_provider(issuer: &str) -> Administration {
    Administration {
        actor: Arc::new(User::system()),
        channel: Channel::new(ChannelType::Web),
        reason: Some(format!("groups at {issuer}")),
    }
}

/// Returns the channel of somebody who signs in at this place.
fn channel_of(place: &SignInPlace) -> Channel {
    Channel::new(match place {
        SignInPlace::CommandLine { .. } => ChannelType::Api,
        _ => ChannelType::Web,
    })
}

impl From<SessionKind> for SignInPlace {
    fn from(kind: SessionKind) -> Self {
        match kind {
            SessionKind::CommandLine => Self::CommandLine { address: None },
            SessionKind::Browser => Self::Browser,
        }
    }
}
