//! Flows that teams have in use, written anew for this SDK. Each is a module of handlers; its Terraform files stand in
//! `terraform`, and a test of the same name runs it.
//!
//! Most of them let members decide and tell one channel, which is what [`plain`] does for all of these. [`clients`] holds fakes
//! of the services that they call.

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
