//! `aws_lambda` in the contract of strategies: a function of an organization's own.

use expect_test::expect;
use serde_json::json;
use sym_integrations::aws::PermissionContext;
use sym_integrations::aws_lambda::{AwsLambda, LambdaStrategy};
use sym_integrations::http::{BaseUrl, Connection};
use sym_sdk::model::AccessTarget;
use wiremock::{Request, ResponseTemplate};

use super::function::{Caller, Function, FunctionWorld};
use super::{Participant, table};
use crate::aws::support::{keys, region};
use crate::aws_lambda::FUNCTION;

struct Lambda;

impl Caller for Lambda {
    type Strategy = LambdaStrategy;

    const NAME: &'static str = "aws_lambda";

    fn strategy(url: &str, connection: Connection) -> LambdaStrategy {
        let context = PermissionContext::builder(region()).credentials(keys()).base_url(BaseUrl::parse(url).unwrap());
        LambdaStrategy::new(AwsLambda::new(context.connection(connection).build().unwrap()))
    }

    fn target() -> AccessTarget {
        AccessTarget::new("acme", "aws_lambda_function", "admins".parse().unwrap()).with_setting("arn", FUNCTION)
    }

    fn respond(function: &mut Function, request: &Request) -> ResponseTemplate {
        if function.rejects_credentials {
            return refusal(403, "UnrecognizedClientException", "The security token included in the request is invalid.");
        }
        if function.is_gone {
            return refusal(404, "ResourceNotFoundException", "Function not found");
        }
        if request.headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "DryRun") {
            return from_aws(204);
        }
        match function.call(request) {
            Some(answer) => from_aws(200).set_body_json(answer),
            None => ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout"),
        }
    }
}

/// A response of AWS, and not of something in between.
fn from_aws(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("x-amzn-requestid", "r-1")
}

fn refusal(status: u16, code: &str, message: &str) -> ResponseTemplate {
    from_aws(status).insert_header("x-amzn-errortype", code).set_body_json(json!({ "Type": "User", "Message": message }))
}

inventory::submit! { Participant::new::<FunctionWorld<Lambda>>() }

#[tokio::test]
async fn aws_lambda_keeps_the_contract() {
    expect![[r#"
        ends                         unknown sessions; settles in 15 min
        grant                        done, cannot list
        grant twice                  done
        grant, changed meanwhile     –
        revoke                       done
        revoke twice                 done
        revoke what was not granted  done
        revoke, put back             –
        revoke, changed meanwhile    –
        prior access: none           unknown
        prior access: all of it      unknown
        prior access: less           –
        restore, removed meanwhile   –
        grant, less unrecorded       –
        grant, user gone             rejected
        revoke, user gone            done
        grant, user suspended        –
        revoke, user suspended       –
        grant, target gone           AWSLambda:FUNCTION_NOT_FOUND
        revoke, target gone          AWSLambda:FUNCTION_NOT_FOUND
        grant, wrong credentials     AWSLambda:UNRECOGNIZED_CLIENT
        revoke, wrong credentials    AWSLambda:UNRECOGNIZED_CLIENT
        grant, response lost         AWSLambda:TIMED_OUT, outcome unknown
        grant, lands late            AWSLambda:TIMED_OUT, outcome unknown
        revoke, response lost        AWSLambda:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           AWSLambda:FUNCTION_NOT_FOUND
        check, wrong credentials     AWSLambda:UNRECOGNIZED_CLIENT
    "#]].assert_eq(&table::<FunctionWorld<Lambda>>().await);
}
