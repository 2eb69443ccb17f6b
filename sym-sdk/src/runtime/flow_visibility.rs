//! Visibility of flows: the organization's `get_flows` reducer decides which flows a user sees.
//!
//! A flow that is hidden from a user is closed to them, by whatever way they name it: requests to it and forms of it are refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::Runtime;
use super::effect_executor::EffectExecutor;
use super::handler_call::call;
use crate::error::{Error, ErrorKind, Result, codes};
use crate::handler::{Context, FlowsQuery, HandlerFn, Services};
use crate::machine::EffectError;
use crate::model::{Flow, Flows, Srn, User};
use crate::sync::lock;

/// The `get_flows` reducer and what it is called with.
#[derive(Debug)]
pub(super) struct FlowVisibility {
    pub(super) handler: HandlerFn<Vec<Arc<Flow>>>,
    pub(super) services: Mutex<Arc<Services>>,
    pub(super) vars: BTreeMap<String, String>,
}

impl FlowVisibility {
    /// Takes the services of one that was built later.
    pub(super) fn replace(&self, later: Self) {
        let services = lock(&later.services).clone();
        *lock(&self.services) = services;
    }

    async fn flows_for(&self, executor: &EffectExecutor, user: &Arc<User>, flows: Flows) -> Result<Flows, EffectError> {
        let query = FlowsQuery::new(user.clone(), flows).with_vars(self.vars.clone());
        let context = Context::builder().services(lock(&self.services).clone()).flows_query(query).build();
        let flows = call(&*executor.clock, executor.limits.reducer, self.handler, &context).await?;
        Ok(flows.into())
    }
}

impl Runtime {
    /// Returns the flows that a user sees: those that the `get_flows` reducer returns, or all if there is none.
    ///
    /// # Errors
    /// If the reducer fails, or could not be built.
    pub async fn flows_for(&self, user: &Arc<User>) -> Result<Flows> {
        self.executor.flows.check_filter()?;
        let flows = self.flows();
        match &self.executor.filter {
            Some(filter) => filter.flows_for(&self.executor, user, flows).await.map_err(Error::from),
            None => Ok(flows),
        }
    }

    /// Checks that a flow is visible to a user.
    pub(super) async fn check_visible(&self, flow: &Srn, user: &Arc<User>) -> Result<()> {
        if self.flows_for(user).await?.get(flow.slug()).is_some() {
            return Ok(());
        }
        let message = format!("flow `{}` is not open to {}", flow.slug(), user.username());
        Err(Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message))
    }
}
