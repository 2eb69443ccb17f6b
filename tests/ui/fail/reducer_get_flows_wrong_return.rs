use sym_sdk::prelude::*;

#[reducer]
fn get_flows(query: &FlowsQuery) -> Flows {
    query.flows().clone()
}

fn main() {}
