//! The failures of the identity store, of Identity Center and of Organizations.

use sym_sdk::error::ErrorKind;

use crate::aws;
use crate::http::{Failure, Response, Retry, error_names};
use crate::kit::{ErrorBody, ErrorRule, ErrorTable, vendor_errors};

/// The codes of these services, in our form.
const ERRORS: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["PARENT_NOT_FOUND"], ErrorKind::NotFound, "PARENT_NOT_FOUND"),
    ErrorRule::kind(&["CONFLICT"], ErrorKind::Conflict),
    ErrorRule::kind(&["SERVICE_QUOTA_EXCEEDED"], ErrorKind::Conflict).hint("ask AWS to raise the quota"),
    ErrorRule::new(&["VALIDATION", "INVALID_INPUT"], ErrorKind::InvalidInput, error_names::INVALID_REQUEST),
    ErrorRule::kind(&["INTERNAL_SERVER", "SERVICE"], ErrorKind::Unavailable).retry(Retry::IfIdempotent),
    ErrorRule::kind(&["AWS_ORGANIZATIONS_NOT_IN_USE"], ErrorKind::Configuration)
        .hint("the role's account belongs to no organization"),
    ErrorRule::hint_only(
        &["ACCESS_DENIED"],
        "allow the role this action. From a delegated administrator's account, neither the management account nor any permission \
         set that is provisioned in it can be changed, whatever the role is allowed",
    ),
]);

/// The types of what is missing, which the identity store names.
const MISSING: ErrorTable = ErrorTable::new(&[
    ErrorRule::new(&["GROUP"], ErrorKind::NotFound, vendor_errors::GROUP_NOT_FOUND),
    ErrorRule::new(&["USER"], ErrorKind::NotFound, vendor_errors::USER_NOT_FOUND),
    ErrorRule::new(&["GROUP_MEMBERSHIP"], ErrorKind::NotFound, "MEMBERSHIP_NOT_FOUND"),
    ErrorRule::new(&["IDENTITY_STORE"], ErrorKind::Configuration, "IDENTITY_STORE_NOT_FOUND")
        .hint("check the region and the instance of the integration"),
]);

pub(super) fn classify(response: &Response) -> Result<(), Failure> {
    aws::classify(response).map_err(|failure| {
        let name = failure.code().name().to_owned();
        let failure = ERRORS.apply(failure, &name);
        match ErrorBody::of(response) {
            Some(body) if name == "RESOURCE_NOT_FOUND" => {
                MISSING.apply(failure, &body.text("ResourceType").unwrap_or_default())
            }
            // Somebody else changes the same object at the same time.
            Some(body) if body.text("Reason").as_deref() == Some("CONCURRENT_MODIFICATION") => {
                failure.with_kind(ErrorKind::Unavailable).with_retry(Retry::Always)
            }
            _ => failure,
        }
    })
}
