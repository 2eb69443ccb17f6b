//! Notices: messages to one person about a Run.
//!
//! The requester is told how the request ends, whoever or whatever ends it. Somebody else whose action led there, such as the
//! approver of access that could not be granted, is told too. Errors are given by their codes: their messages are for operators.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::access::Access;
use super::effect_error::EffectError;
use super::event_record::EventRecord;
use super::stepper::Stepper;
use crate::error::{ErrorCode, codes};
use crate::forms::format_duration;
use crate::model::{AccessTarget, Step, User, UserType};

/// A message to one person about a Run.
///
/// Front ends decide how it looks; [`Notice::text`] is the plain wording, which is also recorded in the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// The request was approved.
    Approved {
        /// The approver; `None` if a hook approved it.
        by: Option<String>,
        /// The reason, if a hook gave one.
        reason: Option<String>,
    },
    /// The request was approved by a person, for less time than was asked for.
    ApprovedForLess {
        /// The approver.
        by: String,
        /// The duration that was asked for.
        asked: Duration,
        /// The duration that was approved.
        duration: Duration,
    },
    /// The request was denied.
    Denied {
        /// The person who denied it; `None` if a hook did.
        by: Option<String>,
        /// The text entered with the decision, or the reason that a hook gave.
        reason: Option<String>,
    },
    /// The requester has withdrawn the request.
    Withdrawn,
    /// The request expired because nobody acted on it.
    Expired,
    /// The request expired because it could not be delivered to anybody.
    Undeliverable,
    /// The request was closed, because it cannot be granted any more.
    Closed {
        /// The code of the error, for programs.
        code: ErrorCode,
        /// The reason.
        reason: String,
    },
    /// The person's approval was counted, and approvals of others were withdrawn, so that more are needed.
    ApprovalsMissing {
        /// The number of approvals that are still needed.
        missing: usize,
        /// The people whose approvals do not count any more.
        withdrawn: Vec<String>,
    },
    /// The request is open, and the requester has made the same request before.
    RequestedAgain {
        /// The target; `None` in a flow without access.
        target: Option<String>,
        /// Whether the earlier request gives access. Otherwise it waits for a decision or for its grant.
        gives_access: bool,
        /// The end of that access; `None` for access that lasts until it is revoked.
        until: Option<Timestamp>,
    },
    /// The request is open and could not be delivered to anybody.
    NotDelivered,
    /// The request is open and needs more approvals than there are people who can approve it.
    TooFewApprovers {
        /// The number of people who can approve it.
        possible: usize,
        /// The number of approvals needed.
        needed: usize,
    },
    /// The request was approved, and the access was not granted.
    NotGranted {
        /// The requester, for a message to somebody else.
        requester: Option<String>,
        /// The target.
        target: String,
        /// The reason.
        reason: String,
    },
    /// Access was granted.
    Granted {
        /// The target.
        target: String,
        /// The end of the access; `None` for access that lasts until it is revoked.
        until: Option<Timestamp>,
    },
    /// The access ends soon.
    EndsSoon {
        /// The target.
        target: String,
        /// The end of the access.
        until: Timestamp,
        /// Whether the requester can ask for an extension now.
        can_extend: bool,
    },
    /// The access was extended.
    Extended {
        /// The target.
        target: String,
        /// The new end of the access.
        until: Timestamp,
        /// The approver; `None` if a hook approved the extension.
        by: Option<String>,
    },
    /// The extension was denied. The access ends as before.
    ExtensionDenied {
        /// The target.
        target: String,
        /// The end of the access.
        until: Option<Timestamp>,
        /// The person who denied it; `None` if a hook did.
        by: Option<String>,
        /// The text entered with the decision, or the reason that a hook gave.
        reason: Option<String>,
    },
    /// The requester has withdrawn the extension. The access ends as before.
    ExtensionWithdrawn {
        /// The target.
        target: String,
        /// The end of the access.
        until: Option<Timestamp>,
    },
    /// The access was not extended, although nobody denied it. It ends as before.
    NotExtended {
        /// The requester, for a message to somebody else.
        requester: Option<String>,
        /// The target.
        target: String,
        /// The end of the access.
        until: Option<Timestamp>,
        /// The reason.
        reason: String,
    },
    /// Access was granted to somebody who had it before, and keeps it.
    AlreadyGranted {
        /// The target.
        target: String,
        /// The end of the time asked for; `None` for access that lasts until it is revoked.
        until: Option<Timestamp>,
    },
    /// The request no longer gives access, which stays because the requester had it before.
    StandingAccessKept {
        /// The target.
        target: String,
    },
    /// The access that the request gave has ended.
    Ended {
        /// The target.
        target: String,
        /// Whether another request of the same person still gives the access.
        #[serde(alias = "kept_by_another")]
        held_by_other_run: bool,
    },
    /// The access that the request gave has ended, and the lesser access that the requester had before is back.
    Restored {
        /// The target.
        target: String,
    },
    /// The access could not be taken away, and an administrator has given up the automatic revocation.
    WrittenOff {
        /// The target.
        target: String,
    },
    /// An action of the person was refused.
    Refused {
        /// The code of the error, for programs.
        code: ErrorCode,
        /// The reason.
        message: String,
    },
    /// An action of the person was ignored by a hook.
    Ignored {
        /// The event that was ignored.
        event: Step,
        /// The hook's message.
        message: Option<String>,
    },
    /// An event failed, and the request with it.
    Failed {
        /// The code of the error, for programs.
        code: ErrorCode,
        /// The event that failed.
        event: Step,
        /// The requester, for a message to somebody else.
        #[serde(default)]
        requester: Option<String>,
    },
}

impl Notice {
    /// Returns the plain text, for a flow with the label `flow`.
    pub fn text(&self, flow: &str) -> String {
        match self {
            Self::Approved { by, reason } => decided("approved", by.as_deref(), reason.as_deref(), flow),
            Self::ApprovedForLess { by, asked, duration } => {
                let (asked, duration) = (format_duration(*asked), format_duration(*duration));
                format!("{by} approved your request for {flow}, for {duration} instead of {asked}")
            }
            Self::Denied { by, reason } => decided("denied", by.as_deref(), reason.as_deref(), flow),
            Self::Withdrawn => format!("You have withdrawn your request for {flow}"),
            Self::Expired => format!("Your request for {flow} has expired: nobody acted on it in time"),
            Self::Undeliverable => {
                format!(
                    "Your request for {flow} is closed: nobody could be notified of it. Contact an administrator, then \
                     request again"
                )
            }
            Self::Closed { reason, .. } => {
                format!(
                    "Your request for {flow} was closed without access: {reason}. Make a new request if you still need it"
                )
            }
            Self::ApprovalsMissing { missing, withdrawn } => {
                let (whose, more) =
                    (withdrawn.join(" and "), if *missing == 1 { "approval is" } else { "approvals are" });
                format!(
                    "Your approval for {flow} was counted. The approval of {whose} no longer counts, because they may not approve it \
                     any more: {missing} more {more} needed"
                )
            }
            Self::RequestedAgain { target, gives_access, until } => {
                requested_again(flow, target.as_deref(), *gives_access, *until)
            }
            Self::NotDelivered => {
                format!(
                    "Your request for {flow} could not be delivered to anybody who can decide it. Contact an \
                     administrator"
                )
            }
            Self::TooFewApprovers { possible: 0, .. } => {
                format!("Nobody can approve your request for {flow} as things are. Its operators have been notified")
            }
            Self::TooFewApprovers { possible, needed } => {
                let people = if *possible == 1 { "person" } else { "people" };
                format!(
                    "Your request for {flow} needs {needed} approvals, and only {possible} {people} can give one. Its \
                     operators have been notified"
                )
            }
            Self::NotGranted { requester: None, target, reason } => {
                format!("Your request for {flow} was approved, but you were not given access to {target}: {reason}")
            }
            Self::NotGranted { requester: Some(requester), target, reason } => {
                format!(
                    "The request of {requester} for {flow}, which you approved, did not give access to {target}: {reason}"
                )
            }
            Self::Granted { target, until: Some(until) } => {
                format!("You have access to {target} until {}", date_time(*until))
            }
            Self::Granted { target, until: None } => format!("You have access to {target} until it is revoked"),
            Self::EndsSoon { target, until, can_extend } => {
                let hint = if *can_extend { ". If you need it for longer, ask for an extension" } else { "" };
                format!("Your access to {target} ends at {}{hint}", date_time(*until))
            }
            Self::Extended { target, until, by } => {
                let by =
                    by.as_ref().map(|by| format!("{by} has extended it")).unwrap_or_else(|| "It was extended".into());
                format!("You have access to {target} until {}. {by}", date_time(*until))
            }
            Self::ExtensionDenied { target, until, by, reason } => {
                let denied = match by {
                    Some(by) => format!("{by} denied your request to extend your access to {target}"),
                    None => format!("Your request to extend your access to {target} was denied"),
                };
                let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                format!("{denied}{reason}{}", ends_as_before(*until))
            }
            Self::ExtensionWithdrawn { target, until } => {
                format!("You have withdrawn your request to extend your access to {target}{}", ends_as_before(*until))
            }
            Self::NotExtended { requester: None, target, until, reason } => {
                format!("Your access to {target} was not extended: {reason}{}", ends_as_before(*until))
            }
            Self::NotExtended { requester: Some(requester), target, until, reason } => {
                format!("The access of {requester} to {target} was not extended: {reason}{}", ends_as_before(*until))
            }
            Self::AlreadyGranted { target, .. } => {
                format!(
                    "You had access to {target} before your request was approved, and you keep it when the request ends"
                )
            }
            Self::StandingAccessKept { target } => {
                format!("Your request for {flow} has ended. You keep your access to {target}, which you had before")
            }
            Self::Ended { target, held_by_other_run: false } => format!("Your access to {target} has ended"),
            Self::Ended { target, held_by_other_run: true } => {
                format!("This request's access to {target} has ended; another of your requests still grants it")
            }
            Self::Restored { target } => {
                format!("Your access to {target} has ended. You have again what you had before your request")
            }
            Self::WrittenOff { target } => {
                format!(
                    "Your access to {target} should have ended, but could not be taken away automatically. An \
                     administrator takes care of it"
                )
            }
            Self::Refused { message, .. } => message.clone(),
            Self::Ignored { message: Some(message), .. } => message.clone(),
            Self::Ignored { event, message: None } => format!("The flow {flow} {}", ignored(*event)),
            Self::Failed { code, event: Step::Prompt, .. } => {
                format!("The form of {flow} could not be opened ({code}); its operators have been notified")
            }
            Self::Failed { code, event, requester } => {
                let request = match requester {
                    Some(requester) => format!("The request of {requester}"),
                    None => "Your request".to_owned(),
                };
                let phase = failure_phase(*event);
                format!(
                    "{request} for {flow} has failed: something went wrong {phase} ({code}). Its operators have been \
                     notified"
                )
            }
        }
    }
}

/// Says when access ends that was not extended.
fn ends_as_before(until: Option<Timestamp>) -> String {
    until.map(|until| format!(". It ends at {}", date_time(until))).unwrap_or_default()
}

fn date_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn requested_again(flow: &str, target: Option<&str>, gives_access: bool, until: Option<Timestamp>) -> String {
    let target = target.unwrap_or(flow);
    let already = match (gives_access, until) {
        (false, _) => format!("You already have an open request for {target}"),
        (true, Some(until)) => format!("You already have access to {target} until {}", date_time(until)),
        (true, None) => format!("You already have access to {target} until it is revoked"),
    };
    format!("{already}. Your new request was sent all the same; withdraw it if you do not need it")
}

/// Says what the flow did not do when a hook ignored the event.
fn ignored(event: Step) -> &'static str {
    match event {
        Step::Prompt => "did not open its form for you",
        Step::Request => "did not accept your request",
        Step::RequestForward => "did not forward the request",
        Step::RequestExpire => "did not let the request expire",
        Step::Approve => "did not accept your approval",
        Step::Deny => "did not accept your denial",
        Step::Escalate => "did not let access be granted",
        Step::Deescalate => "did not let the access end early",
    }
}

fn failure_phase(event: Step) -> &'static str {
    match event {
        Step::Prompt => "while its form was opened",
        Step::Request => "before anybody was asked",
        Step::RequestForward => "while it was forwarded",
        Step::RequestExpire => "when its time was up",
        Step::Approve => "while it was approved",
        Step::Deny => "while it was denied",
        Step::Escalate => "while access was granted",
        Step::Deescalate => "while access was taken away",
    }
}

fn decided(decision: &str, by: Option<&str>, reason: Option<&str>, flow: &str) -> String {
    let text = match by {
        Some(by) => format!("{by} {decision} your request for {flow}"),
        None => format!("Your request for {flow} was {decision}"),
    };
    match reason {
        Some(reason) => format!("{text}: {reason}"),
        None => text,
    }
}

// Recipients.

impl Stepper<'_> {
    /// Tells the requester that an event failed, and its actor if that is somebody else.
    pub(super) fn notify_failure(&mut self, event: &Arc<EventRecord>, error: &EffectError) {
        if let Access::WrittenOff(grant) = &self.state.access {
            let target = grant.target.title();
            // Access that no request gave has no requester to tell.
            if let Some(requester) = self.state.run.requester_arc() {
                self.message(event, &requester, Notice::WrittenOff { target });
            }
            return;
        }
        if event.name == Step::Escalate {
            let reason = if error.code == codes::ACCESS_EXPIRED {
                "its time had passed by then".to_owned()
            } else {
                format!("something went wrong ({}), and the operators have been notified", error.code)
            };
            return self.notify_not_granted(event, &reason);
        }
        let code = error.code.clone();
        self.notify(event, |requester| Notice::Failed { code: code.clone(), event: event.name, requester });
    }

    /// Tells the requester that approved access is not granted, and the person who approved it.
    pub(super) fn notify_not_granted(&mut self, event: &Arc<EventRecord>, reason: &str) {
        let target = event.target.as_ref().map_or_else(|| self.rules.flow.label().to_owned(), AccessTarget::title);
        self.notify(event, |requester| Notice::NotGranted {
            requester,
            target: target.clone(),
            reason: reason.to_owned(),
        });
    }

    /// Sends a notice to the requester, and one to the event's actor if that is another person or a bot. `notice` gets the name
    /// of the requester for the latter.
    fn notify(&mut self, event: &Arc<EventRecord>, notice: impl Fn(Option<String>) -> Notice) {
        let actor = &event.actor;
        let requester = self.state.run.requester_arc();
        let mut send = |to: &Arc<User>, notice: Notice| {
            if to.user_type() != UserType::System {
                self.message(event, to, notice);
            }
        };
        match requester {
            Some(requester) => {
                send(&requester, notice(None));
                if requester.id() != actor.id() && *requester != **actor {
                    send(actor, notice(Some(requester.username().to_owned())));
                }
            }
            None => send(actor, notice(None)),
        }
    }
}
