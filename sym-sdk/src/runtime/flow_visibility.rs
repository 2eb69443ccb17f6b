//! Which flows a person sees.

use std::sync::Arc;

use super::effect_executor::EffectExecutor;
use super::handler_call::{call, wrong_output};
use crate::handler::{Context, FlowsQuery, HandlerOutput, HandlerRecord, Services};
use crate::machine::EffectError;
use crate::model::{Flows, User};

/// The organization's `get_flows` reducer, with what it needs.
#[derive(Debug)]
pub(super) struct FlowVisibility {
    pub(super) record: &'static HandlerRecord,
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
        match call(&*executor.clock, executor.limits.reducer, self.record, &context).await? {
            HandlerOutput::Flows(flows) => Ok(flows.into()),
            _ => Err(wrong_output(self.record)),
        }
    }
}
