//! `http` in the contract of strategies: a function of an organization's own.

use std::sync::{Arc, Mutex};

use expect_test::expect;
use sym_integrations::http::strategy::HttpStrategy;
use sym_integrations::http::{Connection, SecretString};
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::function::Function;
use super::{ContractWorld, Held, Participant, Switch, table};
use crate::http::support::at;

const TOKEN: &str = "tok/en+S3CRET";

struct World {
    function: Arc<Mutex<Function>>,
    strategy: HttpStrategy,
    clock: Arc<VirtualClock>,
    _server: MockServer,
}

impl ContractWorld for World {
    type Strategy = HttpStrategy;

    const NAME: &'static str = "http";

    async fn start() -> Self {
        let (server, function) = (MockServer::start().await, Arc::<Mutex<Function>>::default());
        let answering = function.clone();
        let answer = move |request: &Request| {
            let mut function = answering.lock().unwrap();
            if function.rejects_credentials {
                return ResponseTemplate::new(403);
            }
            if function.is_gone {
                return ResponseTemplate::new(404);
            }
            match function.call(&serde_json::from_slice(&request.body).unwrap()) {
                Some(answer) => ResponseTemplate::new(200).set_body_json(answer),
                None => ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout"),
            }
        };
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let clock = at("2024-02-29T12:00:00Z");
        let strategy = HttpStrategy::builder("vpn", format!("{}/vpn", server.uri()))
            .bearer_token(SecretString::from(TOKEN))
            .connection(Connection::default().with_clock(clock.clone()))
            .build()
            .unwrap();
        Self { function, strategy, clock, _server: server }
    }

    fn strategy(&self) -> &HttpStrategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        AccessTarget::new("acme", "office", "main".parse().unwrap()).with_setting("floor", "7")
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

inventory::submit! { Participant::new::<World>() }

#[tokio::test]
async fn http_keeps_the_contract() {
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
        grant, target gone           HTTP:NOT_FOUND
        revoke, target gone          HTTP:NOT_FOUND
        grant, wrong credentials     HTTP:FORBIDDEN
        revoke, wrong credentials    HTTP:FORBIDDEN
        grant, response lost         HTTP:TIMED_OUT, outcome unknown
        grant, lands late            HTTP:TIMED_OUT, outcome unknown
        revoke, response lost        HTTP:TIMED_OUT, outcome unknown
        check                        done
        check, target gone           done
        check, wrong credentials     done
    "#]].assert_eq(&table::<World>().await);
}
