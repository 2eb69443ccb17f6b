//! Errors: display, report, JSON form and codes.

use std::error::Error as _;

use expect_test::expect;
use serde_json::json;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, codes};

fn sample() -> Error {
    Error::new(ErrorKind::RateLimited, ErrorCode::new("Okta", "GROUP_NOT_FOUND"), "no group `00g1`")
        .with_service("okta")
        .with_status(429)
        .with_request_id("req-1")
        .with_hint("see <the> groups & roles")
        .with_doc_url("https://example.com/groups")
        .with_source(std::io::Error::other("connection closed"))
}

#[test]
fn displays_one_line() {
    expect!["no group `00g1` (Okta:GROUP_NOT_FOUND, service okta, status 429, request req-1)"]
        .assert_eq(&sample().to_string());
}

#[test]
fn report_includes_hint_and_sources() {
    expect![[r#"
        no group `00g1` (Okta:GROUP_NOT_FOUND, service okta, status 429, request req-1)
          help: see <the> groups & roles
          see: https://example.com/groups
          caused by: connection closed"#]]
    .assert_eq(&sample().report().to_string());
}

#[test]
fn report_has_no_repetitions() {
    let opening = std::io::Error::other("no such file");
    let inner = Error::handler("`a.db` cannot be opened: no such file").with_source(opening);
    let outer = Error::handler(format!("the store refuses: {inner}")).with_source(inner);
    expect!["the store refuses: `a.db` cannot be opened: no such file (SymSDK:HANDLER_FAILED) (SymSDK:HANDLER_FAILED)"]
        .assert_eq(&outer.report().to_string());
}

#[test]
fn debug_omits_unset_fields() {
    expect![[r#"Error { kind: Handler, code: SymSDK:HANDLER_FAILED, message: "no luck" }"#]]
        .assert_eq(&format!("{:?}", Error::handler("no luck")));
    assert!(format!("{:?}", sample()).contains("connection closed"));
}

#[test]
fn escapes_slack_markup() {
    expect![[r#"
        *no group `00g1`*

        *Hint:* see &lt;the&gt; groups &amp; roles

        <https://example.com/groups|Read more>"#]]
    .assert_eq(&sample().slack_markdown());
    assert_eq!(Error::handler("a < b").slack_markdown(), "*a &lt; b*");
}

#[test]
fn formats_as_json() {
    assert_eq!(
        sample().to_json(),
        json!({ "error": true, "message": "no group `00g1`", "code": "Okta:GROUP_NOT_FOUND" })
    );
}

#[test]
fn only_transient_errors_are_retryable() {
    let retryable = |kind| Error::new(kind, codes::HTTP_ERROR_RESPONSE, "x").is_retryable();
    assert!([ErrorKind::RateLimited, ErrorKind::Unavailable, ErrorKind::Timeout].into_iter().all(retryable));
    assert!(![ErrorKind::NotFound, ErrorKind::Conflict, ErrorKind::Decode].into_iter().any(retryable));
}

#[test]
fn codes_round_trip_through_text() {
    let code: ErrorCode = "DeescalateAPI:INVALID_RUN".parse().unwrap();
    assert_eq!(code, codes::DEESCALATE_INVALID_RUN);
    assert_eq!((code.error_type(), code.name()), ("DeescalateAPI", "INVALID_RUN"));
    assert_eq!(serde_json::to_value(&code).unwrap(), "DeescalateAPI:INVALID_RUN");
    for bad in ["", "Okta", ":X", "Okta:", "a:b:c"] {
        assert_eq!(*bad.parse::<ErrorCode>().expect_err(bad).code(), codes::INVALID_ERROR_CODE);
    }
    expect!["expected an error code such as `Okta:GROUP_NOT_FOUND`, got `Okta` (SymSDK:INVALID_ERROR_CODE)"]
        .assert_eq(&serde_json::from_value::<ErrorCode>(json!("Okta")).unwrap_err().to_string());
}

#[test]
fn errors_are_small_and_send() {
    fn assert_send_sync<T: Send + Sync + 'static>() {}
    assert_send_sync::<Error>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(sample().source().unwrap().to_string(), "connection closed");
}

#[test]
fn converts_json_errors() {
    let read = || -> sym_sdk::Result<bool> { Ok(serde_json::from_value(json!(1))?) };
    expect![[r#"
        the JSON does not have the expected form (SymSDK:INVALID_JSON)
          caused by: invalid type: integer `1`, expected a boolean"#]]
    .assert_eq(&read().unwrap_err().report().to_string());
}

#[test]
fn missing_argument_names_argument_and_function() {
    expect!["`onelogin.users_in_role` requires the argument `role_id` (SymSDK:MISSING_ARGUMENT)"]
        .assert_eq(&Error::missing_argument("role_id", "onelogin.users_in_role").to_string());
}

/// GH10: a URL that gives rights for a while is for whoever asks for it, and in no text.
#[test]
fn a_temporary_url_is_in_no_text() {
    let error = Error::new(ErrorKind::Forbidden, codes::CONFIGURATION, "refused")
        .with_temporary_url("https://example.com/?key=S3CRET");
    assert_eq!(error.temporary_url(), Some("https://example.com/?key=S3CRET"));
    for text in [
        error.to_string(),
        format!("{error:?}"),
        error.report().to_string(),
        error.slack_markdown(),
        error.to_json().to_string(),
    ] {
        assert!(!text.contains("S3CRET"), "{text}");
    }
}
