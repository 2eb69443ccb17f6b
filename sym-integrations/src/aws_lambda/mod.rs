//! AWS Lambda: invocations of functions, and the strategy `aws_lambda`, whose functions grant and revoke access.
//!
//! Handlers take the client as `&AwsLambda`. It uses the role of the integration of type `permission_context` that the environment has
//! under `aws_lambda_id`; a flow whose strategy is of type `aws_lambda` needs none, and uses the strategy's.
//!
//! ```
//! use serde::Deserialize;
//! use sym_integrations::aws_lambda::AwsLambda;
//! use sym_sdk::prelude::*;
//!
//! #[derive(Deserialize)]
//! struct Verdict {
//!     approve: bool,
//! }
//!
//! #[hook]
//! async fn on_request(event: &Event, lambda: &AwsLambda) -> Result<Option<NextEvent>> {
//!     let function = "arn:aws:lambda:eu-central-1:123456789012:function:triage:live";
//!     let verdict: Verdict = lambda.invoke_as(function, event).await?;
//!     Ok(verdict.approve.then(ApprovalTemplate::approve))
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! # #[cfg(feature = "testing")] {
//! # use std::sync::Arc;
//! # use serde_json::json;
//! # use sym_integrations::aws::{Credentials, PermissionContext, Region};
//! # use sym_integrations::testing::{Replay, Reply};
//! # let replay = Replay::new();
//! # replay
//! #     .post("/2015-03-31/functions/arn:aws:lambda:eu-central-1:123456789012:function:triage:live/invocations")
//! #     .reply(Reply::json(json!({ "approve": true })));
//! # let context = PermissionContext::builder(Region::parse("eu-central-1")?)
//! #     .credentials(Credentials::new("AKIDEXAMPLE", "k3y".into()))
//! #     .connection(replay.connection())
//! #     .build()?;
//! # let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
//! # let ann = User::from_email("ann@example.com")?;
//! # let event = Event::builder(flow, Step::Request, ann).build();
//! # assert!(on_request(&event, &AwsLambda::new(context)).await?.is_some());
//! # replay.check()?;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! In simulations and tests, a [`SimulatedLambda`] takes Lambda's place: it says what each function returns.

mod arn;
mod client;
pub mod codes;
mod errors;
mod invoke;
mod simulated;
mod strategy;

pub use arn::FunctionArn;
pub use client::AwsLambda;
pub use invoke::{Invoke, InvokeAsync};
pub use simulated::SimulatedLambda;
pub use strategy::{LambdaStrategy, strategy_type};

inventory::submit! { crate::plugins::Registration::Strategy(strategy_type) }

inventory::submit! {
    crate::kit::IntegrationInfo::new("aws_lambda", "AWS Lambda", "aws-lambda")
        .with_client("AwsLambda", &[
            "check",
            "invoke",
            "invoke_as",
            "invoke_async",
        ])
        .with_permissions(&["`lambda:InvokeFunction` on the functions"])
        .with_strategies(&[crate::kit::StrategyInfo::new(
            strategy_type,
            sym_sdk::strategy::RevocationScope::Unknown,
        )])
}
