//! Typed clients and access strategies for the services that [`sym_sdk`] flows talk to.
//!
//! Each service is a module behind a feature of its own, whose name has hyphens where the module's has underscores. None is enabled by
//! default, and `full` enables all. Besides, there are these features:
//!
//! | feature | adds |
//! | --- | --- |
//! | `aws-config` | to [`aws`]: the default credentials chain of the AWS SDKs, for web identities, containers and instances |
//! | `client` | [`http`] and [`kit`], which all clients are made of, for clients of your own |
//! | `http` | [`http::strategy`], access granted by a function behind a URL; [`http::log_destination`], the audit log sent to a URL |
//! | `oidc` | [`oidc`], tokens of bots for the jobs of CI services |
//! | `runtime` | [`all`]: the access strategies, front ends and log destinations of all enabled features |
//! | `slack-app` | [`slack::app`], the front end in Slack, with [`slack::blocks`] and [`slack::signature`] |
//! | `slack-fake` | `slack::fake`, a fake Slack workspace for tests and demonstrations |
//! | `testing` | [`testing`], a fake service with canned responses |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "aptible")]
#[cfg_attr(docsrs, doc(cfg(feature = "aptible")))]
pub mod aptible;
#[cfg(all(feature = "client", feature = "runtime"))]
#[cfg_attr(docsrs, doc(cfg(all(feature = "client", feature = "runtime"))))]
pub mod audit_format;
#[cfg(feature = "runtime")]
mod available_types;
#[cfg(feature = "aws")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws")))]
pub mod aws;
#[cfg(feature = "aws-iam")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-iam")))]
pub mod aws_iam;
#[cfg(feature = "aws-kinesis")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-kinesis")))]
pub mod aws_kinesis;
#[cfg(feature = "aws-lambda")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-lambda")))]
pub mod aws_lambda;
#[cfg(feature = "aws-sso")]
#[cfg_attr(docsrs, doc(cfg(feature = "aws-sso")))]
pub mod aws_sso;
#[cfg(feature = "boundary")]
#[cfg_attr(docsrs, doc(cfg(feature = "boundary")))]
pub mod boundary;
#[cfg(any(feature = "aws-lambda", feature = "google", feature = "slack-app"))]
mod bounded_cache;
#[cfg(feature = "client")]
mod clock_offset;
#[cfg(feature = "datadog")]
#[cfg_attr(docsrs, doc(cfg(feature = "datadog")))]
pub mod datadog;
#[cfg(feature = "client")]
mod expiring_cache;
mod field_option;
#[cfg(all(feature = "runtime", any(feature = "aws-lambda", feature = "http")))]
mod function_protocol;
#[cfg(feature = "github")]
#[cfg_attr(docsrs, doc(cfg(feature = "github")))]
pub mod github;
#[cfg(feature = "google")]
#[cfg_attr(docsrs, doc(cfg(feature = "google")))]
pub mod google;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod http;
#[cfg(feature = "jira")]
#[cfg_attr(docsrs, doc(cfg(feature = "jira")))]
pub mod jira;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod kit;
#[cfg(feature = "knowbe4")]
#[cfg_attr(docsrs, doc(cfg(feature = "knowbe4")))]
pub mod knowbe4;
#[cfg(feature = "oidc")]
#[cfg_attr(docsrs, doc(cfg(feature = "oidc")))]
pub mod oidc;
#[cfg(feature = "okta")]
#[cfg_attr(docsrs, doc(cfg(feature = "okta")))]
pub mod okta;
#[cfg(feature = "onelogin")]
#[cfg_attr(docsrs, doc(cfg(feature = "onelogin")))]
pub mod onelogin;
#[cfg(feature = "pagerduty")]
#[cfg_attr(docsrs, doc(cfg(feature = "pagerduty")))]
pub mod pagerduty;
#[cfg(feature = "runtime")]
mod plugins;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub mod postgres;
#[cfg(feature = "segment")]
#[cfg_attr(docsrs, doc(cfg(feature = "segment")))]
pub mod segment;
// Its examples use several services.
#[cfg(feature = "full")]
#[doc = include_str!("../docs/simulating.md")]
pub mod simulating {}
#[cfg(feature = "slack")]
#[cfg_attr(docsrs, doc(cfg(feature = "slack")))]
pub mod slack;
#[cfg(feature = "syslog")]
#[cfg_attr(docsrs, doc(cfg(feature = "syslog")))]
pub mod syslog;
#[cfg(feature = "tailscale")]
#[cfg_attr(docsrs, doc(cfg(feature = "tailscale")))]
pub mod tailscale;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use field_option::{ToFieldOption, field_options};
#[cfg(feature = "runtime")]
#[cfg_attr(docsrs, doc(cfg(feature = "runtime")))]
pub use plugins::{All, all};
