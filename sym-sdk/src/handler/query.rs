//! The inputs of reducers that are not called for an event.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Flows, User};

/// The input of `get_identity` and `get_identity_lookup`: a user, and the service to identify them in.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityQuery {
    service: String,
    external_id: String,
    user: Arc<User>,
}

impl IdentityQuery {
    /// Creates a query for `user` in the instance `external_id` of the service.
    pub fn new(service: impl Into<String>, external_id: impl Into<String>, user: impl Into<Arc<User>>) -> Self {
        Self { service: service.into(), external_id: external_id.into(), user: user.into() }
    }

    /// The type of the service, such as `okta`.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The id of the service's instance, as the service names it: a workspace, a domain, an organization.
    pub fn external_id(&self) -> &str {
        &self.external_id
    }

    /// The user to identify.
    pub fn user(&self) -> &User {
        &self.user
    }
}

/// The input of `get_flows`: a user, and all flows to choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowsQuery {
    user: Arc<User>,
    flows: Flows,
    vars: BTreeMap<String, String>,
}

impl FlowsQuery {
    /// Creates a query for `user` and all flows of the organization.
    pub fn new(user: impl Into<Arc<User>>, flows: Flows) -> Self {
        Self { user: user.into(), flows, vars: BTreeMap::new() }
    }

    /// Adds the vars of the flows filter.
    #[must_use]
    pub fn with_vars(mut self, vars: BTreeMap<String, String>) -> Self {
        self.vars = vars;
        self
    }

    /// The user who lists the flows.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// All flows of the organization.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// The vars of the flows filter. Handlers usually take them as [`Vars<T>`](super::Vars).
    pub fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }
}
