//! Typed clients and access strategies for the services that [`sym_sdk`] flows talk to.
//!
//! Each service is a feature of its own, and none is on by default.
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `aws` | [`aws`]: requests signed for AWS, roles, secrets in AWS Secrets Manager |
//! | `aws-config` | [`aws`] takes the credentials of web identities, containers and instances too |
//! | `aws-lambda` | [`aws_lambda`]: functions called, and the strategy `aws_lambda` |
//! | `client` | [`http`]: what the clients of all services stand on, for clients of your own |
//! | `http` | [`http::strategy`]: access that a function behind a URL grants; [`http::log_destination`]: the audit log, to a URL |
//! | `okta` | [`okta`]: users and groups, and the strategy `okta` |
//! | `pagerduty` | [`pagerduty`]: who is on call, and incidents |
//! | `slack` | [`slack`]: where a request goes, messages, people and channels |
//! | `slack-app` | [`slack::app`]: the front end for people in Slack, with [`slack::blocks`] and [`slack::signature`] |
//! | `runtime` | [`all`]: strategies, front ends and log destinations, to be handed to an `App` |
//! | `testing` | [`testing`]: canned answers instead of a service |
//! | `full` | all of these |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "okta", feature = "pagerduty", feature = "slack"))]
mod account_resolver;
#[cfg(feature = "aws")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws")))]
pub mod aws;
#[cfg(feature = "aws-lambda")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-lambda")))]
pub mod aws_lambda;
mod field_option;
#[cfg(all(feature = "runtime", any(feature = "aws-lambda", feature = "http")))]
mod function_protocol;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod http;
#[cfg(feature = "okta")]
#[cfg_attr(docsrs, doc(cfg(feature = "okta")))]
pub mod okta;
#[cfg(feature = "pagerduty")]
#[cfg_attr(docsrs, doc(cfg(feature = "pagerduty")))]
pub mod pagerduty;
#[cfg(feature = "runtime")]
mod plugins;
#[cfg(feature = "slack")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack")))]
pub mod slack;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use field_option::{ToFieldOption, field_options};
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use plugins::{All, all};
