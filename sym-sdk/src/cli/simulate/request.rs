//! The request that a simulation runs: the body of Sym's API, and what is to become of it.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{Error, Result, codes};
use crate::forms::parse_duration;
use crate::model::{Source, UserId};
use crate::runtime::Actor;
use crate::suggest;

/// What a request is made of.
const KEYS: [&str; 7] = ["flow_srn", "flow_inputs", "context", "user_email", "user_id", "decision", "source"];
/// What is to become of it.
const DECISION_KEYS: [&str; 4] = ["approve", "deny", "message", "after"];

/// A request, and what is to become of it.
#[derive(Debug)]
pub(in crate::cli) struct Request {
    pub(super) flow: String,
    pub(super) inputs: Map<String, Value>,
    pub(super) context: Option<Map<String, Value>>,
    pub(super) actor: Actor,
    /// None if the request does not say.
    pub(super) source: Option<Source>,
    /// None if the request does not say.
    pub(super) decisions: Option<Vec<Decision>>,
    /// How long it waits for them; none if the request does not say.
    pub(super) after: Option<Duration>,
}

/// What somebody does about a request.
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
    /// Parses a request. `name` is what messages call it. Several faults are one error.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self> {
        let json: Value =
            serde_json::from_str(text).map_err(|error| invalid(format!("{name} is not JSON: {error}")))?;
        let Value::Object(body) = json else {
            return Err(invalid(format!("{name} must be a JSON object, got {}", kind_of(&json))));
        };
        let mut reader = Reader::default();
        match reader.request(&body).filter(|_| reader.faults.is_empty()) {
            Some(request) => Ok(request),
            None => Err(all(name, &reader.faults)),
        }
    }
}

fn invalid(message: String) -> Error {
    Error::invalid(codes::INVALID_EVENT, message)
}

/// One fault is reported as itself; several as one error that lists them.
fn all(name: &str, faults: &[Error]) -> Error {
    let messages: Vec<_> = faults.iter().map(Error::message).collect();
    let message = match messages.as_slice() {
        [only] => format!("{name}: {only}"),
        several => format!("{name} has {} faults: {}", several.len(), several.join("; ")),
    };
    let hints: Vec<_> = faults.iter().filter_map(Error::hint).collect();
    let error = invalid(message);
    if hints.is_empty() { error } else { error.with_hint(hints.join("; ")) }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Reads the entries of a request, and notes what is wrong with them.
#[derive(Default)]
struct Reader {
    faults: Vec<Error>,
}

impl Reader {
    /// None only if there are faults.
    fn request(&mut self, body: &Map<String, Value>) -> Option<Request> {
        self.check_keys(body, "a request", &KEYS);
        let flow = self.text(body, "flow_srn");
        let inputs = self.object(body, "flow_inputs");
        for (name, missing) in [("flow_srn", flow.is_none()), ("flow_inputs", inputs.is_none())] {
            if missing && body.get(name).is_none_or(Value::is_null) {
                self.faults.push(invalid(format!("`{name}` is missing")));
            }
        }
        let context = self.object(body, "context");
        let actor = self.actor(body);
        let source = self.text(body, "source").and_then(|name| self.keep(name.parse()));
        let decision = self.object(body, "decision");
        let decisions = decision.as_ref().map(|decision| self.decisions(decision));
        let after = decision.and_then(|decision| self.text(&decision, "after"));
        let after = after.and_then(|after| self.keep(parse_duration(&after)));
        Some(Request { flow: flow?, inputs: inputs?, context, actor: actor?, source, decisions, after })
    }

    fn actor(&mut self, body: &Map<String, Value>) -> Option<Actor> {
        let email = self.text(body, "user_email");
        let id = self.text(body, "user_id").and_then(|id| self.keep(id.parse::<UserId>()));
        match (email, id) {
            (Some(email), None) => Some(Actor::Email(email)),
            (None, Some(id)) => Some(Actor::Id(id)),
            (Some(_), Some(_)) => {
                self.faults.push(invalid("there are both `user_email` and `user_id`".to_owned()));
                None
            }
            (None, None) => {
                if !body.contains_key("user_email") && !body.contains_key("user_id") {
                    let error = invalid("nobody asks".to_owned());
                    self.faults.push(error.with_hint("add `user_email`, such as \"ana@example.com\""));
                }
                None
            }
        }
    }

    /// Approvals come before denials: one denial ends it.
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

    /// One e-mail address, or a list of them.
    fn people(&mut self, decision: &Map<String, Value>, name: &str) -> Vec<String> {
        match decision.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(email)) => vec![email.clone()],
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(other) => {
                self.wrong(name, "an e-mail address or a list of them", other);
                Vec::new()
            }
        }
    }

    fn check_keys(&mut self, body: &Map<String, Value>, of: &str, known: &[&str]) {
        for key in body.keys().filter(|key| !known.contains(&key.as_str())) {
            let error = invalid(format!("`{key}` is not a key of {of}"));
            self.faults.push(error.with_hint(suggest::hint(key, "keys", known.iter().copied())));
        }
    }

    fn text(&mut self, body: &Map<String, Value>, name: &str) -> Option<String> {
        match body.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => {
                self.wrong(name, "text", other);
                None
            }
        }
    }

    fn object(&mut self, body: &Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
        match body.get(name)? {
            Value::Null => None,
            Value::Object(object) => Some(object.clone()),
            other => {
                self.wrong(name, "an object", other);
                None
            }
        }
    }

    fn wrong(&mut self, name: &str, expected: &str, got: &Value) {
        self.faults.push(invalid(format!("`{name}` must be {expected}, got {}", kind_of(got))));
    }

    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, Option<String>) {
        let error = Request::parse("`r.json`", text).unwrap_err();
        (error.message().to_owned(), error.hint().map(str::to_owned))
    }

    #[test]
    fn a_request_of_the_api_is_enough() {
        let body = r#"{"flow_srn": "acme:flow:prod:latest", "flow_inputs": {"n": 1}, "user_email": "ana@example.com"}"#;
        let request = Request::parse("`r.json`", body).unwrap();
        assert_eq!(request.flow, "acme:flow:prod:latest");
        assert_eq!(request.inputs["n"], 1);
        assert!(matches!(request.actor, Actor::Email(email) if email == "ana@example.com"));
        assert_eq!((request.source, request.decisions), (None, None));
    }

    #[test]
    fn it_may_say_what_becomes_of_it() {
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
    fn what_is_no_json_has_a_place() {
        let (message, _) = fault("{\n  \"flow_srn\": prod\n}");
        assert_eq!(message, "`r.json` is not JSON: expected value at line 2 column 15");
        assert_eq!(fault("[]").0, "`r.json` must be a JSON object, got a list");
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let (message, hint) =
            fault(r#"{"flow_sm": 1, "flow_inputs": [], "source": "irc", "decision": {"aprove": "x"}}"#);
        assert_eq!(
            message,
            "`r.json` has 6 faults: `flow_sm` is not a key of a request; `flow_inputs` must be an object, got a list; \
             `flow_srn` is missing; nobody asks; `irc` is not a source of requests; `aprove` is not a key of `decision`"
        );
        let hint = hint.unwrap();
        assert!(hint.contains("did you mean `flow_srn`?") && hint.contains("did you mean `approve`?"), "{hint}");
        let (message, _) = fault(r#"{"flow_srn": "a", "flow_inputs": {}, "user_email": "a@b.c", "user_id": "x"}"#);
        assert!(message.contains("`x`"), "{message}");
    }
}
