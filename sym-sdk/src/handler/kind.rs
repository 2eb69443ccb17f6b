use std::fmt;

use crate::model::Step;

/// What a handler is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HandlerKind {
    /// Who may see and decide a request.
    GetPermissions,
    /// Who is told of a request.
    GetRequestNotifications,
    /// Who is told of a request and may decide it. Deprecated in favour of the two above.
    GetApprovers,
    /// A user's id in a service.
    GetIdentity,
    /// The e-mail address under which a service knows a user.
    GetIdentityLookup,
    /// Which flows a user sees.
    GetFlows,
    /// Runs before a step, and may ask for another one instead.
    On(Step),
    /// Runs after a step.
    After(Step),
    /// The options of a form's field.
    Prefetch,
    /// Changes a form when one of its fields has changed.
    OnChange,
}

impl HandlerKind {
    /// How many kinds there are.
    pub const COUNT: usize = 6 + 2 * Step::ALL.len() + 2;

    /// Every kind, by [`index`](Self::index).
    pub fn all() -> impl Iterator<Item = Self> {
        let reducers = [
            Self::GetPermissions,
            Self::GetRequestNotifications,
            Self::GetApprovers,
            Self::GetIdentity,
            Self::GetIdentityLookup,
            Self::GetFlows,
        ];
        reducers
            .into_iter()
            .chain(Step::ALL.map(Self::On))
            .chain(Step::ALL.map(Self::After))
            .chain([Self::Prefetch, Self::OnChange])
    }

    /// A number below [`COUNT`](Self::COUNT), different for each kind.
    pub const fn index(self) -> usize {
        const STEPS: usize = Step::ALL.len();
        match self {
            Self::GetPermissions => 0,
            Self::GetRequestNotifications => 1,
            Self::GetApprovers => 2,
            Self::GetIdentity => 3,
            Self::GetIdentityLookup => 4,
            Self::GetFlows => 5,
            Self::On(step) => 6 + step as usize,
            Self::After(step) => 6 + STEPS + step as usize,
            Self::Prefetch => 6 + 2 * STEPS,
            Self::OnChange => 7 + 2 * STEPS,
        }
    }

    /// The name that makes a function a handler of this kind; for the last two, that of the macro.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GetPermissions => "get_permissions",
            Self::GetRequestNotifications => "get_request_notifications",
            Self::GetApprovers => "get_approvers",
            Self::GetIdentity => "get_identity",
            Self::GetIdentityLookup => "get_identity_lookup",
            Self::GetFlows => "get_flows",
            Self::On(Step::Prompt) => "on_prompt",
            Self::On(Step::Request) => "on_request",
            Self::On(Step::RequestForward) => "on_request_forward",
            Self::On(Step::RequestExpire) => "on_request_expire",
            Self::On(Step::Approve) => "on_approve",
            Self::On(Step::Deny) => "on_deny",
            Self::On(Step::Escalate) => "on_escalate",
            Self::On(Step::Deescalate) => "on_deescalate",
            Self::After(Step::Prompt) => "after_prompt",
            Self::After(Step::Request) => "after_request",
            Self::After(Step::RequestForward) => "after_request_forward",
            Self::After(Step::RequestExpire) => "after_request_expire",
            Self::After(Step::Approve) => "after_approve",
            Self::After(Step::Deny) => "after_deny",
            Self::After(Step::Escalate) => "after_escalate",
            Self::After(Step::Deescalate) => "after_deescalate",
            Self::Prefetch => "prefetch",
            Self::OnChange => "on_change",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.as_str() == name)
    }

    /// The attribute macro for handlers of this kind.
    pub const fn macro_name(self) -> &'static str {
        match self {
            Self::On(_) | Self::After(_) => "hook",
            Self::Prefetch => "prefetch",
            Self::OnChange => "on_change",
            _ => "reducer",
        }
    }
}

impl fmt::Display for HandlerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
