//! A service of canned answers.

mod clock;
mod reply;
mod rule;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};
use url::form_urlencoded;

use super::Connection;
use super::transport::{Broken, Request};
use clock::Leaping;
pub(super) use reply::Canned;
use reply::Outcome;
pub use reply::Reply;
use rule::{Expected, Rule, decode};

/// The second part of the error code of a call that no rule is for.
pub(super) const UNEXPECTED_CALL: &str = "UNEXPECTED_CALL";

/// When time begins unless told otherwise: on a day that a month has only every four years.
const START: i64 = 1_709_208_000;

/// A service that gives canned answers, for tests of what calls it. There is no network, and no wait takes time.
///
/// Each rule answers one call unless told otherwise; of several that match, the first that is not used up. A call that no rule is for
/// fails, with the nearest rule in the error. [`check`](Self::check) reports those calls, and the rules that were not used; where
/// it is left out, the `Replay` does so when it is dropped, by a panic.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::{Value, json};
/// use sym_integrations::http::{Auth, BaseUrl, Client, SecretString};
/// use sym_integrations::testing::{Replay, Reply};
/// # struct Weather;
/// # impl sym_integrations::http::Service for Weather {
/// #     fn name(&self) -> &'static str {
/// #         "weather"
/// #     }
/// #     fn error_type(&self) -> &'static str {
/// #         "Weather"
/// #     }
/// # }
///
/// let replay = Replay::new();
/// replay.get("/v1/stations/s1").reply(Reply::status(429).header("retry-after", "7"));
/// replay.get("/v1/stations/s1").reply(Reply::json(json!({ "name": "Sonnblick" })));
///
/// let base = BaseUrl::of_host("api.example.com", "v1")?;
/// let auth = Auth::bearer(SecretString::from("k3y"));
/// let client = Client::builder(Weather, base).auth(auth).connection(replay.connection()).build()?;
/// let station: Value = client.get("stations/{station}", &["s1"]).await?.json()?;
///
/// assert_eq!(station["name"], "Sonnblick");
/// assert!(replay.waited().as_secs() >= 7);
/// replay.check()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Replay {
    script: Arc<Script>,
    clock: Arc<Leaping>,
}

impl Replay {
    /// A service that expects no call yet.
    pub fn new() -> Self {
        Self::at(Timestamp::from_second(START).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The same, at a time.
    pub fn at(now: Timestamp) -> Self {
        Self { script: Arc::default(), clock: Arc::new(Leaping::at(now)) }
    }

    /// Begins a rule for GET and a path, which is that of the base URL and of the call, not encoded.
    pub fn get(&self, path: impl Into<String>) -> RuleBuilder<'_> {
        self.on("GET", path)
    }

    /// Begins a rule for POST. See [`get`](Self::get).
    pub fn post(&self, path: impl Into<String>) -> RuleBuilder<'_> {
        self.on("POST", path)
    }

    /// Begins a rule for PUT. See [`get`](Self::get).
    pub fn put(&self, path: impl Into<String>) -> RuleBuilder<'_> {
        self.on("PUT", path)
    }

    /// Begins a rule for DELETE. See [`get`](Self::get).
    pub fn delete(&self, path: impl Into<String>) -> RuleBuilder<'_> {
        self.on("DELETE", path)
    }

    /// Begins a rule for a method and a path. See [`get`](Self::get).
    pub fn on(&self, method: &'static str, path: impl Into<String>) -> RuleBuilder<'_> {
        let rule = Rule {
            method,
            path: path.into(),
            query: Vec::new(),
            without: Vec::new(),
            headers: Vec::new(),
            body: None,
            reply: Reply::status(200),
            left: Some(1),
            answered: 0,
        };
        RuleBuilder { script: &self.script, rule }
    }

    /// What a client takes to call this instead of its service.
    pub fn connection(&self) -> Connection {
        Connection::replay(Arc::clone(&self.script), Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<ReceivedCall> {
        self.script.state().calls.clone()
    }

    /// How long was waited before further tries and for the turn of calls.
    pub fn waited(&self) -> Duration {
        self.clock.passed()
    }

    /// Reports the calls that were not expected, and the rules that were not used. What is reported is forgotten.
    pub fn check(&self) -> Result<()> {
        let mut state = self.script.state();
        let unused: Vec<String> =
            state.rules.iter().filter(|rule| rule.is_unused()).map(|rule| format!("not called: {rule}")).collect();
        let faults: Vec<String> = state.unexpected.drain(..).chain(unused).collect();
        state.rules.clear();
        if faults.is_empty() {
            return Ok(());
        }
        let code = ErrorCode::new("HTTP", UNEXPECTED_CALL);
        Err(Error::new(ErrorKind::Internal, code, faults.join("; ")))
    }
}

impl Default for Replay {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Replay {
    #[expect(clippy::panic, reason = "a test that forgot to check must not pass")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Err(error) = self.check() {
            panic!("{}", error.message());
        }
    }
}

/// A call that a [`Replay`] received. It has none of the headers, which hold the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedCall {
    /// The method.
    pub method: String,
    /// The path, not encoded.
    pub path: String,
    /// The query, in its order.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl ReceivedCall {
    fn new(request: &Request) -> Self {
        Self {
            method: request.method.to_string(),
            path: decode(request.url.path()),
            query: request.url.query_pairs().into_owned().collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        }
    }

    /// The pairs of the body, if it is a form.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

impl fmt::Display for ReceivedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A rule of a [`Replay`] in the making.
#[derive(Debug)]
#[must_use = "a rule is one when it has its reply"]
pub struct RuleBuilder<'a> {
    script: &'a Script,
    rule: Rule,
}

impl RuleBuilder<'_> {
    /// Wants this pair in the query. There may be others.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.rule.query.push((name.into(), value.to_string()));
        self
    }

    /// Wants nothing of this name in the query.
    pub fn without_query(mut self, name: impl Into<String>) -> Self {
        self.rule.without.push(name.into());
        self
    }

    /// Wants this header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.rule.headers.push((name.into(), value.into()));
        self
    }

    /// Wants a body that is this JSON.
    pub fn json(mut self, body: impl Serialize) -> Self {
        self.rule.body = Some(Expected::Json(serde_json::to_value(body).unwrap_or_default()));
        self
    }

    /// Wants this pair in the form. There may be others.
    pub fn form(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        let pair = (name.into(), value.to_string());
        match &mut self.rule.body {
            Some(Expected::Form(pairs)) => pairs.push(pair),
            other => *other = Some(Expected::Form(vec![pair])),
        }
        self
    }

    /// Wants no body.
    pub fn without_body(mut self) -> Self {
        self.rule.body = Some(Expected::Empty);
        self
    }

    /// Answers so many calls. Unless told, one.
    pub fn times(mut self, calls: usize) -> Self {
        self.rule.left = Some(calls);
        self
    }

    /// Answers any number of calls, and at least one.
    pub fn always(mut self) -> Self {
        self.rule.left = None;
        self
    }

    /// Completes the rule.
    pub fn reply(mut self, reply: Reply) {
        self.rule.reply = reply;
        self.script.state().rules.push(self.rule);
    }
}

/// The rules of a [`Replay`], and what came of them.
#[derive(Debug, Default)]
pub(in crate::http) struct Script(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    calls: Vec<ReceivedCall>,
    unexpected: Vec<String>,
}

impl Script {
    pub(in crate::http) fn answer(&self, request: &Request) -> Result<Canned, Broken> {
        let mut state = self.state();
        let call = ReceivedCall::new(request);
        state.calls.push(call.clone());
        let rule = state.rules.iter_mut().find(|rule| !rule.is_spent() && rule.differences(request).is_empty());
        let Some(rule) = rule else {
            let message = unexpected(&state.rules, &call, request);
            state.unexpected.push(message.clone());
            return Err(Broken::Unexpected(message));
        };
        rule.answered += 1;
        rule.left = rule.left.map(|left| left.saturating_sub(1));
        match &rule.reply.0 {
            Outcome::Answer(answer) => Ok(answer.clone()),
            Outcome::Unreachable => Err(Broken::Connecting("the replay has it unreachable".into())),
            Outcome::Lost => Err(Broken::Connected("the replay has the connection break".into())),
            Outcome::TimedOut => Err(Broken::TimedOut),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is said of a call that no rule is for: which is the nearest, and where they differ.
fn unexpected(rules: &[Rule], call: &ReceivedCall, request: &Request) -> String {
    let nearest = rules.iter().map(|rule| (rule.differences(request), rule)).min_by_key(|(differences, rule)| {
        // Of two that differ in as many things, the one whose path is more alike.
        (differences.len(), strangeness(&rule.path, &call.path))
    });
    match nearest {
        None => format!("unexpected call {call}; there are no rules"),
        Some((differences, rule)) if differences.is_empty() => {
            format!("unexpected call {call}; rule `{rule}` has answered all the calls that it was made for")
        }
        Some((differences, rule)) => {
            format!("unexpected call {call}; the nearest rule is `{rule}`: {}", differences.join(", "))
        }
    }
}

/// How many segments two paths do not share.
fn strangeness(left: &str, right: &str) -> usize {
    let alike = left.split('/').zip(right.split('/')).filter(|(left, right)| left == right).count();
    left.split('/').count().max(right.split('/').count()) - alike
}
