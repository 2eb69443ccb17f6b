//! The flows, which share handlers and targets, and the responses of the service to each.

use sym_sdk::config::{
    Config, Environment, ErrorLogger, Flow, FlowParams, Integration, PromptField, Reference, Strategy, Target,
};
use sym_sdk::machine::EffectKey;

use crate::configured::Configured;
use crate::service::{Op, ServiceResponse};

/// Two users approve, after a timeout of the first notification. Grant and revocation each fail once.
pub const WHOLE: &str = "whole";
/// Denied by a user.
pub const DENIED: &str = "denied";
/// Expires without a decision.
pub const EXPIRED: &str = "expired";
/// Nobody decides, and no notification has a timeout: the lifetime of the request ends.
pub const FORGOTTEN: &str = "forgotten";
/// Its first notification cannot be delivered.
pub const UNDELIVERABLE: &str = "undeliverable";
/// A user revokes the access.
pub const BY_HAND: &str = "by-hand";
/// A user asks for more time, and gets it; somebody else does not.
pub const EXTENDED: &str = "extended";
/// The service rejects the grant.
pub const REJECTED: &str = "rejected";
/// A hook approves, and another defers the end. Responses of the service are lost.
pub const BY_HOOK: &str = "by-hook";
/// Two Runs need the same access.
pub const SHARED: &str = "shared";
/// Submissions are refused before they reach the machine.
pub const REFUSED: &str = "refused";
/// It is removed from the configuration while it gives access and has an open request.
pub const REMOVED: &str = "removed";
/// For load tests: like the first, with random responses of the service.
pub const LOAD: &str = "load";

/// All flows.
pub const ALL: [&str; 13] = [
    WHOLE,
    DENIED,
    EXPIRED,
    FORGOTTEN,
    UNDELIVERABLE,
    BY_HAND,
    EXTENDED,
    REJECTED,
    BY_HOOK,
    SHARED,
    REFUSED,
    REMOVED,
    LOAD,
];

/// A part of the names of channels that cannot be reached.
pub const BROKEN: &str = "broken";

/// The targets.
pub const TARGETS: [&str; 2] = ["admins", "writers"];

/// The durations of access.
pub const DURATIONS: [&str; 2] = ["1h", "4h"];

/// The type of strategy, integration and targets.
pub const STRATEGY_TYPE: &str = "crash";

/// The accounts in which access is granted, at first and in another configuration.
pub const ACCOUNTS: [&str; 2] = ["first", "other"];

/// The e-mail domain of all users.
pub const DOMAIN: &str = "example.com";

/// Returns the number of required approvals.
pub fn approvals(flow: &str) -> u8 {
    if matches!(flow, WHOLE | LOAD) { 2 } else { 1 }
}

/// Returns the response of the service to an attempt. A call that is repeated with the same key is the same attempt.
pub fn response(flow: &str, op: Op, key: EffectKey, attempt: usize) -> ServiceResponse {
    match (flow, op, attempt) {
        (WHOLE, _, 1) => ServiceResponse::Unavailable,
        (REJECTED, Op::Grant, _) => ServiceResponse::Rejected,
        (BY_HOOK, _, 1) => ServiceResponse::Lost,
        (LOAD, _, 1..=6) => match (key.run.as_uuid().as_u128() >> (8 * attempt)) % 8 {
            0 | 1 => ServiceResponse::Unavailable,
            2 | 3 => ServiceResponse::Lost,
            4 if op == Op::Grant => ServiceResponse::Rejected,
            _ => ServiceResponse::Done,
        },
        _ => ServiceResponse::Done,
    }
}

/// Returns the configuration of a process.
pub fn config(configured: Configured) -> Config {
    let mut config = declared();
    let [first, other] = ACCOUNTS;
    match configured {
        Configured::Unchanged => {}
        Configured::WithoutFlows => config.flows.clear(),
        Configured::OtherAccount => {
            // What was granted is revoked by the strategy that is no longer that of a flow.
            let (mut integration, mut strategy) = (config.integrations[0].clone(), config.strategies[0].clone());
            (integration.name, integration.external_id) = (other.to_owned(), other.to_owned());
            strategy.name = other.to_owned();
            strategy.integration = Some(Reference::typed(STRATEGY_TYPE, other));
            for flow in &mut config.flows {
                flow.params.strategy = Some(Reference::typed(STRATEGY_TYPE, other));
            }
            config.integrations.push(integration);
            config.strategies.push(strategy);
            assert_eq!(config.integrations[0].external_id, first);
        }
    }
    config
}

/// Returns the configuration in which requests are made.
fn declared() -> Config {
    let reference = |name: &str| Reference::typed(STRATEGY_TYPE, name);
    let mut config = Config::default();
    config.organization.domains.push(DOMAIN.to_owned());
    config.integrations.push(Integration {
        kind: STRATEGY_TYPE.to_owned(),
        name: STRATEGY_TYPE.to_owned(),
        external_id: ACCOUNTS[0].to_owned(),
        ..Default::default()
    });
    config.error_loggers.push(ErrorLogger {
        name: "errors".to_owned(),
        destination: "#errors".to_owned(),
        ..Default::default()
    });
    config.environments.push(Environment {
        name: "main".to_owned(),
        error_logger: Some("errors".to_owned()),
        ..Default::default()
    });
    config.targets = TARGETS
        .map(|name| Target { kind: STRATEGY_TYPE.to_owned(), name: name.to_owned(), ..Default::default() })
        .into();
    config.strategies.push(Strategy {
        kind: STRATEGY_TYPE.to_owned(),
        name: STRATEGY_TYPE.to_owned(),
        integration: Some(reference(STRATEGY_TYPE)),
        targets: TARGETS.map(reference).into(),
        ..Default::default()
    });
    let duration = PromptField {
        name: "duration".to_owned(),
        field_type: "duration".to_owned(),
        allowed_values: Some(DURATIONS.map(str::to_owned).into()),
        ..Default::default()
    };
    config.flows = ALL
        .map(|name| Flow {
            name: name.to_owned(),
            environment: "main".to_owned(),
            params: FlowParams {
                strategy: Some(reference(STRATEGY_TYPE)),
                prompt_fields: vec![duration.clone()],
                request_lifetime: (name == FORGOTTEN).then(|| "2h".to_owned()),
                ..Default::default()
            },
            ..Default::default()
        })
        .into();
    config
}
