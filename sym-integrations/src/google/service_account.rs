//! The key of a service account, and the tokens that it is exchanged for:
//! <https://developers.google.com/identity/protocols/oauth2/service-account>.

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sym_sdk::error::{Error, ErrorKind, Result, codes};

use super::client::{GOOGLE, KEY, SUBJECT};
use crate::http::{Auth, BaseUrl, SecretString};
use crate::kit::{AccessTokens, Credentials, ErrorRule, ErrorTable, SigningKey};

/// The scopes of reads. A missing scope for writes does not stop them.
const READ_SCOPES: &[&str] = &[
    "https://www.googleapis.com/auth/admin.directory.group.readonly",
    "https://www.googleapis.com/auth/admin.directory.group.member.readonly",
];

/// The scopes of changes.
const WRITE_SCOPES: &[&str] = &["https://www.googleapis.com/auth/admin.directory.group.member"];

/// The meaning of refused tokens. Google gives the same reason for several causes.
const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::hint_only(
        &["unauthorized_client"],
        "in the Admin console, under Security > API controls > Domain-wide delegation, allow the client id these scopes, which begin with \
         `https://www.googleapis.com/auth/`; that can take a day; or leave out `subject` and give the service account a role",
    ),
    ErrorRule::hint_only(
        &["invalid_grant"],
        "check that the key of the service account still exists, and that `subject` is an active administrator of the organization",
    ),
]);

/// The key file that Google's console offers.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: Option<String>,
    client_id: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<String>,
    token_uri: Option<String>,
}

/// Returns the authentication as the service account of a key, or as the user whom it acts as.
pub(super) fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
    let json = credentials.secret(KEY)?;
    let file = read(&json)?;
    if file.kind.as_deref() != Some("service_account") {
        return Err(invalid("is not that of a service account: its `type` must be `service_account`"));
    }
    let (Some(private_key), Some(issuer)) = (file.private_key, file.client_email) else {
        return Err(invalid("has no `private_key` or no `client_email`"));
    };
    let key = SigningKey::from_pem(&private_key.into())?;
    let key = match file.private_key_id {
        Some(id) => key.with_id(id),
        None => key,
    };
    let endpoint = BaseUrl::parse(file.token_uri.as_deref().unwrap_or("https://oauth2.googleapis.com/token"))?;
    let subject = credentials.optional_setting(SUBJECT).map(str::to_owned);
    AccessTokens::jwt_bearer(credentials, endpoint, key, issuer, subject)
        .issuer_id(file.client_id)
        .scopes(READ_SCOPES, WRITE_SCOPES)
        .errors(ERRORS)
        .auth()
}

fn read(json: &SecretString) -> Result<KeyFile> {
    // The error of the parser may quote the key.
    serde_json::from_str(json.expose_secret()).map_err(|_| invalid("is not JSON"))
}

fn invalid(problem: &str) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, format!("the key in `{KEY}` {problem}"))
        .with_service(GOOGLE.name())
        .with_hint("store the whole JSON file that Google's console offers when the key is made")
}
