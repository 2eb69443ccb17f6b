//! The input of a handler call.

use std::sync::Arc;

use super::{FlowsQuery, IdentityQuery, Services};
use crate::directory::{Directory, KeyValue};
use crate::integration::IntegrationClient;
use crate::model::{Event, Flow, OpenedOutput, User};
use crate::routing::RequestForwardContext;

/// The input of one handler call. Arguments are extracted from it; a handler can also take all of it, as `&Context`.
#[derive(Clone, Debug)]
pub struct Context {
    services: Arc<Services>,
    event: Option<Arc<Event>>,
    user: Option<Arc<User>>,
    flow: Option<Arc<Flow>>,
    forward: Option<RequestForwardContext>,
    opened_output: Option<OpenedOutput>,
    identity_query: Option<IdentityQuery>,
    flows_query: Option<FlowsQuery>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            services: Services::empty(),
            event: None,
            user: None,
            flow: None,
            forward: None,
            opened_output: None,
            identity_query: None,
            flows_query: None,
        }
    }
}

impl Context {
    /// Returns a builder without an event, a user or services.
    pub fn builder() -> ContextBuilder {
        ContextBuilder(Self::default())
    }

    /// The event.
    pub fn event(&self) -> Option<&Event> {
        self.event.as_deref()
    }

    /// The user: in identity reducers the one whose identity is looked up, in `get_flows` the one who lists flows, otherwise
    /// the one who fills in the form or triggered the event.
    pub fn user(&self) -> Option<&User> {
        let asked_for = self.identity_query.as_ref().map(IdentityQuery::user);
        asked_for
            .or_else(|| self.flows_query.as_ref().map(FlowsQuery::user))
            .or(self.user.as_deref())
            .or_else(|| self.event().map(Event::user))
    }

    /// The flow.
    pub fn flow(&self) -> Option<&Flow> {
        self.flow.as_deref().or_else(|| self.event().map(Event::flow))
    }

    /// The notifications of a request that is being forwarded.
    pub fn forward(&self) -> Option<&RequestForwardContext> {
        self.forward.as_ref()
    }

    /// The output of the event's step with its secrets, if it has any.
    pub(super) fn opened_output(&self) -> Option<&OpenedOutput> {
        self.opened_output.as_ref()
    }

    /// The query of an identity reducer.
    pub fn identity_query(&self) -> Option<&IdentityQuery> {
        self.identity_query.as_ref()
    }

    /// The query of `get_flows`.
    pub fn flows_query(&self) -> Option<&FlowsQuery> {
        self.flows_query.as_ref()
    }

    /// The services that all calls share.
    pub fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// The integration client of type `T`.
    pub fn client<T: IntegrationClient>(&self) -> Option<&T> {
        self.services.client()
    }

    /// The state of type `T`.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.services.state()
    }

    /// The user directory.
    pub fn directory(&self) -> Option<&Directory> {
        self.services.directory()
    }

    /// The key-value store.
    pub fn key_value(&self) -> Option<&KeyValue> {
        self.services.key_value()
    }
}

/// Builds a [`Context`].
#[derive(Clone, Debug)]
pub struct ContextBuilder(Context);

impl ContextBuilder {
    /// Sets the event.
    #[must_use]
    pub fn event(mut self, event: impl Into<Arc<Event>>) -> Self {
        self.0.event = Some(event.into());
        self
    }

    /// Sets the services.
    #[must_use]
    pub fn services(mut self, services: Arc<Services>) -> Self {
        self.0.services = services;
        self
    }

    /// Sets the user, for calls without an event or about another user than the event's.
    #[must_use]
    pub fn user(mut self, user: impl Into<Arc<User>>) -> Self {
        self.0.user = Some(user.into());
        self
    }

    /// Sets the flow, for calls without an event.
    #[must_use]
    pub fn flow(mut self, flow: impl Into<Arc<Flow>>) -> Self {
        self.0.flow = Some(flow.into());
        self
    }

    /// Sets the notifications of a request that is being forwarded.
    #[must_use]
    pub fn forward(mut self, forward: RequestForwardContext) -> Self {
        self.0.forward = Some(forward);
        self
    }

    /// Sets the output of the event's step with its secrets.
    #[cfg(feature = "runtime")]
    pub(crate) fn opened_output(mut self, output: Option<OpenedOutput>) -> Self {
        self.0.opened_output = output;
        self
    }

    /// Sets the query of an identity reducer.
    #[must_use]
    pub fn identity_query(mut self, query: IdentityQuery) -> Self {
        self.0.identity_query = Some(query);
        self
    }

    /// Sets the query of `get_flows`.
    #[must_use]
    pub fn flows_query(mut self, query: FlowsQuery) -> Self {
        self.0.flows_query = Some(query);
        self
    }

    /// Builds the context.
    pub fn build(mut self) -> Context {
        // An event that comes from a runtime has no secret in the clear; one that a test has built may.
        let output = self.0.event().and_then(|event| event.step_output(event.name()));
        if let (None, Some(output)) = (&self.0.opened_output, output) {
            self.0.opened_output = OpenedOutput::open_plain(output);
        }
        self.0
    }
}
