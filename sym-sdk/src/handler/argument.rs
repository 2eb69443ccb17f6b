//! Compile-time checks of arguments against the handler's kind.

use super::{HandlerKind, HandlerRecord, Requires};
use crate::model::{Hook, Step};

/// Fails the build if an argument is never available to handlers of the record's kind. Called by the expansions of the macros.
#[allow(clippy::panic, reason = "evaluated at compile time only")]
#[doc(hidden)]
#[track_caller]
pub const fn check_argument(record: &HandlerRecord, requires: Requires) {
    if let Some(reason) = unavailable(record.kind(), requires) {
        panic!("{}", reason);
    }
}

const fn unavailable(kind: HandlerKind, requires: Requires) -> Option<&'static str> {
    use HandlerKind::{GetFlows, GetIdentity, GetIdentityLookup, OnChange};
    match (requires, kind) {
        (Requires::Event | Requires::Fields(_), OnChange) => {
            Some("an `#[on_change]` handler has no event; take `&mut PromptForm`, `&User` or `&Flow` instead")
        }
        (Requires::Event | Requires::Fields(_) | Requires::Flow, GetFlows) => {
            Some("`get_flows` has no event and no single flow; take `&FlowsQuery`, `&Flows` or `&User` instead")
        }
        (
            Requires::ForwardContext,
            HandlerKind::Hook(Hook::On(Step::RequestForward) | Hook::After(Step::RequestForward)),
        ) => None,
        (Requires::ForwardContext, _) => {
            Some("only the hooks `on_request_forward` and `after_request_forward` can take `&RequestForwardContext`")
        }
        (Requires::StepOutput, HandlerKind::Hook(Hook::After(Step::Escalate | Step::Deescalate))) => None,
        (Requires::StepOutput, HandlerKind::Hook(Hook::After(_))) => Some(
            "only the steps `escalate` and `deescalate` have an output, which `after_escalate` and `after_deescalate` can take as \
             `StepOutput<T>`; to read the output of an earlier step, use `event.step_output(Step::Escalate)`",
        ),
        (Requires::StepOutput, _) => Some(
            "only `after_` hooks can take `StepOutput<T>`, because a step has no output before it has run; \
             to read the output of an earlier step, use `event.step_output(Step::Escalate)`",
        ),
        (Requires::IdentityQuery, GetIdentity | GetIdentityLookup) => None,
        (Requires::IdentityQuery, _) => {
            Some("only the reducers `get_identity` and `get_identity_lookup` can take `&IdentityQuery`")
        }
        (Requires::FlowsQuery, GetFlows) => None,
        (Requires::FlowsQuery, _) => Some("only the reducer `get_flows` can take `&FlowsQuery` and `&Flows`"),
        _ => None,
    }
}
