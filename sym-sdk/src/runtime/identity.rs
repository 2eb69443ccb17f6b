//! Identities: which user an actor is, and which account of a service belongs to a user.
//!
//! These rules are enforced here. A person who is not in the directory and whose e-mail domain is not the organization's cannot
//! begin anything, and is not stored for trying. Nobody decides with their first contact: they are stored, as a member if the domain is
//! the organization's and as a guest otherwise, and told to look again. A user who is locked does nothing and is granted nothing, and
//! one who was deleted is not stored again. An account that belongs to one user is never used for another, unless the organization's
//! own code says so.

use std::sync::Arc;

use super::Runtime;
use super::bounded_call::call_bounded;
use super::effect_executor::EffectExecutor;
use super::flows::FlowEntry;
use super::handler_call::{call, failed_in};
use super::submission::{Actor, ResolvedUser, Submission};
use crate::directory::Inserted;
use crate::error::{Error, ErrorKind, codes};
use crate::handler::{Context, IdentityQuery};
use crate::machine::EffectError;
use crate::model::{AccessTarget, Event, HandlerRef, Strategy, User, UserId, UserIdentity};

/// Resolves the requester's id in the service of a strategy, and stores it in the directory.
///
/// The sources are, in this order: the directory, the `get_identity` reducer, and the service itself, by the e-mail address that
/// `get_identity_lookup` returns or else the requester's own.
pub(super) async fn requester_identity(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    event: Event,
    target: &AccessTarget,
) -> Result<(String, Option<HandlerRef>), EffectError> {
    let missing =
        |what: &str| EffectError::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, what.to_owned());
    let (Some(strategy), Some(implementation)) = (entry.flow.strategy(), entry.strategy()) else {
        return Err(missing("the flow has no strategy any more"));
    };
    let Some(requester) = event.requester().cloned() else { return Err(missing("the request has no requester")) };
    let (service, service_id) = service_of(strategy);

    // Read again, because the user may have been locked, and the identity may have been stored, since the event was recorded.
    let current = executor.ask_directory(executor.directory.user(requester.id())).await;
    if let Some(user) = current.map_err(|error| EffectError::from(&error))? {
        refuse_locked(&user).map_err(|error| EffectError::from(&error))?;
    }
    let known = executor.ask_directory(executor.directory.identity(requester.id(), service, Some(service_id))).await;
    if let Some(identity) = known.map_err(|error| EffectError::from(&error))? {
        return Ok((identity.user_id().to_owned(), None));
    }

    let query = IdentityQuery::new(service, service_id, Arc::new(requester.clone()));
    let context = Context::builder().services(entry.services()).event(event).identity_query(query).build();
    let limit = executor.limits.reducer;
    let mut handler = None;
    // Custom strategies resolve identities themselves.
    let get_identity = entry.handlers.get_identity().filter(|_| strategy.kind() != "custom");
    if let Some(reducer) = get_identity {
        handler = Some(reducer.to_ref());
        if let Some(id) = call(&*executor.clock, limit, reducer, &context).await? {
            let who = format!("reducer `{}`", reducer.name());
            let id = require_id(id, &who, &requester, strategy).map_err(|error| failed_in(reducer.record(), &error))?;
            return persist(executor, requester, strategy, id, handler).await;
        }
    }

    let mut known_as = requester.clone();
    if let Some(reducer) = entry.handlers.get_identity_lookup() {
        handler = Some(reducer.to_ref());
        if let Some(email) = call(&*executor.clock, limit, reducer, &context).await? {
            let known = User::person(requester.id(), &email).map_err(|error| EffectError::from(&error))?;
            known_as = known.with_role(requester.role());
        }
    }

    let found = async { implementation.fetch_remote_identity(&known_as).await };
    let found =
        call_bounded(&*executor.clock, executor.limits.strategy, || "the look-up of an identity".to_owned(), found)
            .await;
    match found.and_then(|found| found).map_err(|error| EffectError::from(&error))? {
        Some(id) => {
            let who = format!("strategy `{}`", strategy.name());
            let id = require_id(id, &who, &requester, strategy).map_err(|error| EffectError::from(&error))?;
            check_unclaimed(executor, &requester, strategy, &id).await?;
            persist(executor, requester, strategy, id, handler).await
        }
        None => {
            let message = format!(
                "{} is not known to {service} `{service_id}`, where access to `{}` is granted",
                known_as.username(),
                target.label()
            );
            let hint = format!(
                "store the identity with `Directory::persist_user_identity`, or write a `get_identity` reducer for {service}"
            );
            let error = Error::new(ErrorKind::Identity, codes::IDENTITY_NOT_FOUND, message).with_hint(hint);
            Err(EffectError::from(&error))
        }
    }
}

/// Returns the service and the account of a strategy, as identities name them.
pub(super) fn service_of(strategy: &Strategy) -> (&str, &str) {
    match strategy.integration() {
        // Ids are unique within one AWS service only.
        Some(integration) if integration.kind() == "permission_context" => (strategy.kind(), integration.external_id()),
        Some(integration) => (integration.kind(), integration.external_id()),
        None => (strategy.kind(), strategy.name()),
    }
}

/// Refuses an empty id: in a service's URL it could address everybody.
fn require_id(id: String, who: &str, requester: &User, strategy: &Strategy) -> Result<String, Error> {
    if !id.trim().is_empty() {
        return Ok(id);
    }
    let (service, service_id) = service_of(strategy);
    let message = format!("{who} gave an empty id for {} in {service} `{service_id}`", requester.username());
    Err(Error::new(ErrorKind::Identity, codes::IDENTITY_NOT_FOUND, message))
}

/// Refuses an account that was found by e-mail address and is known to be another user's, or was a deleted user's: the address may have
/// been theirs before.
/// A `get_identity` reducer and the organization's own strategies are trusted instead.
async fn check_unclaimed(
    executor: &EffectExecutor,
    requester: &User,
    strategy: &Strategy,
    id: &str,
) -> Result<(), EffectError> {
    if matches!(strategy.kind(), "custom" | "http") {
        return Ok(());
    }
    let (service, service_id) = service_of(strategy);
    let known = executor.ask_directory(executor.directory.user_by_identity(service, service_id, id)).await;
    match known.map_err(|error| EffectError::from(&error))? {
        Some(other) if other.id() != requester.id() => {
            let (requester, other) = (requester.username(), other.username());
            let message =
                format!("the account that {service} `{service_id}` has for {requester} is known to be that of {other}");
            let error = Error::new(ErrorKind::Identity, codes::IDENTITY_COULD_NOT_SAVE, message);
            let hint = "delete the account of the one, or store another one for the other, with `Directory`";
            Err(EffectError::from(&error.with_hint(hint)))
        }
        Some(_) => Ok(()),
        None => check_undeleted(executor, requester, service, service_id, id).await,
    }
}

/// Refuses an account that was a deleted user's: whoever reaches it by another address may be that very user.
async fn check_undeleted(
    executor: &EffectExecutor,
    requester: &User,
    service: &str,
    service_id: &str,
    id: &str,
) -> Result<(), EffectError> {
    let deleted = executor.ask_directory(executor.directory.is_account_deleted(service, service_id, id)).await;
    if !deleted.map_err(|error| EffectError::from(&error))? {
        return Ok(());
    }
    let requester = requester.username();
    let message = format!("the account that {service} `{service_id}` has for {requester} was that of a deleted user");
    let error = Error::new(ErrorKind::Identity, codes::IDENTITY_COULD_NOT_SAVE, message);
    let hint =
        "bring the deleted user back, or store the account for the requester with `Directory` if it is theirs now";
    Err(EffectError::from(&error.with_hint(hint)))
}

async fn persist(
    executor: &EffectExecutor,
    requester: User,
    strategy: &Strategy,
    id: String,
    handler: Option<HandlerRef>,
) -> Result<(String, Option<HandlerRef>), EffectError> {
    let (service, service_id) = service_of(strategy);
    let identity = UserIdentity::new(service, service_id, &id);
    let persisted = executor.ask_directory(executor.directory.put_identity(requester.id(), identity)).await;
    persisted.map_err(|error| EffectError::from(&error))?;
    Ok((id, handler))
}

impl Runtime {
    /// Returns the user who has this account in an instance of a service, as the actor of a submission that follows immediately:
    /// the submission then need not read the user again. `None` if the directory does not know the account.
    ///
    /// # Errors
    /// If two users have the account, or the directory fails.
    pub async fn actor_by_identity(
        &self,
        service: &str,
        service_id: &str,
        user_id: &str,
    ) -> Result<Option<Actor>, Error> {
        let read_at = self.clock().now();
        let known = self.executor.directory.user_by_identity(service, service_id, user_id);
        let user = self.executor.ask_directory(known).await?;
        Ok(user.map(|user| Actor::Resolved(ResolvedUser::new(user, read_at))))
    }

    /// Returns the user of the directory who an actor is. Unlike for a submission, nobody is created, and locked users are returned too.
    pub(super) async fn find_actor(&self, actor: &Actor) -> Result<Option<Arc<User>>, Error> {
        let directory = &self.executor.directory;
        let found = async {
            match actor {
                Actor::Resolved(resolved) => directory.user(resolved.user().id()).await,
                Actor::User(user) => directory.user(user.id()).await,
                Actor::Id(id) => directory.user(*id).await,
                Actor::Email(email) => directory.user_by_email(email).await,
                Actor::Account(account) => {
                    directory.user_by_identity(account.service(), account.service_id(), account.user_id()).await
                }
            }
        };
        self.executor.ask_directory(found).await
    }

    /// Looks up the user that an actor is. `is_request` says whether they begin something, rather than deciding about it.
    ///
    /// A user that a front end passes is read again, because roles may have changed since.
    pub(super) async fn resolve_actor(&self, actor: Actor, is_request: bool) -> Result<Arc<User>, Error> {
        let directory = &self.executor.directory;
        let user = match actor {
            Actor::Resolved(resolved) => match resolved.if_recent(self.clock().now()) {
                Some(user) => user.clone(),
                None => self.read_again(resolved.user()).await?,
            },
            Actor::User(user) => self.read_again(&user).await?,
            Actor::Id(id) => {
                let user = directory.user(id).await?;
                user.ok_or_else(|| unknown_user(&format!("user {id}"), "name the person by e-mail address"))?
            }
            Actor::Account(account) => {
                let (service, service_id, id) = (account.service(), account.service_id(), account.user_id());
                let user = directory.user_by_identity(service, service_id, id).await?;
                user.ok_or_else(|| {
                    unknown_user(&format!("account {id} of {service} `{service_id}`"), "link it to a user first")
                })?
            }
            Actor::Email(email) => match directory.user_by_email(&email).await? {
                Some(user) => user,
                None => self.resolve_unknown_user(&email, is_request).await?,
            },
        };
        refuse_locked(&user)?;
        directory.check_owner(&user).await?;
        Ok(user)
    }

    async fn read_again(&self, user: &User) -> Result<Arc<User>, Error> {
        let known = self.executor.directory.user(user.id()).await?;
        known.ok_or_else(|| unknown_user(user.username(), "add them to the directory first"))
    }

    /// Creates the user for an e-mail address that is not in the directory, unless they are a stranger who begins something. The
    /// directory gives members of the organization's domains the role member, and others the role guest.
    ///
    /// Their decision is refused: somebody who has just appeared may be a known person with a second address, and nobody has had the
    /// chance to notice them.
    async fn resolve_unknown_user(&self, email: &str, is_request: bool) -> Result<Arc<User>, Error> {
        let directory = &self.executor.directory;
        let person = User::person(UserId::random(), email)?;
        if is_request && !directory.is_internal_email(person.username()) {
            return Err(unknown_user(
                person.username(),
                "their e-mail domain is not one of the organization's; an administrator can add them",
            ));
        }
        match directory.contact(email).await? {
            Inserted::New(user) if !is_request => Err(first_contact(&user)),
            contact => Ok(contact.into_user()),
        }
    }
}

impl Runtime {
    /// Makes the person known who submits a decision, for simulations, in which nobody else could.
    pub(crate) async fn introduce(&self, submission: &Submission) -> Result<(), Error> {
        let Some((run, email)) = submission.decider() else { return Ok(()) };
        if self.engine.run(run).await?.is_none() {
            return Ok(());
        }
        match self.executor.ask_directory(self.executor.directory.contact(email)).await {
            // The submission is refused for the same reason, and that refusal is the one to see.
            Err(error) if [codes::USER_DELETED, codes::USER_PROCESSING_ERROR].contains(error.code()) => Ok(()),
            contact => contact.map(drop),
        }
    }
}

/// Returns the error for somebody who decides and was unknown until then. They can look again, and repeat the decision.
pub fn first_contact(user: &User) -> Error {
    let message = format!("{} was unknown until now, and nobody decides with their first contact", user.username());
    Error::new(ErrorKind::Forbidden, codes::FIRST_CONTACT, message)
        .with_hint("you are known from now on: look at the request again, and repeat your decision")
}

pub(super) fn refuse_locked(user: &User) -> Result<(), Error> {
    if !user.is_locked() {
        return Ok(());
    }
    let message = format!("{} is locked", user.username());
    Err(Error::new(ErrorKind::Forbidden, codes::USER_LOCKED, message).with_hint("ask an administrator"))
}

pub(super) fn unknown_user(who: &str, hint: &str) -> Error {
    Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("{who} is not a known user")).with_hint(hint)
}
