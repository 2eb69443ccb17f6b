use serde_json::{Value, json};
use sym_integrations::pagerduty::PagerDuty;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;
use sym_sdk::model::UserIdentity;

use super::vendor::{
    Vendor, calls, client, client_of, code, directory, emails, entry, named, person, reference, replayed, user,
};

fn vendor() -> Vendor {
    Vendor {
        users: vec![
            user("PANA", "Ana@Example.com"),
            user("PBEN", "ben@example.com"),
            user("PCEM", "cem@example.com"),
            user("PXANA", "xana@example.com"),
        ],
        schedules: vec![
            named("SBAK", "backups prod"),
            named("SPROD", "prod"),
            named("SDEV", "dev"),
            named("SDEV2", "dev"),
        ],
        escalation_policies: vec![named("EP1", "Ops"), named("EP2", "Ops night")],
        oncalls: vec![
            entry("PBEN", "EP1", 1, Some("SPROD")),
            entry("PANA", "EP1", 2, Some("SDEV")),
            entry("PBEN", "EP2", 1, Some("SPROD")),
            entry("PCEM", "EP2", 2, None),
        ],
        ..Vendor::default()
    }
}

#[tokio::test]
async fn counts_every_level_and_permanent_entries() {
    let server = vendor().start().await;
    let pagerduty = client(&server);
    for (email, on_call) in [("ana", true), ("ben", true), ("cem", true), ("xana", false)] {
        let user = person(&format!("{email}@example.com"));
        assert_eq!(pagerduty.is_on_call(&user).await.unwrap(), on_call, "{email}");
    }
    let first = &calls(&server).await[..2];
    assert_eq!(first, ["/users query=ana@example.com limit=100", "/oncalls user_ids[]=PANA earliest=true limit=100"]);
}

#[tokio::test]
async fn counts_only_matching_entries() {
    let server = vendor().start().await;
    let pagerduty = client(&server);
    let (ana, ben, cem) = (person("ana@example.com"), person("ben@example.com"), person("cem@example.com"));
    assert!(pagerduty.is_on_call(&ben).schedule_name("prod").await.unwrap());
    assert!(!pagerduty.is_on_call(&ana).schedule_name("prod").await.unwrap());
    assert!(pagerduty.is_on_call(&ana).schedule_id("SDEV").await.unwrap());
    assert!(pagerduty.is_on_call(&cem).escalation_policy_name("Ops night").await.unwrap());
    assert!(!pagerduty.is_on_call(&cem).escalation_policy_name("Ops").await.unwrap());
    // An entry without a schedule matches no schedule.
    assert!(!pagerduty.is_on_call(&cem).schedule_name("prod").await.unwrap());
    // Both must match.
    assert!(pagerduty.is_on_call(&ben).schedule_id("SPROD").escalation_policy_id("EP2").await.unwrap());
    assert!(!pagerduty.is_on_call(&ana).schedule_id("SDEV").escalation_policy_id("EP2").await.unwrap());
    let last = calls(&server).await.pop().unwrap();
    assert_eq!(
        last,
        "/oncalls user_ids[]=PANA schedule_ids[]=SDEV escalation_policy_ids[]=EP2 earliest=true limit=100"
    );
}

#[tokio::test]
async fn users_are_distinct_and_in_order() {
    let server = vendor().start().await;
    let pagerduty = client(&server);
    let all = pagerduty.users_on_call().await.unwrap();
    assert_eq!(emails(&all), ["ben@example.com", "ana@example.com", "cem@example.com"]);
    assert_eq!(calls(&server).await, ["/oncalls include[]=users earliest=true limit=100"]);
    let identity = all[0].identity("pagerduty", Some("example")).unwrap();
    assert_eq!(identity.user_id(), "PBEN");

    let prod = pagerduty.users_on_call().schedule_name("prod").await.unwrap();
    assert_eq!(emails(&prod), ["ben@example.com"]);
    assert!(pagerduty.users_on_call().escalation_policy_id("EP9").await.unwrap().is_empty());
}

#[tokio::test]
async fn rejects_missing_and_ambiguous_names() {
    let server = vendor().start().await;
    let pagerduty = client(&server);
    let ben = person("ben@example.com");

    let error = pagerduty.is_on_call(&ben).schedule_name("pro").await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("PagerDuty:SCHEDULE_NOT_FOUND", ErrorKind::NotFound));
    assert_eq!(error.message(), "there is no schedule `pro`");
    assert_eq!(error.hint(), Some("the name must match in full; there are `backups prod`, `prod`"));

    let error = pagerduty.is_on_call(&ben).schedule_name("PROD").await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:SCHEDULE_NOT_FOUND");
    let error = pagerduty.users_on_call().escalation_policy_name("Opps").await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:ESCALATION_POLICY_NOT_FOUND");
    assert!(error.hint().unwrap().starts_with("check the name"));

    let error = pagerduty.is_on_call(&person("ana@example.com")).schedule_name("dev").await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:AMBIGUOUS_NAME");
    assert_eq!(error.message(), "there is more than one schedule `dev`: `SDEV`, `SDEV2`");
    assert_eq!(error.hint(), Some("use the id instead"));
    assert!(calls(&server).await.iter().all(|call| !call.starts_with("/oncalls")));
}

#[tokio::test]
async fn rejects_empty_names() {
    let replay = Replay::new();
    let pagerduty = replayed(&replay);
    let ben = person("ben@example.com");
    for query in [
        pagerduty.is_on_call(&ben).schedule_name(""),
        pagerduty.is_on_call(&ben).schedule_id(" "),
        pagerduty.is_on_call(&ben).escalation_policy_name("\t"),
        pagerduty.is_on_call(&ben).escalation_policy_id(""),
    ] {
        let error = query.await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("PagerDuty:INVALID_FILTER", ErrorKind::InvalidInput));
    }
    assert_eq!(code(&pagerduty.users_on_call().schedule_id("").await.unwrap_err()), "PagerDuty:INVALID_FILTER");
}

fn page(entries: Value) -> Reply {
    Reply::json(json!({ "oncalls": entries, "more": false, "offset": 0, "limit": 100 }))
}

/// Returns whether an account counts as on call for the schedule `SPROD` of the policy `EP1`, given this response.
async fn counts(answer: Reply) -> sym_sdk::error::Result<bool> {
    let replay = Replay::at("2024-02-29T18:00:00Z".parse().unwrap());
    replay.get("/oncalls").times(4).reply(answer);
    let ana = person("ana@example.com").with_identity(UserIdentity::new("pagerduty", "example", "PANA"));
    let outcome = replayed(&replay).is_on_call(&ana).schedule_id("SPROD").escalation_policy_id("EP1").await;
    let _ = replay.check();
    outcome
}

#[tokio::test]
async fn ignores_entries_that_do_not_match() {
    let own = || entry("PANA", "EP1", 1, Some("SPROD"));
    assert!(counts(page(json!([own()]))).await.unwrap());
    assert!(!counts(page(json!([]))).await.unwrap());

    let with = |name: &str, value: Value| {
        let mut entry = own();
        entry[name] = value;
        entry
    };
    for other in [
        with("user", reference("PBEN")),
        with("user", reference("pana")),
        with("user", Value::Null),
        with("schedule", reference("SDEV")),
        with("schedule", Value::Null),
        with("escalation_policy", reference("EP2")),
        with("escalation_policy", Value::Null),
        with("start", json!("2024-02-29T18:00:01Z")),
        with("end", json!("2024-02-29T13:00:00-05:00")),
    ] {
        assert!(!counts(page(json!([other]))).await.unwrap(), "{other}");
        assert!(counts(page(json!([other, own()]))).await.unwrap(), "{other}");
    }
    assert!(counts(page(json!([with("start", Value::Null)]))).await.unwrap());
    assert!(counts(page(json!([with("end", json!("2024-02-29T18:00:01Z"))]))).await.unwrap());
}

#[tokio::test]
async fn malformed_responses_are_errors() {
    let own = entry("PANA", "EP1", 1, Some("SPROD"));
    let whole = json!({ "oncalls": [own], "more": false, "offset": 0, "limit": 100 }).to_string();
    for (answer, expected) in [
        (Reply::json(json!({})), "INVALID_RESPONSE"),
        (Reply::json(json!({ "oncalls": null, "more": false, "offset": 0, "limit": 100 })), "INVALID_RESPONSE"),
        (Reply::json(json!({ "error": { "message": "Not Found", "code": 2100 } })), "INVALID_RESPONSE"),
        (Reply::json(json!({ "users": [own], "more": false, "offset": 0, "limit": 100 })), "INVALID_RESPONSE"),
        (Reply::json(json!({ "oncalls": [{ "user": "PANA" }], "more": false })), "INVALID_RESPONSE"),
        (Reply::text(&whole[..whole.len() - 1]), "INVALID_RESPONSE"),
        (Reply::text(""), "INVALID_RESPONSE"),
        (Reply::text("<html>log in</html>").header("content-type", "text/html"), "INVALID_RESPONSE"),
        (Reply::status(204), "INVALID_RESPONSE"),
        (Reply::text(whole.clone()).with_status(400), "INVALID_REQUEST"),
        (Reply::text(whole.clone()).with_status(401), "AUTH_FAILED"),
        (Reply::text(whole.clone()).with_status(402), "MISSING_ABILITY"),
        (Reply::text(whole.clone()).with_status(403), "FORBIDDEN"),
        (Reply::text(whole.clone()).with_status(404), "NOT_FOUND"),
        (Reply::text(whole.clone()).with_status(429), "RATE_LIMITED"),
        (Reply::text(whole.clone()).with_status(500), "UNKNOWN"),
        (Reply::text(whole.clone()).with_status(503), "UNAVAILABLE"),
        (Reply::status(302).header("location", "https://evil.example.com/oncalls"), "REDIRECTED"),
        (Reply::unreachable(), "UNREACHABLE"),
        (Reply::connection_lost(), "CONNECTION_LOST"),
        (Reply::timed_out(), "TIMED_OUT"),
    ] {
        let error = counts(answer.clone()).await.unwrap_err();
        assert_eq!(code(&error), format!("PagerDuty:{expected}"), "{answer:?}");
    }
}

#[tokio::test]
async fn reads_later_pages_and_fails_with_them() {
    let others: Vec<Value> = (0..100).map(|n| entry("PBEN", &format!("EP{n}"), 1, Some("SPROD"))).collect();
    let first = || Reply::json(json!({ "oncalls": others, "more": true, "offset": 0, "limit": 100 }));
    let ben = person("ben@example.com").with_identity(UserIdentity::new("pagerduty", "example", "PBEN"));
    let ask = async |pagerduty: &PagerDuty| pagerduty.is_on_call(&ben).escalation_policy_id("EP100").await;

    let replay = Replay::at("2024-02-29T18:00:00Z".parse().unwrap());
    replay.get("/oncalls").without_query("offset").reply(first());
    replay.get("/oncalls").query("offset", 100).reply(page(json!([entry("PBEN", "EP100", 1, None)])));
    assert!(ask(&replayed(&replay)).await.unwrap());
    replay.check().unwrap();

    replay.get("/oncalls").without_query("offset").reply(first());
    replay.get("/oncalls").query("offset", 100).reply(Reply::status(403));
    assert_eq!(code(&ask(&replayed(&replay)).await.unwrap_err()), "PagerDuty:FORBIDDEN");
    replay.check().unwrap();
}

#[tokio::test]
async fn matches_whole_addresses() {
    let mut vendor = vendor();
    // The Kelvin sign becomes `k` in lower case.
    vendor.users.push(user("PKIM", "\u{212a}im@example.com"));
    vendor.users.push(user("PDAN", " Dan@example.com"));
    vendor.oncalls = ["PKIM", "PDAN", "PXANA"].map(|id| entry(id, "EP1", 1, Some("SPROD"))).to_vec();
    vendor.users.retain(|user| user["id"] != "PANA");
    let server = vendor.start().await;
    let pagerduty = client(&server);
    for email in ["ana@example.com", "kim@example.com", "nobody@example.com"] {
        let error = pagerduty.is_on_call(&person(email)).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("PagerDuty:USER_NOT_FOUND", ErrorKind::Identity));
        assert_eq!(error.message(), format!("no PagerDuty user has the e-mail address `{email}`"));
        assert!(error.hint().unwrap().contains("invite the user"));
    }
    assert!(pagerduty.is_on_call(&person("dan@example.com")).await.unwrap());
}

#[tokio::test]
async fn known_accounts_are_not_looked_up() {
    let server = vendor().start().await;
    let directory = directory();
    let pagerduty = client_of(&server, &directory);
    let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
    assert!(pagerduty.is_on_call(&ana).await.unwrap());
    assert!(pagerduty.is_on_call(&ana).await.unwrap());
    assert_eq!(calls(&server).await.iter().filter(|call| call.starts_with("/users")).count(), 1);
    let identity = directory.identity(ana.id(), "pagerduty", Some("example")).await.unwrap().unwrap();
    assert_eq!(identity.user_id(), "PANA");

    // Another PagerDuty account has users of its own.
    let elsewhere = person("zoe@example.com").with_identity(UserIdentity::new("pagerduty", "elsewhere", "PBEN"));
    assert_eq!(code(&pagerduty.is_on_call(&elsewhere).await.unwrap_err()), "PagerDuty:USER_NOT_FOUND");
    // An account that was stored by hand counts before the e-mail address.
    let dora = person("dora@example.com").with_identity(UserIdentity::new("pagerduty", "example", "PBEN"));
    assert!(pagerduty.is_on_call(&dora).schedule_name("prod").await.unwrap());
}

/// P02: a shift has begun by PagerDuty's clock, and not yet by ours.
#[tokio::test]
async fn shifts_begin_and_end_by_the_clock_of_pagerduty() {
    let mut begun = entry("PANA", "EP1", 1, Some("SPROD"));
    begun["start"] = json!("2024-02-29T18:00:02Z");
    let served_at = |date: &str, entries: Value| page(entries).header("date", date);
    assert!(!counts(page(json!([begun]))).await.unwrap());
    assert!(counts(served_at("Thu, 29 Feb 2024 18:00:02 GMT", json!([begun]))).await.unwrap());
    let mut ended = entry("PANA", "EP1", 1, Some("SPROD"));
    ended["end"] = json!("2024-02-29T18:00:01Z");
    assert!(counts(page(json!([ended]))).await.unwrap());
    assert!(!counts(served_at("Thu, 29 Feb 2024 18:00:02 GMT", json!([ended]))).await.unwrap());
}

/// P01: on-call entries are those of escalation policies, so a schedule that none uses is asked itself.
#[tokio::test]
async fn schedules_without_an_escalation_policy_are_asked() {
    let mut vendor = vendor();
    vendor.schedules.push(named("SLONE", "lone"));
    vendor.shifts = vec![("SLONE", user("PANA", "Ana@Example.com"))];
    let server = vendor.start().await;
    let pagerduty = client(&server);
    let (ana, ben) = (person("ana@example.com"), person("ben@example.com"));
    assert!(pagerduty.is_on_call(&ana).schedule_name("lone").await.unwrap());
    assert!(!pagerduty.is_on_call(&ben).schedule_id("SLONE").await.unwrap());
    // A policy that does not use the schedule puts nobody on call.
    assert!(!pagerduty.is_on_call(&ana).schedule_id("SLONE").escalation_policy_id("EP1").await.unwrap());
    let pagerduty = client(&server);
    assert_eq!(emails(&pagerduty.users_on_call().schedule_id("SLONE").await.unwrap()), ["ana@example.com"]);
    assert!(pagerduty.users_on_call().schedule_id("SGONE").await.unwrap().is_empty());
}
