//! What the machine asks for, and what comes of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::effect_error::EffectError;
use super::notice::Notice;
use super::state::EventRecord;
use crate::error::Error;
use crate::model::{AccessTarget, HandlerRef, Hook, RunId, Srn, StepOutput, User};
use crate::routing::{Notification, RequestForwardContext, RequestPermission};
use crate::template::NextEvent;

/// The stable name of an effect, `run:seq`: the same however often it is carried out, after a crash say. A retry that
/// the machine asks for is another effect. Strategies pass it on as the idempotency key where the service takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectKey {
    /// The Run.
    pub run: RunId,
    /// The number of the effect within the Run.
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
            Error::new(
                crate::error::ErrorKind::InvalidInput,
                crate::error::codes::INVALID_EVENT,
                format!("`{text}` is not an effect key; expected `run-id:number`"),
            )
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

/// In which order effects are carried out, most urgent first. Each lane has workers of its own, so no number of slow effects in
/// one holds up another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Taking access away.
    Revoke,
    /// Hooks before access is taken away. They are somebody's code, so revocations do not share workers with them.
    Deescalate,
    /// What a Run waits for: hooks before an event, reducers, grants.
    Decide,
    /// What nobody waits for: messages, hooks after an event.
    Notify,
}

impl Lane {
    /// Its name, for logs and metrics.
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

/// One piece of access: what a strategy grants to one identity. Runs that need the same piece share it, and the last one to
/// end takes it away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntitlementKey(String);

impl EntitlementKey {
    /// `resource` is what the strategy grants, in its own words; see [`AccessStrategy::resource`](crate::strategy::AccessStrategy::resource).
    pub(crate) fn new(strategy: &crate::model::Strategy, resource: &str, identity: &str) -> Self {
        let account = strategy.integration().map_or("", |integration| integration.external_id());
        let parts = (strategy.service(), account, resource, identity);
        // Strings and string maps always serialise.
        Self(serde_json::to_string(&parts).unwrap_or_default())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What slows down as a whole. Of the workers of a lane, effects with the same bulkhead get a part only, so that a service that
/// hangs leaves room for the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bulkhead(String);

impl Bulkhead {
    /// That of a flow's handlers and messages.
    pub fn flow(flow: &Srn) -> Self {
        Self(format!("flow:{}", flow.slug()))
    }

    /// That of the account in which a strategy works.
    pub(super) fn service(strategy: &str, account: Option<&str>) -> Self {
        Self(format!("service:{strategy}:{}", account.unwrap_or_default()))
    }

    /// The bulkhead as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Something to be carried out after the commit that asked for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Effect {
    /// Its stable name.
    pub key: EffectKey,
    /// The event that asked for it, as handlers are to see it.
    pub event: Arc<EventRecord>,
    /// What is to be done.
    pub kind: EffectKind,
    /// Counts from 1; only the machine's own retries count.
    pub attempt: u32,
    /// Not before this time.
    pub not_before: Option<Timestamp>,
    /// At most one effect with this key may be under way at a time. All that have it are of one bulkhead.
    pub exclusive: Option<EntitlementKey>,
    /// What it shares its part of the workers with.
    pub bulkhead: Bulkhead,
}

impl Effect {
    /// The lane in which it is carried out.
    pub fn lane(&self) -> Lane {
        match self.kind {
            EffectKind::Revoke { .. } => Lane::Revoke,
            EffectKind::Hook { hook: Hook::On(crate::model::Step::Deescalate), .. } => Lane::Deescalate,
            EffectKind::Hook { hook: Hook::On(_), .. }
            | EffectKind::Route
            | EffectKind::OpenForm
            | EffectKind::Identify { .. }
            | EffectKind::Grant { .. } => Lane::Decide,
            EffectKind::Hook { hook: Hook::After(_), .. }
            | EffectKind::Deliver { .. }
            | EffectKind::UpdateMessages
            | EffectKind::Message { .. }
            | EffectKind::Alert { .. } => Lane::Notify,
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EffectKind {
    /// Call a hook.
    Hook {
        /// Which.
        hook: Hook,
        /// For the hooks of `request_forward`.
        forward: Option<RequestForwardContext>,
    },
    /// Evaluate the reducers that say who may decide and who is told.
    Route,
    /// Show the form to the person who asked for it.
    OpenForm,
    /// Tell the destinations of one notification.
    Deliver {
        /// Its place in the list.
        entry: usize,
        /// Where to.
        notification: Notification,
    },
    /// Bring the messages that were delivered up to date.
    UpdateMessages,
    /// Tell one person.
    Message {
        /// Whom.
        to: Arc<User>,
        /// What.
        notice: Notice,
    },
    /// Find the requester's identity in the service.
    Identify {
        /// What access is wanted to.
        target: AccessTarget,
    },
    /// Have the strategy grant access.
    Grant {
        /// To what.
        target: AccessTarget,
        /// To whom.
        identity: String,
        /// Never after this time: by then the access would have ended.
        deadline: Option<Timestamp>,
    },
    /// Have the strategy take access away.
    Revoke {
        /// To what.
        target: AccessTarget,
        /// From whom.
        identity: String,
    },
    /// Tell the error destination.
    Alert {
        /// What went wrong.
        error: EffectError,
    },
}

impl EffectKind {
    /// Its name, for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hook { .. } => "hook",
            Self::Route => "route",
            Self::OpenForm => "open_form",
            Self::Deliver { .. } => "deliver",
            Self::UpdateMessages => "update_messages",
            Self::Message { .. } => "message",
            Self::Identify { .. } => "identify",
            Self::Grant { .. } => "grant",
            Self::Revoke { .. } => "revoke",
            Self::Alert { .. } => "alert",
        }
    }
}

/// Where a delivered message stands, in the front end's own terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageRef {
    /// The front end.
    pub front_end: String,
    /// Its own reference, such as a channel and a time stamp.
    pub reference: String,
}

impl MessageRef {
    /// A reference.
    pub fn new(front_end: impl Into<String>, reference: impl Into<String>) -> Self {
        Self { front_end: front_end.into(), reference: reference.into() }
    }
}

/// Where a form is shown, in the own terms of the front end that it was asked for through.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormRef(String);

impl FormRef {
    /// A reference, such as the id of a view.
    pub fn new(reference: impl Into<String>) -> Self {
        Self(reference.into())
    }

    /// The reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of telling one destination.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryResult {
    /// It was told.
    Delivered {
        /// Which destination, for people.
        destination: String,
        /// Where the message stands.
        message: MessageRef,
    },
    /// The person wants no notifications. That is no failure.
    OptedOut {
        /// Which destination, for people.
        destination: String,
    },
    /// It could not be told.
    Failed {
        /// Which destination, for people.
        destination: String,
        /// Why.
        error: EffectError,
    },
}

/// What a hook wants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HookResult {
    /// The event goes on.
    Continue,
    /// This event is fired in its stead.
    Fire(Box<NextEvent>),
}

/// What the reducers said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Routing {
    /// Who may see and decide the request.
    pub permission: RequestPermission,
    /// Who is told, in order.
    pub notifications: Vec<Notification>,
    /// Whether the next notification is sent when one cannot be delivered.
    pub continue_on_delivery_failure: bool,
    /// Whether the next notification is sent when nobody acts on one in time.
    pub continue_on_timeout: bool,
}

impl Routing {
    /// Routing with Sym's rules for a list of notifications: on failure and on timeout, the next.
    pub fn new(permission: RequestPermission, notifications: Vec<Notification>) -> Self {
        Self { permission, notifications, continue_on_delivery_failure: true, continue_on_timeout: true }
    }
}

/// What came of a revocation that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Revocation {
    /// What the strategy returned.
    pub output: Option<StepOutput>,
    /// How many other Runs need the same access. If any, the strategy was not called and the access stays for them.
    pub still_needed_by: usize,
    /// What the target showed afterwards.
    #[serde(alias = "read_back")]
    pub check: RevocationCheck,
}

/// What a target showed after the strategy had taken access away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevocationCheck {
    /// Nothing: it was not asked, or cannot tell.
    #[default]
    Unknown,
    /// The identity has the access no more.
    Gone,
    /// It could not be asked.
    Failed(EffectError),
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Of [`EffectKind::Hook`].
    Hook {
        /// The handler that was called.
        handler: HandlerRef,
        /// What it wants.
        #[serde(alias = "verdict")]
        result: HookResult,
    },
    /// Of [`EffectKind::Route`].
    Routed {
        /// The handlers that were called, in order.
        handlers: Vec<HandlerRef>,
        /// What they said.
        routing: Routing,
    },
    /// Of [`EffectKind::Deliver`].
    Delivered(Vec<DeliveryResult>),
    /// Of [`EffectKind::Identify`].
    Identified {
        /// The requester's identity in the service.
        identity: String,
        /// What the strategy would grant: targets for which it is the same are one piece of access.
        resource: String,
        /// The `get_identity` reducer, if it was called.
        handler: Option<HandlerRef>,
    },
    /// Of [`EffectKind::Grant`].
    Granted {
        /// What the strategy returned.
        output: Option<StepOutput>,
    },
    /// Of [`EffectKind::Grant`]: the strategy answered, and reported errors.
    Rejected {
        /// What the strategy returned.
        output: Option<StepOutput>,
        /// The errors it reported.
        errors: Vec<String>,
    },
    /// Of [`EffectKind::Revoke`].
    Revoked(Revocation),
    /// Of the others.
    Done,
    /// It failed.
    Failed(EffectError),
}

impl Outcome {
    /// What it is, without what it carries: a step's output can hold credentials.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hook { .. } => "hook",
            Self::Routed { .. } => "routed",
            Self::Delivered(_) => "delivered",
            Self::Identified { .. } => "identified",
            Self::Granted { .. } => "granted",
            Self::Rejected { .. } => "rejected",
            Self::Revoked(_) => "revoked",
            Self::Done => "done",
            Self::Failed(_) => "failed",
        }
    }

    /// The handler that was called, or the last one of several.
    pub fn handler(&self) -> Option<&HandlerRef> {
        match self {
            Self::Hook { handler, .. } => Some(handler),
            Self::Routed { handlers, .. } => handlers.last(),
            Self::Identified { handler, .. } => handler.as_ref(),
            Self::Failed(error) => error.handler.as_deref(),
            _ => None,
        }
    }
}
