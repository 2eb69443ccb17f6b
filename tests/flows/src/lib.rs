//! Ports of flows that teams use, one module of handlers each. The Terraform files are in `terraform`, and a test with the name
//! of the module runs the flow.
//!
//! Most of the original flows let members decide and notify one channel. [`plain`] represents all of these. [`clients`] has
//! fakes of services; other flows take the clients of `sym-integrations`.

pub mod clients;

pub mod aws_lambda_sdk;
pub mod aws_lambda_strategy;
pub mod circleci;
pub mod custom_strategy;
pub mod github_targets;
pub mod google_group;
pub mod knowbe4;
pub mod multiple_environments;
pub mod mysql_user;
pub mod okta_sdk;
pub mod pagerduty_on_call;
pub mod plain;
pub mod postgres_role;
pub mod victorops;
