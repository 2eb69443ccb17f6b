//! How Lambda, and a function, says that a call failed.

use serde::Deserialize;
use sym_sdk::error::{ErrorCode, ErrorKind, codes};

use super::FunctionArn;
use crate::aws::{REQUEST_IDS, failure};
use crate::http::{Failure, Response, Retry, Service};

/// `AWSLambda:FUNCTION_NOT_FOUND`: there is no such function, or it has no such version or alias.
pub const FUNCTION_NOT_FOUND: ErrorCode = ErrorCode::new("AWSLambda", "FUNCTION_NOT_FOUND");

/// `AWSLambda:REQUEST_TOO_LARGE`: the payload is larger than Lambda takes.
pub const TOO_LARGE: ErrorCode = ErrorCode::new("AWSLambda", "REQUEST_TOO_LARGE");

/// `AWSLambda:INVALID_ARN`: not the ARN of a function.
pub const INVALID_ARN: ErrorCode = ErrorCode::new("AWSLambda", "INVALID_ARN");

/// `AWSLambda:INVALID_REPLY`: a function did not answer as a strategy's function does.
pub const INVALID_REPLY: ErrorCode = ErrorCode::new("AWSLambda", "INVALID_REPLY");

pub(super) struct LambdaService;

impl Service for LambdaService {
    fn name(&self) -> &'static str {
        "aws_lambda"
    }

    fn error_type(&self) -> &'static str {
        "AWSLambda"
    }

    fn request_id_headers(&self) -> &'static [&'static str] {
        REQUEST_IDS
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        if !response.is_success() {
            return Err(failure(response));
        }
        // Lambda did what it was asked, and the function did not.
        match response.header("x-amz-function-error") {
            Some(_) => Err(of_function(response)),
            None => Ok(()),
        }
    }
}

/// What a function leaves behind that raised an error, crashed or ran out of time.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionFault {
    error_message: Option<String>,
    error_type: Option<String>,
}

fn of_function(response: &Response) -> Failure {
    let FunctionFault { error_message, error_type } = serde_json::from_slice(response.body()).unwrap_or_default();
    let said = match (error_type, error_message) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => "it does not say how".to_owned(),
    };
    Failure::of(response)
        .with_kind(ErrorKind::Unavailable)
        .with_code(codes::AWS_LAMBDA_FATAL_FUNCTION_ERROR)
        .with_retry(Retry::Never)
        .with_message(format!("the function failed: {said}"))
        .with_hint("its log is in CloudWatch")
}

/// Says of which function the failure is, and what to do about it.
pub(super) fn explained(failure: Failure, function: &FunctionArn) -> Failure {
    let message = format!("function `{}`: {}", function.name(), failure.message());
    let failure = match failure.code().name() {
        "RESOURCE_NOT_FOUND" => {
            let message = format!("there is no function `{function}`");
            return failure.with_code(FUNCTION_NOT_FOUND).with_message(message);
        }
        "REQUEST_TOO_LARGE" => failure.with_code(TOO_LARGE).with_kind(ErrorKind::InvalidInput),
        "ACCESS_DENIED" => failure.with_hint("allow the role `lambda:InvokeFunction` for this function"),
        "KMS_ACCESS_DENIED" | "KMS_DISABLED" | "KMS_INVALID_STATE" | "KMS_NOT_FOUND" => {
            failure.with_hint("the key by which the function's variables are encrypted cannot be used")
        }
        // It is being made or changed.
        "RESOURCE_NOT_READY" | "RESOURCE_CONFLICT" | "SNAP_START_NOT_READY" => {
            failure.with_kind(ErrorKind::Unavailable).with_hint("the function is not active yet")
        }
        _ => failure,
    };
    failure.with_message(message)
}
