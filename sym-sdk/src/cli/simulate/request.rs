//! The requests that `simulate` reads: the body of a request to Sym's API, and optionally the source, the decisions and
//! what goes wrong.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value};

use super::scripted_failures::Outcomes;
use crate::error::{Error, Result, codes};
use crate::forms::parse_duration;
use crate::model::{Source, UserId};
use crate::runtime::Actor;
use crate::suggest;

/// The keys of a request.
const KEYS: [&str; 8] =
    ["flow_srn", "flow_inputs", "context", "user_email", "user_id", "decision", "outcomes", "source"];
/// The keys of `outcomes`.
const OUTCOME_KEYS: [&str; 3] = ["grant", "revocation", "undeliverable"];
/// The keys of `decision`.
const DECISION_KEYS: [&str; 4] = ["approve", "deny", "message", "after"];

/// A request, and how it goes.
#[derive(Debug)]
pub(in crate::cli) struct Request {
    pub(super) flow: String,
    pub(super) inputs: Map<String, Value>,
    pub(super) context: Option<Map<String, Value>>,
    pub(super) actor: Actor,
    /// `None` if the request does not name one.
    pub(super) source: Option<Source>,
    /// `None` if the request has no `decision`.
    pub(super) decisions: Option<Vec<Decision>>,
    /// The time between the request and the decisions.
    pub(super) after: Option<Duration>,
    /// The outcomes that are scripted.
    pub(super) outcomes: Outcomes,
}

/// A decision on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) by: String,
    pub(super) message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Verdict {
    Approve,
    Deny,
}

impl Request {
    /// Parses a request. `name` is what error messages call it.
    ///
    /// # Errors
    /// If the request is invalid, with all of its errors in one.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self> {
        let json: Value =
            serde_json::from_str(text).map_err(|error| invalid(format!("{name} is not valid JSON: {error}")))?;
        let Value::Object(body) = json else {
            return Err(invalid(format!("{name} must be a JSON object, got {}", kind_of(&json))));
        };
        let mut reader = Reader::default();
        match reader.request(&body).filter(|_| reader.errors.is_empty()) {
            Some(request) => Ok(request),
            None => Err(combine(name, &reader.errors)),
        }
    }
}

fn invalid(message: String) -> Error {
    Error::invalid(codes::INVALID_EVENT, message)
}

/// Combines errors into one that lists them all.
fn combine(name: &str, errors: &[Error]) -> Error {
    let messages: Vec<_> = errors.iter().map(Error::message).collect();
    let message = match messages.as_slice() {
        [only] => format!("{name}: {only}"),
        several => format!("{name} has {} errors: {}", several.len(), several.join("; ")),
    };
    let hints: Vec<_> = errors.iter().filter_map(Error::hint).collect();
    let error = invalid(message);
    if hints.is_empty() { error } else { error.with_hint(hints.join("; ")) }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A reader of the entries of a request, which collects errors.
#[derive(Default)]
struct Reader {
    errors: Vec<Error>,
}

impl Reader {
    /// Reads a request. `None` only if there are errors.
    fn request(&mut self, body: &Map<String, Value>) -> Option<Request> {
        self.check_keys(body, "a request", &KEYS);
        let flow = self.text(body, "flow_srn");
        let inputs = self.object(body, "flow_inputs");
        for (name, missing) in [("flow_srn", flow.is_none()), ("flow_inputs", inputs.is_none())] {
            if missing && body.get(name).is_none_or(Value::is_null) {
                self.errors.push(invalid(format!("`{name}` is missing")));
            }
        }
        let context = self.object(body, "context");
        let actor = self.actor(body);
        let source = self.text(body, "source").and_then(|name| self.ok(name.parse()));
        let decision = self.object(body, "decision");
        let decisions = decision.as_ref().map(|decision| self.decisions(decision));
        let after = decision.and_then(|decision| self.text(&decision, "after"));
        let after = after.and_then(|after| self.ok(parse_duration(&after)));
        let outcomes = self.object(body, "outcomes").map(|outcomes| self.outcomes(&outcomes)).unwrap_or_default();
        Some(Request { flow: flow?, inputs: inputs?, context, actor: actor?, source, decisions, after, outcomes })
    }

    fn outcomes(&mut self, outcomes: &Map<String, Value>) -> Outcomes {
        self.check_keys(outcomes, "`outcomes`", &OUTCOME_KEYS);
        Outcomes {
            grant: self.parsed(outcomes, "grant"),
            revocation: self.parsed(outcomes, "revocation"),
            undeliverable: self.texts(outcomes, "undeliverable", "a channel or a user, or an array of them"),
        }
    }

    /// Reads a text that is parsed. What is expected is in the error.
    fn parsed<T: FromStr<Err = String>>(&mut self, body: &Map<String, Value>, name: &str) -> Option<T> {
        let text = self.text(body, name)?;
        let parsed = text.parse().map_err(|expected| invalid(format!("`{name}` is `{text}`: {expected}")));
        self.ok(parsed)
    }

    fn actor(&mut self, body: &Map<String, Value>) -> Option<Actor> {
        let email = self.text(body, "user_email");
        let id = self.text(body, "user_id").and_then(|id| self.ok(id.parse::<UserId>()));
        match (email, id) {
            (Some(email), None) => Some(Actor::Email(email)),
            (None, Some(id)) => Some(Actor::Id(id)),
            (Some(_), Some(_)) => {
                self.errors.push(invalid("`user_email` and `user_id` are mutually exclusive".to_owned()));
                None
            }
            (None, None) => {
                if !body.contains_key("user_email") && !body.contains_key("user_id") {
                    let error = invalid("`user_email` is missing".to_owned());
                    self.errors.push(error.with_hint("add the requester, such as \"user_email\": \"ana@example.com\""));
                }
                None
            }
        }
    }

    /// Reads the decisions. Approvals come first, because one denial closes the request.
    fn decisions(&mut self, decision: &Map<String, Value>) -> Vec<Decision> {
        self.check_keys(decision, "`decision`", &DECISION_KEYS);
        let message = self.text(decision, "message");
        let mut decisions = Vec::new();
        for (name, verdict) in [("approve", Verdict::Approve), ("deny", Verdict::Deny)] {
            let people = self.people(decision, name).into_iter();
            decisions.extend(people.map(|by| Decision { verdict, by, message: message.clone() }));
        }
        decisions
    }

    /// Reads one e-mail address, or a list of them.
    fn people(&mut self, decision: &Map<String, Value>, name: &str) -> Vec<String> {
        self.texts(decision, name, "an e-mail address or an array of them")
    }

    /// Reads one text, or a list of them.
    fn texts(&mut self, body: &Map<String, Value>, name: &str, expected: &str) -> Vec<String> {
        match body.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(email)) => vec![email.clone()],
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(other) => {
                self.wrong_type(name, expected, other);
                Vec::new()
            }
        }
    }

    fn check_keys(&mut self, body: &Map<String, Value>, of: &str, known: &[&str]) {
        for key in body.keys().filter(|key| !known.contains(&key.as_str())) {
            let error = invalid(format!("unknown key `{key}` in {of}"));
            self.errors.push(error.with_hint(suggest::hint(key, "keys", known.iter().copied())));
        }
    }

    fn text(&mut self, body: &Map<String, Value>, name: &str) -> Option<String> {
        match body.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => {
                self.wrong_type(name, "a string", other);
                None
            }
        }
    }

    fn object(&mut self, body: &Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
        match body.get(name)? {
            Value::Null => None,
            Value::Object(object) => Some(object.clone()),
            other => {
                self.wrong_type(name, "an object", other);
                None
            }
        }
    }

    fn wrong_type(&mut self, name: &str, expected: &str, got: &Value) {
        self.errors.push(invalid(format!("`{name}` must be {expected}, got {}", kind_of(got))));
    }

    fn ok<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.errors.push(error)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::GrantOutcome;

    fn parse_error(text: &str) -> (String, Option<String>) {
        let error = Request::parse("`r.json`", text).unwrap_err();
        (error.message().to_owned(), error.hint().map(str::to_owned))
    }

    #[test]
    fn accepts_a_request_of_the_api() {
        let body = r#"{"flow_srn": "acme:flow:prod:latest", "flow_inputs": {"n": 1}, "user_email": "ana@example.com"}"#;
        let request = Request::parse("`r.json`", body).unwrap();
        assert_eq!(request.flow, "acme:flow:prod:latest");
        assert_eq!(request.inputs["n"], 1);
        assert!(matches!(request.actor, Actor::Email(email) if email == "ana@example.com"));
        assert_eq!((request.source, request.decisions), (None, None));
    }

    #[test]
    fn accepts_a_source_and_decisions() {
        let body = r#"{"flow_srn": "prod", "flow_inputs": {}, "user_email": "ana@example.com", "source": "api",
            "decision": {"deny": "cy@example.com", "approve": ["ben@example.com"], "message": "fine", "after": "5m"}}"#;
        let request = Request::parse("`r.json`", body).unwrap();
        assert_eq!(request.source, Some(Source::Api));
        assert_eq!(request.after, Some(Duration::from_secs(300)));
        let message = Some("fine".to_owned());
        let approve =
            Decision { verdict: Verdict::Approve, by: "ben@example.com".to_owned(), message: message.clone() };
        let deny = Decision { verdict: Verdict::Deny, by: "cy@example.com".to_owned(), message };
        assert_eq!(request.decisions, Some(vec![approve, deny]));
    }

    #[test]
    fn accepts_outcomes() {
        let body = r##"{"flow_srn": "prod", "flow_inputs": {}, "user_email": "ana@example.com",
            "outcomes": {"grant": "unknown", "revocation": "fails:2", "undeliverable": "#requests"}}"##;
        let outcomes = Request::parse("`r.json`", body).unwrap().outcomes;
        assert_eq!(outcomes.grant, Some(GrantOutcome::Unknown));
        assert_eq!(outcomes.revocation.unwrap().to_string(), "fails:2");
        assert_eq!(outcomes.undeliverable, ["#requests"]);
        let (message, _) = parse_error(
            r#"{"flow_srn": "a", "flow_inputs": {}, "user_email": "a@b.c", "outcomes": {"grant": "fials", "revocation": "fails:0"}}"#,
        );
        assert_eq!(
            message,
            "`r.json` has 2 errors: `grant` is `fials`: expected `fails`, `fails:2` for the first two attempts, `refused`, or \
             `unknown`; `revocation` is `fails:0`: expected `fails`, or `fails:2` for the first two attempts"
        );
    }

    #[test]
    fn locates_syntax_errors() {
        let (message, _) = parse_error("{\n  \"flow_srn\": prod\n}");
        assert_eq!(message, "`r.json` is not valid JSON: expected value at line 2 column 15");
        assert_eq!(parse_error("[]").0, "`r.json` must be a JSON object, got an array");
    }

    #[test]
    fn reports_all_errors_at_once() {
        let (message, hint) =
            parse_error(r#"{"flow_sm": 1, "flow_inputs": [], "source": "irc", "decision": {"aprove": "x"}}"#);
        assert_eq!(
            message,
            "`r.json` has 6 errors: unknown key `flow_sm` in a request; `flow_inputs` must be an object, got an array; \
             `flow_srn` is missing; `user_email` is missing; `irc` is not a request source; \
             unknown key `aprove` in `decision`"
        );
        let hint = hint.unwrap();
        assert!(hint.contains("did you mean `flow_srn`?") && hint.contains("did you mean `approve`?"), "{hint}");
        let (message, _) =
            parse_error(r#"{"flow_srn": "a", "flow_inputs": {}, "user_email": "a@b.c", "user_id": "x"}"#);
        assert!(message.contains("`x`"), "{message}");
    }
}
