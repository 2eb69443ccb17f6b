//! AWS Lambda: functions called, and the strategy `aws_lambda`, by which a function grants access and takes it away.
//!
//! Handlers take a client as `&AwsLambda`. It calls functions in the role of the integration of type `permission_context` that
//! stands in the environment under `aws_lambda_id`; a flow whose strategy is of type `aws_lambda` can do without, and uses the
//! strategy's.
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
//! # let ann = User::person(UserId::from_email("ann@example.com"), "ann@example.com")?;
//! # let event = Event::builder(flow, Step::Request, ann).build();
//! # assert!(on_request(&event, &AwsLambda::new(context)).await?.is_some());
//! # replay.check()?;
//! # }
//! # Ok(())
//! # }
//! ```

mod arn;
mod client;
mod error;
mod invoke;
#[cfg(feature = "runtime")]
mod strategy;

pub use arn::FunctionArn;
pub use client::AwsLambda;
pub use error::{FUNCTION_NOT_FOUND, INVALID_ARN, INVALID_REPLY, TOO_LARGE};
pub use invoke::{Invoke, InvokeAsync};
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use strategy::{LambdaStrategy, strategy_type};
