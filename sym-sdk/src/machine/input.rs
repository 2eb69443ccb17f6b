//! Inputs of a Run: actions of people and bots, outcomes of effects, timers.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::account_events::AccountEventInput;
use super::effect_error::EffectError;
use super::outcome::Outcome;
use super::people::People;
use super::request_digest::RequestDigest;
use super::timer::TimerKind;
use super::user_actions::UserActionInput;
use crate::forms::{FieldMap, OptionLabels};
use crate::model::{AccessTarget, Channel, EventId, RunId, Srn, Step, User};

/// One input of a Run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Input {
    /// The Run.
    pub run: RunId,
    /// The flow, for an input that begins a Run.
    pub flow: Srn,
    /// The time of arrival by the engine's clock.
    pub at: Timestamp,
    /// The content.
    pub body: InputBody,
    /// The view in which to show the form, for an input that begins a Run with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<FormRef>,
    /// The users whom a decision depends on, as the directory has them now. Whoever is not among them is taken as stored.
    #[serde(default, skip_serializing_if = "People::is_empty")]
    pub people: People,
    /// The time since which the engine knows that the clock was not set, for the outcome of an effect. `None` if it always knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady_since: Option<Timestamp>,
    /// Whether the effect was begun before without an outcome that was recorded, for the outcome of an effect. Its process may have ended
    /// during a call.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}

impl Input {
    /// Creates an input.
    pub fn new(run: RunId, flow: Srn, at: Timestamp, body: InputBody) -> Self {
        Self { run, flow, at, body, form: None, people: People::default(), steady_since: None, interrupted: false }
    }

    /// Sets the view in which to show the form.
    #[must_use]
    pub fn with_form(mut self, form: Option<FormRef>) -> Self {
        self.form = form;
        self
    }

    /// Sets the users whom a decision depends on, as the directory has them now: those of [`RunState::people`], and the actor.
    ///
    /// [`RunState::people`]: super::RunState::people
    #[must_use]
    pub fn with_people(mut self, people: People) -> Self {
        self.people = people;
        self
    }

    /// Sets the time since which the clock was not set.
    #[must_use]
    pub fn with_steady_since(mut self, since: Timestamp) -> Self {
        self.steady_since = Some(since);
        self
    }

    /// Sets whether the effect was begun before without an outcome.
    #[must_use]
    pub fn with_interrupted(mut self, interrupted: bool) -> Self {
        self.interrupted = interrupted;
        self
    }
}

/// A reference to the view that shows a form, in the terms of the front end through which the form was requested.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormRef(String);

impl FormRef {
    /// Creates a reference, such as the id of a view.
    pub fn new(reference: impl Into<String>) -> Self {
        Self(reference.into())
    }

    /// Returns the reference as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The content of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum InputBody {
    /// A person or a bot submitted an action.
    Submitted {
        /// The id of the event that the action becomes.
        event: EventId,
        /// The person or bot.
        actor: Arc<User>,
        /// The channel through which it came.
        channel: Channel,
        /// The action.
        action: Action,
    },
    /// A submission was refused before it became an input. It is recorded, and nothing else changes.
    SubmissionRefused(Box<Refusal>),
    /// An effect was executed.
    EffectDone {
        /// The number of the effect within the Run.
        seq: u64,
        /// The outcome.
        outcome: Outcome,
    },
    /// A timer is due.
    TimerFired {
        /// The kind of timer.
        kind: TimerKind,
        /// The generation with which it was set.
        generation: u64,
    },
    /// The store has lost a timer or an effect that ends the Run's access, so it must be requested again.
    Rearm,
    /// The program has started, and the Run has an open request of an earlier version, without a lifetime or a fingerprint.
    Resumed,
    /// The program has started without the flow of the Run, which has an undecided request.
    FlowRemoved,
    /// The program has found out whether the access that the Run holds can be revoked.
    RevocationBlocked {
        /// The reason why it cannot, as things are. `None` if it can.
        error: Option<EffectError>,
    },
    /// The clock is well behind the time of the Run's last change: it was ahead then, or it is behind now.
    #[serde(alias = "ClockSetBack")]
    ClockWentBack,
    /// An administrator acted on a user. It belongs to no Run, and leaves an audit entry.
    UserAction(Box<UserActionInput>),
    /// Somebody has signed in, or a token or a role has changed. It belongs to no Run, and leaves an audit entry.
    AccountEvent(Box<AccountEventInput>),
}

/// The refusal of a submission that never became an input, without what was entered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refusal {
    /// The id of the event under which it is recorded.
    pub event: EventId,
    /// The submitter, as far as is known.
    pub actor: Arc<User>,
    /// Whether the actor is in the directory. Otherwise the actor is what the submission claims.
    pub is_known_actor: bool,
    /// The channel through which it came.
    pub channel: Channel,
    /// The kind of action.
    pub action: ActionKind,
    /// The reason. Its message must not quote what was entered.
    pub error: EffectError,
    /// The number of refusals before this one that were too many to be recorded.
    pub omitted: u64,
}

impl Refusal {
    /// Creates a refusal of somebody who is in the directory.
    pub fn new(event: EventId, actor: Arc<User>, channel: Channel, action: ActionKind, error: EffectError) -> Self {
        Self { event, actor, is_known_actor: true, channel, action, error, omitted: 0 }
    }

    /// Sets whether the actor is in the directory.
    #[must_use]
    pub fn with_known_actor(mut self, is_known: bool) -> Self {
        self.is_known_actor = is_known;
        self
    }

    /// Sets the number of refusals before this one that were too many to be recorded.
    #[must_use]
    pub fn with_omitted(mut self, omitted: u64) -> Self {
        self.omitted = omitted;
        self
    }
}

/// An action of a person or a bot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Action {
    /// Open the form.
    Prompt,
    /// Submit the form, or make a request without one.
    Request(Box<RequestInput>),
    /// Approve the request, or an extension.
    Approve {
        /// The text entered with the decision.
        decision_message: Option<String>,
        /// A duration that is shorter than the one asked for; `None` to approve what was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration: Option<Duration>,
        /// The extension that is approved; `None` for the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extension: Option<EventId>,
        /// The request, or the extension, as the approver has seen it. If it is another one by now, the approval is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<RequestDigest>,
    },
    /// Deny the request, or an extension. The requester withdraws it with the same action.
    Deny {
        /// The text entered with the decision.
        decision_message: Option<String>,
        /// The extension that is denied; `None` for the request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extension: Option<EventId>,
        /// The request, or the extension, as its author has seen it. If it is another one by now, the denial is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen: Option<RequestDigest>,
    },
    /// Ask for more time, for access that has not ended yet.
    Extend(ExtensionInput),
    /// Remind those who can decide the request, or the extension, that is open.
    Remind,
    /// End the access early. While a revocation is failing, retry it now.
    Revoke,
    /// Give up a failing revocation. Only administrators may; they are responsible for removing the access by other means.
    WriteOff {
        /// The reason, for the audit log.
        reason: String,
    },
    /// Grant again what the Run holds and its target has lost.
    Regrant,
    /// Revoke access that no Run accounts for, in a Run of its own.
    Remove(Box<Removal>),
}

impl Action {
    /// Returns the approval of a request, without a text.
    pub const fn approve() -> Self {
        Self::Approve { decision_message: None, duration: None, extension: None, seen: None }
    }

    /// Returns the denial of a request, without a text.
    pub const fn deny() -> Self {
        Self::Deny { decision_message: None, extension: None, seen: None }
    }

    /// Returns the extension that the action decides.
    pub fn extension(&self) -> Option<EventId> {
        match self {
            Self::Approve { extension, .. } | Self::Deny { extension, .. } => *extension,
            _ => None,
        }
    }

    /// Returns the denial of the extension with this id, without a text.
    pub const fn deny_extension(extension: EventId) -> Self {
        Self::Deny { decision_message: None, extension: Some(extension), seen: None }
    }

    /// Returns the approval of the extension with this id, without a text.
    pub const fn approve_extension(extension: EventId) -> Self {
        Self::Approve { decision_message: None, duration: None, extension: Some(extension), seen: None }
    }

    /// Returns the step of the event that the action becomes.
    pub fn step(&self) -> Step {
        self.kind().step()
    }

    /// Returns the kind of action.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Prompt => ActionKind::Prompt,
            Self::Request(_) => ActionKind::Request,
            Self::Approve { extension: None, .. } => ActionKind::Approve,
            Self::Approve { extension: Some(_), .. } => ActionKind::ApproveExtension,
            Self::Deny { extension: None, .. } => ActionKind::Deny,
            Self::Deny { extension: Some(_), .. } => ActionKind::DenyExtension,
            Self::Extend(_) => ActionKind::Extend,
            Self::Remind => ActionKind::Remind,
            Self::Revoke => ActionKind::Revoke,
            Self::WriteOff { .. } => ActionKind::WriteOff,
            Self::Regrant => ActionKind::Regrant,
            Self::Remove(_) => ActionKind::Remove,
        }
    }
}

/// The kinds of actions, without their content. See [`Action`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ActionKind {
    /// Open the form.
    Prompt,
    /// Submit the form, or make a request without one.
    Request,
    /// Approve the request.
    Approve,
    /// Deny or withdraw the request.
    Deny,
    /// Ask for an extension.
    Extend,
    /// Approve the extension.
    ApproveExtension,
    /// Deny or withdraw the extension.
    DenyExtension,
    /// Remind those who can decide.
    Remind,
    /// End the access early, or retry a failing revocation.
    Revoke,
    /// Give up a failing revocation.
    WriteOff,
    /// Grant again what the target has lost.
    Regrant,
    /// Revoke access that no Run accounts for.
    Remove,
}

impl ActionKind {
    /// Returns the name, as in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Request => "request",
            Self::Approve => "approve",
            Self::Deny => "deny",
            Self::Extend => "extend",
            Self::ApproveExtension => "approve_extension",
            Self::DenyExtension => "deny_extension",
            Self::Remind => "remind",
            Self::Revoke => "revoke",
            Self::WriteOff => "write_off",
            Self::Regrant => "regrant",
            Self::Remove => "remove",
        }
    }

    /// Returns the step of the event that an action of this kind becomes.
    pub const fn step(self) -> Step {
        match self {
            Self::Prompt => Step::Prompt,
            Self::Request | Self::Extend | Self::Remind => Step::Request,
            Self::Approve | Self::ApproveExtension => Step::Approve,
            Self::Deny | Self::DenyExtension => Step::Deny,
            Self::Revoke | Self::WriteOff | Self::Remove => Step::Deescalate,
            Self::Regrant => Step::Escalate,
        }
    }
}

/// Access that no Run accounts for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Removal {
    /// The target.
    pub target: AccessTarget,
    /// The identity that has the access, by the service's id.
    pub identity: String,
    /// The strategy's own name for the target.
    pub resource: String,
}

impl Removal {
    /// Creates a removal. `resource` is the strategy's own name for the target.
    pub fn new(target: AccessTarget, identity: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { target, identity: identity.into(), resource: resource.into() }
    }
}

/// The content of a request for an extension. The target and the fields are those of the request that gave the access.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExtensionInput {
    /// The time by which the access is to be extended: one of the durations that the flow offers.
    pub duration: Duration,
    /// The reason.
    pub reason: Option<String>,
}

impl ExtensionInput {
    /// Creates the content of a request for `duration` more, without a reason.
    pub fn new(duration: Duration) -> Self {
        Self { duration, reason: None }
    }
}

/// The content of a request. Its fields, target and duration have been validated against the flow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestInput {
    /// The target of the access; `None` in a flow without an access strategy.
    pub target: Option<AccessTarget>,
    /// The duration of the access.
    pub duration: Option<Duration>,
    /// The fields of the form.
    pub fields: FieldMap,
    /// The labels of the chosen options.
    #[serde(default, skip_serializing_if = "OptionLabels::is_empty")]
    pub labels: OptionLabels,
    /// The `context` object of the API.
    pub context: Option<Map<String, Value>>,
    /// The Run that led to this one.
    pub parent: Option<RunId>,
}
