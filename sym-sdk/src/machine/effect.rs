//! Effects: what the machine asks the outside world to do after a commit.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::access::EntitlementKey;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::notice::Notice;
use crate::error::{Error, codes};
use crate::model::{AccessTarget, Hook, RunId, Srn, Step, User};
use crate::routing::{Notification, RequestForwardContext};

/// The stable identity of an effect, written as `run-id:number`.
///
/// It is the same however often the effect is executed, after a crash for example. A retry that the machine requests is a new effect
/// with a new key. See [`Effect::idempotency_key`] for the key that services get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectKey {
    /// The Run.
    pub run: RunId,
    /// The number of the effect within the Run, from 1.
    pub seq: u64,
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.run, self.seq)
    }
}

impl FromStr for EffectKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = text.rsplit_once(':').and_then(|(run, seq)| Some((run.parse().ok()?, seq.parse().ok()?)));
        let (run, seq) = parsed.ok_or_else(|| {
            let message = format!("`{text}` is not an effect key; expected `run-id:number`");
            Error::invalid(codes::INVALID_EVENT, message)
        })?;
        Ok(Self { run, seq })
    }
}

impl Serialize for EffectKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EffectKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The priority class of an effect, most urgent first.
///
/// Each lane has its own workers, so that no number of slow effects in one lane delays another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Revocations.
    Revoke,
    /// Hooks that run before a revocation. They are user code, so they do not share workers with revocations.
    Deescalate,
    /// Effects that a Run waits for: hooks before an event, reducers, grants.
    Decide,
    /// Effects that nothing waits for: messages, hooks after an event.
    Notify,
}

impl Lane {
    /// Returns the name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Deescalate => "deescalate",
            Self::Decide => "decide",
            Self::Notify => "notify",
        }
    }

    /// All lanes, most urgent first.
    pub const ALL: [Self; 4] = [Self::Revoke, Self::Deescalate, Self::Decide, Self::Notify];
}

/// A group of effects that fail or slow down together: those of one flow, or of one account in a service.
///
/// Effects of one bulkhead get only a share of a lane's workers, so that a service that hangs leaves workers for the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bulkhead(String);

impl Bulkhead {
    /// The bulkhead of a flow's handlers and messages.
    pub fn flow(flow: &Srn) -> Self {
        Self(format!("flow:{}", flow.slug()))
    }

    /// The bulkhead of the account in which a strategy works.
    pub(super) fn service(strategy: &str, account: Option<&str>) -> Self {
        Self(format!("service:{strategy}:{}", account.unwrap_or_default()))
    }

    /// Returns the bulkhead as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request to the outside world, executed after the commit that contains it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Effect {
    /// The stable identity.
    pub key: EffectKey,
    /// The event that requested it, as its handlers see it.
    pub event: Arc<EventRecord>,
    /// The work to do.
    pub kind: EffectKind,
    /// The number of the attempt, from 1. Only retries that the machine requests are counted.
    pub attempt: u32,
    /// The earliest time of execution.
    pub not_before: Option<Timestamp>,
    /// A key that at most one effect in flight may have. Effects with the same key have the same bulkhead.
    pub exclusive: Option<EntitlementKey>,
    /// The bulkhead that limits its share of the workers.
    pub bulkhead: Bulkhead,
}

impl Effect {
    /// Returns the key that strategies pass on where a service takes one. All attempts of one grant have the same: a service that still
    /// works on an earlier attempt can tell that it is the same call. Each attempt at a revocation has its own, because an earlier
    /// response must not be repeated for it.
    pub fn idempotency_key(&self) -> EffectKey {
        EffectKey { seq: self.kind.operation().unwrap_or(self.key.seq), ..self.key }
    }

    /// Returns the lane in which the effect is executed.
    pub fn lane(&self) -> Lane {
        match self.kind {
            EffectKind::Revoke { .. } => Lane::Revoke,
            EffectKind::Hook { hook: Hook::On(Step::Deescalate), .. } => Lane::Deescalate,
            EffectKind::Hook { hook: Hook::On(_), .. }
            | EffectKind::Route
            | EffectKind::OpenForm
            | EffectKind::Identify { .. }
            | EffectKind::Grant { .. } => Lane::Decide,
            EffectKind::Hook { hook: Hook::After(_), .. }
            | EffectKind::Deliver { .. }
            | EffectKind::UpdateMessages
            | EffectKind::Receipt
            | EffectKind::Message { .. }
            | EffectKind::Remind { .. }
            | EffectKind::Alert { .. } => Lane::Notify,
        }
    }
}

/// The work of an effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EffectKind {
    /// Call a hook.
    Hook {
        /// The hook.
        hook: Hook,
        /// The context for hooks of `request_forward`.
        forward: Option<RequestForwardContext>,
    },
    /// Evaluate the reducers that return the permissions and the notifications.
    Route,
    /// Open the form for the actor of the event.
    OpenForm,
    /// Deliver the request to the destinations of one notification.
    Deliver {
        /// The index of the notification, from 0.
        entry: usize,
        /// The notification.
        notification: Notification,
    },
    /// Update the delivered messages to the Run's current state.
    UpdateMessages,
    /// Send the requester the message in which they follow the request.
    Receipt,
    /// Send a message to one person.
    Message {
        /// The recipient.
        to: Arc<User>,
        /// The content.
        notice: Notice,
    },
    /// Remind those to whom a notification was delivered.
    Remind {
        /// The index of the notification, from 0.
        entry: usize,
    },
    /// Find the requester's identity in the service.
    Identify {
        /// The target of the requested access.
        target: AccessTarget,
    },
    /// Call the strategy to grant access.
    Grant {
        /// The target.
        target: AccessTarget,
        /// The identity that gets the access.
        identity: String,
        /// The end of the access. The strategy is not called after it.
        deadline: Option<Timestamp>,
        /// The number of the first attempt's effect, by which the attempts of one grant share an idempotency key. `None` in effects
        /// of earlier versions, whose attempts each have their own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operation: Option<u64>,
    },
    /// Call the strategy to revoke access.
    Revoke {
        /// The target.
        target: AccessTarget,
        /// The identity that loses the access.
        identity: String,
    },
    /// Report an error to the error destination.
    Alert {
        /// The error.
        error: EffectError,
    },
}

impl EffectKind {
    /// Returns the number that the attempts of one grant share.
    pub(super) fn operation(&self) -> Option<u64> {
        match self {
            Self::Grant { operation, .. } => *operation,
            _ => None,
        }
    }

    /// Returns the name in logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hook { .. } => "hook",
            Self::Route => "route",
            Self::OpenForm => "open_form",
            Self::Deliver { .. } => "deliver",
            Self::UpdateMessages => "update_messages",
            Self::Receipt => "receipt",
            Self::Message { .. } => "message",
            Self::Remind { .. } => "remind",
            Self::Identify { .. } => "identify",
            Self::Grant { .. } => "grant",
            Self::Revoke { .. } => "revoke",
            Self::Alert { .. } => "alert",
        }
    }
}
