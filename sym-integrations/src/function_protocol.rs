//! The protocol between a strategy and a function that a user writes, whether it is invoked by Lambda or by HTTP.
//!
//! The function is sent [`AccessRequest::to_json`](sym_sdk::strategy::AccessRequest::to_json), and returns
//! `{"body": {…}, "errors": ["…"]}`. A response counts as success only if it has both members: one that merely resembles it may come from
//! something else on the way, such as a proxy, and would make the runtime believe in a grant or a revocation that never happened.

use serde_json::{Map, Value};
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::model::StepOutput;
use sym_sdk::strategy::GrantResult;

/// The maximum size of a response in bytes. It is stored with the Run.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// The maximum number of errors that messages show. The step's output has all of them.
const MAX_ERRORS: usize = 20;

/// The maximum length of an error in messages, in characters.
const MAX_ERROR_CHARS: usize = 500;

/// The response of a function.
#[derive(Debug)]
pub(crate) struct FunctionResponse {
    members: Map<String, Value>,
    errors: Vec<String>,
}

impl FunctionResponse {
    /// Parses a response.
    pub(crate) fn parse(response: Value) -> Result<Self, ProtocolError> {
        let members = match response {
            Value::Object(members) => members,
            Value::String(text) if is_encoded_object(&text) => return Err(ProtocolError::ENCODED_TWICE),
            _ => return Err(ProtocolError::new("expected an object with `body` and `errors`")),
        };
        let errors = match members.get("errors") {
            Some(Value::Array(errors)) => errors.iter().take(MAX_ERRORS).map(error_text).collect::<Vec<_>>(),
            Some(_) => return Err(ProtocolError::new("`errors` is not a list")),
            None if members.contains_key("statusCode") => return Err(ProtocolError::HTTP_RESPONSE),
            None => return Err(ProtocolError::new("`errors` is missing")),
        };
        if errors.is_empty() && !members.contains_key("body") {
            return Err(ProtocolError::new("`body` is missing"));
        }
        Ok(Self { members, errors })
    }

    /// Converts the response to a grant into its result.
    pub(crate) fn into_grant_result(self) -> GrantResult {
        let Self { members, errors } = self;
        let result = if errors.is_empty() { GrantResult::granted() } else { GrantResult::rejected(errors) };
        result.with_output(StepOutput(Value::Object(members)))
    }

    /// Converts the response to a revocation into its output.
    ///
    /// # Errors
    /// `AccessStrategy:REPORTED_ERRORS` if it has errors. `function` is its name in the message.
    pub(crate) fn into_revocation(self, function: &str) -> Result<Option<StepOutput>> {
        match self.reported_errors(function, "revoke") {
            Some(error) => Err(error),
            None => Ok(Some(StepOutput(Value::Object(self.members)))),
        }
    }

    /// Returns the errors in the response, if there are any, as that of a function that was to grant or revoke.
    pub(crate) fn reported_errors(&self, function: &str, step: &str) -> Option<Error> {
        let errors = (!self.errors.is_empty()).then(|| self.errors.join("; "))?;
        let message = format!("`{function}` did not {step} the access: {errors}");
        Some(Error::new(ErrorKind::Strategy, codes::STRATEGY_REPORTED_ERRORS, message))
    }
}

/// The reason why a response does not follow the protocol, and what the author of the function can do about it. It quotes nothing of the
/// response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolError {
    pub(crate) problem: &'static str,
    pub(crate) hint: &'static str,
}

impl ProtocolError {
    const ENCODED_TWICE: Self = Self {
        problem: "the response is a text that contains JSON",
        hint: "return the object itself instead of the JSON text that encodes it, for example without `json.dumps`",
    };

    const HTTP_RESPONSE: Self = Self {
        problem: "the response is one for API Gateway, with `statusCode`",
        hint: r#"return `{"body": {…}, "errors": []}` itself, without `statusCode` and not as JSON text in `body`"#,
    };

    const fn new(problem: &'static str) -> Self {
        Self { problem, hint: r#"return `{"body": {…}, "errors": []}`"# }
    }
}

fn is_encoded_object(text: &str) -> bool {
    matches!(serde_json::from_str(text), Ok(Value::Object(_) | Value::String(_)))
}

/// Returns an error as text. An error that is not text is still an error.
fn error_text(error: &Value) -> String {
    let text = match error {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(MAX_ERROR_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_whole_response_is_the_output() {
        let response = json!({ "body": { "user": "u1" }, "errors": [], "more": 1 });
        let granted = FunctionResponse::parse(response.clone()).unwrap().into_grant_result();
        assert_eq!(granted, GrantResult::granted().with_output(StepOutput(response.clone())));
        let revoked = FunctionResponse::parse(response.clone()).unwrap().into_revocation("f").unwrap();
        assert_eq!(revoked, Some(StepOutput(response)));

        let response = json!({ "errors": ["no room", { "code": 7 }] });
        let errors = ["no room".to_owned(), r#"{"code":7}"#.to_owned()];
        let rejected = FunctionResponse::parse(response.clone()).unwrap().into_grant_result();
        assert_eq!(rejected, GrantResult::rejected(errors).with_output(StepOutput(response.clone())));
        let error = FunctionResponse::parse(response).unwrap().into_revocation("f").unwrap_err();
        assert_eq!(*error.code(), codes::STRATEGY_REPORTED_ERRORS);
        assert_eq!(error.message(), r#"`f` did not revoke the access: no room; {"code":7}"#);
    }

    #[test]
    fn truncates_errors_in_messages() {
        let response = json!({ "errors": vec!["é".repeat(1_000); 100] });
        let error = FunctionResponse::parse(response).unwrap().into_revocation("f").unwrap_err();
        assert_eq!(error.message().matches('é').count(), 20 * 500);
    }

    /// L04: the hint says how the response is encoded, and what to do about it.
    #[test]
    fn explains_responses_that_are_encoded_twice() {
        let inner = json!({ "body": {}, "errors": [] }).to_string();
        for (response, hint) in [
            (json!(inner), "without `json.dumps`"),
            (json!(json!(inner).to_string()), "without `json.dumps`"),
            (json!({ "statusCode": 200, "body": inner }), "without `statusCode`"),
            (json!("ok"), r#"return `{"body": {…}, "errors": []}`"#),
        ] {
            let error = FunctionResponse::parse(response.clone()).unwrap_err();
            assert!(error.hint.contains(hint), "{response}: {error:?}");
        }
    }

    #[test]
    fn rejects_malformed_responses() {
        for response in [
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
            assert!(FunctionResponse::parse(response.clone()).is_err(), "{response}");
        }
    }
}
