use sym_sdk::prelude::*;

use sym_sdk::integration::IntegrationConfig;
use std::collections::BTreeMap;

struct PagerDuty;

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";

    fn from_config(_config: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self)
    }
}

#[derive(Deserialize)]
struct Form<'a> {
    _urgency: &'a str,
}

struct Counter;

#[hook]
async fn on_request(
    _event: &Event,
    _user: &User,
    _flow: &Flow,
    _run: &Run,
    _form: Fields<Form<'_>>,
    _vars: Vars<BTreeMap<String, String>>,
    _counter: State<Counter>,
    _pagerduty: &PagerDuty,
    _directory: &Directory,
    _store: &KeyValue,
    _context: &Context,
) {
}

#[hook]
fn on_request_forward(_context: &RequestForwardContext) {}

#[hook]
fn after_escalate(_output: StepOutput<BTreeMap<String, String>>) {}

#[reducer]
fn get_identity(_query: &IdentityQuery) -> Option<String> {
    None
}

#[reducer]
fn get_flows(_query: &FlowsQuery, _flows: &Flows, _user: &User) -> Vec<std::sync::Arc<Flow>> {
    Vec::new()
}

#[on_change]
fn on_change_urgency(_user: &User, _form: &mut PromptForm, _flow: &Flow, _counter: State<Counter>) {}

fn main() {}
