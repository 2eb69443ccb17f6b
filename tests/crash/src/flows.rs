//! The flows: all have the same handlers and targets. What differs between them, and what the service does to them, is here.

use sym_sdk::config::{
    Config, Environment, ErrorLogger, Flow, FlowParams, Integration, PromptField, Reference, Strategy, Target,
};
use sym_sdk::machine::EffectKey;

use crate::service::{Answer, Op};

/// Two people approve, after the first notification was passed over. Grant and revocation each fail once.
pub const WHOLE: &str = "whole";
/// Denied.
pub const DENIED: &str = "denied";
/// Nobody acts on it.
pub const EXPIRED: &str = "expired";
/// Its first notification cannot be delivered.
pub const UNDELIVERABLE: &str = "undeliverable";
/// Its access is revoked by a person.
pub const BY_HAND: &str = "by-hand";
/// The service refuses to grant.
pub const REJECTED: &str = "rejected";
/// Approved by a hook, and its end put off by another. The answers of the service are lost.
pub const BY_CODE: &str = "by-code";
/// Two Runs share one piece of access.
pub const SHARED: &str = "shared";
/// For the load: like the first, and the service does what it likes.
pub const LOAD: &str = "load";

/// All flows.
pub const ALL: [&str; 9] = [WHOLE, DENIED, EXPIRED, UNDELIVERABLE, BY_HAND, REJECTED, BY_CODE, SHARED, LOAD];

/// What is in the name of a channel that cannot be reached.
pub const BROKEN: &str = "broken";

/// The targets.
pub const TARGETS: [&str; 2] = ["admins", "writers"];

/// For how long access is given.
pub const DURATIONS: [&str; 2] = ["1h", "4h"];

/// The type of strategy, integration and targets.
pub const KIND: &str = "crash";

/// The e-mail domain of everyone.
pub const DOMAIN: &str = "example.com";

/// How many must approve.
pub fn approvals(flow: &str) -> u8 {
    if matches!(flow, WHOLE | LOAD) { 2 } else { 1 }
}

/// What the service does with the attempt of this number. A call that comes again with the same key is the same attempt.
pub fn answer(flow: &str, op: Op, key: EffectKey, attempt: usize) -> Answer {
    match (flow, op, attempt) {
        (WHOLE, _, 1) => Answer::Unavailable,
        (REJECTED, Op::Grant, _) => Answer::Rejected,
        (BY_CODE, _, 1) => Answer::Lost,
        (LOAD, _, 1..=6) => match (key.run.as_uuid().as_u128() >> (8 * attempt)) % 8 {
            0 | 1 => Answer::Unavailable,
            2 | 3 => Answer::Lost,
            4 if op == Op::Grant => Answer::Rejected,
            _ => Answer::Done,
        },
        _ => Answer::Done,
    }
}

/// The configuration.
pub fn config() -> Config {
    let reference = |name: &str| Reference::typed(KIND, name);
    let mut config = Config::default();
    config.organization.domains.push(DOMAIN.to_owned());
    config.integrations.push(Integration {
        kind: KIND.to_owned(),
        name: KIND.to_owned(),
        external_id: KIND.to_owned(),
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
    config.targets =
        TARGETS.map(|name| Target { kind: KIND.to_owned(), name: name.to_owned(), ..Default::default() }).into();
    config.strategies.push(Strategy {
        kind: KIND.to_owned(),
        name: KIND.to_owned(),
        integration: Some(reference(KIND)),
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
                strategy: Some(reference(KIND)),
                prompt_fields: vec![duration.clone()],
                ..Default::default()
            },
            ..Default::default()
        })
        .into();
    config
}
