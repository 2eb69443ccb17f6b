//! Resolution of users to Okta accounts.

use serde_json::json;
use sym_integrations::http::SecretString;
use sym_integrations::kit::Resource;
use sym_integrations::okta::{Okta, OktaUser, UserStatus};
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::{Integration, UserIdentity};

use super::fake::{DOMAIN, FakeOkta, TOKEN};
use crate::vendor_support::{code, person};

#[tokio::test]
async fn finds_users_by_login_or_by_search() {
    let fake = FakeOkta::start().await;
    fake.state().add_user("00u4", "x1234", "Dora@example.com", "ACTIVE");
    fake.state().add_user("00u5", "a/b@example.com", "a/b@example.com", "ACTIVE");
    let okta = fake.client();
    let found = okta.find_user_by_email("ana@example.com").await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), &found.status), ("00u1", &Some(UserStatus::Active)));
    assert_eq!(fake.calls(), ["GET /users/ana@example.com"]);
    let found = okta.find_user_by_email("dora@example.com").await.unwrap().unwrap();
    assert_eq!(found.id, "00u4");
    assert_eq!(fake.calls(), ["GET /users/dora@example.com", "GET /users"]);
    assert_eq!(okta.find_user_by_email("a/b@example.com").await.unwrap().unwrap().id, "00u5");
    assert_eq!(fake.calls(), ["GET /users"]);
    // Okta resolves `ana` to `ana@example.com`.
    for nobody in ["nobody@example.com", "ana"] {
        assert!(okta.find_user_by_email(nobody).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn rejects_ambiguous_addresses() {
    let fake = FakeOkta::start().await;
    fake.state().add_user("00u4", "x1", "dora@example.com", "ACTIVE");
    fake.state().add_user("00u5", "x2", "dora@example.com", "SUSPENDED");
    fake.state().add_user("00u6", "x3", "dora@example.com", "DEPROVISIONED");
    let okta = fake.client();
    let error = okta.find_user_by_email("dora@example.com").await.unwrap_err();
    assert_eq!(code(&error), "Okta:AMBIGUOUS_USER");
    assert_eq!(error.message(), "several Okta users have the e-mail address `dora@example.com`: 00u4, 00u5");

    // The login of one user is the address of another.
    fake.state().add_user("00u7", "eve@example.com", "eve.old@example.com", "ACTIVE");
    assert_eq!(okta.find_user_by_email("eve@example.com").await.unwrap().unwrap().id, "00u7");
    fake.state().add_user("00u8", "x4", "eve@example.com", "ACTIVE");
    assert_eq!(code(&okta.find_user_by_email("eve@example.com").await.unwrap_err()), "Okta:AMBIGUOUS_USER");
}

#[tokio::test]
async fn ignores_deactivated_users() {
    let fake = FakeOkta::start().await;
    fake.state().add_user("00u4", "dora@example.com", "dora@example.com", "DEPROVISIONED");
    let okta = fake.client();
    let error = okta.account_id(&person("dora@example.com")).await.unwrap_err();
    assert_eq!(code(&error), "Okta:USER_DEPROVISIONED");
    assert!(error.message().contains("00u4"), "{error}");
    fake.state().add_user("00u5", "dora2", "dora@example.com", "STAGED");
    assert_eq!(okta.account_id(&person("dora@example.com")).await.unwrap(), "00u5");
}

#[tokio::test]
async fn known_accounts_are_not_looked_up() {
    let fake = FakeOkta::start().await;
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    let okta = fake.builder().directory(directory.clone()).build().unwrap();
    let known = person("zoe@example.com").with_identity(UserIdentity::new("okta", DOMAIN, "00u3"));
    let info = okta.get_user_info(&known).await.unwrap();
    assert_eq!(
        (info.id.as_str(), info.email(), info.full_name()),
        ("00u3", Some("cleo@example.com"), "00u3 Ö".to_owned())
    );
    assert_eq!(info.raw()["credentials"]["provider"]["type"], "OKTA");
    let attributes = ["department", "lastName", "badge", "mobilePhone", "costCentre"].map(|name| info.profile.attribute(name));
    assert_eq!(attributes, [Some("Engineering"), Some("Ö"), None, None, None]);
    assert_eq!(info.profile.attributes["badge"], 7);
    assert_eq!(fake.calls(), ["GET /users/00u3"]);
    // An account in another organization does not count.
    let elsewhere = person("ana@example.com").with_identity(UserIdentity::new("okta", "other.okta.com", "00u3"));
    assert_eq!(okta.account_id(&elsewhere).await.unwrap(), "00u1");

    let ben = directory.get_or_create_user_by_email("ben@example.com").await.unwrap();
    assert_eq!(okta.account_id(&ben).await.unwrap(), "00u2");
    fake.calls();
    assert_eq!(okta.account_id(&ben).await.unwrap(), "00u2");
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn builds_the_client_from_its_configuration() {
    let fake = FakeOkta::start().await;
    let integration =
        Integration::new("main".parse().unwrap(), "okta", DOMAIN).with_setting("base_url", fake.base_url());
    let secrets = [("api_token_secret".to_owned(), SecretString::from(TOKEN))].into();
    let okta = Okta::from_config(&IntegrationConfig::new(&integration, &secrets)).unwrap();
    assert_eq!(okta.get_group("00g1").await.unwrap().name(), "prod-admins");
    assert_eq!(okta.domain(), DOMAIN);
    assert!(!format!("{okta:#?} {:#?}", fake.builder()).contains("S3CRET"));

    let error = Okta::from_config(&IntegrationConfig::new(&integration, &Default::default())).unwrap_err();
    assert!(error.message().contains("`api_token_secret`"), "{error}");
    let elsewhere = Integration::new("main".parse().unwrap(), "okta", "https://example.okta.com");
    assert!(Okta::from_config(&IntegrationConfig::new(&elsewhere, &secrets)).is_err());
    assert!(Okta::builder(DOMAIN).build().is_err());
}

#[tokio::test]
async fn tolerates_unknown_states() {
    let user: Resource<OktaUser> =
        serde_json::from_value(json!({ "id": "00u1", "status": "NEW", "profile": { "email": null } })).unwrap();
    assert_eq!(
        (user.status.as_ref(), user.email(), user.full_name()),
        (Some(&UserStatus::Other("NEW".to_owned())), None, String::new())
    );
}
