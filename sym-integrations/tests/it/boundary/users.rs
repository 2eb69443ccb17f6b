//! Users, and their Boundary users.

use serde_json::json;
use sym_integrations::ToFieldOption;
use sym_sdk::model::UserIdentity;

use super::fake::{CLUSTER, FakeBoundary, user};
use crate::vendor_support::{code, person};

/// BO03.
#[tokio::test]
async fn users_without_an_address_are_found_by_their_primary_account() {
    let fake = FakeBoundary::start().await;
    fake.state().users = vec![
        user("u_1", json!({ "primary_account_id": "acctoidc_1", "login_name": "auth0|7" })),
        user("u_2", json!({ "primary_account_id": "acctpw_2", "email": null })),
        user("u_3", json!({})),
    ];
    fake.state().accounts = [
        ("amoidc_1".to_owned(), vec![json!({ "id": "acctoidc_1", "attributes": { "email": "Ana@example.com", "subject": "7" } })]),
        ("ampw_1".to_owned(), vec![
            json!({ "id": "acctpw_2", "attributes": { "login_name": "ben@example.com" } }),
            // Nobody's primary account.
            json!({ "id": "acctpw_3", "attributes": { "login_name": "cleo@example.com" } }),
        ]),
    ]
    .into();
    let boundary = fake.client();
    let found = async |email: &str| boundary.find_user_by_email(email).await.unwrap().map(|user| user.id.clone());
    assert_eq!(found("Ana@example.com").await.as_deref(), Some("u_1"));
    assert_eq!(found("BEN@example.com").await.as_deref(), Some("u_2"));
    assert_eq!(found("cleo@example.com").await, None);
    assert_eq!(found("eve@example.com").await, None);
}

/// BO03, BO04.
#[tokio::test]
async fn hits_are_compared_again_regardless_of_case() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    assert_eq!(boundary.find_user_by_email("ANA@Example.com").await.unwrap().unwrap().id, "u_1");
    let quoted = "a\"b\\@example.com";
    fake.state().users.push(user("u_4", json!({ "email": quoted })));
    assert_eq!(boundary.find_user_by_email(quoted).await.unwrap().unwrap().id, "u_4");
    let injected = "x\" or \"/item/id\" == \"u_1";
    assert!(boundary.find_user_by_email(injected).await.unwrap().is_none());

    fake.state().users.push(user("u_5", json!({ "email": "ana@example.com" })));
    assert_eq!(code(&boundary.find_user_by_email("ana@example.com").await.unwrap_err()), "Boundary:AMBIGUOUS_USER");
}

#[tokio::test]
async fn the_identity_of_a_user_is_that_of_the_directory() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    assert_eq!(boundary.user_id(&person("ana@example.com")).await.unwrap(), "u_1");
    let known = person("ana@example.com").with_identity(UserIdentity::new("boundary", CLUSTER, "u_2"));
    assert_eq!(boundary.user_id(&known).await.unwrap(), "u_2");
    assert_eq!(code(&boundary.user_id(&person("eve@example.com")).await.unwrap_err()), "Identity:NOT_FOUND");
    assert_eq!(code(&boundary.get_user("u_9").await.unwrap_err()), "Boundary:USER_NOT_FOUND");
    assert_eq!(code(&boundary.get_user("acctpw_1").await.unwrap_err()), "Boundary:NOT_A_USER_ID");
}

#[tokio::test]
async fn users_are_options_of_a_field() {
    let fake = FakeBoundary::start().await;
    fake.state().users.push(user("u_4", json!({ "full_name": " ", "login_name": "dora", "email": "d@example.com" })));
    let boundary = fake.client();
    let dora = boundary.get_user("u_4").await.unwrap();
    assert_eq!((dora.option_value(), dora.option_label()), ("u_4".to_owned(), "dora".to_owned()));
    assert_eq!(boundary.get_user("u_1").await.unwrap().option_label(), "ana@example.com");
}
