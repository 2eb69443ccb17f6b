//! The strategy `aws_lambda`: access that a Lambda function grants and revokes.

use std::sync::Arc;

use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{ErrorKind, Result};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, StrategyType, resource_by_name};

use super::client::LAMBDA;
use super::{AwsLambda, FunctionArn, codes};
use crate::function_protocol::{FunctionResponse, MAX_BYTES};
use crate::kit::REVOKE;

/// The rate group of grants, which is that of all other calls.
const GRANT: &str = "";

/// The configuration of strategies of type `aws_lambda`. Other settings of a target are passed to the function.
const SCHEMA: StrategySchema = StrategySchema::ANY
    .with_integration(IntegrationSchema::new(AwsLambda::TYPE, AwsLambda::SETTINGS).with_key(AwsLambda::KEY))
    .with_settings(SettingsSchema::closed(&[]))
    .with_targets(&[TargetSchema::new(
        "aws_lambda_function",
        SettingsSchema::open(&[SettingSchema::required("arn").bindable()]),
    )]);

/// The strategies of type `aws_lambda`, which are part of [`all`](crate::all).
pub fn strategy_type() -> StrategyType {
    StrategyType::new("aws_lambda", |config| {
        config.expect_settings(&[])?;
        let lambda = AwsLambda::from_config(&config.integration()?)?;
        Ok(Arc::new(LambdaStrategy::new(lambda)))
    })
    .with_schema(SCHEMA)
}

/// An access strategy that invokes functions: strategies of type `aws_lambda`, with targets of type `aws_lambda_function`.
///
/// A target's setting `arn` names the function. It is invoked for each grant and each revocation with
/// [`AccessRequest::to_json`]: `event.type` is `escalate` or `deescalate`, `run.actors.request.username` is the user who gets or loses
/// the access, `fields.target` is the target. It returns
///
/// ```json
/// { "body": { "message": "you are an admin now" }, "errors": [] }
/// ```
///
/// The response becomes the step's output, which handlers read with [`StepOutput`]. If `errors` is not empty, access was not granted, or
/// not revoked.
///
/// A response without `errors`, or with neither errors nor `body`, is an error too. Sym let such a flow succeed with a warning; but if
/// the response cannot be understood, it is unknown whether the access exists. So a grant counts as failed and is revoked, and a
/// revocation is retried and reported.
///
/// A function may be invoked more than once with the same `idempotency_key` in the payload, and must then have the same effect as once.
/// All attempts of one grant have the same key: a function that keeps results by key must not keep failures.
/// A grant that has failed is followed by a revocation, whatever the error: only the function can tell what it gave, and must leave the rest.
/// A function that takes longer than a minute needs a longer
/// [`Limits::strategy`](sym_sdk::runtime::Limits::strategy).
///
/// ```
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// # #[cfg(feature = "testing")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use serde_json::json;
/// use sym_integrations::aws::{Credentials, PermissionContext, Region};
/// use sym_integrations::aws_lambda::{AwsLambda, LambdaStrategy};
/// use sym_integrations::testing::{Replay, Reply};
/// use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult};
/// use sym_sdk::model::StepOutput;
/// # use std::sync::Arc;
/// # use sym_sdk::prelude::*;
/// # let arn = "arn:aws:lambda:eu-central-1:123456789012:function:grant";
/// # let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
/// # let ann = User::from_email("ann@example.com")?;
/// # let target = AccessTarget::new("acme", "aws_lambda_function", Slug::parse("admins")?).with_setting("arn", arn);
/// # let event = Event::builder(flow, Step::Escalate, ann).target(target.clone()).build();
/// # let key = "0190f5a4-0000-7000-8000-000000000000:7".parse()?;
/// # let request = AccessRequest::new(&event, &target, "ann@example.com", key);
///
/// let replay = Replay::new();
/// let answer = json!({ "body": { "group": "admins" }, "errors": [] });
/// replay.post(format!("/2015-03-31/functions/{arn}/invocations")).json(request.to_json()).reply(Reply::json(&answer));
///
/// let context = PermissionContext::builder(Region::parse("eu-central-1")?)
///     .credentials(Credentials::new("AKIDEXAMPLE", "k3y".into()))
///     .connection(replay.connection())
///     .build()?;
/// let granted = LambdaStrategy::new(AwsLambda::new(context)).escalate(&request).await?;
///
/// assert_eq!(granted, GrantResult::granted().with_output(StepOutput(answer)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LambdaStrategy(AwsLambda);

impl LambdaStrategy {
    /// Creates a strategy that invokes functions through a client.
    pub fn new(lambda: AwsLambda) -> Self {
        Self(lambda)
    }

    /// Calls the target's function. Throttling of one rate group does not pause the other.
    async fn call(
        &self,
        request: &AccessRequest<'_>,
        rate_group: &'static str,
    ) -> Result<(FunctionArn, FunctionResponse)> {
        let function = function_of(request.target())?;
        let invocation = self.0.invoke(&function, &request.to_json()).rate_group(rate_group);
        let response = invocation.max_bytes(MAX_BYTES).await?;
        let response = FunctionResponse::parse(response).map_err(|error| {
            let message =
                format!("function `{}` does not follow the protocol of strategies: {}", function.name(), error.problem);
            LAMBDA.error(ErrorKind::Decode, codes::INVALID_REPLY, message).with_hint(error.hint)
        })?;
        Ok((function, response))
    }
}

fn function_of(target: &AccessTarget) -> Result<FunctionArn> {
    FunctionArn::parse(target.setting("arn")?)
}

impl AccessStrategy for LambdaStrategy {
    /// The username, by which functions find users.
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, request: &AccessRequest<'_>) -> Result<GrantResult> {
        Ok(self.call(request, GRANT).await?.1.into_grant_result())
    }

    async fn deescalate(&self, request: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        let (function, response) = self.call(request, REVOKE).await?;
        response.into_revocation(function.name())
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::Unknown
    }

    /// Targets that share a function are distinguished by their names.
    fn resource(&self, target: &AccessTarget) -> String {
        resource_by_name(target)
    }

    /// Checks that the function exists and may be invoked.
    async fn check(&self, target: &AccessTarget) -> Result<()> {
        self.0.check(function_of(target)?).await
    }
}
