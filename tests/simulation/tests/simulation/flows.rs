//! The flows of the simulated organization, and their handlers.

use sym_sdk::config::{Config, Environment, ErrorLogger, Flow, FlowParams, PromptField, Reference, Strategy, Target};
use sym_sdk::handler::Registry;
use sym_sdk::handlers;

/// The type of the access strategy.
pub(crate) const STRATEGY: &str = "vault";

/// The targets. All flows have the same ones.
pub(crate) const TARGETS: [&str; 2] = ["admins", "readers"];

/// The duration of the access.
pub(crate) const DURATIONS: [&str; 3] = ["2m", "1h", "5h"];

/// The policy of a flow.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) flow: &'static str,
    pub(crate) approvals: u8,
    pub(crate) self_approval: bool,
    /// Whether the access expires.
    pub(crate) ends: bool,
}

/// All flows.
pub(crate) const POLICIES: [Policy; 3] = [
    Policy { flow: "prod", approvals: 2, self_approval: false, ends: true },
    Policy { flow: "emergency", approvals: 1, self_approval: true, ends: true },
    Policy { flow: "standing", approvals: 1, self_approval: false, ends: false },
];

impl Policy {
    /// Returns the policy of the flow with the name.
    pub(crate) fn of(flow: &str) -> &'static Self {
        POLICIES.iter().find(|policy| policy.flow == flow).expect("the flow is one of these")
    }
}

/// Returns the configuration of the organization.
pub(crate) fn config() -> Config {
    let targets = TARGETS.map(|name| Reference::typed(STRATEGY, name));
    let target = |name: &&str| Target { kind: STRATEGY.into(), name: name.to_string(), ..Target::default() };
    let mut config = Config {
        targets: TARGETS.iter().map(target).collect(),
        integrations: vec![sym_sdk::config::Integration {
            kind: STRATEGY.into(),
            name: STRATEGY.into(),
            external_id: "acme".into(),
            ..Default::default()
        }],
        strategies: vec![Strategy {
            kind: STRATEGY.into(),
            name: STRATEGY.into(),
            integration: Some(Reference::typed(STRATEGY, STRATEGY)),
            targets: targets.to_vec(),
            ..Strategy::default()
        }],
        environments: vec![Environment {
            name: "main".into(),
            error_logger: Some("errors".into()),
            ..Environment::default()
        }],
        error_loggers: vec![ErrorLogger { name: "errors".into(), destination: "#errors".into(), ..Default::default() }],
        flows: POLICIES.iter().map(flow).collect(),
        ..Config::default()
    };
    config.organization.domains.push("example.com".into());
    config
}

fn flow(policy: &Policy) -> Flow {
    let urgent =
        PromptField { name: "urgent".into(), field_type: "bool".into(), required: false, ..Default::default() };
    let duration = PromptField {
        name: "duration".into(),
        field_type: "duration".into(),
        allowed_values: Some(DURATIONS.map(str::to_owned).to_vec()),
        ..Default::default()
    };
    let mut params = FlowParams {
        strategy: Some(Reference::typed(STRATEGY, STRATEGY)),
        schedule_deescalation: policy.ends,
        prompt_fields: vec![urgent],
        ..FlowParams::default()
    };
    if policy.ends {
        params.prompt_fields.push(duration);
    }
    Flow { name: policy.flow.into(), environment: "main".into(), params, ..Flow::default() }
}

/// Returns the handlers of the organization.
pub(crate) fn registry() -> Registry {
    use code::*;
    handlers![
        get_permissions,
        get_request_notifications,
        on_request,
        on_approve,
        on_deescalate,
        after_request,
        after_escalate,
        after_deescalate
    ]
}

mod code {
    use sym_sdk::prelude::*;

    use super::Policy;
    use crate::fault::Place;
    use crate::world::World;

    #[reducer]
    pub(super) async fn get_permissions(event: &Event, world: State<World>) -> Result<RequestPermission> {
        world.call(Place::Reducer, "get_permissions", || ()).await?;
        let policy = Policy::of(event.flow().name());
        let permission = RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member);
        Ok(permission.approvals(policy.approvals).allow_self_approval(policy.self_approval))
    }

    #[reducer]
    pub(super) async fn get_request_notifications(world: State<World>) -> Result<Vec<Notification>> {
        world.call(Place::Reducer, "get_request_notifications", || ()).await?;
        let channel = |name: &str, minutes: u64| -> Result<Notification> {
            let notification = Notification::to(SlackChannelName::new(name)?);
            Ok(notification.timeout(Duration::from_secs(60 * minutes)))
        };
        Ok(vec![channel("#first", 20)?, channel("#second", 60)?])
    }

    /// Approves urgent requests.
    #[hook]
    pub(super) async fn on_request(event: &Event, world: State<World>) -> Result<Option<NextEvent>> {
        world.call(Place::Hook, "on_request", || ()).await?;
        let is_urgent = matches!(event.payload().fields().get("urgent"), Some(FieldValue::Bool(true)));
        Ok(is_urgent.then(|| ApprovalTemplate::approve().reason("it is urgent")))
    }

    #[hook]
    pub(super) async fn on_approve(world: State<World>) -> Result<()> {
        world.call(Place::Hook, "on_approve", || ()).await
    }

    /// Ignores the expiry now and then.
    #[hook]
    pub(super) async fn on_deescalate(world: State<World>) -> Result<Option<NextEvent>> {
        world.call(Place::Hook, "on_deescalate", || ()).await?;
        Ok(world.puts_off().then(ApprovalTemplate::ignore))
    }

    #[hook]
    pub(super) async fn after_request(world: State<World>) -> Result<()> {
        world.call(Place::Hook, "after_request", || ()).await
    }

    #[hook]
    pub(super) async fn after_escalate(world: State<World>) -> Result<()> {
        world.call(Place::Hook, "after_escalate", || ()).await
    }

    #[hook]
    pub(super) async fn after_deescalate(world: State<World>) -> Result<()> {
        world.call(Place::Hook, "after_deescalate", || ()).await
    }
}
