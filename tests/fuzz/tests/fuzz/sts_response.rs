//! XML responses of AWS STS.

use sym_integrations::aws::{AssumeRole, Credentials, PermissionContext, Region};
use sym_integrations::aws_lambda::AwsLambda;
use sym_integrations::testing::{Replay, Reply};

use crate::target::{fuzz, with_text};

const ROLE: &str = "arn:aws:iam::123456789012:role/sym";
const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:grant";

/// The secrets in the samples. No error may repeat them.
const SECRETS: [&str; 2] = ["role/S3CRET", "role-TOKEN"];

#[test]
fn responses_of_sts_give_a_session_or_an_error_without_secrets() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    fuzz("sts_response", |input| {
        with_text(input, |text| {
            let replay = Replay::at("2024-02-29T12:00:00Z".parse().unwrap());
            replay.post("/").always().reply(Reply::text(text.to_owned()).header("content-type", "text/xml"));
            let path = format!("/2015-03-31/functions/{FUNCTION}/invocations");
            replay.post(path).always().reply(Reply::json(1));
            let role = AssumeRole::new(ROLE).unwrap().session_name("sym-main");
            let context = PermissionContext::builder(Region::parse("eu-central-1").unwrap())
                .credentials(Credentials::new("AKIDOWN", "own/S3CRET".into()))
                .connection(replay.connection())
                .role(role);
            let lambda = AwsLambda::new(context.build().unwrap());
            let invoked: Result<serde_json::Value, _> =
                runtime.block_on(async { lambda.invoke(FUNCTION, &serde_json::json!({})).await });
            // Whether the function is called depends on the input.
            let _ = replay.check();
            if let Err(error) = invoked {
                let shown = format!("{error} {error:?}");
                assert!(SECRETS.iter().all(|secret| !shown.contains(secret)), "{shown}");
            }
        });
    });
}
