//! `aws_lambda` in the contract of strategies: a function of an organization's own.

use std::sync::{Arc, Mutex};

use expect_test::expect;
use serde_json::{Value, json};
use sym_integrations::aws::PermissionContext;
use sym_integrations::aws_lambda::{AwsLambda, LambdaStrategy};
use sym_integrations::kit::SimulatedService;
use sym_sdk::model::AccessTarget;

use super::function::Function;
use super::{ContractWorld, Held, Participant, Switch, table};
use crate::aws::support::{keys, region};
use crate::aws_lambda::FUNCTION;

struct World {
    function: Arc<Mutex<Function>>,
    strategy: LambdaStrategy,
}

impl ContractWorld for World {
    type Strategy = LambdaStrategy;

    const NAME: &'static str = "aws_lambda";

    async fn start() -> Self {
        let function = Arc::<Mutex<Function>>::default();
        let called = function.clone();
        let service = SimulatedService::new("2015-03-31")
            .not_found(json!({ "Type": "User", "Message": "Function not found" }))
            .on("POST", "functions/{function}/invocations", move |request| {
                let mut function = called.lock().unwrap();
                if function.is_gone {
                    return None;
                }
                // A dry run has an empty body.
                if request.body().is_null() {
                    return Some(Value::Null);
                }
                // A response that is lost on the way is one that does not follow the protocol.
                Some(function.call(request.body()).unwrap_or_else(|| json!("lost")))
            });
        let context = PermissionContext::builder(region()).credentials(keys()).connection(service.connection());
        let strategy = LambdaStrategy::new(AwsLambda::new(context.build().unwrap()));
        Self { function, strategy }
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
        // The credentials are checked by AWS, and not by the function.
        switch != Switch::WrongCredentials && self.function.lock().unwrap().set(switch, on)
    }
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
        grant, target gone           AWSLambda:INVALID_RESPONSE
        revoke, target gone          AWSLambda:INVALID_RESPONSE
        grant, wrong credentials     –
        revoke, wrong credentials    –
        grant, response lost         AWSLambda:INVALID_REPLY, outcome unknown
        grant, lands late            AWSLambda:INVALID_REPLY, outcome unknown
        revoke, response lost        AWSLambda:INVALID_REPLY, outcome unknown
        check                        done
        check, target gone           AWSLambda:INVALID_RESPONSE
        check, wrong credentials     –
    "#]].assert_eq(&table::<World>().await);
}
