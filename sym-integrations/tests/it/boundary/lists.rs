//! Boundary's lists.

use serde_json::json;
use sym_integrations::ToFieldOption;
use sym_integrations::boundary::Boundary;
use sym_integrations::http::Auth;
use sym_integrations::testing::{Replay, Reply};

use super::fake::{CLUSTER, FakeBoundary, Group};
use crate::vendor_support::code;

fn replayed(replay: &Replay) -> Boundary {
    Boundary::builder(CLUSTER).auth(Auth::bearer("t0ken".into())).connection(replay.connection()).build().unwrap()
}

#[tokio::test]
async fn lists_are_read_to_their_end() {
    let fake = FakeBoundary::start().await;
    for number in 2..=5 {
        let group = Group { name: format!("group {number}"), version: 1, members: Vec::new() };
        fake.state().groups.insert(format!("g_{number}"), group);
    }
    fake.state().page = 2;
    let groups = fake.client().list_groups().await.unwrap();
    assert_eq!(groups.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ["g_1", "g_2", "g_3", "g_4", "g_5"]);
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn items_that_change_or_vanish_between_pages_are_not_listed_twice() {
    let replay = Replay::new();
    replay.get("/v1/groups").query("scope_id", "o_1").query("recursive", "true").without_query("list_token").reply(
        Reply::json(json!({ "items": [{ "id": "g_1", "name": "old" }, { "id": "g_2", "name": null }], "response_type": "delta", "list_token": "t1" })),
    );
    replay.get("/v1/groups").query("scope_id", "o_1").query("list_token", "t1").reply(Reply::json(json!({
        "items": [{ "id": "g_1", "name": "new", "colour": "red" }], "removed_ids": ["g_2", "g_9"], "response_type": "complete",
    })));
    let groups = replayed(&replay).list_groups().scope_id("o_1").recursive(true).await.unwrap();
    let options: Vec<_> = groups.iter().map(|group| (group.option_value(), group.option_label())).collect();
    assert_eq!(options, [("g_1".to_owned(), "new".to_owned())]);
    assert_eq!(groups[0].raw()["colour"], "red");
    replay.check().unwrap();
}

/// Controllers before 0.15 have no pages, and an empty list is left out.
#[tokio::test]
async fn older_controllers_list_everything_at_once() {
    let replay = Replay::new();
    let boundary = replayed(&replay);
    replay.get("/v1/groups").query("filter", "\"/item/name\" == \"x\"").reply(Reply::json(json!({})));
    assert!(boundary.list_groups().filter("\"/item/name\" == \"x\"").await.unwrap().is_empty());
    replay.get("/v1/groups").reply(Reply::json(json!({ "items": null, "removed_ids": null })));
    assert!(boundary.list_groups().filter(" ").await.unwrap().is_empty());
    replay.get("/v1/groups").reply(Reply::json(json!({ "items": [{ "id": "g_1" }] })));
    assert_eq!(boundary.list_groups().await.unwrap().len(), 1);
    replay.check().unwrap();
}

#[tokio::test]
async fn a_list_that_cannot_be_completed_is_an_error() {
    let replay = Replay::new();
    let boundary = replayed(&replay);
    let page = || Reply::json(json!({ "items": [{ "id": "g_1" }], "response_type": "delta", "list_token": "t1" }));
    replay.get("/v1/groups").times(2).reply(page());
    assert_eq!(code(&boundary.list_groups().await.unwrap_err()), "Boundary:BAD_PAGING");
    replay.get("/v1/groups").reply(Reply::json(json!({ "items": [], "response_type": "delta", "list_token": "" })));
    assert_eq!(code(&boundary.list_groups().await.unwrap_err()), "Boundary:INVALID_RESPONSE");
    replay.check().unwrap();
}
