//! KnowBe4.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::ToFieldOption;
use sym_integrations::http::SecretString;
use sym_integrations::knowbe4::{EnrollmentStatus, KnowBe4, Region, SimulatedKnowBe4, UserStatus};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::error::{Error, ErrorKind};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::{Integration, User, UserIdentity};
use crate::vendor_support::person;

const DOMAIN: &str = "example.com";
const ANA: &str = "ana@example.com";

fn client(replay: &Replay) -> KnowBe4 {
    let builder = KnowBe4::builder(DOMAIN, Region::Eu).unwrap();
    builder.token("kb4-S3CRET").connection(replay.connection()).build().unwrap()
}

/// Somebody whose account is stored already.
fn known(id: &str) -> User {
    person(ANA).with_identity(UserIdentity::new("knowbe4", DOMAIN, id))
}

fn user(id: u64, email: &str) -> Value {
    json!({ "id": id, "email": email, "status": "active", "aliases": [], "groups": [17, 18] })
}

/// Expects reads of the list of active users, which ends with an empty page.
fn expect_users(replay: &Replay, users: &Value) {
    let page = |number: u32| replay.get("/v1/users").query("status", "active").query("per_page", 500).query("page", number);
    page(1).reply(Reply::json(users));
    if users != &json!([]) {
        page(2).reply(Reply::json(json!([])));
    }
}

fn code(error: &Error) -> String {
    assert!(!format!("{error} {error:#?}").contains("S3CRET"), "{error:#?}");
    error.code().to_string()
}

/// KB01
#[tokio::test]
async fn each_page_has_one_number_and_the_last_is_empty() {
    let replay = Replay::new();
    let users = |ids: std::ops::Range<u64>| ids.map(|id| user(id, &format!("u{id}@example.com"))).collect::<Value>();
    replay.get("/v1/users").query("page", 1).reply(Reply::json(users(0..500)));
    replay.get("/v1/users").query("page", 2).reply(Reply::json(users(500..1_000)));
    replay.get("/v1/users").query("page", 3).reply(Reply::json(json!([])));
    assert_eq!(client(&replay).list_users().await.unwrap().len(), 1_000);
    for call in replay.calls() {
        assert_eq!(call.query.iter().filter(|(name, _)| name == "page").count(), 1, "{call}");
        assert_eq!(call.host, "eu.api.knowbe4.com");
    }
    // A page may be shorter than asked for, without being the last.
    replay.get("/v1/users").query("page", 1).reply(Reply::json(users(0..100)));
    replay.get("/v1/users").query("page", 2).reply(Reply::json(users(100..200)));
    replay.get("/v1/users").query("page", 3).reply(Reply::json(json!([])));
    assert_eq!(client(&replay).list_users().await.unwrap().len(), 200);
    replay.check().unwrap();
}

#[tokio::test]
async fn a_cursor_leads_on_where_there_is_one() {
    let replay = Replay::new();
    let page = |id: u64| Reply::json([user(id, "u@example.com")]);
    replay.get("/v1/users").query("page", 1).reply(page(1).header("x-next-cursor", "a/b=="));
    let second = replay.get("/v1/users").without_query("page").query("cursor", "a/b==").query("status", "active");
    second.query("per_page", 500).reply(page(2).header("x-next-cursor", "c"));
    replay.get("/v1/users").query("cursor", "c").reply(Reply::json(json!([])));
    assert_eq!(client(&replay).list_users().await.unwrap().len(), 2);
    // The last page of such a list has no cursor, and those of the others have no number.
    replay.get("/v1/users").query("page", 1).reply(page(1).header("x-next-cursor", "a"));
    replay.get("/v1/users").query("cursor", "a").reply(page(2));
    assert_eq!(client(&replay).list_users().await.unwrap().len(), 2);
    // A list that does not go on.
    replay.get("/v1/users").times(2).reply(page(1));
    assert_eq!(code(&client(&replay).list_users().await.unwrap_err()), "KnowBe4:INVALID_RESPONSE");
    replay.check().unwrap();
}

/// KB02
#[tokio::test]
async fn null_counts_as_absent() {
    let replay = Replay::new();
    let bare = json!({ "id": 7, "email": "Ana@Example.com", "status": null, "aliases": null, "groups": null, "joined_on": null, "first_name": null });
    expect_users(&replay, &json!([{ "id": 1, "email": null }, bare]));
    let found = client(&replay).find_user_by_email(ANA).await.unwrap().unwrap();
    assert_eq!((found.id, &found.status, found.groups.len()), (7, &None, 0));
    assert_eq!(found.raw()["joined_on"], Value::Null);
    assert_eq!(found.option_label(), "Ana@Example.com");
    // An alias is an address too.
    let alias = json!([{ "id": 8, "email": "a@example.com", "aliases": ["x@example.com", "ANA@example.com"], "status": "new" }]);
    expect_users(&replay, &alias);
    let found = client(&replay).find_user_by_email(ANA).await.unwrap().unwrap();
    assert_eq!((found.id, &found.status), (8, &Some(UserStatus::Other("new".to_owned()))));

    replay.get("/v1/users/7").reply(Reply::json(user(7, ANA)));
    let odd = json!({ "enrollment_id": 1, "status": null, "completion_date": null, "campaign_id": "12", "store_purchase_id": {}, "user": null });
    replay.get("/v1/training/enrollments").query("page", 1).reply(Reply::json([odd]));
    replay.get("/v1/training/enrollments").query("page", 2).reply(Reply::json(json!([])));
    let knowbe4 = client(&replay);
    let enrollments = knowbe4.get_training_enrollments_for_user(&known("7")).await.unwrap();
    assert_eq!((enrollments[0].campaign_id, enrollments[0].store_purchase_id), (Some(12), None));
    assert!(!enrollments[0].is_complete() && enrollments[0].completed_at().is_none());
    replay.check().unwrap();
}

/// KB03
#[tokio::test]
async fn all_enrollments_are_returned_the_latest_first() {
    let replay = Replay::new();
    replay.get("/v1/users/7").reply(Reply::json(user(7, ANA)));
    let enrollment = |id: u64, date: Option<&str>, status: &str| json!({ "enrollment_id": id, "enrollment_date": date, "status": status });
    let all = json!([
        enrollment(1, Some("2025-03-01T09:00:00.000Z"), "Passed"),
        enrollment(2, None, "Completed"),
        enrollment(3, Some("2026-03-01T09:00:00.000Z"), "Past Due"),
        enrollment(4, Some("2026-02-28T23:00:00.000-03:00"), "In Progress"),
    ]);
    let asked = replay.get("/v1/training/enrollments").query("user_id", 7).query("campaign_id", 12).query("store_purchase_id", 3);
    let asked = asked.query("include_campaign_id", true).query("include_store_purchase_id", true);
    asked.query("include_employee_number", true).query("page", 1).reply(Reply::json(all));
    replay.get("/v1/training/enrollments").query("page", 2).reply(Reply::json(json!([])));
    let knowbe4 = client(&replay);
    let ana = known("7");
    let query = knowbe4.get_training_enrollments_for_user(&ana).campaign_id(12).store_purchase_id(3);
    let enrollments = query.await.unwrap();
    assert_eq!(enrollments.iter().map(|enrollment| enrollment.enrollment_id).collect::<Vec<_>>(), [3, 4, 1, 2]);
    assert_eq!(enrollments[0].status, Some(EnrollmentStatus::PastDue));
    assert_eq!(enrollments.iter().filter(|enrollment| enrollment.is_complete()).count(), 2);
    replay.check().unwrap();
}

/// KB04
#[tokio::test]
async fn the_active_user_of_an_address_counts() {
    let replay = Replay::new();
    let archived = |id: u64| json!({ "id": id, "email": ANA, "status": "archived", "groups": [17] });
    expect_users(&replay, &json!([archived(1), user(2, ANA)]));
    assert_eq!(client(&replay).account_id(&person(ANA)).await.unwrap(), "2");
    expect_users(&replay, &json!([user(2, ANA), user(3, ANA), user(2, ANA)]));
    let error = client(&replay).account_id(&person(ANA)).await.unwrap_err();
    assert_eq!(code(&error), "KnowBe4:AMBIGUOUS_USER");
    assert!(error.message().ends_with("2, 3"), "{error}");
    expect_users(&replay, &json!([archived(1)]));
    assert_eq!(code(&client(&replay).account_id(&person(ANA)).await.unwrap_err()), "Identity:NOT_FOUND");

    // The account that the directory has is archived by now.
    replay.get("/v1/users/1").reply(Reply::json(archived(1)));
    expect_users(&replay, &json!([user(2, ANA)]));
    assert_eq!(client(&replay).get_user_info(&known("1")).await.unwrap().id, 2);
    replay.get("/v1/users/1").reply(Reply::json(archived(1)));
    expect_users(&replay, &json!([]));
    let error = client(&replay).is_user_in_group(&known("1"), 17).await.unwrap_err();
    assert_eq!(code(&error), "KnowBe4:USER_DEPROVISIONED");
    replay.check().unwrap();
}

#[tokio::test]
async fn the_list_of_users_is_read_once_for_a_user() {
    let replay = Replay::new();
    let directory = Directory::new(MemoryDirectory::new(), [DOMAIN]);
    let builder = KnowBe4::builder(DOMAIN, Region::Us).unwrap().token("t").directory(directory.clone());
    let knowbe4 = builder.connection(replay.connection()).build().unwrap();
    let ana = directory.get_or_create_user_by_email(ANA).await.unwrap();
    expect_users(&replay, &json!([user(7, ANA)]));
    replay.get("/v1/users/7").times(2).reply(Reply::json(user(7, ANA)));
    assert!(knowbe4.is_user_in_group(&ana, 17).await.unwrap());
    assert!(!knowbe4.is_user_in_group(&ana, 99).await.unwrap());
    replay.check().unwrap();
    let error = knowbe4.get_user("../users").await.unwrap_err();
    assert_eq!(code(&error), "KnowBe4:NOT_A_USER_ID");
}

#[tokio::test]
async fn maps_failures() {
    let answered = async |reply: Reply| {
        let replay = Replay::new();
        replay.get("/v1/users/7").always().reply(reply);
        client(&replay).get_user("7").await.unwrap_err()
    };
    let html = |status| Reply::text("<html>Sign in</html>").with_status(status).header("content-type", "text/html");
    let said = |status: u16| Reply::json(json!({ "message": "It did not work." })).with_status(status);
    for (reply, kind, name) in [
        (said(401), ErrorKind::Unauthorized, "AUTH_FAILED"),
        (said(403), ErrorKind::Forbidden, "FORBIDDEN"),
        (said(404), ErrorKind::NotFound, "USER_NOT_FOUND"),
        (said(500), ErrorKind::Unavailable, "UNAVAILABLE"),
        (said(429), ErrorKind::RateLimited, "RATE_LIMITED"),
        // The status says success, and the body does not.
        (said(200), ErrorKind::Decode, "ERROR_RESPONSE"),
        (html(404), ErrorKind::Configuration, "INVALID_RESPONSE"),
        (html(200), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::text("{\"id\": 7, \"em"), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::json(json!({ "id": "seven" })), ErrorKind::Decode, "INVALID_RESPONSE"),
    ] {
        let error = answered(reply.clone().header("x-request-id", "Rq1")).await;
        assert_eq!((error.kind(), error.code().name()), (kind, name), "{reply:?}");
        assert_eq!(error.request_id(), Some("Rq1"));
    }
    assert!(answered(said(401)).await.hint().unwrap().contains("region"));
}

#[tokio::test]
async fn a_limit_without_a_delay_lasts_a_minute() {
    let replay = Replay::new();
    replay.get("/v1/users/7").reply(Reply::status(429));
    let error = client(&replay).get_user("7").await.unwrap_err();
    assert_eq!((error.kind(), replay.elapsed()), (ErrorKind::RateLimited, Duration::ZERO));
    replay.get("/v1/users/7").reply(Reply::status(429).header("retry-after", "3"));
    replay.get("/v1/users/7").reply(Reply::json(user(7, ANA)));
    client(&replay).get_user("7").await.unwrap();
    assert!(replay.elapsed() >= Duration::from_secs(3));
    replay.check().unwrap();
}

#[test]
fn builds_the_client_from_its_configuration() {
    let secrets = [("api_token_secret".to_owned(), SecretString::from("kb4-S3CRET"))].into();
    let integration = Integration::new("main".parse().unwrap(), "knowbe4", DOMAIN);
    let of = |integration: &Integration| KnowBe4::from_config(&IntegrationConfig::new(integration, &secrets));
    for (region, host) in [("us", "us.api.knowbe4.com"), ("DE", "de.api.knowbe4.com")] {
        let knowbe4 = of(&integration.clone().with_setting("region", region)).unwrap();
        assert!(format!("{knowbe4:?}").contains(&format!("https://{host}/v1")), "{knowbe4:?}");
        assert_eq!(knowbe4.domain(), DOMAIN);
    }
    let elsewhere = integration.clone().with_setting("region", "us").with_setting("base_url", "http://127.0.0.1:1/v1");
    assert!(format!("{:?}", of(&elsewhere).unwrap()).contains("127.0.0.1"));
    let error = of(&integration.clone().with_setting("region", "evil.example/#")).unwrap_err();
    assert_eq!(error.hint(), Some("set `region` to one of us, eu, ca, uk, de"));
    assert!(of(&integration).is_err());
}

#[tokio::test]
async fn a_simulated_account_has_the_users_that_are_set() {
    let enrollment = |id: u64, campaign: u64| json!({ "enrollment_id": id, "campaign_id": campaign, "status": "Passed" });
    let account = SimulatedKnowBe4::new().member(17, ANA).enrollment(ANA, enrollment(1, 12)).enrollment(ANA, enrollment(2, 13));
    let knowbe4 = account.user("ben@example.com").build().unwrap();
    let (ana, ben) = (person(ANA), person("ben@example.com"));
    assert!(knowbe4.is_user_in_group(&ana, 17).await.unwrap());
    assert_eq!(knowbe4.get_training_enrollments_for_user(&ana).await.unwrap().len(), 2);
    assert_eq!(knowbe4.get_training_enrollments_for_user(&ana).campaign_id(13).await.unwrap()[0].enrollment_id, 2);
    assert!(knowbe4.get_training_enrollments_for_user(&ben).await.unwrap().is_empty());
    assert_eq!(code(&knowbe4.is_user_in_group(&person("eve@example.com"), 17).await.unwrap_err()), "Identity:NOT_FOUND");
}
