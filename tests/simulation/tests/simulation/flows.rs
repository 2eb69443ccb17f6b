//! The flows of the simulated organization, and their handlers. Their declarations are in [`declared`](crate::declared).

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
    /// Whether the access expires, unless the configuration was changed.
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

/// Returns the handlers of the organization.
pub(crate) fn registry() -> Registry {
    use code::*;
    handlers![
        get_permissions,
        get_request_notifications,
        on_request,
        on_approve,
        on_escalate,
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
        let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin);
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

    /// Approves urgent requests, unless it ignores them.
    #[hook]
    pub(super) async fn on_request(event: &Event, world: State<World>) -> Result<Option<NextEvent>> {
        world.call(Place::Hook, "on_request", || ()).await?;
        let is_urgent = matches!(event.payload().fields().get("urgent"), Some(FieldValue::Bool(true)));
        if world.ignores("on_request") {
            return Ok(Some(ApprovalTemplate::ignore()));
        }
        Ok(is_urgent.then(|| ApprovalTemplate::approve().reason("it is urgent")))
    }

    #[hook]
    pub(super) async fn on_approve(event: &Event, world: State<World>) -> Result<Option<NextEvent>> {
        world.approving(event.id());
        world.call(Place::Hook, "on_approve", || ()).await?;
        Ok(world.ignores("on_approve").then(ApprovalTemplate::ignore))
    }

    #[hook]
    pub(super) async fn on_escalate(world: State<World>) -> Result<Option<NextEvent>> {
        world.call(Place::Hook, "on_escalate", || ()).await?;
        Ok(world.ignores("on_escalate").then(ApprovalTemplate::ignore))
    }

    /// Ignores the end of access now and then, or always.
    #[hook]
    pub(super) async fn on_deescalate(event: &Event, world: State<World>) -> Result<Option<NextEvent>> {
        world.call(Place::Hook, "on_deescalate", || ()).await?;
        let ignores = world.ignores("on_deescalate");
        if ignores {
            world.deferred(event.run().id());
        }
        Ok(ignores.then(ApprovalTemplate::ignore))
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
