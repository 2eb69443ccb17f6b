//! The kinds of handlers, and the function names that select them.

use std::fmt;

use crate::model::Hook;

/// The purpose of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HandlerKind {
    /// Decides who may see, approve and deny a request.
    GetPermissions,
    /// Decides who is notified of a request.
    GetRequestNotifications,
    /// Decides who is notified of a request and may decide it. Deprecated in favor of the two reducers above.
    GetApprovers,
    /// Returns a user's id in a service.
    GetIdentity,
    /// Returns the e-mail address under which a service knows a user.
    GetIdentityLookup,
    /// Decides which flows a user sees.
    GetFlows,
    /// Runs before or after a step.
    Hook(Hook),
    /// Fetches the options of a form field.
    Prefetch,
    /// Updates the form when one of its fields changes.
    OnChange,
}

impl HandlerKind {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        let reducers = [
            Self::GetPermissions,
            Self::GetRequestNotifications,
            Self::GetApprovers,
            Self::GetIdentity,
            Self::GetIdentityLookup,
            Self::GetFlows,
        ];
        reducers.into_iter().chain(Hook::all().map(Self::Hook)).chain([Self::Prefetch, Self::OnChange])
    }

    /// The function name that makes a function a handler of this kind. For `Prefetch` and `OnChange`, whose functions can
    /// have any name, the name of the macro.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GetPermissions => "get_permissions",
            Self::GetRequestNotifications => "get_request_notifications",
            Self::GetApprovers => "get_approvers",
            Self::GetIdentity => "get_identity",
            Self::GetIdentityLookup => "get_identity_lookup",
            Self::GetFlows => "get_flows",
            Self::Hook(hook) => hook.as_str(),
            Self::Prefetch => "prefetch",
            Self::OnChange => "on_change",
        }
    }

    /// Returns the kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.as_str() == name)
    }

    /// The attribute macro of this kind's handlers.
    pub const fn macro_name(self) -> &'static str {
        match self {
            Self::GetPermissions
            | Self::GetRequestNotifications
            | Self::GetApprovers
            | Self::GetIdentity
            | Self::GetIdentityLookup
            | Self::GetFlows => "reducer",
            Self::Hook(_) => "hook",
            Self::Prefetch => "prefetch",
            Self::OnChange => "on_change",
        }
    }
}

impl fmt::Display for HandlerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
