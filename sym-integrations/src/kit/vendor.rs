//! The constants of a vendor, declared once: names, headers, rate limits, and how a failed call is classified.

use std::fmt;

use sym_sdk::config::SettingsSchema;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};

use super::Account;
use crate::http::{Failure, RateLimit, Response, Service, error_names};

/// The rate group of the calls that revoke access. Requests of other groups never delay them.
pub const REVOKE: &str = "revoke";

/// The second parts of error codes that several vendors share, beside those of every service: [`error_names`](crate::http::error_names).
pub mod vendor_errors {
    /// There is no such user.
    pub const USER_NOT_FOUND: &str = "USER_NOT_FOUND";
    /// The account of a user is deactivated.
    pub const USER_DEPROVISIONED: &str = "USER_DEPROVISIONED";
    /// Several accounts have the e-mail address of a user.
    pub const AMBIGUOUS_USER: &str = "AMBIGUOUS_USER";
    /// The identity stored for a user is not an account's id, but another name such as a login.
    pub const NOT_A_USER_ID: &str = "NOT_A_USER_ID";
    /// There is no such group.
    pub const GROUP_NOT_FOUND: &str = "GROUP_NOT_FOUND";
    /// There is no such role.
    pub const ROLE_NOT_FOUND: &str = "ROLE_NOT_FOUND";
    /// The members of a group are managed by something else, such as a directory that it is imported from.
    pub const GROUP_NOT_NATIVE: &str = "GROUP_NOT_NATIVE";
    /// The service removed a user from a group, and still lists them as a member.
    pub const STILL_MEMBER: &str = "STILL_MEMBER";
}

/// A description of a vendor: everything about a service that does not depend on the account.
///
/// It is the [`Service`] of the HTTP client, and the source of the errors that the typed client itself reports.
///
/// ```
/// use sym_integrations::http::RateLimit;
/// use sym_integrations::kit::{RateGroup, REVOKE, Vendor};
///
/// const WEATHER: Vendor = Vendor::new("weather", "Weather")
///     .request_id_headers(&["x-weather-request"])
///     .rate_limits(&[RateGroup::new("", RateLimit::per_minute(300)), RateGroup::new(REVOKE, RateLimit::per_minute(100))]);
/// assert_eq!(WEATHER.name(), "weather");
/// ```
#[derive(Clone, Copy)]
pub struct Vendor {
    name: &'static str,
    error_type: &'static str,
    request_id_headers: &'static [&'static str],
    headers: &'static [(&'static str, &'static str)],
    rate_limits: &'static [RateGroup],
    settings: SettingsSchema,
    classify: fn(&Response) -> Result<(), Failure>,
}

/// A client-side rate limit for a group of calls.
#[derive(Clone, Copy, Debug)]
pub struct RateGroup {
    pub(super) name: &'static str,
    pub(super) limit: RateLimit,
    pub(super) per_key: bool,
}

impl RateGroup {
    /// A limit shared by all calls of a [group](crate::http::Call::rate_group). Calls that name no group belong to group `""`.
    pub const fn new(name: &'static str, limit: RateLimit) -> Self {
        Self { name, limit, per_key: false }
    }

    /// A limit for each [key](crate::http::Call::key) of a group, such as a channel or a function.
    pub const fn per_key(name: &'static str, limit: RateLimit) -> Self {
        Self { name, limit, per_key: true }
    }
}

impl Vendor {
    /// Describes a vendor by the `type` of its integrations, such as `okta`, and the first part of its error codes, such as `Okta`,
    /// which messages call it by.
    pub const fn new(name: &'static str, error_type: &'static str) -> Self {
        Self {
            name,
            error_type,
            request_id_headers: &["x-request-id"],
            headers: &[],
            rate_limits: &[],
            settings: SettingsSchema::ANY,
            classify: classify_by_status,
        }
    }

    /// Sets the response headers that may hold the vendor's request id. The first one present counts.
    #[must_use]
    pub const fn request_id_headers(mut self, headers: &'static [&'static str]) -> Self {
        self.request_id_headers = headers;
        self
    }

    /// Sets headers that every call sends.
    #[must_use]
    pub const fn headers(mut self, headers: &'static [(&'static str, &'static str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the client-side rate limits.
    #[must_use]
    pub const fn rate_limits(mut self, groups: &'static [RateGroup]) -> Self {
        self.rate_limits = groups;
        self
    }

    /// Sets the settings of an integration. Those whose names end in `_secret` name the secrets that the client is built with.
    #[must_use]
    pub const fn settings(mut self, settings: SettingsSchema) -> Self {
        self.settings = settings;
        self
    }

    /// Sets the function that classifies responses. The default goes by the status.
    #[must_use]
    pub const fn classify(mut self, classify: fn(&Response) -> Result<(), Failure>) -> Self {
        self.classify = classify;
        self
    }

    /// The `type` of the vendor's integrations, which is also the service's name in errors and logs.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The first part of the vendor's error codes.
    pub const fn error_type(&self) -> &'static str {
        self.error_type
    }

    /// The settings of an integration.
    pub const fn settings_schema(&self) -> SettingsSchema {
        self.settings
    }

    pub(super) const fn rate_groups(&self) -> &'static [RateGroup] {
        self.rate_limits
    }

    pub(super) const fn default_headers(&self) -> &'static [(&'static str, &'static str)] {
        self.headers
    }

    /// A code of the vendor: `Okta:` and a name in upper case.
    pub const fn code(&self, name: &'static str) -> ErrorCode {
        ErrorCode::new(self.error_type, name)
    }

    /// Creates the error for a user whose account is deactivated.
    pub fn deactivated_user(&self, user: &str, id: &str) -> Error {
        let title = self.error_type;
        let message = format!("the {title} user `{id}` of `{user}` is deactivated");
        self.error(ErrorKind::Identity, self.code(vendor_errors::USER_DEPROVISIONED), message).with_hint(format!(
            "activate the user in {title}, or store the id of another one with `Directory::put_identity`"
        ))
    }

    /// Returns the only active one of the accounts with an e-mail address; `None` if there are none at all.
    ///
    /// # Errors
    /// A code that ends in [`AMBIGUOUS_USER`](vendor_errors::AMBIGUOUS_USER) if several are active, since the address does not say which
    /// one is the user's, and in [`USER_DEPROVISIONED`](vendor_errors::USER_DEPROVISIONED) if none is.
    pub fn only_active<T>(&self, email: &str, found: Vec<T>, account: impl Fn(&T) -> Account) -> Result<Option<T>> {
        let (mut active, inactive): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| account(found).is_active);
        match (active.len(), inactive.first()) {
            (0, None) => Ok(None),
            (0, Some(found)) => Err(self.deactivated_user(email, &account(found).id)),
            (1, _) => Ok(active.pop()),
            _ => {
                let ids: Vec<_> = active.iter().map(|found| account(found).id).collect();
                let title = self.error_type;
                let message = format!("several {title} users have the e-mail address `{email}`: {}", ids.join(", "));
                Err(self.error(ErrorKind::Identity, self.code(vendor_errors::AMBIGUOUS_USER), message).with_hint(
                    "store the id of the right one with `Directory::put_identity`, or return it from a `get_identity` reducer",
                ))
            }
        }
    }

    /// Classifies a response with status 404 that lacks what the vendor says with each of its own. It comes from elsewhere, such as a
    /// proxy, and does not show that something does not exist.
    pub fn foreign_not_found(&self, failure: Failure) -> Failure {
        failure
            .with_kind(ErrorKind::Configuration)
            .with_name(error_names::INVALID_RESPONSE)
            .with_message(format!("the response is a 404 that does not come from {}", self.error_type))
            .with_hint("check the domain or the base URL, and whether there is a proxy in between")
    }

    /// Creates an error that no response reports, such as a name that matches nothing.
    pub fn error(&self, kind: ErrorKind, code: ErrorCode, message: impl Into<String>) -> Error {
        Error::new(kind, code, message).with_service(self.name)
    }
}

fn classify_by_status(response: &Response) -> Result<(), Failure> {
    if response.is_success() { Ok(()) } else { Err(Failure::of(response)) }
}

impl Service for Vendor {
    fn name(&self) -> &'static str {
        self.name
    }

    fn error_type(&self) -> &'static str {
        self.error_type
    }

    fn request_id_headers(&self) -> &'static [&'static str] {
        self.request_id_headers
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        (self.classify)(response)
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vendor").field("name", &self.name).finish_non_exhaustive()
    }
}
