//! The error codes of the Lambda client and strategy, beside those of every service: [`error_names`](crate::http::error_names).

use sym_sdk::error::ErrorCode;
pub use sym_sdk::error::codes::AWS_LAMBDA_FATAL_FUNCTION_ERROR as FATAL_FUNCTION_ERROR;

use super::client::LAMBDA;

/// `AWSLambda:FUNCTION_NOT_FOUND`: there is no such function, or it has no such version or alias.
pub const FUNCTION_NOT_FOUND: ErrorCode = LAMBDA.code("FUNCTION_NOT_FOUND");
/// `AWSLambda:REQUEST_TOO_LARGE`: the payload is larger than Lambda accepts.
pub const TOO_LARGE: ErrorCode = LAMBDA.code("REQUEST_TOO_LARGE");
/// `AWSLambda:INVALID_ARN`: not the ARN of a function.
pub const INVALID_ARN: ErrorCode = LAMBDA.code("INVALID_ARN");
/// `AWSLambda:INVALID_REPLY`: the response of a function does not follow the protocol of strategies.
pub const INVALID_REPLY: ErrorCode = LAMBDA.code("INVALID_REPLY");
