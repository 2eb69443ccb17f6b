//! Which flows a person sees.

use std::sync::Arc;

use super::effect_executor::EffectExecutor;
use super::handler_call::call;
use crate::handler::{Context, FlowsQuery, HandlerFn, Services};
use crate::machine::EffectError;
use crate::model::{Flow, Flows, User};

/// The organization's `get_flows` reducer, with what it needs.
#[derive(Debug)]
pub(super) struct FlowVisibility {
    pub(super) handler: HandlerFn<Vec<Arc<Flow>>>,
    pub(super) services: Arc<Services>,
    pub(super) vars: std::collections::BTreeMap<String, String>,
}

impl FlowVisibility {
    pub(super) async fn flows_for(
        &self,
        executor: &EffectExecutor,
        user: &Arc<User>,
        flows: Flows,
    ) -> Result<Flows, EffectError> {
        let query = FlowsQuery::new(user.clone(), flows).with_vars(self.vars.clone());
        let context = Context::builder().services(self.services.clone()).flows_query(query).build();
        let flows = call(&*executor.clock, executor.limits.reducer, self.handler, &context).await?;
        Ok(flows.into())
    }
}
