//! The choice of a client's integration, where several clients share a type.

use sym_sdk::config::{self, Config};
use sym_sdk::prelude::*;
use sym_sdk::runtime::Runtime;
use sym_sdk::strategy::{SimulatedStrategy, StrategyType};

/// A client that remembers the integration it was built from.
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

/// Returns a configuration with a flow. Its environment has integrations, given as pairs of key and name, and its strategy has a
/// type and an integration.
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

/// Returns the integration that the client was built from, or the diagnostic of a missing one.
async fn diagnostic(environment: &[(&str, &str)], strategy: Option<(&str, &str)>) -> String {
    let simulated = |kind: &str| StrategyType::new(kind, |_| Ok(SimulatedStrategy::new()));
    let built = Runtime::builder(config(environment, strategy))
        .registry(sym_sdk::handlers![get_permissions, on_request])
        .strategy_type(simulated("aws_iam"))
        .strategy_type(simulated("aws_lambda"))
        .build();
    let diagnostics = built.await.unwrap_err();
    let messages: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).collect();
    messages.join("\n")
}

#[tokio::test]
async fn uses_the_integration_with_the_key_of_the_client() {
    let both = [("aws_iam", "iam"), ("aws_lambda", "lambda")];
    let expected = "integration `lambda` cannot be used: built from account-lambda (SymSDK:HANDLER_FAILED)";
    assert_eq!(diagnostic(&both, None).await, expected);
    assert_eq!(diagnostic(&both, Some(("aws_iam", "iam"))).await, expected);
    assert_eq!(diagnostic(&both, Some(("aws_lambda", "iam"))).await, expected);
}

#[tokio::test]
async fn ignores_the_integration_of_another_client() {
    let expected = "hook `on_request` requires integration `aws_lambda`, which is not configured";
    assert_eq!(diagnostic(&[("aws_iam", "iam")], None).await, expected);
    assert_eq!(diagnostic(&[("aws_iam", "iam")], Some(("aws_iam", "iam"))).await, expected);
}

#[tokio::test]
async fn uses_the_integration_of_a_strategy_for_the_same_service() {
    let expected = "integration `lambda` cannot be used: built from account-lambda (SymSDK:HANDLER_FAILED)";
    assert_eq!(diagnostic(&[("aws_iam", "iam")], Some(("aws_lambda", "lambda"))).await, expected);
    assert_eq!(diagnostic(&[], Some(("aws_lambda", "lambda"))).await, expected);
}
