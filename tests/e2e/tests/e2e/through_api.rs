//! The table through the HTTP API: persons with the token of a command line, and bots with theirs.

use serde_json::json;

use crate::call::{get, post};
use crate::table::{Act, Answer, Way, each_actor};
use crate::world::{Situation, World};

each_actor!(Way::Api);

pub(crate) async fn attempt(world: &World, situation: &Situation, act: Act) -> Answer {
    let (routes, token) = (world.routes(), situation.token());
    let run = situation.runs.get(act.target()).map(ToString::to_string).unwrap_or_default();
    let mut request = json!({
        "flow_srn": situation.flow,
        "flow_inputs": { "target_id": act.target(), "duration": 3_600 },
    });
    let response = match act {
        Act::See => get(routes, token, &format!("/runs/{run}")).await,
        Act::Approve => post(routes, token, &format!("/runs/{run}/approve"), json!({})).await,
        Act::Deny => post(routes, token, &format!("/runs/{run}/deny"), json!({ "message": "no" })).await,
        Act::WriteOff => post(routes, token, &format!("/runs/{run}/write-off"), json!({ "reason": "gone" })).await,
        Act::Revoke => post(routes, token, &format!("/runs/{run}/revoke"), json!({})).await,
        Act::Request => post(routes, token, "/events/request", request).await,
        Act::RequestForAnother => {
            request["user_email"] = json!("eli@example.com");
            post(routes, token, "/events/request", request).await
        }
    };
    response.answer()
}
