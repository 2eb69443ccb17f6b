//! A function behind `http` or `aws_lambda`, which grants and revokes access to one target.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sym_integrations::http::Connection;
use sym_sdk::clock::VirtualClock;
use sym_sdk::model::AccessTarget;
use sym_sdk::strategy::AccessStrategy;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{ContractWorld, Held, Switch};
use crate::http::support::at;

/// A strategy that calls a function.
pub(super) trait Caller: 'static {
    type Strategy: AccessStrategy;

    const NAME: &'static str;

    fn strategy(url: &str, connection: Connection) -> Self::Strategy;

    fn target() -> AccessTarget;

    /// Responds to a request, as whatever the function is behind.
    fn respond(function: &mut Function, request: &Request) -> ResponseTemplate;
}

pub(super) struct FunctionWorld<C: Caller> {
    function: Arc<Mutex<Function>>,
    strategy: C::Strategy,
    clock: Arc<VirtualClock>,
    _server: MockServer,
}

impl<C: Caller> ContractWorld for FunctionWorld<C> {
    type Strategy = C::Strategy;

    const NAME: &'static str = C::NAME;

    async fn start() -> Self {
        let (server, function) = (MockServer::start().await, Arc::<Mutex<Function>>::default());
        let (called, clock) = (Arc::clone(&function), at("2024-02-29T12:00:00Z"));
        let respond = move |request: &Request| C::respond(&mut called.lock().unwrap(), request);
        Mock::given(any()).respond_with(respond).mount(&server).await;
        let strategy = C::strategy(&server.uri(), Connection::default().with_clock(clock.clone()));
        Self { function, strategy, clock, _server: server }
    }

    fn strategy(&self) -> &C::Strategy {
        &self.strategy
    }

    fn target(&self) -> AccessTarget {
        C::target()
    }

    fn identity(&self) -> String {
        Self::EMAIL.to_owned()
    }

    async fn held(&self) -> Held {
        self.function.lock().unwrap().held()
    }

    async fn writes(&self) -> usize {
        self.function.lock().unwrap().calls
    }

    async fn set(&mut self, switch: Switch, on: bool) -> bool {
        self.function.lock().unwrap().set(switch, on)
    }

    fn clock(&self) -> Option<Arc<VirtualClock>> {
        Some(self.clock.clone())
    }
}

/// The state of a function that follows the protocol of strategies.
#[derive(Debug, Default)]
pub(super) struct Function {
    has_access: bool,
    is_user_gone: bool,
    pub(super) is_gone: bool,
    pub(super) rejects_credentials: bool,
    responses_lost: bool,
    /// The changes that are still to be made; `None` if they are made immediately.
    late: Option<Vec<bool>>,
    calls: usize,
}

impl Function {
    /// Responds to a call. `None` if the response is lost.
    pub(super) fn call(&mut self, request: &Request) -> Option<Value> {
        let entry: Value = serde_json::from_slice(&request.body).unwrap();
        self.calls += 1;
        let grants = entry["event"]["type"] == "escalate";
        if grants && self.is_user_gone {
            return Some(json!({ "body": {}, "errors": ["no such user"] }));
        }
        match &mut self.late {
            Some(late) => {
                late.push(grants);
                return None;
            }
            None => self.has_access = grants,
        }
        (!self.responses_lost).then(|| json!({ "body": { "user": entry["identity"] }, "errors": [] }))
    }

    fn held(&self) -> Held {
        if self.has_access { Held::Access } else { Held::Nothing }
    }

    fn set(&mut self, switch: Switch, on: bool) -> bool {
        match switch {
            Switch::Standing => self.has_access = on,
            Switch::UserGone => (self.is_user_gone, self.has_access) = (on, false),
            Switch::TargetGone => self.is_gone = on,
            Switch::WrongCredentials => self.rejects_credentials = on,
            Switch::ResponsesLost => self.responses_lost = on,
            Switch::ChangesLate if on => self.late = Some(Vec::new()),
            Switch::ChangesLate => {
                for grants in self.late.take().unwrap_or_default() {
                    self.has_access = grants;
                }
            }
            _ => return false,
        }
        true
    }
}
