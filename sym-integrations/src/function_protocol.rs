//! How a strategy asks a function of the user's own, whatever calls it: Lambda or HTTP.
//!
//! The function is sent [`AccessRequest::to_json`](sym_sdk::strategy::AccessRequest::to_json), and answers with
//! `{"body": {…}, "errors": ["…"]}`.

use serde_json::{Map, Value};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::StepOutput;
use sym_sdk::strategy::Escalation;

/// What is read of a function's answer, in bytes: it is kept with the Run.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// How many of the errors in an answer are told to people, and how much of each, in characters. The step's output has all.
const ERRORS_TOLD: (usize, usize) = (20, 500);

/// What a function answered.
#[derive(Debug)]
pub(crate) struct FunctionResponse {
    reply: Map<String, Value>,
    errors: Vec<String>,
}

impl FunctionResponse {
    /// Reads an answer. Both members have to be there: an answer that only looks like one may come from something else that
    /// answered in the function's place, and to take it for a yes would be to believe in a grant, or the end of one, that never
    /// was.
    ///
    /// # Errors
    /// What is wrong with it. Nothing of the answer is quoted.
    pub(crate) fn read(answer: Value) -> Result<Self, &'static str> {
        let Value::Object(reply) = answer else {
            return Err("expected an object with `body` and `errors`");
        };
        let errors = match reply.get("errors") {
            Some(Value::Array(errors)) => errors.iter().take(ERRORS_TOLD.0).map(text).collect::<Vec<_>>(),
            Some(_) => return Err("`errors` is not a list"),
            None => return Err("`errors` is missing"),
        };
        if errors.is_empty() && !reply.contains_key("body") {
            return Err("`body` is missing");
        }
        Ok(Self { reply, errors })
    }

    /// What came of a grant.
    pub(crate) fn into_escalation(self) -> Escalation {
        let Self { reply, errors } = self;
        let came = if errors.is_empty() { Escalation::granted() } else { Escalation::rejected(errors) };
        came.with_output(StepOutput(Value::Object(reply)))
    }

    /// What a revocation leaves behind; an error if it reports any. `function` is its name, for people.
    pub(crate) fn into_revocation(self, function: &str) -> Result<Option<StepOutput>> {
        if self.errors.is_empty() {
            return Ok(Some(StepOutput(Value::Object(self.reply))));
        }
        let message = format!("`{function}` did not take the access away: {}", self.errors.join("; "));
        Err(Error::new(ErrorKind::Strategy, codes::STRATEGY_REPORTED_ERRORS, message))
    }
}

/// An error as people read it. One that is not text is still an error.
fn text(error: &Value) -> String {
    let text = match error {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(ERRORS_TOLD.1).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_decide_and_the_whole_reply_is_the_output() {
        let reply = json!({ "body": { "user": "u1" }, "errors": [], "more": 1 });
        let granted = FunctionResponse::read(reply.clone()).unwrap().into_escalation();
        assert_eq!(granted, Escalation::granted().with_output(StepOutput(reply.clone())));
        let revoked = FunctionResponse::read(reply.clone()).unwrap().into_revocation("f").unwrap();
        assert_eq!(revoked, Some(StepOutput(reply)));

        let reply = json!({ "errors": ["no room", { "code": 7 }] });
        let errors = ["no room".to_owned(), r#"{"code":7}"#.to_owned()];
        let rejected = FunctionResponse::read(reply.clone()).unwrap().into_escalation();
        assert_eq!(rejected, Escalation::rejected(errors).with_output(StepOutput(reply.clone())));
        let error = FunctionResponse::read(reply).unwrap().into_revocation("f").unwrap_err();
        assert_eq!(*error.code(), codes::STRATEGY_REPORTED_ERRORS);
        assert_eq!(error.message(), r#"`f` did not take the access away: no room; {"code":7}"#);
    }

    #[test]
    fn errors_are_not_told_without_end() {
        let reply = json!({ "errors": vec!["é".repeat(1_000); 100] });
        let error = FunctionResponse::read(reply).unwrap().into_revocation("f").unwrap_err();
        assert_eq!(error.message().matches('é').count(), 20 * 500);
    }

    #[test]
    fn what_is_no_reply_is_no_yes() {
        for answer in [
            json!(null),
            json!([]),
            json!("ok"),
            json!({}),
            json!({ "body": {} }),
            json!({ "errors": [] }),
            json!({ "body": {}, "errors": null }),
            json!({ "body": {}, "errors": "none" }),
            json!({ "body": {}, "Errors": [] }),
            json!({ "statusCode": 200, "body": "{\"errors\":[]}" }),
        ] {
            assert!(FunctionResponse::read(answer.clone()).is_err(), "{answer}");
        }
    }
}
