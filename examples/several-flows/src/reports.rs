//! A flow from before 2024, whose one reducer says both who is asked and who decides. New flows have the two reducers instead, as the
//! other modules do.

use sym_integrations::slack;
use sym_sdk::prelude::*;

#[reducer]
fn get_approvers(flow: &Flow) -> Result<RequestDestination> {
    slack::channel(flow.var("request_channel")?)
}
