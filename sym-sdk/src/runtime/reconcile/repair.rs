//! Repairs of differences, as far as the options allow.

use std::sync::Arc;

use super::compare::Found;
use super::report::{Reconciliation, Repair};
use super::{Extra, Reconcile};
use crate::engine::InputKey;
use crate::error::Result;
use crate::machine::{Action, Input, InputBody, InputReply, Removal};
use crate::model::{Channel, ChannelType, EventId, RunId, Srn, User, UserType};
use crate::runtime::Runtime;

/// Makes the allowed repairs, and returns the report.
pub(super) async fn repair(
    runtime: &Runtime,
    what: &Reconcile,
    actor: &Arc<User>,
    found: Found<'_>,
) -> Result<Reconciliation> {
    let mut missing = Vec::new();
    for (mut one, flow) in found.missing {
        if what.regrant_missing {
            one.repair = submit(runtime, actor, one.run, &flow, Action::Regrant).await?;
        }
        let (run, flow, target, identity, repair) =
            (one.run, &one.flow, one.target.title(), &one.identity, &one.repair);
        tracing::warn!(%run, %flow, %target, %identity, ?repair, "access is missing at its target");
        missing.push(one);
    }
    let mut extra = Vec::new();
    for (mut one, plan) in found.extra {
        let wanted = match what.revoke {
            Extra::Nobody => false,
            Extra::Users => one.user.is_some(),
            Extra::Everybody => true,
        };
        if wanted {
            let removal = Removal::new(one.target.clone(), &*one.identity, plan.resource);
            let action = Action::Remove(Box::new(removal));
            one.repair = submit(runtime, actor, runtime.new_run(None), plan.entry.flow.srn(), action).await?;
        }
        let (flow, target, identity, repair) = (&one.flow, one.target.title(), &one.identity, &one.repair);
        tracing::warn!(%flow, %target, %identity, ?repair, "a target lists access that no Run grants");
        extra.push(one);
    }
    let (compared, targets) = (found.compared.len(), found.compared);
    Ok(Reconciliation { compared, targets, missing, extra, unknown: found.unknown })
}

async fn submit(runtime: &Runtime, actor: &Arc<User>, run: RunId, flow: &Srn, action: Action) -> Result<Repair> {
    let event = EventId::from_uuid(runtime.new_id(None, "event"));
    let is_automatic = actor.user_type() == UserType::System;
    let channel = Channel::new(if is_automatic { ChannelType::Scheduler } else { ChannelType::Api });
    let body = InputBody::Submitted { event, actor: actor.clone(), channel, action };
    let input = Input::new(run, flow.clone(), runtime.clock().now(), body);
    Ok(match runtime.engine.submit(InputKey::new(format!("event:{event}")), input).await? {
        InputReply::Refused { error, .. } => Repair::Refused(error),
        _ => Repair::Begun(run),
    })
}
