//! Fixtures: responses of AWS, and keys that must not appear anywhere.

use std::error::Error as _;

use sym_integrations::aws::{AssumeRole, Credentials, PermissionContext, PermissionContextBuilder, Region};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::Error;
pub(crate) use crate::vendor_support::Asked;

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/sym";

/// Text that no error and no log may contain.
const SECRETS: [&str; 4] = ["own/S3CRET", "role/S3CRET", "role-TOKEN", "own-TOKEN"];

pub(crate) fn region() -> Region {
    Region::parse("eu-central-1").unwrap()
}

pub(crate) fn keys() -> Credentials {
    Credentials::new("AKIDOWN", "own/S3CRET".into())
}

/// A context whose services are answered by `replay`.
pub(crate) fn builder(replay: &Replay) -> PermissionContextBuilder {
    PermissionContext::builder(region()).credentials(keys()).connection(replay.connection())
}

pub(crate) fn context(replay: &Replay) -> PermissionContext {
    builder(replay).build().unwrap()
}

/// The same context with a role.
pub(crate) fn in_role(replay: &Replay) -> PermissionContext {
    let role = AssumeRole::new(ROLE).unwrap().external_id("acme-1").session_name("sym-main");
    builder(replay).role(role).build().unwrap()
}

/// The response of STS when the role is assumed. The n-th session has the key id `ASIDn`.
pub(crate) fn session(n: usize, expiration: &str) -> Reply {
    Reply::text(format!(
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROA123EXAMPLE123:sym-main</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/sym/sym-main</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASID{n}</AccessKeyId>
      <SecretAccessKey>role/S3CRET{n}</SecretAccessKey>
      <SessionToken>role-TOKEN{n}</SessionToken>
      <Expiration>{expiration}</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>"#
    ))
    .header("content-type", "text/xml")
}

/// The response of STS when it denies the role.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>r-1</RequestId>
</ErrorResponse>"#
    );
    Reply::text(body).with_status(status).header("x-amzn-requestid", "r-1")
}

/// Returns the code of an error, after a check that no form of the error contains a key.
pub(crate) fn code(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}\n{}", error.report(), error.to_json());
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!("\n{error}\n{error:?}"));
        source = error.source();
    }
    assert_silent(&text);
    error.code().to_string()
}

pub(crate) fn assert_silent(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "`{secret}` in: {text}");
    }
}
