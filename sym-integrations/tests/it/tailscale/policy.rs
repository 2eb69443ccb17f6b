//! Changes of the policy file.

use super::fake::FakeTailscale;
use crate::vendor_support::code;
use super::strategy::Asked;
use sym_integrations::tailscale::TailscaleStrategy;

/// TS01: only the bytes of the member change, and the end of the access restores the file.
#[tokio::test]
async fn comments_and_layout_of_the_file_stay() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, "group:ops", "ana@example.com");
    for (before, after) in [
        // On one line.
        (r#"{"groups":{"group:ops":["b@x.y"]}}"#, r#"{"groups":{"group:ops":["b@x.y", "ana@example.com"]}}"#),
        (r#"{"groups":{"group:ops":["b@x.y",],},}"#, r#"{"groups":{"group:ops":["b@x.y", "ana@example.com",],},}"#),
        // Empty.
        (r#"{"groups":{"group:ops":[]}}"#, r#"{"groups":{"group:ops":["ana@example.com"]}}"#),
        (
            "{\"groups\":{\"group:ops\":[ // nobody\n  ]}}\n",
            "{\"groups\":{\"group:ops\":[\"ana@example.com\" // nobody\n  ]}}\n",
        ),
        // With a comment after the last member.
        (
            "{ // x\n  \"groups\": {\n    \"group:ops\": [\n      \"b@x.y\", // lead\n      \"c@x.y\" /* last */ // really\n    ],\n  },\n}\n",
            "{ // x\n  \"groups\": {\n    \"group:ops\": [\n      \"b@x.y\", // lead\n      \"c@x.y\", /* last */ // really\n      \"ana@example.com\"\n    ],\n  },\n}\n",
        ),
        (
            "{\"groups\": {\"group:ops\": [\n\t\t\"b@x.y\", // last\n\t\t// more here\n\t]}}",
            "{\"groups\": {\"group:ops\": [\n\t\t\"b@x.y\", // last\n\t\t\"ana@example.com\",\n\t\t// more here\n\t]}}",
        ),
        // CRLF, and no final newline.
        (
            "{\r\n\"Groups\": {\"group:ops\": [\r\n  \"b@x.y\", // last\r\n]}}",
            "{\r\n\"Groups\": {\"group:ops\": [\r\n  \"b@x.y\", // last\r\n  \"ana@example.com\",\r\n]}}",
        ),
    ] {
        fake.state().change(|_| before.to_owned());
        asked.grant().await.unwrap();
        assert_eq!(fake.state().policy, after);
        assert_eq!(fake.client().list_groups().await.unwrap()[0].members.last().unwrap(), "ana@example.com");
        asked.revoke().await.unwrap();
        assert_eq!(fake.state().policy, before);
    }
}

/// TS02: what the file says twice, or in another form, is not changed.
#[tokio::test]
async fn ambiguous_files_are_not_changed() {
    let fake = FakeTailscale::start().await;
    let strategy = TailscaleStrategy::new(fake.client());
    let asked = Asked::new(&strategy, "group:ops", "ana@example.com");
    for (text, expected) in [
        ("{\"groups\": {},\n \"groups\": {}}", "in line 2, `groups` is there twice"),
        ("{\"groups\": {},\n\n \"Gro\\u0075ps\": {}}", "in line 3, `groups` is there twice"),
        ("{\"groups\": {\"group:ops\": [],\n \"group:ops\": []}}", "in line 2, group `group:ops` is there twice"),
        ("{\"groups\": {\"group:ops\": \"ana@example.com\"}}", "in line 1, group `group:ops` is not a list"),
        ("{\"groups\": {\"group:ops\": [7]}}", "in line 1, a member of group `group:ops` is not a text"),
        ("{\"groups\": []}", "in line 1, `groups` is not an object"),
        ("[]", "in line 1, the file is not an object"),
        ("{\"groups\": {'group:ops': []}}", "in line 1, the file is not valid HuJSON"),
        ("{\"groups\": {\"group:ops\": [\"a\" \"b\"]}}", "in line 1, the file is not valid HuJSON"),
        ("", "in line 1, the file is not an object"),
    ] {
        fake.state().change(|_| text.to_owned());
        for error in [asked.grant().await.unwrap_err(), asked.revoke().await.unwrap_err()] {
            assert_eq!(code(&error), "Tailscale:AMBIGUOUS_POLICY");
            assert_eq!(error.message(), format!("the policy file cannot be changed: {expected}"));
            assert!(!error.is_outcome_unknown());
        }
        assert_eq!(fake.state().policy, text);
    }
    assert_eq!(fake.writes(), 0);
}

/// TS03: a change is decided and made afresh on what others have written meanwhile.
#[tokio::test]
async fn changes_of_others_are_kept() {
    let fake = FakeTailscale::start().await;
    let clock = sym_integrations_clock();
    let strategy = TailscaleStrategy::new(fake.builder().connection(clock.1).build().unwrap());
    let asked = Asked::new(&strategy, "group:ops", "ana@example.com");
    let others: fn(&str) -> String = |text| text.replace("// on call", "// on call, all of them");
    fake.state().changes = vec![others];
    super::super::http::support::leap(&clock.0, |wait| wait.as_secs() <= 2, asked.grant()).await.unwrap();
    let policy = fake.state().policy.clone();
    assert!(policy.contains("\"cleo@example.com\", \"ana@example.com\"], // on call, all of them"), "{policy}");
    let calls: Vec<_> = fake.calls().into_iter().filter(|call| call.ends_with("/acl")).collect();
    // The group is read before, then the file with its version, twice.
    let (get, post) = ("GET tailnet/example.com/acl", "POST tailnet/example.com/acl");
    assert_eq!(calls, [get, get, post, get, post]);
}

/// TS03: somebody else adds the same user meanwhile, or changes the file again and again.
#[tokio::test]
async fn a_change_that_cannot_be_made_gives_up_after_some_attempts() {
    let fake = FakeTailscale::start().await;
    let (clock, connection) = sym_integrations_clock();
    let strategy = TailscaleStrategy::new(fake.builder().connection(connection).build().unwrap());
    let asked = Asked::new(&strategy, "group:ops", "ana@example.com");
    fake.state().refusals.push(("POST tailnet".to_owned(), super::fake::fault(412, "precondition failed, invalid old hash"), 100));
    let granted = super::super::http::support::leap(&clock, |wait| wait.as_secs() <= 2, asked.grant()).await;
    let error = granted.unwrap_err();
    assert_eq!((code(&error).as_str(), error.is_outcome_unknown()), ("Tailscale:CONFLICT", false));
    assert_eq!(fake.writes(), 5);
}

/// TS03: without the version of the file, nothing is written.
#[tokio::test]
async fn nothing_is_written_without_an_etag() {
    let fake = FakeTailscale::start().await;
    fake.state().sends_etag = false;
    let strategy = TailscaleStrategy::new(fake.client());
    let error = Asked::new(&strategy, "group:ops", "ana@example.com").grant().await.unwrap_err();
    assert_eq!(code(&error), "Tailscale:NO_ETAG");
    assert_eq!(fake.writes(), 0);
}

/// TS03: the condition has the version in quotes, whether the response had them or not.
#[tokio::test]
async fn an_etag_without_quotes_is_a_condition_all_the_same() {
    let fake = FakeTailscale::start().await;
    fake.state().quotes_etag = false;
    let strategy = TailscaleStrategy::new(fake.client());
    Asked::new(&strategy, "group:ops", "ana@example.com").grant().await.unwrap();
    assert!(fake.state().policy.contains("\"ana@example.com\"") && fake.writes() == 1);
}

/// TS03: the Runs of this program queue, so that they do not use up each other's attempts.
#[tokio::test]
async fn changes_of_one_tailnet_follow_one_another() {
    let fake = FakeTailscale::start().await;
    let strategies: Vec<_> = (0..12).map(|_| TailscaleStrategy::new(fake.client())).collect();
    let logins: Vec<String> = (0..12).map(|number| format!("u{number}@example.com")).collect();
    for login in &logins {
        fake.state().add_user(login, "member", "active");
    }
    let asked: Vec<_> = strategies.iter().zip(&logins).map(|(strategy, login)| Asked::new(strategy, "group:empty", login)).collect();
    for granted in futures_util::future::join_all(asked.iter().map(Asked::grant)).await {
        granted.unwrap();
    }
    assert_eq!(fake.writes(), 12);
    let members = fake.client().list_groups().await.unwrap()[1].members.len();
    assert_eq!(members, 12);
    for revoked in futures_util::future::join_all(asked.iter().map(Asked::revoke)).await {
        revoked.unwrap();
    }
    assert_eq!(fake.state().policy, super::fake::POLICY);
}

fn sym_integrations_clock() -> (std::sync::Arc<sym_sdk::clock::VirtualClock>, sym_integrations::http::Connection) {
    let clock = super::super::http::support::at("2026-12-01T12:00:00Z");
    (clock.clone(), sym_integrations::http::Connection::default().with_clock(clock))
}
