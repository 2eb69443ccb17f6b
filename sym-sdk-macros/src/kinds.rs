//! The kinds of handlers, and the function names that select them.

use std::fmt;

/// One of the four attribute macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    Reducer,
    Hook,
    Prefetch,
    OnChange,
}

impl Macro {
    pub(crate) const ALL: [Self; 4] = [Self::Reducer, Self::Hook, Self::Prefetch, Self::OnChange];

    /// The name of the macro.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reducer => "reducer",
            Self::Hook => "hook",
            Self::Prefetch => "prefetch",
            Self::OnChange => "on_change",
        }
    }

    /// A function with this attribute, in messages.
    pub(crate) const fn with_article(self) -> &'static str {
        match self {
            Self::Reducer => "a reducer",
            Self::Hook => "a hook",
            Self::Prefetch => "a prefetch reducer",
            Self::OnChange => "an on_change handler",
        }
    }

    /// Whether the name of the function, not an argument of the macro, selects the kind.
    pub(crate) const fn is_named(self) -> bool {
        matches!(self, Self::Reducer | Self::Hook)
    }
}

impl fmt::Display for Macro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A kind that a function name selects.
#[derive(Debug)]
pub(crate) struct NamedKind {
    pub(crate) name: &'static str,
    pub(crate) attribute: Macro,
    /// The variant of `Thunk`.
    pub(crate) variant: &'static str,
    /// The variant of `Step` beside the function, for hooks.
    pub(crate) step: Option<&'static str>,
    /// The name of the output, as in the trait `Returns…` (which the return type must implement) and the type `…Result`.
    pub(crate) output: &'static str,
}

const fn reducer(name: &'static str, variant: &'static str, output: &'static str) -> NamedKind {
    NamedKind { name, attribute: Macro::Reducer, variant, step: None, output }
}

const fn on(name: &'static str, step: &'static str) -> NamedKind {
    NamedKind { name, attribute: Macro::Hook, variant: "On", step: Some(step), output: "Next" }
}

const fn after(name: &'static str, step: &'static str) -> NamedKind {
    NamedKind { name, attribute: Macro::Hook, variant: "After", step: Some(step), output: "Nothing" }
}

/// Every kind that a function name selects.
pub(crate) static KINDS: [NamedKind; 22] = [
    reducer("get_permissions", "GetPermissions", "Permissions"),
    reducer("get_request_notifications", "GetRequestNotifications", "Notifications"),
    reducer("get_approvers", "GetApprovers", "Approvers"),
    reducer("get_identity", "GetIdentity", "Identity"),
    reducer("get_identity_lookup", "GetIdentityLookup", "Identity"),
    reducer("get_flows", "GetFlows", "Flows"),
    on("on_prompt", "Prompt"),
    on("on_request", "Request"),
    on("on_request_forward", "RequestForward"),
    on("on_request_expire", "RequestExpire"),
    on("on_approve", "Approve"),
    on("on_deny", "Deny"),
    on("on_escalate", "Escalate"),
    on("on_deescalate", "Deescalate"),
    after("after_prompt", "Prompt"),
    after("after_request", "Request"),
    after("after_request_forward", "RequestForward"),
    after("after_request_expire", "RequestExpire"),
    after("after_approve", "Approve"),
    after("after_deny", "Deny"),
    after("after_escalate", "Escalate"),
    after("after_deescalate", "Deescalate"),
];

/// Returns the kind with this name, of any macro.
pub(crate) fn named(name: &str) -> Option<&'static NamedKind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Returns the name of `attribute` that is most similar to `name`.
pub(crate) fn nearest(name: &str, attribute: Macro) -> Option<&'static str> {
    // Up to a third of the letters may differ: more than that is another word and not a typo.
    let limit = name.len().div_ceil(3);
    KINDS
        .iter()
        .filter(|kind| kind.attribute == attribute)
        .map(|kind| (strsim::damerau_levenshtein(name, kind.name), kind.name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
