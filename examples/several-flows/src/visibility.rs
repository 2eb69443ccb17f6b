//! Which flows people see.

use std::sync::Arc;

use sym_sdk::prelude::*;

/// The vars of the filter, which belong to no flow.
#[derive(Deserialize)]
struct Settings {
    restricted: String,
}

/// Hides the restricted flow from everybody but administrators. A hidden flow is closed, too: requests to it are refused.
#[reducer]
fn get_flows(user: &User, flows: &Flows, settings: Vars<Settings>) -> Vec<Arc<Flow>> {
    let is_visible = |flow: &&Arc<Flow>| user.is_admin() || flow.name().as_str() != settings.restricted;
    flows.iter().filter(is_visible).cloned().collect()
}
