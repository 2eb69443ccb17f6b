use std::sync::Arc;

use sym_sdk::BoxFuture;
use sym_sdk::config::{IntegrationSchema, SettingSchema, SettingsSchema, StrategySchema, TargetSchema};
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::IntegrationClient;
use sym_sdk::model::{AccessTarget, StepOutput, User};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation, RevocationReach, StrategyType, resource_by_name};

use super::error::INVALID_REPLY;
use super::{AwsLambda, FunctionArn};
use crate::function_protocol::{FunctionResponse, MAX_BYTES};

/// The configuration of strategies of type `aws_lambda`. Other settings of a target reach the function.
const SCHEMA: StrategySchema = StrategySchema::ANY
    .with_integration(IntegrationSchema::new(AwsLambda::TYPE, AwsLambda::SETTINGS).with_key(AwsLambda::KEY))
    .with_settings(SettingsSchema::closed(&[]))
    .with_targets(&[TargetSchema::new(
        "aws_lambda_function",
        SettingsSchema::open(&[SettingSchema::required("arn").bindable()]),
    )]);

/// The type of strategies that [`all`](crate::all) brings along.
pub fn strategy_type() -> StrategyType {
    StrategyType::new("aws_lambda", |config| {
        config.expect_settings(&[])?;
        let lambda = AwsLambda::from_config(&config.integration()?)?;
        Ok(Arc::new(LambdaStrategy::new(lambda)))
    })
    .with_schema(SCHEMA)
}

/// Has functions grant access and take it away: strategies of type `aws_lambda`, with targets of type `aws_lambda_function`.
///
/// A target's setting `arn` says which function. It is called for each grant and each revocation with
/// [`AccessRequest::to_json`]: `event.type` is `escalate` or `deescalate`, `run.actors.request.username` is who gets or loses
/// the access, `fields.target` to what. It answers with
///
/// ```json
/// { "body": { "message": "you are an admin now" }, "errors": [] }
/// ```
///
/// The answer becomes the step's output, which handlers read with [`StepOutput`]. If `errors` is not empty, access was not
/// granted, or not taken away.
///
/// An answer without `errors`, or with neither errors nor `body`, is an error too. Sym let such a flow succeed with a warning;
/// but of a grant whose answer cannot be understood nobody knows whether it is there, and of a revocation whether it is gone. So
/// the grant counts as failed, and is taken back; the revocation is tried again, and people are told.
///
/// A call may come more than once, with the same `idempotency_key` in the payload: the function has to do then as if it had come
/// once. A function that takes longer than a minute needs a longer
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
/// use sym_sdk::strategy::{AccessRequest, AccessStrategy, Escalation};
/// use sym_sdk::model::StepOutput;
/// # use std::sync::Arc;
/// # use sym_sdk::prelude::*;
/// # let arn = "arn:aws:lambda:eu-central-1:123456789012:function:grant";
/// # let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
/// # let ann = User::person(UserId::from_email("ann@example.com"), "ann@example.com")?;
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
/// assert_eq!(granted, Escalation::granted().with_output(StepOutput(answer)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LambdaStrategy(AwsLambda);

impl LambdaStrategy {
    /// A strategy whose functions are called by this client.
    pub fn new(lambda: AwsLambda) -> Self {
        Self(lambda)
    }

    async fn call(&self, request: &AccessRequest<'_>) -> Result<(FunctionArn, FunctionResponse)> {
        let function = function_of(request.target())?;
        let answer = self.0.invoke(&function, &request.to_json()).max_bytes(MAX_BYTES).await?;
        let reply = FunctionResponse::read(answer).map_err(|fault| {
            let message = format!("function `{}` did not answer as a strategy's does: {fault}", function.name());
            Error::new(ErrorKind::Decode, INVALID_REPLY, message)
                .with_service("aws_lambda")
                .with_hint(r#"have it answer with `{"body": {…}, "errors": []}`"#)
        })?;
        Ok((function, reply))
    }
}

fn function_of(target: &AccessTarget) -> Result<FunctionArn> {
    FunctionArn::parse(target.setting("arn")?)
}

impl AccessStrategy for LambdaStrategy {
    /// The username: functions find people by it.
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move { Ok(Some(user.username().to_owned())) })
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Escalation>> {
        Box::pin(async move { Ok(self.call(request).await?.1.into_escalation()) })
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        Box::pin(async move {
            let (function, reply) = self.call(request).await?;
            reply.into_revocation(function.name())
        })
    }

    fn reach(&self) -> RevocationReach {
        RevocationReach::Unknown
    }

    /// Several targets may share a function, which tells them apart by their names.
    fn resource(&self, target: &AccessTarget) -> String {
        resource_by_name(target)
    }

    /// Has Lambda say whether the function is there and may be called.
    fn check<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.0.check(function_of(target)?).await })
    }
}
