//! The Security Token Service, which assumes roles.

use sym_sdk::error::{ErrorKind, Result, codes};

use super::errors::service;
use super::xml::Element;
use super::{AssumeRole, Credentials};
use crate::http::{Client, Failure};
use crate::kit::Vendor;

pub(super) const STS: Vendor = service("sts", "AWS");

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
    read(&response.text()).ok_or_else(|| response.invalid("the response contains no credentials"))
}

fn read(xml: &str) -> Option<Credentials> {
    let root = Element::parse(xml)?;
    let keys = root.child("AssumeRoleResult")?.child("Credentials")?;
    let credentials = Credentials::new(keys.text_of("AccessKeyId")?, keys.text_of("SecretAccessKey")?.into())
        .with_session_token(keys.text_of("SessionToken")?.into())
        .with_expiry(keys.text_of("Expiration")?.parse().ok()?);
    Some(credentials)
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
    // It would pass for a permission that the call itself lacks.
    let failure = match failure.kind() {
        ErrorKind::Forbidden => failure.with_kind(ErrorKind::Unauthorized),
        _ => failure,
    };
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}
