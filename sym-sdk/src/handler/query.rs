use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Flows, User};

/// The question that `get_identity` and `get_identity_lookup` answer: who is this user in that service?
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityQuery {
    service: String,
    external_id: String,
    user: Arc<User>,
}

impl IdentityQuery {
    /// A question for `user` in the account `external_id` of the service.
    pub fn new(service: impl Into<String>, external_id: impl Into<String>, user: impl Into<Arc<User>>) -> Self {
        Self { service: service.into(), external_id: external_id.into(), user: user.into() }
    }

    /// The type of the service, such as `okta`.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The service's own id of the account.
    pub fn external_id(&self) -> &str {
        &self.external_id
    }

    /// The user whose identity is asked for.
    pub fn user(&self) -> &User {
        &self.user
    }
}

/// The question that `get_flows` answers: which of these flows does this user see?
#[derive(Clone, Debug, PartialEq)]
pub struct FlowsQuery {
    user: Arc<User>,
    flows: Flows,
    vars: BTreeMap<String, String>,
}

impl FlowsQuery {
    /// A question for `user` and all flows there are.
    pub fn new(user: impl Into<Arc<User>>, flows: Flows) -> Self {
        Self { user: user.into(), flows, vars: BTreeMap::new() }
    }

    /// Adds the vars of the flows filter.
    #[must_use]
    pub fn with_vars(mut self, vars: BTreeMap<String, String>) -> Self {
        self.vars = vars;
        self
    }

    /// The user who wants to see flows.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// All flows there are.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// The vars of the flows filter, which an argument [`Vars<T>`](super::Vars) reads into a type.
    pub fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }
}
