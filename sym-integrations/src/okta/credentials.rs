//! The credentials of a client: an API token, or a service app and its private key.

use secrecy::ExposeSecret;
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use super::client::OKTA;
use crate::http::{Auth, BaseUrl, error_names};
use crate::kit::{AccessTokens, Credentials, ErrorRule, ErrorTable, SigningKey};

/// The setting that names the secret with the API token.
pub(super) const API_TOKEN: &str = "api_token_secret";

/// The setting with the client id of the service app.
pub(super) const CLIENT_ID: &str = "client_id";

/// The setting that names the secret with the private key of the service app.
pub(super) const PRIVATE_KEY: &str = "private_key_secret";

/// The setting with the id of that key.
pub(super) const PRIVATE_KEY_ID: &str = "private_key_id";

/// The scheme before an API token in a header.
const SCHEME: &str = "SSWS ";

/// The scopes of calls that read.
const READ_SCOPES: &[&str] = &["okta.groups.read", "okta.users.read"];

/// The scopes of calls that change the members of groups.
const WRITE_SCOPES: &[&str] = &["okta.groups.manage"];

/// Failures of Okta's token endpoint.
const TOKEN_ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["invalid_client"], ErrorKind::Unauthorized, error_names::AUTH_FAILED)
        .hint("check `client_id`, and that the service app in Okta has the public key of `private_key_secret`"),
    ErrorRule::new(&["invalid_scope"], ErrorKind::Configuration, "INVALID_SCOPE")
        .hint("grant the scopes to the service app in Okta, on the tab \"Okta API Scopes\""),
]);

/// The domains that Okta gives to organizations. The admin console of an organization has another host.
const SUFFIXES: [&str; 4] = [".okta.com", ".oktapreview.com", ".okta-emea.com", ".okta-gov.com"];

/// Checks the domain of an organization: the API is neither at the host of the admin console nor at a name without a domain.
pub(super) fn check_domain(domain: &str) -> Result<()> {
    let name = SUFFIXES.iter().find_map(|suffix| domain.strip_suffix(suffix).map(|name| (name, suffix)));
    if let Some((name, suffix)) = name.and_then(|(name, suffix)| Some((name.strip_suffix("-admin")?, suffix))) {
        let message = format!("`{domain}` is the admin console of an Okta organization, not its API");
        return Err(configuration(message).with_hint(format!("use `{name}{suffix}`")));
    }
    if domain.contains('.') {
        return Ok(());
    }
    Err(configuration(format!("`{domain}` is not the domain of an Okta organization"))
        .with_hint(format!("use the whole domain, such as `{domain}.okta.com`")))
}

/// Returns how calls are authenticated.
///
/// # Errors
/// If there are no credentials, or both kinds, or they are not in their form.
pub(super) fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
    let has_token = credentials.optional_secret(API_TOKEN).is_some();
    match credentials.optional_setting(CLIENT_ID) {
        Some(_) if has_token => {
            let message =
                format!("the Okta client for `{}` has both `{API_TOKEN}` and `{CLIENT_ID}`", credentials.account());
            Err(configuration(message).with_hint("remove the API token, or the client id and its private key"))
        }
        Some(client_id) => service_app(credentials, client_id),
        None => api_token(credentials),
    }
}

fn api_token(credentials: &Credentials<'_>) -> Result<Auth> {
    let token = credentials.secret(API_TOKEN)?;
    if token.expose_secret().starts_with(SCHEME.trim_end()) {
        let message = format!("the Okta API token for `{}` begins with `SSWS`", credentials.account());
        return Err(configuration(message).with_hint("store the token alone: the client adds `SSWS` in front of it"));
    }
    Ok(Auth::token(SCHEME, token))
}

/// Authenticates with access tokens of a
/// [service app](https://developer.okta.com/docs/guides/implement-oauth-for-okta-serviceapp/main/).
fn service_app(credentials: &Credentials<'_>, client_id: &str) -> Result<Auth> {
    let mut key = SigningKey::from_pem(&credentials.secret(PRIVATE_KEY)?)?;
    if let Some(id) = credentials.optional_setting(PRIVATE_KEY_ID) {
        key = key.with_id(id);
    }
    AccessTokens::private_key_jwt(credentials, token_endpoint(credentials.base_url())?, key, client_id)
        .scopes(READ_SCOPES, WRITE_SCOPES)
        .errors(TOKEN_ERRORS)
        .auth()
}

/// Returns the token endpoint of the organization's own authorization server, which is beside the API.
fn token_endpoint(api: &BaseUrl) -> Result<BaseUrl> {
    let url = api.as_str().trim_end_matches('/');
    let origin = url
        .strip_suffix("/api/v1")
        .ok_or_else(|| configuration(format!("the base URL of the Okta API must end in `/api/v1`, got `{url}`")))?;
    BaseUrl::parse(&format!("{origin}/oauth2/v1/token"))
}

fn configuration(message: impl Into<String>) -> Error {
    OKTA.error(ErrorKind::Configuration, codes::CONFIGURATION, message)
}
