use serde_json::json;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::model::UserIdentity;

use super::vendor::{Vendor, calls, client_of, code, directory, emails, named, person, reference, replayed, user};

fn vendor() -> Vendor {
    let mut prod = named("SPROD", "prod");
    prod["users"] = json!([reference("PBEN"), reference("PGONE"), reference("PANA"), reference("PBEN")]);
    prod["schedule_layers"] = json!([{ "name": "Layer 1", "users": [{ "user": reference("PBEN") }] }]);
    let mut empty = named("SNONE", "nobody");
    empty["users"] = json!([]);
    Vendor {
        users: vec![user("PANA", "ana@example.com"), user("PBEN", "ben@example.com")],
        schedules: vec![prod, empty, named("SNEW", "new style")],
        ..Vendor::default()
    }
}

#[tokio::test]
async fn members_are_distinct_and_deleted_ones_omitted() {
    let server = vendor().start().await;
    let directory = directory();
    let pagerduty = client_of(&server, &directory);
    let users = pagerduty.users_for_schedule().schedule_name("prod").await.unwrap();
    assert_eq!(emails(&users), ["ben@example.com", "ana@example.com"]);
    let mut calls_so_far = calls(&server).await;
    assert_eq!(calls_so_far[..2], ["/schedules query=prod limit=100", "/schedules/SPROD "]);
    calls_so_far[2..].sort();
    assert_eq!(calls_so_far[2..], ["/users/PANA ", "/users/PBEN ", "/users/PGONE "]);

    // Members whose accounts are known are not looked up, and need no e-mail address.
    let users = pagerduty.users_for_schedule().schedule_id("SPROD").await.unwrap();
    assert_eq!(emails(&users), ["ben@example.com", "ana@example.com"]);
    assert_eq!(calls(&server).await[5..], ["/schedules/SPROD ", "/users/PGONE "]);
    assert!(pagerduty.users_for_schedule().schedule_name("nobody").await.unwrap().is_empty());
}

#[tokio::test]
async fn rejects_missing_and_unset_schedules() {
    let server = vendor().start().await;
    let pagerduty = client_of(&server, &directory());
    let error = pagerduty.users_for_schedule().await.unwrap_err();
    assert_eq!(code(&error), "SymSDK:MISSING_ARGUMENT");
    let error = pagerduty.users_for_schedule().schedule_id("SNOPE").await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:SCHEDULE_NOT_FOUND");
    assert_eq!(error.message(), "there is no schedule `SNOPE`");
    let error = pagerduty.users_for_schedule().schedule_name("new").await.unwrap_err();
    assert_eq!(error.hint(), Some("the name must match in full; there are `new style`"));
}

fn rotating(id: &str, name: &str, members: &[Option<&str>]) -> serde_json::Value {
    let members: Vec<_> = members.iter().map(|id| json!({ "type": "user_member", "user_id": id })).collect();
    let event = json!({ "id": "E1", "assignment_strategy": { "type": "rotating_member_assignment_strategy", "members": members } });
    let mut schedule = named(id, name);
    schedule["rotations"] = json!([{ "id": "R1", "events": [event] }, { "id": "R2", "events": null }]);
    schedule
}

/// P05: schedules with rotations are found by name and by id, and have their members in their rotations.
#[tokio::test]
async fn schedules_with_rotations_are_found() {
    let rotating_schedules =
        vec![rotating("SROT", "rotating", &[Some("PBEN"), None, Some("PANA"), Some("PBEN")]), rotating("STWO", "two", &[])];
    let server = Vendor { rotating_schedules, ..vendor() }.start().await;
    let pagerduty = client_of(&server, &directory());
    let users = pagerduty.users_for_schedule().schedule_name("rotating").await.unwrap();
    assert_eq!(emails(&users), ["ben@example.com", "ana@example.com"]);
    assert_eq!(pagerduty.users_for_schedule().schedule_id("SROT").await.unwrap().len(), 2);
    assert!(pagerduty.users_for_schedule().schedule_id("STWO").await.unwrap().is_empty());
    let error = pagerduty.users_for_schedule().schedule_name("rotat").await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:SCHEDULE_NOT_FOUND", "the name must match in full");
    // A schedule that the first call describes without users is one of these.
    let error = pagerduty.users_for_schedule().schedule_id("SNEW").await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:SCHEDULE_NOT_FOUND");
}

#[tokio::test]
async fn several_schedules_with_rotations_of_one_name_are_ambiguous() {
    let rotating_schedules = vec![rotating("S1", "same", &[]), rotating("S2", "same", &[])];
    let server = Vendor { rotating_schedules, ..vendor() }.start().await;
    let error = client_of(&server, &directory()).users_for_schedule().schedule_name("same").await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:AMBIGUOUS_NAME");
    assert!(error.message().contains("`S1`, `S2`"), "{error}");
}

#[tokio::test]
async fn ids_cannot_change_the_path() {
    let replay = Replay::new();
    let pagerduty = replayed(&replay);
    replay.get("/schedules/../users?x=").reply(Reply::status(404));
    replay.get("/v3/schedules/../users?x=").reply(Reply::status(404));
    let error = pagerduty.users_for_schedule().schedule_id("../users?x=").await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:SCHEDULE_NOT_FOUND");
    assert_eq!(code(&pagerduty.users_for_schedule().schedule_id("..").await.unwrap_err()), "PagerDuty:INVALID_REQUEST");
    replay.check().unwrap();
}

#[tokio::test]
async fn resolves_members_by_stored_account() {
    let server = vendor().start().await;
    let directory = directory();
    let dora = directory.put_user(person("dora@example.org")).await.unwrap();
    directory.put_identity(dora.id(), UserIdentity::new("pagerduty", "example", "PBEN")).await.unwrap();
    let users = client_of(&server, &directory).users_for_schedule().schedule_id("SPROD").await.unwrap();
    assert_eq!(emails(&users), ["dora@example.org", "ana@example.com"]);
}
