//! Calls of handlers: hooks, and the reducers that route a request.

use super::EffectExecution;
use crate::error::Result;
use crate::handler::{Context, HandlerFn, Requires};
use crate::machine::{EffectError, HookResult, Outcome, Routing};
use crate::model::{Event, Hook, OpenedOutput, Step};
use crate::routing::{Approvers, RequestForwardContext, RequestPermission};
use crate::runtime::approver_count::possible_approvers;
use crate::runtime::earlier_request::earlier_request;
use crate::runtime::handler_call::{call, failed_in};

impl EffectExecution<'_> {
    fn context(&self, forward: Option<&RequestForwardContext>) -> Context {
        self.context_for(self.event(), None, forward)
    }

    fn context_for(
        &self,
        event: Event,
        output: Option<OpenedOutput>,
        forward: Option<&RequestForwardContext>,
    ) -> Context {
        let context = Context::builder().services(self.entry.services()).event(event).opened_output(output);
        match forward {
            Some(forward) => context.forward(forward.clone()).build(),
            None => context.build(),
        }
    }

    pub(super) async fn hook(
        &self,
        hook: Hook,
        forward: Option<&RequestForwardContext>,
    ) -> Result<Outcome, EffectError> {
        let (handlers, limit) = (&self.entry.handlers, self.executor.limits.hook);
        match hook {
            Hook::On(step) => {
                let Some(handler) = handlers.on(step) else { return Ok(Outcome::Done) };
                let context = self.context(forward);
                let verdict = match self.call(handler, &context, limit).await? {
                    Some(next) => {
                        next.validate().map_err(|error| failed_in(handler.record(), &error))?;
                        HookResult::Fire(Box::new(next))
                    }
                    None => HookResult::Continue,
                };
                Ok(Outcome::Hook { handler: handler.to_ref(), result: verdict })
            }
            Hook::After(step) => {
                let Some(handler) = handlers.after(step) else { return Ok(Outcome::Done) };
                // A step that was not taken has no output.
                if self.is_standing()
                    && matches!(step, Step::Escalate | Step::Deescalate)
                    && handler.record().requires().iter().any(|argument| matches!(argument, Requires::StepOutput))
                {
                    return Ok(Outcome::Done);
                }
                let (event, run, secrets) = (self.event(), self.state.run.id(), &self.executor.output_secrets);
                let output = event.step_output(step).and_then(|output| secrets.open(run, step, output));
                let context = self.context_for(event, output, forward);
                let called = self.call(handler, &context, limit).await;
                // The hook is not called again, whatever it returned.
                secrets.forget(run, step);
                called?;
                Ok(Outcome::Hook { handler: handler.to_ref(), result: HookResult::Continue })
            }
        }
    }

    /// Calls the reducer of permissions, then that of notifications.
    pub(super) async fn route(&self) -> Result<Outcome, EffectError> {
        let handlers = &self.entry.handlers;
        let limit = self.executor.limits.reducer;
        let context = self.context(None);
        let mut called = Vec::new();
        let routing = if let Some(handler) = handlers.get_permissions() {
            let permission = self.call(handler, &context, limit).await?;
            called.push(handler.to_ref());
            let notifications = match handlers.get_request_notifications() {
                None => Vec::new(),
                Some(handler) => {
                    called.push(handler.to_ref());
                    self.call(handler, &context, limit).await?
                }
            };
            Routing::new(permission, notifications)
        } else if let Some(handler) = handlers.get_approvers() {
            called.push(handler.to_ref());
            legacy_routing(&self.call(handler, &context, limit).await?)
        } else {
            Routing::new(RequestPermission::admins_only(), Vec::new())
        };
        // An extension repeats the request that gave the access by its nature.
        let earlier = match self.effect.event.extension {
            Some(_) => None,
            None => earlier_request(self.executor, self.state).await,
        };
        let possible = possible_approvers(self.executor, &self.entry.flow, &routing.permission, self.state).await;
        let requester = self.state.run.requester();
        let sends_receipt = requester.is_some_and(|requester| self.executor.receipt_sender(requester).is_some());
        Ok(Outcome::Routed {
            handlers: called,
            routing: Routing { possible_approvers: possible, earlier_request: earlier, sends_receipt, ..routing },
        })
    }

    async fn call<T>(
        &self,
        handler: HandlerFn<T>,
        context: &Context,
        limit: std::time::Duration,
    ) -> Result<T, EffectError> {
        call(&*self.executor.clock, limit, handler, context).await
    }
}

/// Converts the deprecated `get_approvers`: everyone who sees the message may decide, and admins may in the web app.
fn legacy_routing(approvers: &Approvers) -> Routing {
    let (on_failure, on_timeout) = match approvers {
        Approvers::Fallback(fallback) => (fallback.continues_on_delivery_failure(), fallback.continues_on_timeout()),
        Approvers::List(_) => (true, true),
        Approvers::Destination(_) => (false, false),
    };
    Routing {
        continue_on_delivery_failure: on_failure,
        continue_on_timeout: on_timeout,
        ..Routing::new(approvers.permission(), approvers.notifications())
    }
}
