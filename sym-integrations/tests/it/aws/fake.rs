//! Services of AWS on a local server: operations over a state.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};
use sym_integrations::aws::{PermissionContext, PermissionContextBuilder};
use sym_integrations::http::BaseUrl;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::support::{keys, region};
use crate::contract::Switch;

/// An operation, with its arguments: those of a form as texts.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// The service and the region that the signature names, such as `iam/us-east-1`.
    pub(crate) scope: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

impl Operation {
    fn of(request: &Request) -> Self {
        let authorization = request.headers["authorization"].to_str().unwrap();
        let scope: Vec<_> = authorization.split("Credential=").nth(1).unwrap().split('/').collect();
        let scope = format!("{}/{}", scope[3], scope[2]);
        match request.headers.get("x-amz-target") {
            Some(target) => Self {
                scope,
                name: target.to_str().unwrap().rsplit('.').next().unwrap().to_owned(),
                arguments: serde_json::from_slice(&request.body).unwrap(),
            },
            None => {
                let mut form = request.url.clone();
                form.set_query(Some(std::str::from_utf8(&request.body).unwrap()));
                let arguments: Map<String, Value> = form
                    .query_pairs()
                    .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
                    .collect();
                Self { scope, name: arguments["Action"].as_str().unwrap().to_owned(), arguments: arguments.into() }
            }
        }
    }

    pub(crate) fn text(&self, argument: &str) -> &str {
        self.arguments[argument].as_str().unwrap_or_default()
    }
}

#[allow(dead_code, reason = "which are used depends on the services")]
pub(crate) enum Answer {
    Json(Value),
    /// The content of the result element.
    Xml(String),
    Failure(u16, &'static str, String),
    Response(Box<ResponseTemplate>),
}

type Handler<S> = dyn Fn(&mut S, &Operation) -> Answer + Send + Sync;

/// Faults of all operations, or of those that change something.
#[derive(Default)]
pub(crate) struct Habits {
    /// Changes are made, and their responses are lost.
    pub(crate) responses_lost: bool,
    /// Changes are made later, and their responses are lost.
    pub(crate) late: Option<Vec<Operation>>,
    /// Somebody else undoes each change.
    pub(crate) put_back: bool,
    pub(crate) wrong_credentials: bool,
    /// The number of changes that were asked for.
    pub(crate) writes: usize,
}

/// A server whose operations a function answers from a state.
pub(crate) struct FakeAws<S> {
    state: Arc<Mutex<S>>,
    calls: Arc<Mutex<Vec<Operation>>>,
    /// Answers by name of the operation, each for one call, which come before those of the state.
    once: Arc<Mutex<Vec<(&'static str, ResponseTemplate)>>>,
    habits: Arc<Mutex<Habits>>,
    handler: Arc<Handler<S>>,
    server: Arc<MockServer>,
}

impl<S> Clone for FakeAws<S> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            calls: self.calls.clone(),
            once: self.once.clone(),
            habits: self.habits.clone(),
            handler: self.handler.clone(),
            server: self.server.clone(),
        }
    }
}

struct Responder<S>(FakeAws<S>);

impl<S: Clone + Send + 'static> FakeAws<S> {
    pub(crate) async fn start(
        state: S,
        handler: impl Fn(&mut S, &Operation) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let server = Arc::new(MockServer::start().await);
        let (calls, once, habits) = (Arc::default(), Arc::default(), Arc::default());
        let fake = Self { state: Arc::new(Mutex::new(state)), calls, once, habits, handler: Arc::new(handler), server };
        Mock::given(any()).respond_with(Responder(fake.clone())).mount(&fake.server).await;
        fake
    }

    pub(crate) fn habits(&self) -> MutexGuard<'_, Habits> {
        self.habits.lock().unwrap()
    }

    /// Makes the changes that were put off.
    pub(crate) fn land_late_changes(&self) {
        for operation in self.habits().late.take().unwrap_or_default() {
            (self.handler)(&mut self.state(), &operation);
        }
    }

    fn answer(&self, operation: &Operation) -> Answer {
        let is_write = ["Add", "Remove", "Create", "Delete"].iter().any(|verb| operation.name.starts_with(verb));
        let mut habits = self.habits();
        habits.writes += usize::from(is_write);
        if habits.wrong_credentials {
            return Answer::Failure(403, "InvalidClientTokenId", "the security token is invalid".to_owned());
        }
        let mut state = self.state();
        if !is_write {
            return (self.handler)(&mut state, operation);
        }
        let lost = Answer::Response(Box::new(ResponseTemplate::new(504)));
        if let Some(late) = &mut habits.late {
            late.push(operation.clone());
            return lost;
        }
        let before = state.clone();
        let answer = (self.handler)(&mut state, operation);
        if habits.put_back {
            *state = before;
        }
        if habits.responses_lost { lost } else { answer }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, S> {
        self.state.lock().unwrap()
    }

    /// Answers the next call of an operation in this way.
    pub(crate) fn once(&self, operation: &'static str, response: ResponseTemplate) {
        self.once.lock().unwrap().push((operation, response));
    }

    /// The names of the operations since the last time.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.operations().into_iter().map(|call| call.name).collect()
    }

    /// The operations since the last time.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub(crate) fn context_builder(&self) -> PermissionContextBuilder {
        PermissionContext::builder(region()).credentials(keys()).base_url(self.base_url())
    }

    pub(crate) fn base_url(&self) -> BaseUrl {
        BaseUrl::parse(&self.server.uri()).unwrap()
    }

    pub(crate) fn context(&self) -> PermissionContext {
        self.context_builder().build().unwrap()
    }
}

impl<S: Clone + Send + 'static> Respond for Responder<S> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let operation = Operation::of(request);
        self.0.calls.lock().unwrap().push(operation.clone());
        let mut once = self.0.once.lock().unwrap();
        if let Some(index) = once.iter().position(|(name, _)| *name == operation.name) {
            return once.remove(index).1;
        }
        match self.0.answer(&operation) {
            Answer::Json(body) => ResponseTemplate::new(200).set_body_raw(body.to_string(), "application/x-amz-json-1.1"),
            Answer::Xml(content) => xml(&operation.name, &content),
            Answer::Failure(status, code, message) => match request.headers.get("x-amz-target") {
                Some(_) => json_failure(status, code, &message),
                None => xml_failure(status, code, &message),
            },
            Answer::Response(response) => *response,
        }
        .insert_header("x-amzn-requestid", "r-1")
    }
}

pub(crate) fn xml(operation: &str, content: &str) -> ResponseTemplate {
    let body = format!(
        "<{operation}Response xmlns=\"https://example.com/\"><{operation}Result>{content}</{operation}Result>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{operation}Response>"
    );
    ResponseTemplate::new(200).set_body_raw(body, "text/xml")
}

pub(crate) fn xml_failure(status: u16, code: &str, message: &str) -> ResponseTemplate {
    let body = format!(
        "<ErrorResponse xmlns=\"https://example.com/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    );
    ResponseTemplate::new(status).set_body_raw(body, "text/xml")
}

pub(crate) fn json_failure(status: u16, code: &str, message: &str) -> ResponseTemplate {
    let body = json!({ "__type": code, "Message": message }).to_string();
    ResponseTemplate::new(status).set_body_raw(body, "application/x-amz-json-1.1")
}

/// Sets a fault that all services of AWS can have. Returns whether the switch is one.
pub(crate) fn set_habit<S: Clone + Send + 'static>(fake: &FakeAws<S>, switch: Switch, on: bool) -> bool {
    match switch {
        Switch::ResponsesLost => fake.habits().responses_lost = on,
        Switch::ChangesLate if on => fake.habits().late = Some(Vec::new()),
        Switch::ChangesLate => fake.land_late_changes(),
        Switch::PutBack => fake.habits().put_back = on,
        Switch::WrongCredentials => fake.habits().wrong_credentials = on,
        _ => return false,
    }
    true
}
