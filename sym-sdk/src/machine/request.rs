//! The beginning of a Run: the form, the request, and who is to decide it.

use std::sync::Arc;

use super::audit_entry::{AuditKind, HandlerResult};
use super::effect::{EffectKind, Routing};
use super::state::{EventRecord, RequestData, Stage};
use super::stepper::{Stepper, handler_called};
use crate::model::{HandlerRef, Hook, RunStatus, Step};

impl Stepper<'_> {
    pub(super) fn prompt(&mut self, event: Arc<EventRecord>) {
        self.complete(&event, RunStatus::Prompted);
        self.effect(&event, EffectKind::OpenForm);
    }

    pub(super) fn request(&mut self, event: Arc<EventRecord>) {
        self.keep_request(&event);
        self.wait_for(event, Stage::Route, Default::default(), EffectKind::Route);
    }

    /// Keeps what was requested. Hooks that answer a request by deciding it need it as much as approvers do.
    pub(super) fn keep_request(&mut self, event: &Arc<EventRecord>) {
        self.state.request = Some(RequestData {
            target: event.target.clone(),
            duration: event.duration,
            fields: event.fields.clone(),
            reason: event.reason.clone(),
        });
        self.state.run.set_actor(Step::Request, event.actor.clone());
        if let Some(context) = &event.context {
            self.state.run.set_context(Step::Request, context.clone());
        }
    }

    pub(super) fn routed(&mut self, event: Arc<EventRecord>, handlers: &[HandlerRef], routing: &Routing) {
        for handler in handlers {
            self.audit(&event, handler_called(handler, HandlerResult::Returned));
        }
        let notifications = routing.notifications.iter().map(crate::routing::Notification::label).collect();
        self.audit(&event, AuditKind::Routed { permission: routing.permission.clone(), notifications });
        self.state.routing = Some(routing.clone());
        self.state.current_notification = 0;
        self.complete(&event, RunStatus::Requested);
        if routing.notifications.is_empty() {
            self.after(&event);
        } else {
            if self.rules.hooks.has(Hook::After(Step::Request)) {
                self.state.deferred_after_request = Some(event.clone());
            }
            self.deliver_current(&event);
        }
    }
}
