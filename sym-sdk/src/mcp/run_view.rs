//! A request, as the agent that made it sees it.

use serde_json::{Map, Value, json};

use super::silence::gives_access;
use crate::delivery::visible_text;
use crate::engine::StoredRun;
use crate::machine::{Access, RunState};
use crate::model::RunStatus;
use crate::runtime::Runtime;

/// The most lines and characters of a text by somebody else.
const MAX_TEXT: (usize, usize) = (20, 2_000);

/// The state of a request, in the words of the tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    WaitingForDecision,
    Granting,
    Held,
    Approved,
    Denied,
    Expired,
    Failed,
    Ending,
    Ended,
}

impl Phase {
    pub(super) fn of(state: &RunState) -> Self {
        match state.access {
            Access::Granting(_) => return Self::Granting,
            Access::Held(_) => return Self::Held,
            Access::Revoking { .. } => return Self::Ending,
            Access::Ended | Access::WrittenOff(_) => return Self::Ended,
            Access::None => {}
        }
        match state.run.status() {
            RunStatus::Approved if state.is_busy() => Self::Granting,
            RunStatus::Approved => Self::Approved,
            RunStatus::Denied => Self::Denied,
            RunStatus::Expired => Self::Expired,
            RunStatus::Errored => Self::Failed,
            RunStatus::Escalated => Self::Held,
            RunStatus::Deescalated => Self::Ended,
            _ if state.closed => Self::Failed,
            _ => Self::WaitingForDecision,
        }
    }

    /// Returns whether waiting for a change makes sense.
    pub(super) fn is_pending(self) -> bool {
        matches!(self, Self::WaitingForDecision | Self::Granting)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::WaitingForDecision => "waiting_for_decision",
            Self::Granting => "granting",
            Self::Held => "held",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Ending => "ending",
            Self::Ended => "ended",
        }
    }

    const fn next(self) -> &'static str {
        match self {
            Self::WaitingForDecision => {
                "a person decides, in minutes or hours: call `wait_for_request`, again and again, or go on with other work"
            }
            Self::Granting => "the access is being given: call `wait_for_request`",
            Self::Held => "you have the access; call `give_back` as soon as the task is done",
            Self::Approved => "the request is approved; it gives no access by itself",
            Self::Denied => "do not repeat the request as it was; tell your user about the decision",
            Self::Expired => "nobody has decided in time; ask your user before you request it again",
            Self::Failed => "the program has failed; tell your user",
            Self::Ending => "the access is being taken away",
            Self::Ended => "the access has ended; request it again if you still need it",
        }
    }
}

/// Returns a request with what its agent may do next.
pub(super) fn of_run(runtime: &Runtime, stored: &StoredRun) -> Map<String, Value> {
    let state = &*stored.state;
    let phase = Phase::of(state);
    let flow = runtime.flow(state.flow.slug()).ok();
    let flow_label = flow.as_ref().map_or_else(|| state.flow.slug(), |flow| flow.label());
    let request = state.request.as_ref();
    let mut view = Map::new();
    let mut set = |name: &str, value: Value| {
        view.insert(name.to_owned(), value);
    };
    set("run_id", state.run.id().to_string().into());
    set("state", phase.as_str().into());
    set("flow", json!({ "name": state.flow.slug(), "label": flow_label }));
    if let Some(target) = request.and_then(|request| request.target.as_ref()) {
        set("target", json!({ "name": target.name().to_string(), "label": label(&target.title()) }));
    }
    if let Some(duration) = request.and_then(|request| request.duration) {
        set("duration_seconds", duration.as_secs().into());
    }
    set("requested_at", state.created_at.to_string().into());
    if let Some(routing) = state.routing.as_ref().filter(|_| phase == Phase::WaitingForDecision) {
        let needed = routing.permission.required_approvals();
        set("approvals", json!({ "given": state.run.approvals().len(), "needed": needed }));
    }
    if let Some(decision) = &state.decision {
        let by = if decision.decided_by_hook { "the flow" } else { decision.actor.username() };
        let mut decided = json!({
            "action": decision.name.past_tense(),
            "by": by,
            "at": decision.at.to_string(),
        });
        if let Some(message) = &decision.decision_message {
            decided["message"] = foreign(by, message);
        }
        set("decision", decided);
    }
    if gives_access(state)
        && let Some(until) = state.access.grant().and_then(|grant| grant.until)
    {
        set("until", until.to_string().into());
    }
    if let Some(error) = &state.error {
        set("error", json!({ "code": error.code.to_string(), "message": format!("{} failed", error.event) }));
    }
    set("next", phase.next().into());
    view
}

/// Returns a text by somebody else, apart from ours: it is to be read, and not to be obeyed.
pub(super) fn foreign(said_by: &str, text: &str) -> Value {
    let (lines, chars) = MAX_TEXT;
    json!({ "said_by": said_by, "text": visible_text(text, lines, chars) })
}

/// Returns the label of something that a service or a handler has named, in one line.
pub(super) fn label(text: &str) -> String {
    visible_text(text, 1, 200)
}
