//! The approval machine: the rules of a Run as a pure function.
//!
//! # The step
//!
//! [`step`] takes the rules of a flow, the state of one Run and one [`Input`], and returns a [`Transition`]: the new state, the
//! [effects](Effect) to execute, the timers to set or cancel, the audit entries, and the reply to the caller. It reads no
//! clock, generates no random ids, performs no I/O and calls no handler. The same arguments always give the same transition.
//!
//! An effect is a request to the outside world: call a hook, evaluate the reducers, send a message, grant or revoke access. The
//! engine commits the whole transition first and executes the effects afterwards; the [`Outcome`] of each one comes back as
//! another input. A slow or failing service therefore never holds a transaction open, and a crash between the commit and the
//! outcome is harmless: the effect is still in the store and is executed again under the same [`EffectKey`].
//!
//! # Why a pure function
//!
//! The promises of this crate are about what happens when processes die, clocks jump and messages arrive twice. A function of
//! data can be tested for that without any of it: property tests replay random histories, and a model checker walks through
//! every interleaving of a small Run with this very function, not with a model of it. It also makes the rules easy to find.
//! Every decision about who may act, what follows from an event, and when access ends is made here and nowhere else.
//!
//! # How an event proceeds
//!
//! An admitted action becomes an [`EventRecord`] and passes through at most three stages: its `on_` hook, which may replace it by
//! another event; its default implementation, which may need an effect of its own, such as the strategy's grant; and its `after_`
//! hook, whose outcome changes nothing. While an event waits for an effect it is the Run's [active event](ActiveEvent), and
//! further inputs are queued. A Run thus handles one event at a time, and a hook never sees a state that is half changed.
//! An absent hook costs no effect and no commit.
//!
//! # Access
//!
//! Three rules have priority over everything else:
//!
//! - The expiry timer is part of the transition that asks for the grant, so it is durable before the strategy is called.
//! - Whatever might have been granted is revoked. A grant that failed, or whose outcome is unknown, counts as granted. If it may
//!   still take effect after the revocation, the access is revoked again when it cannot any more.
//! - A revocation is retried until the strategy confirms it or an administrator writes it off. A hook can delay the end of
//!   access, a few times and for a short while; it can neither prevent it nor, by failing, hold it up.
//!
//! # Trade-offs
//!
//! A step copies the state and the engine stores it as a whole, which costs more bytes than storing events would. In return there
//! is no replay at start, no snapshotting, and old Runs do not depend on how today's code would interpret their history. The
//! state stays small because everything in it is bounded: the queue, the retries in progress, the approvals.
//!
//! Retries of grants, messages and revocations are new effects with new keys, decided here, because they are rules of the domain
//! (a grant must not be attempted after the access would have ended). Repeating one effect after a crash is the engine's task.
//!
//! # What it leaves to others
//!
//! - The **engine** delivers one input at a time to each Run, at least once, and commits transitions atomically. The machine
//!   answers an outcome or a timer that it no longer waits for with [`InputReply::Stale`].
//! - The **runtime** authenticates actors, validates the fields of a request, and executes effects.
//! - **Front ends** decide how requests and notices look. They ask [`allowed_actions`] and name the message that was
//!   [acted in](crate::runtime::Decision::in_message) rather than interpreting the state themselves.
//! - The **audit log** chains and ships the entries that a transition contains.
//!
//! # Where to find a rule
//!
//! | Module | Rules |
//! |---|---|
//! | `permissions` | who may see a Run and do what to it, and in which state |
//! | `abilities` | the answers of `permissions` for one user |
//! | `request_digest` | what a decision is about, so that nobody decides what they have not seen |
//! | `stepper` | the life cycle of an event, the queue, failure of a Run |
//! | `queue` | which actions may wait for the active event |
//! | `approval` | the form, the request, its routing, votes and the decision |
//! | `recheck` | what is checked again at a decision and before a grant: target, account, durations, the requester |
//! | `people` | which people a decision depends on, as they are when it is made |
//! | `closing` | requests that fail such a check |
//! | `lifetime` | how long a request may stay open |
//! | `dead_end` | requests that cannot be approved |
//! | `forwarding` | delivery of notifications, timeouts, forwards, expiry of unanswered requests |
//! | `access` | grants and revocations |
//! | `prior_state` | what a grant changes, and its end restores |
//! | `settling` | grants whose outcome is unknown, and the revocations that follow them |
//! | `expiry` | the end of access: expiry, deferral by a hook, lost timers, clock changes |
//! | `expiry_warning` | warnings before the end of access |
//! | `reminders` | reminders of those who can decide |
//! | `extension` | more time for access that a Run gives: who decides it, the new end, and what it must not hold up |
//! | `hook_override` | events that a hook fires in place of another, or ignores |
//! | `operator_actions` | retried and written-off revocations, grants repeated, unmanaged access removed |
//! | `user_actions` | the record of what administrators do to users |
//! | `account_events` | the record of sign-ins, tokens and roles |
//! | `outside_of_runs` | audit entries of what belongs to no Run |
//! | `receipt` | the message in which the requester follows the request |
//! | `message_status` | which message of a request may be acted on |
//! | `resending` | messages that are sent again: after a failure, or because they were deleted |
//! | `retry` | how often and how long effects are retried |

mod abilities;
mod access;
mod account_events;
mod approval;
mod audit_entry;
mod blocked;
mod closing;
mod dead_end;
mod effect;
mod effect_error;
mod event_record;
mod expiry;
mod expiry_warning;
mod extension;
mod fingerprint;
mod forwarding;
mod hook_override;
mod input;
mod lifetime;
mod message_status;
mod notice;
mod operator_actions;
mod outcome;
mod outside_of_runs;
mod people;
mod permissions;
mod prior_state;
mod queue;
mod receipt;
mod recheck;
mod reminders;
mod request_digest;
mod resending;
mod retry;
mod settling;
mod state;
mod stepper;
mod timer;
mod transition;
mod user_actions;

pub use abilities::{Abilities, Verdict, abilities, approver_verdict};
pub use access::{Access, EntitlementKey, Grant};
pub use account_events::{AccountEvent, AccountEventInput, RecordedToken, RecordedTrust, RecordedUser, SignInPlace};
pub use audit_entry::{AuditEntry, AuditKind, HandlerResult};
pub use effect::{Bulkhead, Effect, EffectKey, EffectKind, Lane};
pub use effect_error::EffectError;
pub use event_record::EventRecord;
pub use expiry::PendingExpiry;
pub use extension::{Extension, ExtensionStatus};
pub use fingerprint::Fingerprint;
pub use input::{Action, ActionKind, ExtensionInput, FormRef, Input, InputBody, Refusal, Removal, RequestInput};
pub use message_status::{DeliveredMessage, MessageRef, MessageStatus};
pub use notice::Notice;
pub use outcome::{
    DeliveryResult, EarlierRequest, HandlerLookUps, HookResult, Outcome, Revocation, RevocationCheck, Routing,
};
pub(crate) use outside_of_runs::record_outside_of_runs;
pub use people::People;
pub use permissions::allowed_actions;
pub(crate) use permissions::{check_kind, check_source, is_not_own_request, may_begin, require_person};
pub use prior_state::PriorState;
pub use recheck::check_grant;
pub(crate) use recheck::{offered_durations, offered_durations_hint};
pub use reminders::{MAX_REQUESTED_REMINDERS, MIN_REMINDER_INTERVAL, Reminders};
pub use request_digest::RequestDigest;
pub use retry::{IGNORED_EXPIRY_RETRY_DELAY, MAX_DEFERRALS, MAX_GRANT_ATTEMPTS, MAX_REVOKE_DELAY, revoke_delay};
pub use settling::{MIN_SETTLE_TIME, SettleWindow};
pub use state::{ActiveEvent, PendingEffect, QueuedInput, RequestData, RunError, RunState, Stage};
pub use timer::{LiveTimer, TimerChange, TimerKind};
pub use transition::{EntitlementChange, InputReply, Transition};
pub use user_actions::{UserAction, UserActionInput};

use crate::model::{Flow, Hooks};

/// The parts of a flow that determine what the machine does.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The flow as it is configured now.
    pub flow: &'a Flow,
    /// The hooks of the flow.
    pub hooks: Hooks,
}

/// Applies one input to a Run.
///
/// `state` is `None` for a Run that does not exist yet. The transition has no state if nothing is to be stored: a refused first
/// input leaves an audit entry and no Run.
pub fn step(rules: &Rules<'_>, state: Option<&RunState>, input: &Input) -> Transition {
    stepper::Stepper::new(rules, state, input).run(input)
}
