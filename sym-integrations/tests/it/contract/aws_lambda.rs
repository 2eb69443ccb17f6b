//! `aws_lambda` in the contract of strategies: a function of an organization's own.

use std::sync::{Arc, Mutex};

use expect_test::expect;
use serde_json::json;
use sym_integrations::aws::PermissionContext;
use sym_integrations::aws_lambda::{AwsLambda, LambdaStrategy};
use sym_integrations::http::{BaseUrl, Connection};
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::function::Function;
use super::{ContractWorld, Held, Participant, Switch, table};
use crate::aws::support::{keys, region};
use crate::aws_lambda::FUNCTION;
use crate::http::support::at;

struct World {
    function: Arc<Mutex<Function>>,
    strategy: LambdaStrategy,
    clock: Arc<VirtualClock>,
    _server: MockServer,
}

impl ContractWorld for World {
    type Strategy = LambdaStrategy;

    const NAME: &'static str = "aws_lambda";

    async fn start() -> Self {
        let (server, function) = (MockServer::start().await, Arc::<Mutex<Function>>::default());
        let called = function.clone();
        let answer = move |request: &Request| {
            let mut function = called.lock().unwrap();
            if function.rejects_credentials {
                return refusal(403, "UnrecognizedClientException", "The security token included in the request is invalid.");
            }
            if function.is_gone {
                return refusal(404, "ResourceNotFoundException", "Function not found");
            }
            if request.headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "DryRun") {
                return from_aws(204);
            }
            match function.call(&serde_json::from_slice(&request.body).unwrap()) {
                Some(answer) => from_aws(200).set_body_json(answer),
                None => ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout"),
            }
        };
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let clock = at("2024-02-29T12:00:00Z");
        let context = PermissionContext::builder(region())
            .credentials(keys())
            .base_url(BaseUrl::parse(&server.uri()).unwrap())
            .connection(Connection::default().with_clock(clock.clone()))
            .build()
            .unwrap();
        Self { function, strategy: LambdaStrategy::new(AwsLambda::new(context)), clock, _server: server }
    }

    fn strategy(&self) -> &LambdaStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "aws_lambda_function", "admins".parse().unwrap()).with_setting("arn", FUNCTION)
    }

    fn identity(&self) -> String {
        Self::EMAIL.to_owned()
    }

    fn held(&self) -> Held {
        self.function.lock().unwrap().held()
    }

    fn writes(&self) -> usize {
        self.function.lock().unwrap().calls
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        self.function.lock().unwrap().set(switch, on)
    }

    fn clock(&self) -> Option<Arc<VirtualClock>> {
        Some(self.clock.clone())
    }
}

/// A response of AWS, and not of something in between.
fn from_aws(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("x-amzn-requestid", "r-1")
}

fn refusal(status: u16, code: &str, message: &str) -> ResponseTemplate {
    from_aws(status).insert_header("x-amzn-errortype", code).set_body_json(json!({ "Type": "User", "Message": message }))
}

inventory::submit! { Participant::new::<World>() }

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
    "#]].assert_eq(&table::<World>().await);
}
