//! Finds the requester's id in the service that a strategy works on.

use super::bounded_call::call_bounded;
use super::effect_executor::EffectExecutor;
use super::flows::FlowEntry;
use super::handler_call::{call, failed_in};
use crate::error::{Error, ErrorKind, codes};
use crate::handler::{Context, IdentityQuery};
use crate::machine::EffectError;
use crate::model::{AccessTarget, Event, HandlerRef, Strategy, User, UserIdentity};

/// In this order: the directory, the `get_identity` reducer, the service itself (under the e-mail address that
/// `get_identity_lookup` gives, if it gives one). What is found is kept in the directory.
pub(super) async fn requester_identity(
    executor: &EffectExecutor,
    entry: &FlowEntry,
    event: Event,
    target: &AccessTarget,
) -> Result<(String, Option<HandlerRef>), EffectError> {
    let missing =
        |what: &str| EffectError::new(ErrorKind::Configuration, codes::ACCESS_STRATEGY_NOT_FOUND, what.to_owned());
    let (Some(strategy), Some(implementation)) = (entry.flow.strategy(), &entry.strategy) else {
        return Err(missing("the flow has no strategy any more"));
    };
    let Some(requester) = event.requester().cloned() else { return Err(missing("the request has no requester")) };
    let (service, service_id) = service_of(strategy);

    // Read anew: the directory may have learned the identity since the event was recorded.
    let known = executor.ask_directory(executor.directory.identity(requester.id(), service, Some(service_id))).await;
    if let Some(identity) = known.map_err(|error| EffectError::from(&error))? {
        return Ok((identity.user_id().to_owned(), None));
    }

    let query = IdentityQuery::new(service, service_id, std::sync::Arc::new(requester.clone()));
    let context = Context::builder().services(entry.services.clone()).event(event).identity_query(query).build();
    let limit = executor.limits.reducer;
    let mut handler = None;
    // Custom strategies find identities by themselves.
    let get_identity = entry.handlers.get_identity().filter(|_| strategy.kind() != "custom");
    if let Some(reducer) = get_identity {
        handler = Some(reducer.to_ref());
        if let Some(id) = call(&*executor.clock, limit, reducer, &context).await? {
            let who = format!("reducer `{}`", reducer.name());
            let id = not_empty(id, &who, &requester, strategy).map_err(|error| failed_in(reducer.record(), &error))?;
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
            let id = not_empty(id, &who, &requester, strategy).map_err(|error| EffectError::from(&error))?;
            not_anothers(executor, &requester, strategy, &id).await?;
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

/// The service and the account within it, as identities name them.
pub(super) fn service_of(strategy: &Strategy) -> (&str, &str) {
    match strategy.integration() {
        // What one AWS service calls an account is nobody's, or somebody else's, in another one.
        Some(integration) if integration.kind() == "permission_context" => (strategy.kind(), integration.external_id()),
        Some(integration) => (integration.kind(), integration.external_id()),
        None => (strategy.kind(), strategy.name()),
    }
}

/// In a service's address, an empty id can stand for everybody.
fn not_empty(id: String, who: &str, requester: &User, strategy: &Strategy) -> Result<String, Error> {
    if !id.trim().is_empty() {
        return Ok(id);
    }
    let (service, service_id) = service_of(strategy);
    let message = format!("{who} gave an empty id for {} in {service} `{service_id}`", requester.username());
    Err(Error::new(ErrorKind::Identity, codes::IDENTITY_NOT_FOUND, message))
}

/// An account that was found by e-mail address and is known to be somebody else's is not given access: the address may have been
/// theirs before. A reducer may say so all the same, and so may a strategy of the organization's own.
async fn not_anothers(
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
        _ => Ok(()),
    }
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
