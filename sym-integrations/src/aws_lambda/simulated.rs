//! Simulated functions of AWS Lambda.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};
use sym_sdk::error::Result;

use super::client::LAMBDA;
use super::{AwsLambda, FunctionArn};
use crate::aws::{Credentials, PermissionContext, Region};
use crate::kit::{SimulatedAccount, SimulatedReply, SimulatedRequest, SimulatedService, impl_fake};

/// The greatest length of a payload in the timeline of a simulation, in characters.
const MAX_SHOWN_PAYLOAD: usize = 200;

/// Simulated functions of AWS Lambda: what each of them returns is set here, by its name or its ARN.
///
/// Every function exists in every region. One that is not set returns nothing, which is `null` to
/// [`invoke`](AwsLambda::invoke), and an error to [`invoke_as`](AwsLambda::invoke_as) unless the type can be read from `null`.
/// Invocations are shown in the timeline of a simulation.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use serde_json::json;
/// use sym_integrations::aws_lambda::SimulatedLambda;
///
/// let lambda = SimulatedLambda::new()
///     .returns("triage", json!({ "approve": true }))
///     .returns_with("double", |payload| json!(payload["number"].as_i64().unwrap_or_default() * 2))
///     .fails("broken", "KeyError", "'user'")
///     .build()?;
///
/// let arn = |name: &str| format!("arn:aws:lambda:eu-central-1:123456789012:function:{name}");
/// assert_eq!(lambda.invoke(arn("triage:live"), &json!({})).await?, json!({ "approve": true }));
/// assert_eq!(lambda.invoke(arn("double"), &json!({ "number": 21 })).await?, 42);
/// assert_eq!(lambda.invoke(arn("other"), &json!({})).await?, json!(null));
/// let error = lambda.invoke(arn("broken"), &json!({})).await.unwrap_err();
/// assert_eq!(error.code().to_string(), "AWSLambda:FATAL_FUNCTION_ERROR");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
#[must_use = "call `build` to get the client"]
pub struct SimulatedLambda {
    functions: Vec<(String, Function)>,
}

#[derive(Clone)]
enum Function {
    Returns(Arc<dyn Fn(&Value) -> Value + Send + Sync>),
    Fails { kind: String, message: String },
    Missing,
}

impl SimulatedLambda {
    /// Creates functions that return nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what a function returns. `function` is its name, for all versions and aliases, or an ARN.
    pub fn returns(self, function: impl Into<String>, output: Value) -> Self {
        self.returns_with(function, move |_| output.clone())
    }

    /// Sets what a function returns, given its payload.
    pub fn returns_with(
        self,
        function: impl Into<String>,
        output: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Self {
        self.set(function.into(), Function::Returns(Arc::new(output)))
    }

    /// Makes a function fail: it raises an error of this type, with this message.
    pub fn fails(self, function: impl Into<String>, kind: impl Into<String>, message: impl Into<String>) -> Self {
        self.set(function.into(), Function::Fails { kind: kind.into(), message: message.into() })
    }

    /// Makes a function one that does not exist.
    pub fn missing(self, function: impl Into<String>) -> Self {
        self.set(function.into(), Function::Missing)
    }

    fn set(mut self, function: String, answer: Function) -> Self {
        self.functions.push((function, answer));
        self
    }

    /// Builds the client of the functions.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn build(self) -> Result<AwsLambda> {
        self.client(&SimulatedAccount::default())
    }

    pub(super) fn client(&self, account: &SimulatedAccount) -> Result<AwsLambda> {
        let functions = self.clone();
        let service = SimulatedService::new("2015-03-31")
            .recorded_in(account.outbox().clone(), LAMBDA.name())
            .on_reply("POST", "functions/{function}/invocations", move |request| functions.reply(request));
        let context = PermissionContext::builder(Region::parse("us-east-1")?)
            .credentials(Credentials::new("simulated", "simulated".into()))
            .connection(service.connection())
            .build()?;
        Ok(AwsLambda::new(context))
    }

    fn reply(&self, request: &SimulatedRequest) -> SimulatedReply {
        let function = self.function(request.value(0));
        if matches!(function, Some(Function::Missing)) {
            return SimulatedReply::json(404, json!({ "Message": "Function not found" }))
                .header("x-amzn-errortype", "ResourceNotFoundException");
        }
        match request.header("x-amz-invocation-type") {
            "DryRun" => return SimulatedReply::empty(204),
            "Event" => {
                record(request);
                return SimulatedReply::empty(202);
            }
            _ => record(request),
        }
        match function {
            Some(Function::Returns(output)) => SimulatedReply::json(200, output(request.body())),
            Some(Function::Fails { kind, message }) => {
                SimulatedReply::json(200, json!({ "errorType": kind, "errorMessage": message }))
                    .header("x-amz-function-error", "Unhandled")
            }
            None | Some(Function::Missing) => SimulatedReply::empty(200),
        }
    }

    /// The function that was set last for an ARN.
    fn function(&self, arn: &str) -> Option<&Function> {
        let parsed = FunctionArn::parse(arn).ok()?;
        let is_set = |name: &str| name == arn || name == parsed.name() || *name == parsed.unqualified();
        self.functions.iter().rev().find(|(name, _)| is_set(name)).map(|(_, function)| function)
    }
}

/// Records an invocation, with the beginning of its payload.
fn record(request: &SimulatedRequest) {
    let arn = FunctionArn::parse(request.value(0));
    let payload = request.body().to_string();
    let shown: String = payload.chars().take(MAX_SHOWN_PAYLOAD).collect();
    let rest = if shown.len() < payload.len() { "…" } else { "" };
    request.record(arn.as_ref().map_or(request.value(0), FunctionArn::name), format!("invoked with {shown}{rest}"));
}

impl_fake!(SimulatedLambda => AwsLambda);

/// Lists the functions that are set.
impl fmt::Debug for SimulatedLambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.functions.iter().map(|(name, _)| name)).finish()
    }
}
