//! The choice of the integration for a client, if several clients share its type.

use std::sync::Arc;

use sym_sdk::config::{self, Config};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Runtime;
use sym_sdk::strategy::{DryStrategy, StrategyType};

/// Says what it is built from.
struct Lambda;

impl IntegrationClient for Lambda {
    const TYPE: &'static str = "permission_context";
    const KEY: &'static str = "aws_lambda";

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        Err(Error::handler(format!("built from {}", config.external_id())))
    }
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::admins_only()
}

#[hook]
fn on_request(_lambda: &Lambda) {}

/// A flow whose environment has these integrations under these keys, and whose strategy is of this type, with an integration.
fn config(environment: &[(&str, &str)], strategy: Option<(&str, &str)>) -> Config {
    let integration = |name: &str| config::Integration {
        kind: "permission_context".into(),
        name: name.into(),
        external_id: format!("account-{name}"),
        ..Default::default()
    };
    let strategies: Vec<_> = strategy
        .iter()
        .map(|(kind, integration)| config::Strategy {
            kind: (*kind).into(),
            name: "strategy".into(),
            integration: Some((*integration).into()),
            targets: vec!["target".into()],
            ..Default::default()
        })
        .collect();
    Config {
        flows: vec![config::Flow {
            name: "prod".into(),
            environment: "main".into(),
            params: config::FlowParams { strategy: strategy.map(|_| "strategy".into()), ..Default::default() },
            ..Default::default()
        }],
        environments: vec![config::Environment {
            name: "main".into(),
            integrations: environment.iter().map(|(key, name)| ((*key).to_owned(), (*name).into())).collect(),
            ..Default::default()
        }],
        integrations: ["iam", "lambda"].map(integration).to_vec(),
        targets: vec![config::Target {
            kind: strategy
                .map_or("custom", |(kind, _)| if kind == "aws_iam" { "aws_iam_group" } else { "aws_lambda_function" })
                .into(),
            name: "target".into(),
            ..Default::default()
        }],
        strategies,
        ..Config::default()
    }
}

/// What the client was built from, or what is missing.
async fn fault(environment: &[(&str, &str)], strategy: Option<(&str, &str)>) -> String {
    let dry = |kind: &str| StrategyType::new(kind, |_| Ok(Arc::new(DryStrategy::new())));
    let built = Runtime::builder(config(environment, strategy))
        .registry(sym_sdk::handlers![get_permissions, on_request])
        .strategy_type(dry("aws_iam"))
        .strategy_type(dry("aws_lambda"))
        .build();
    let faults = built.await.unwrap_err();
    let told: Vec<_> = faults.iter().map(|fault| fault.message.clone()).collect();
    told.join("\n")
}

#[tokio::test]
async fn uses_the_integration_under_the_key_of_the_client() {
    let both = [("aws_iam", "iam"), ("aws_lambda", "lambda")];
    let expected = "integration `lambda` cannot be used: built from account-lambda (SymSDK:HANDLER_FAILED)";
    assert_eq!(fault(&both, None).await, expected);
    assert_eq!(fault(&both, Some(("aws_iam", "iam"))).await, expected);
    assert_eq!(fault(&both, Some(("aws_lambda", "iam"))).await, expected);
}

#[tokio::test]
async fn ignores_integrations_of_other_clients() {
    let expected = "hook `on_request` needs integration `aws_lambda`, which is not configured";
    assert_eq!(fault(&[("aws_iam", "iam")], None).await, expected);
    assert_eq!(fault(&[("aws_iam", "iam")], Some(("aws_iam", "iam"))).await, expected);
}

#[tokio::test]
async fn falls_back_to_the_integration_of_the_strategy() {
    let expected = "integration `lambda` cannot be used: built from account-lambda (SymSDK:HANDLER_FAILED)";
    assert_eq!(fault(&[("aws_iam", "iam")], Some(("aws_lambda", "lambda"))).await, expected);
    assert_eq!(fault(&[], Some(("aws_lambda", "lambda"))).await, expected);
}
