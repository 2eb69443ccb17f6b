//! `http` in the contract of strategies: a function of an organization's own.

use expect_test::expect;
use sym_integrations::http::strategy::HttpStrategy;
use sym_integrations::http::{Connection, SecretString};
use sym_sdk::model::AccessTarget;
use wiremock::{Request, ResponseTemplate};

use super::function::{Caller, Function, FunctionWorld};
use super::{Participant, table};

const TOKEN: &str = "tok/en+S3CRET";

struct Http;

impl Caller for Http {
    type Strategy = HttpStrategy;

    const NAME: &'static str = "http";

    fn strategy(url: &str, connection: Connection) -> HttpStrategy {
        let builder = HttpStrategy::builder("vpn", format!("{url}/vpn")).bearer_token(SecretString::from(TOKEN));
        builder.connection(connection).build().unwrap()
    }

    fn target() -> AccessTarget {
        AccessTarget::new("acme", "office", "main".parse().unwrap()).with_setting("floor", "7")
    }

    fn respond(function: &mut Function, request: &Request) -> ResponseTemplate {
        if function.rejects_credentials {
            return ResponseTemplate::new(403);
        }
        if function.is_gone {
            return ResponseTemplate::new(404);
        }
        match function.call(request) {
            Some(answer) => ResponseTemplate::new(200).set_body_json(answer),
            None => ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout"),
        }
    }
}

inventory::submit! { Participant::new::<FunctionWorld<Http>>() }

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
        grant, less unrecorded       –
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
    "#]].assert_eq(&table::<FunctionWorld<Http>>().await);
}
