//! OneLogin's lists.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::ToFieldOption;
use sym_integrations::http::Auth;
use sym_integrations::onelogin::{OneLogin, Privilege};
use sym_integrations::testing::{Replay, Reply};

use super::fake::{DOMAIN, FakeOneLogin};
use crate::vendor_support::code;

const CURSOR: &str = "bGltaXQ9MTAwJnBhZ2U9Mg==";

fn replayed(replay: &Replay) -> OneLogin {
    OneLogin::builder(DOMAIN).auth(Auth::bearer("t0ken".into())).connection(replay.connection()).build().unwrap()
}

fn roles(ids: std::ops::Range<u64>) -> Value {
    ids.map(|id| json!({ "id": id, "name": format!("role {id}") })).collect()
}

/// OL01.
#[tokio::test]
async fn later_pages_are_asked_for_by_their_cursor_alone() {
    let fake = FakeOneLogin::start().await;
    fake.state().roles = (1..=201).map(|id| (id, format!("role {id}"))).collect();
    let listed = fake.client().list_roles().await.unwrap();
    assert_eq!(listed.iter().map(|role| role.id).collect::<Vec<_>>(), (1..=201).collect::<Vec<_>>());
    assert_eq!(fake.calls().len(), 3);

    let replay = Replay::new();
    let first = Reply::json(roles(0..100)).header("After-Cursor", CURSOR).header("Total-Count", "101");
    replay.get("/api/2/users").query("email", "ana@example.com").query("limit", 100).reply(first);
    replay.get("/api/2/users").query("cursor", CURSOR).without_query("limit").without_query("email").reply(
        Reply::json(json!([{ "id": 900, "email": "Ana@example.com" }])).header("Total-Count", "101"),
    );
    assert_eq!(replayed(&replay).find_user_by_email("ana@example.com").await.unwrap().unwrap().id, 900);
    replay.check().unwrap();
}

/// OL02.
#[tokio::test]
async fn the_cursor_is_the_header_and_ends_the_list_when_it_is_absent_or_empty() {
    for last in [None, Some(""), Some("  ")] {
        let replay = Replay::new();
        replay.get("/api/2/roles").query("limit", 100).reply(Reply::json(roles(0..2)).header("after-cursor", CURSOR));
        let mut reply = Reply::json(roles(2..3));
        if let Some(last) = last {
            reply = reply.header("After-Cursor", last);
        }
        replay.get("/api/2/roles").query("cursor", CURSOR).reply(reply);
        assert_eq!(replayed(&replay).list_roles().await.unwrap().len(), 3);
        replay.check().unwrap();
    }
}

/// OL02.
#[tokio::test]
async fn a_repeated_cursor_is_an_error() {
    let replay = Replay::new();
    replay.get("/api/2/roles").times(2).reply(Reply::json(roles(0..2)).header("after-cursor", CURSOR));
    assert_eq!(code(&replayed(&replay).list_roles().await.unwrap_err()), "OneLogin:BAD_PAGING");
    replay.check().unwrap();
}

/// OL02. A proxy that removes the header would turn the first page into the whole list.
#[tokio::test]
async fn a_list_that_is_shorter_than_its_total_is_an_error() {
    let replay = Replay::new();
    replay.get("/api/2/roles/70/users").reply(Reply::json(roles(0..100)).header("total-count", "201"));
    let error = replayed(&replay).list_role_users(70, Privilege::Member).await.unwrap_err();
    assert_eq!(code(&error), "OneLogin:INVALID_RESPONSE");
    assert!(error.message().ends_with("the list ends after 100 of 201 items"), "{error}");
    replay.check().unwrap();
}

/// OL05.
#[tokio::test]
async fn callers_share_one_walk_of_the_roles() {
    let replay = Replay::new();
    let onelogin = replayed(&replay);
    replay.get("/api/2/roles").reply(Reply::json(roles(0..2)));
    let clone = onelogin.clone();
    let lists = [onelogin.list_roles(), clone.list_roles().name_filter("ROLE 1"), onelogin.list_roles()];
    let lists = futures_util::future::try_join_all(lists.map(IntoFuture::into_future)).await.unwrap();
    assert_eq!(lists.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 2]);
    replay.connection().clock().sleep(Duration::from_secs(29)).await;
    assert_eq!(onelogin.list_roles().await.unwrap().len(), 2);
    replay.check().unwrap();

    replay.connection().clock().sleep(Duration::from_secs(1)).await;
    replay.get("/api/2/roles").reply(Reply::json(roles(0..3)));
    assert_eq!(onelogin.list_roles().await.unwrap().len(), 3);
    replay.check().unwrap();
}

/// OL05. A failed walk is nobody's list.
#[tokio::test]
async fn a_failed_walk_is_not_kept() {
    let replay = Replay::new();
    let onelogin = replayed(&replay);
    replay.get("/api/2/roles").times(4).reply(Reply::status(502));
    assert_eq!(code(&onelogin.list_roles().await.unwrap_err()), "OneLogin:UNAVAILABLE");
    replay.get("/api/2/roles").reply(Reply::status(502));
    replay.get("/api/2/roles").reply(Reply::json(roles(0..2)));
    assert_eq!(onelogin.list_roles().await.unwrap().len(), 2);
    replay.check().unwrap();
}

#[tokio::test]
async fn roles_are_options_of_a_field() {
    let replay = Replay::new();
    replay.get("/api/2/roles").reply(Reply::json(json!([
        { "id": 70, "name": "Prod Admins", "apps": [1], "users": null, "colour": "red" },
        { "id": 71, "name": null },
    ])));
    let roles = replayed(&replay).list_roles().await.unwrap();
    let options: Vec<_> = roles.iter().map(|role| (role.option_value(), role.option_label())).collect();
    assert_eq!(options, [("70".to_owned(), "Prod Admins".to_owned()), ("71".to_owned(), "71".to_owned())]);
    assert_eq!(roles[0].raw()["colour"], "red");
}
