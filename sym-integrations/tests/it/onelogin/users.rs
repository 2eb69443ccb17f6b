//! Users, and their OneLogin accounts.

use serde_json::json;
use sym_integrations::ToFieldOption;
use sym_integrations::http::Auth;
use sym_integrations::onelogin::{OneLogin, UserState, UserStatus};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::model::UserIdentity;

use super::fake::{DOMAIN, FakeOneLogin};
use crate::vendor_support::{code, person};

#[tokio::test]
async fn an_address_with_a_wildcard_finds_nobody_else() {
    let fake = FakeOneLogin::start().await;
    let onelogin = fake.client();
    assert!(onelogin.find_user_by_email("*@example.com").await.unwrap().is_none());
    assert!(onelogin.find_user_by_email("na@example.com").await.unwrap().is_none());
    assert_eq!(onelogin.find_user_by_email("BEN@example.com").await.unwrap().unwrap().id, 2);
}

#[tokio::test]
async fn only_one_active_account_is_somebodys() {
    let fake = FakeOneLogin::start().await;
    let onelogin = fake.client();
    fake.state().add_user(4, "Ana@example.com", 2);
    assert_eq!(onelogin.find_user_by_email("ana@example.com").await.unwrap().unwrap().id, 1);
    fake.state().add_user(4, "Ana@example.com", 1);
    assert_eq!(code(&onelogin.find_user_by_email("ana@example.com").await.unwrap_err()), "OneLogin:AMBIGUOUS_USER");
    fake.state().add_user(3, "cleo@example.com", 2);
    let error = onelogin.find_user_by_email("cleo@example.com").await.unwrap_err();
    assert_eq!(code(&error), "OneLogin:USER_DEPROVISIONED");
    assert_eq!(code(&onelogin.get_user_info(&person("eve@example.com")).await.unwrap_err()), "Identity:NOT_FOUND");
}

#[tokio::test]
async fn the_identity_of_a_user_is_a_number() {
    let fake = FakeOneLogin::start().await;
    let onelogin = fake.client();
    let known = person("ana@example.com").with_identity(UserIdentity::new("onelogin", DOMAIN, "2"));
    assert_eq!(onelogin.user_id(&known).await.unwrap(), 2);
    let named = person("ana@example.com").with_identity(UserIdentity::new("onelogin", DOMAIN, "ana@example.com"));
    assert_eq!(code(&onelogin.user_id(&named).await.unwrap_err()), "OneLogin:NOT_A_USER_ID");
}

#[tokio::test]
async fn null_is_absent_and_unknown_values_are_kept() {
    let replay = Replay::new();
    let onelogin =
        OneLogin::builder(DOMAIN).auth(Auth::bearer("t0ken".into())).connection(replay.connection()).build().unwrap();
    replay.get("/api/2/users/1").reply(Reply::json(json!({
        "id": 1, "username": null, "email": null, "firstname": " Ana ", "lastname": null, "status": 9, "state": null,
        "role_ids": null, "custom_attributes": { "badge": "\u{1F511}" },
    })));
    let user = onelogin.get_user(1).await.unwrap();
    assert_eq!((user.status, user.state, user.full_name()), (Some(UserStatus::Other(9)), None, "Ana".to_owned()));
    assert_eq!((user.option_value(), user.option_label()), ("1".to_owned(), "Ana".to_owned()));
    assert_eq!(user.raw()["custom_attributes"]["badge"], "\u{1F511}");
    assert!(!user.is_deactivated());
    for (status, state, expected) in [(2, 1, true), (1, 2, true), (1, 3, true), (3, 1, false), (0, 0, false)] {
        replay.get("/api/2/users/1").reply(Reply::json(json!({ "id": 1, "status": status, "state": state })));
        assert_eq!(onelogin.get_user(1).await.unwrap().is_deactivated(), expected, "{status} {state}");
    }
    assert_eq!(UserState::from(1), UserState::Approved);
    replay.check().unwrap();
}

/// OL04. An update needs a member, which must not change anything.
#[tokio::test]
async fn mappings_are_run_by_an_update_that_changes_nothing() {
    let replay = Replay::new();
    let onelogin =
        OneLogin::builder(DOMAIN).auth(Auth::bearer("t0ken".into())).connection(replay.connection()).build().unwrap();
    let user = json!({ "id": 1, "username": null, "email": "ana@example.com" });
    replay.get("/api/2/users/1").reply(Reply::json(&user));
    let update = replay.on("PUT", "/api/2/users/1").query("mappings", "sync");
    update.json(json!({ "email": "ana@example.com" })).reply(Reply::json(&user));
    onelogin.run_mappings(1).await.unwrap();
    replay.get("/api/2/users/1").reply(Reply::json(json!({ "id": 1 })));
    assert_eq!(code(&onelogin.run_mappings(1).await.unwrap_err()), "OneLogin:MAPPINGS_NOT_RUN");
    replay.check().unwrap();
}
