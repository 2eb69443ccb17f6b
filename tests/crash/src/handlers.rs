//! Handlers of each kind, with crash points around their bodies.

use std::sync::Arc;

use sym_sdk::handler::Registry;
use sym_sdk::model::{EventId, RunId};
use sym_sdk::prelude::*;

use crate::flows::{self, BROKEN};
use crate::journal::Journal;
use crate::points::Points;

const MINUTE: Duration = Duration::from_secs(60);

#[reducer]
fn get_permissions(event: &Event, points: State<Arc<Points>>) -> RequestPermission {
    points.before("effect get_permissions");
    let permission = RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin);
    let permission = permission.approvals(flows::approvals(event.flow().name()));
    points.after("effect get_permissions");
    permission
}

/// The first of two notifications times out after ten minutes.
#[reducer]
fn get_request_notifications(event: &Event, points: State<Arc<Points>>) -> Result<Vec<Notification>> {
    points.before("effect get_request_notifications");
    let channel = |name: &str| SlackChannelName::new(format!("#{name}")).map(Notification::to);
    let last = channel("last")?.timeout(60 * MINUTE);
    let notifications = match event.flow().name().as_str() {
        flows::WHOLE | flows::LOAD => vec![channel("first")?.timeout(10 * MINUTE), last],
        flows::FORGOTTEN => vec![channel("last")?],
        flows::UNDELIVERABLE => vec![channel(BROKEN)?, last],
        _ => vec![last],
    };
    points.after("effect get_request_notifications");
    Ok(notifications)
}

/// Defines hooks that reach their crash points and let the event continue.
macro_rules! hooks {
    ($($name:ident)*) => {
        $(
            #[hook]
            fn $name(points: State<Arc<Points>>) {
                let effect = concat!("effect ", stringify!($name));
                points.before(effect);
                points.after(effect);
            }
        )*
    };
}

hooks! {
    on_prompt on_request_forward on_request_expire on_approve on_deny on_escalate
    after_prompt after_request after_request_forward after_request_expire after_approve after_deny after_escalate
    after_deescalate
}

#[hook]
fn on_request(event: &Event, points: State<Arc<Points>>) -> Option<NextEvent> {
    points.before("effect on_request");
    let is_self_approving = event.flow().name() == flows::BY_HOOK;
    let next = is_self_approving.then(|| ApprovalTemplate::approve().reason("the flow approves everything"));
    points.after("effect on_request");
    next
}

/// The expiries that were deferred, each with its Run.
pub type DeferredExpiries = Journal<(RunId, EventId)>;

/// Defers the first expiry of each access.
#[hook]
fn on_deescalate(event: &Event, points: State<Arc<Points>>, deferred: State<DeferredExpiries>) -> Option<NextEvent> {
    points.before("effect on_deescalate");
    let next = event.flow().name() == flows::BY_HOOK && {
        let (run, id) = (event.run().id(), event.id());
        let first = deferred.lines().into_iter().find(|(of, _)| *of == run).map(|(_, first)| first);
        if first.is_none() {
            deferred.append((run, id));
        }
        first.is_none_or(|first| first == id)
    };
    points.after("effect on_deescalate");
    next.then(ApprovalTemplate::ignore)
}

/// Returns all handlers.
pub fn registry() -> Registry {
    sym_sdk::handlers![
        get_permissions,
        get_request_notifications,
        on_prompt,
        on_request,
        on_request_forward,
        on_request_expire,
        on_approve,
        on_deny,
        on_escalate,
        on_deescalate,
        after_prompt,
        after_request,
        after_request_forward,
        after_request_expire,
        after_approve,
        after_deny,
        after_escalate,
        after_deescalate,
    ]
}
