//! A fake service with canned responses, for tests of clients.

mod auto_advance_clock;
mod reply;
mod rule;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};
use url::form_urlencoded;

use super::Connection;
use super::transport::{Incoming, Request, Transport, TransportError};
use auto_advance_clock::AutoAdvanceClock;
pub use reply::Reply;
use reply::{CannedResponse, Outcome};
use rule::{Expected, Rule, decode};

/// Second part of the error code of a call that no rule matches.
pub(super) const UNEXPECTED_CALL: &str = "UNEXPECTED_CALL";

/// Default start of the clock, in Unix seconds: a leap day, 2024-02-29.
const START: i64 = 1_709_208_000;

/// A fake service with canned responses, for tests of a client. It uses no network, and waiting takes no time.
///
/// Each rule answers one call by default; of several matching rules, the first that is not used up answers. A call that no rule matches
/// fails with an error that names the nearest rule. [`check`](Self::check) reports such calls and unused rules. A `Replay` that is dropped
/// without a check panics if there is anything to report.
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
/// assert!(replay.elapsed().as_secs() >= 7);
/// replay.check()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Replay {
    script: Arc<Script>,
    clock: Arc<AutoAdvanceClock>,
}

impl Replay {
    /// Creates a fake service without rules.
    pub fn new() -> Self {
        Self::at(Timestamp::from_second(START).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// Creates a fake service without rules whose clock starts at a given time.
    pub fn at(now: Timestamp) -> Self {
        Self { script: Arc::default(), clock: Arc::new(AutoAdvanceClock::at(now)) }
    }

    /// Starts a rule for GET and a path: the path of the base URL and that of the call, not encoded.
    pub fn get(&self, path: impl Into<String>) -> RuleBuilder<'_> {
        self.on("GET", path)
    }

    /// Starts a rule for POST. See [`get`](Self::get).
    pub fn post(&self, path: impl Into<String>) -> RuleBuilder<'_> {
        self.on("POST", path)
    }

    /// Starts a rule for PUT. See [`get`](Self::get).
    pub fn put(&self, path: impl Into<String>) -> RuleBuilder<'_> {
        self.on("PUT", path)
    }

    /// Starts a rule for DELETE. See [`get`](Self::get).
    pub fn delete(&self, path: impl Into<String>) -> RuleBuilder<'_> {
        self.on("DELETE", path)
    }

    /// Starts a rule for a method and a path. See [`get`](Self::get).
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

    /// Returns the connection to pass to a client, which then calls this instead of its service.
    pub fn connection(&self) -> Connection {
        Connection::over(Arc::clone(&self.script) as Arc<dyn Transport>)
            .with_clock(Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// Returns the calls received so far.
    pub fn calls(&self) -> Vec<ReceivedCall> {
        self.script.state().calls.clone()
    }

    /// Returns the time spent waiting for retries and rate limits.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Reports unexpected calls and unused rules, and clears them.
    ///
    /// # Errors
    /// If there are any.
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
    #[expect(clippy::panic, reason = "a test that omits the check must not pass")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Err(error) = self.check() {
            panic!("{}", error.message());
        }
    }
}

/// A call that a [`Replay`] received. Headers are not recorded, because they contain the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedCall {
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path, decoded.
    pub path: String,
    /// The query pairs in order.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl ReceivedCall {
    fn new(request: &Request) -> Self {
        Self {
            method: request.method.to_string(),
            host: request.url.host_str().unwrap_or_default().to_owned(),
            path: decode(request.url.path()),
            query: request.url.query_pairs().into_owned().collect(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
        }
    }

    /// Returns the pairs of the body if it is a form.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

impl fmt::Display for ReceivedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A builder for a rule of a [`Replay`].
#[derive(Debug)]
#[must_use = "a rule has no effect until `reply` is called"]
pub struct RuleBuilder<'a> {
    script: &'a Script,
    rule: Rule,
}

impl RuleBuilder<'_> {
    /// Matches calls with this pair in the query.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.rule.query.push((name.into(), value.to_string()));
        self
    }

    /// Matches calls without pairs of this name in the query.
    pub fn without_query(mut self, name: impl Into<String>) -> Self {
        self.rule.without.push(name.into());
        self
    }

    /// Matches calls with this header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.rule.headers.push((name.into(), value.into()));
        self
    }

    /// Matches calls whose body equals this JSON.
    pub fn json(mut self, body: impl Serialize) -> Self {
        self.rule.body = Some(Expected::Json(serde_json::to_value(body).unwrap_or_default()));
        self
    }

    /// Matches calls with this pair in the form.
    pub fn form(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        let pair = (name.into(), value.to_string());
        match &mut self.rule.body {
            Some(Expected::Form(pairs)) => pairs.push(pair),
            other => *other = Some(Expected::Form(vec![pair])),
        }
        self
    }

    /// Matches calls without a body.
    pub fn without_body(mut self) -> Self {
        self.rule.body = Some(Expected::Empty);
        self
    }

    /// Answers this number of calls. The default is one.
    pub fn times(mut self, calls: usize) -> Self {
        self.rule.left = Some(calls);
        self
    }

    /// Answers any number of calls, but at least one.
    pub fn always(mut self) -> Self {
        self.rule.left = None;
        self
    }

    /// Sets the reply and adds the rule.
    pub fn reply(mut self, reply: Reply) {
        self.rule.reply = reply;
        self.script.state().rules.push(self.rule);
    }
}

/// The rules of a [`Replay`] and the calls it received.
#[derive(Debug, Default)]
struct Script(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    calls: Vec<ReceivedCall>,
    unexpected: Vec<String>,
}

impl Script {
    fn answer(&self, request: &Request) -> Result<Incoming, TransportError> {
        let mut state = self.state();
        let call = ReceivedCall::new(request);
        state.calls.push(call.clone());
        let rule = state.rules.iter_mut().find(|rule| !rule.is_spent() && rule.differences(request).is_empty());
        let Some(rule) = rule else {
            let message = unexpected(&state.rules, &call, request);
            state.unexpected.push(message.clone());
            return Err(TransportError::Unexpected(message));
        };
        rule.answered += 1;
        rule.left = rule.left.map(|left| left.saturating_sub(1));
        match &rule.reply.0 {
            Outcome::Answer(answer) => {
                let CannedResponse { status, headers, body } = answer.clone();
                Ok(Incoming::complete(status, headers, body))
            }
            Outcome::Unreachable => {
                Err(TransportError::Connecting("the replay simulates an unreachable service".into()))
            }
            Outcome::Lost => Err(TransportError::Connected("the replay simulates a lost connection".into())),
            Outcome::TimedOut => Err(TransportError::TimedOut),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Script {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let response = self.answer(&request);
        Box::pin(std::future::ready(response))
    }
}

/// Describes a call that no rule matches: the nearest rule, and how the call differs from it.
fn unexpected(rules: &[Rule], call: &ReceivedCall, request: &Request) -> String {
    let nearest = rules.iter().map(|rule| (rule.differences(request), rule)).min_by_key(|(differences, rule)| {
        // Ties are broken by the similarity of the paths.
        (differences.len(), path_distance(&rule.path, &call.path))
    });
    match nearest {
        None => format!("unexpected call {call}; there are no rules"),
        Some((differences, rule)) if differences.is_empty() => {
            format!("unexpected call {call}; rule `{rule}` is used up")
        }
        Some((differences, rule)) => {
            format!("unexpected call {call}; the nearest rule is `{rule}`: {}", differences.join(", "))
        }
    }
}

/// Returns the number of segments in which two paths differ.
fn path_distance(left: &str, right: &str) -> usize {
    let equal = left.split('/').zip(right.split('/')).filter(|(left, right)| left == right).count();
    left.split('/').count().max(right.split('/').count()) - equal
}
