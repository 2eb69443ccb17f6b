//! Security Token Service: roles.

use serde::Deserialize;
use sym_sdk::error::{Result, codes};

use super::fault::{REQUEST_IDS, failure};
use super::{AssumeRole, Credentials};
use crate::http::{Client, Failure, Response, Service};

pub(super) struct StsService;

impl Service for StsService {
    fn name(&self) -> &'static str {
        "sts"
    }

    fn error_type(&self) -> &'static str {
        "AWS"
    }

    fn request_id_headers(&self) -> &'static [&'static str] {
        REQUEST_IDS
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        if response.is_success() { Ok(()) } else { Err(failure(response)) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeRoleResponse {
    assume_role_result: AssumeRoleResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeRoleResult {
    credentials: Keys,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    session_token: String,
    expiration: jiff::Timestamp,
}

/// Calls [AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
pub(super) async fn assume_role(sts: &Client, role: &AssumeRole) -> Result<Credentials> {
    let role_arn = role.role_arn().to_owned();
    let mut call = sts
        .post("/", &[])
        .form("Action", "AssumeRole")
        .form("Version", "2011-06-15")
        .form("RoleArn", &role_arn)
        .form("RoleSessionName", role.name_of_session())
        .form("DurationSeconds", role.seconds())
        // A session more does no harm.
        .idempotent(true)
        .confidential()
        .explain(move |_, failure| explained(failure, &role_arn));
    if let Some(id) = role.id_for_role() {
        call = call.form("ExternalId", id);
    }
    let response = call.await?;
    let read: Result<AssumeRoleResponse, _> = quick_xml::de::from_str(&response.text());
    // What the parser says may quote a key.
    let keys = read.map_err(|_| response.invalid("the answer holds no credentials"))?.assume_role_result.credentials;
    Ok(Credentials::new(keys.access_key_id, keys.secret_access_key.into())
        .with_session_token(keys.session_token.into())
        .with_expiry(keys.expiration))
}

fn explained(failure: Failure, role_arn: &str) -> Failure {
    let hint = match failure.code().name() {
        "ACCESS_DENIED" => Some(
            "check that the role's trust policy admits whom the message names, with the external id of the integration, \
             and that they may call `sts:AssumeRole`",
        ),
        "REGION_DISABLED" => Some("turn STS on for the region in the account's settings, or use another `region`"),
        _ => None,
    };
    let message = format!("role `{role_arn}` cannot be assumed: {}", failure.message());
    let failure = failure.with_code(codes::AWS_ASSUME_ROLE_FAILED).with_message(message);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
