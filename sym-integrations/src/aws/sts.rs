//! The Security Token Service, which assumes roles.

use serde::Deserialize;
use sym_sdk::error::{Result, codes};

use super::errors::service;
use super::{AssumeRole, Credentials};
use crate::http::{Client, Failure};
use crate::kit::Vendor;

pub(super) const STS: Vendor = service("sts", "AWS");

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

/// Assumes a role: [AssumeRole](https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
pub(super) async fn assume_role(sts: &Client, role: &AssumeRole) -> Result<Credentials> {
    let role_arn = role.role_arn().to_owned();
    let mut call = sts
        .post("/", &[])
        .form("Action", "AssumeRole")
        .form("Version", "2011-06-15")
        .form("RoleArn", &role_arn)
        .form("RoleSessionName", role.session_name_value())
        .form("DurationSeconds", role.seconds())
        // An additional session does no harm.
        .idempotent(true)
        .confidential()
        .explain(move |_, failure| explain(failure, &role_arn));
    if let Some(id) = role.external_id_value() {
        call = call.form("ExternalId", id);
    }
    let response = call.await?;
    let read: Result<AssumeRoleResponse, _> = quick_xml::de::from_str(&response.text());
    // The error of the parser may quote a key.
    let keys =
        read.map_err(|_| response.invalid("the response contains no credentials"))?.assume_role_result.credentials;
    Ok(Credentials::new(keys.access_key_id, keys.secret_access_key.into())
        .with_session_token(keys.session_token.into())
        .with_expiry(keys.expiration))
}

fn explain(failure: Failure, role_arn: &str) -> Failure {
    let hint = match failure.code().name() {
        "ACCESS_DENIED" => Some(
            "check that the role's trust policy admits the principal in the message, with the external id of the integration, \
             and that the principal may call `sts:AssumeRole`",
        ),
        "REGION_DISABLED" => Some("enable STS for the region in the account's settings, or use another `region`"),
        _ => None,
    };
    let message = format!("cannot assume role `{role_arn}`: {}", failure.message());
    let failure = failure.with_code(codes::AWS_ASSUME_ROLE_FAILED).with_message(message);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
