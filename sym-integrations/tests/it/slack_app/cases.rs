//! Cases that break other Slack apps; each test names its case.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sym_integrations::slack::fake::Member;
use sym_sdk::config::{ErrorLogger, PromptField};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::prelude::*;

use super::decisions::{buttons, status};
use super::views::{admins, inputs, run_of};
use super::{World, builder, field, get_permissions, get_request_notifications, option, reason, text};

async fn world(fields: Vec<PromptField>) -> World {
    World::new(builder(fields).handlers(sym_sdk::handlers![get_permissions, get_request_notifications])).await
}

/// S03: a channel gets another id when it is shared or becomes private. Its messages can still be decided in, and are updated there.
#[tokio::test]
async fn a_click_counts_after_the_channel_got_another_id() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let mut click = world.clicked("U0BEN", "approve", run);
    click["container"]["channel_id"] = json!("C0NEWID");
    click["channel"]["id"] = json!("C0NEWID");
    assert_eq!(world.interact(&click).await.status, StatusCode::OK);
    world.settle().await;
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
    assert!(world.fake.calls("response_url").is_empty());
    let updates = world.fake.card_updates();
    assert!(!updates.is_empty() && updates.iter().all(|update| update["channel"] == "C0NEWID"), "{updates:?}");
}

/// S03: only the message itself counts, not another one in the new channel.
#[tokio::test]
async fn another_message_of_a_moved_channel_decides_nothing() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let mut click = world.clicked("U0BEN", "approve", run);
    click["container"] = json!({ "channel_id": "C0NEWID", "message_ts": "1709208000.999999" });
    world.interact(&click).await;
    let told = world.fake.called("response_url", 1).await;
    assert_eq!(told["text"], "This message does not belong to the request.");
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
}

/// S06: a guest from outside has no e-mail address, and is known by workspace and account.
#[tokio::test]
async fn a_guest_without_an_address_decides_by_account() {
    #[reducer]
    fn get_permissions() -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::AllUsers)
    }
    let harness = builder(vec![reason()]).handlers(sym_sdk::handlers![get_permissions, get_request_notifications]);
    let harness = harness.declare(|config| config.flows[0].params.allow_guest_interaction = true);
    let mut world = World::new(harness).await;
    world.fake.join(Member::new("U0OUT").of_team("T0OTHER"));
    let run = world.request().await;
    for _ in 0..2 {
        world.click("U0OUT", "approve", run).await;
        world.settle().await;
    }
    assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
}

/// S07: text in which nothing can be seen is no text. The error says what to do, rather than how flow and field are called.
#[tokio::test]
async fn a_required_reason_of_blanks_is_an_error_at_the_field() {
    let mut world = World::with_reason().await;
    let view = world.open("U0ANA").await;
    for blank in ["   ", "\u{200b}", "\u{a0}", "\u{3164}", "", "\n\t"] {
        let values =
            json!({ "target_id:0": admins(&view), "reason:0": text(blank), "duration:0": option("3600") });
        let answer = world.submit("U0ANA", &view, values).await.body;
        assert_eq!(answer["errors"]["reason:0"], "Enter a reason.", "{blank:?}");
    }
    assert!(world.fake.messages().is_empty());
}

/// Ranked point 14: errors at fields are for whoever fills in the form.
#[tokio::test]
async fn errors_at_fields_say_what_to_enter() {
    let menu = PromptField { allowed_values: Some(vec!["one".into(), "two".into()]), ..field("menu", "string") };
    let fields = vec![
        field("count", "int"),
        field("wait", "duration"),
        field("who", "slack_user"),
        menu,
        PromptField { label: Some("Affected hosts".into()), ..field("hosts", "string") },
    ];
    let mut world = world(fields).await;
    let view = world.open("U0ANA").await;
    let expected = [
        ("target_id:0", "Select a target."),
        ("count:0", "Enter a whole number."),
        ("wait:0", "Enter a duration, such as 30m or 1h 30m."),
        ("who:0", "Select a person."),
        ("menu:0", "Select an option."),
        ("hosts:0", "Enter a value."),
        ("duration:0", "Select a duration."),
    ];
    let answer = world.submit("U0ANA", &view, json!({})).await.body;
    for (field, message) in expected {
        assert_eq!(answer["errors"][field], message, "{answer}");
    }
    let wrong = json!({ "count:0": text("many"), "wait:0": text("long") });
    let answer = world.submit("U0ANA", &view, wrong).await.body;
    for (field, message) in &expected[1..3] {
        assert_eq!(answer["errors"][*field], *message, "{answer}");
    }
}

/// S08: a response URL is dead after 30 minutes, and with its message.
#[tokio::test]
async fn a_refusal_is_told_although_the_response_url_is_dead() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let dead = world.clicked("U0ANA", "approve", run);
    world.fake.clock.advance(Duration::from_secs(31 * 60));
    world.interact(&dead).await;
    let told = world.fake.called("chat.postEphemeral", 1).await;
    assert_eq!((&told["channel"], &told["user"]), (&json!("CACCESS"), &json!("U0ANA")));
    assert_eq!(told["text"], "Requesters cannot approve their own request.");

    world.fake.refuse("chat.postEphemeral", "user_not_in_channel");
    let posted = world.fake.calls("chat.postMessage").len();
    let dead = world.clicked("U0ANA", "approve", run);
    world.fake.clock.advance(Duration::from_secs(31 * 60));
    world.interact(&dead).await;
    let told = world.fake.called("chat.postMessage", posted + 1).await;
    assert_eq!((&told["channel"], &told["text"]), (&json!("U0ANA"), &json!("Requesters cannot approve their own request.")));
}

/// S10: names are found as people type them, and as keyboards change them.
#[tokio::test]
async fn flows_are_found_by_labels_with_blanks_dashes_and_quotation_marks() {
    let harness = builder(vec![reason()]).handlers(sym_sdk::handlers![get_permissions, get_request_notifications]);
    let harness = harness.declare(|config| {
        config.flows[0].name = "prod-db".into();
        config.flows[0].label = Some("Production Database".into());
        config.environments[0].label = Some("Main Site".into());
    });
    let mut world = World::new(harness).await;
    for (index, typed) in [
        "production database",
        "  Production   DATABASE ",
        "\u{201c}Production Database\u{201d}",
        "'production database' main site",
        "production\u{a0}database",
        "prod-db",
        "prod\u{2013}db",
        "\u{ab}prod\u{2011}db\u{bb} Main Site",
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(world.command("U0ANA", &format!("req {typed}")).await.status, StatusCode::OK);
        // The form is shown, and not the picker.
        let view = world.shown(index + 1).await;
        assert!(inputs(&view).contains(&"reason:0"), "{typed}: {view}");
    }
    assert_eq!(world.command("U0ANA", "req production databases").await.status, StatusCode::OK);
    let view = world.shown(9).await;
    assert!(view.to_string().contains("No single flow matches `production databases`"), "{view}");
}

/// S13: Slack's menus of users offer bots, Slackbot and deactivated accounts too.
#[tokio::test]
async fn bots_and_deactivated_accounts_cannot_be_selected() {
    let mut world = world(vec![field("who", "slack_user"), field("team", "slack_user_list")]).await;
    world.fake.join(Member::new("U0BOT").bot());
    world.fake.join(Member::new("USLACKBOT"));
    world.fake.join(Member::new("U0GONE").email("gone@example.com").deactivated());
    let view = world.open("U0ANA").await;
    let submit = |who: &str, team: &[&str]| {
        json!({
            "target_id:0": admins(&view),
            "who:0": { "value": { "type": "users_select", "selected_user": who } },
            "team:0": { "value": { "type": "multi_users_select", "selected_users": team } },
            "duration:0": option("3600"),
        })
    };
    for (who, team, field, error) in [
        ("U0BOT", vec!["U0BEN"], "who:0", "A bot cannot be selected here."),
        ("USLACKBOT", vec!["U0BEN"], "who:0", "A bot cannot be selected here."),
        ("U0GONE", vec!["U0BEN"], "who:0", "A deactivated account cannot be selected here."),
        ("U0NOBODY", vec!["U0BEN"], "who:0", "This account does not exist."),
        ("U0BEN", vec!["U0CYD", "U0BOT"], "team:0", "A bot cannot be selected here."),
    ] {
        let answer = world.submit("U0ANA", &view, submit(who, &team)).await.body;
        assert_eq!(answer["errors"], json!({ field: error }), "{who} {team:?}");
    }
    assert_eq!(world.submit("U0ANA", &view, submit("U0BEN", &["U0CYD"])).await.body, Value::Null);
    world.settle().await;
    assert_eq!(world.harness.status(run_of(&view)).await.unwrap(), RunStatus::Requested);
}

/// S13: Slack waits for the answer, so it is asked about several accounts at once, and about each of them once.
#[tokio::test]
async fn selected_accounts_are_looked_up_at_once() {
    let mut world = world(vec![field("who", "slack_user"), field("team", "slack_user_list")]).await;
    let accounts: Vec<String> = (1..=6).map(|number| format!("U0NEW{number}")).collect();
    for account in &accounts {
        world.fake.join(Member::new(account).email(format!("{account}@example.com").to_lowercase()));
    }
    let view = world.open("U0ANA").await;
    let values = json!({
        "target_id:0": admins(&view),
        "who:0": { "value": { "type": "users_select", "selected_user": accounts[0] } },
        "team:0": { "value": { "type": "multi_users_select", "selected_users": accounts } },
        "duration:0": option("3600"),
    });
    let known = world.fake.calls("users.info").len();
    world.fake.hang(true);
    let request = world.signed("/interactions", &world.submission("U0ANA", &view, values));
    let router = world.router.clone();
    let submitted = tokio::spawn(async move { tower::ServiceExt::oneshot(router, request).await.unwrap().status() });
    world.fake.called("users.info", known + 4).await;
    assert_eq!(world.fake.calls("users.info").len(), known + 4);
    world.fake.hang(false);
    assert_eq!(submitted.await.unwrap(), StatusCode::OK);
    assert_eq!(world.fake.calls("users.info").len(), known + accounts.len());
    world.settle().await;
    assert_eq!(world.harness.status(run_of(&view)).await.unwrap(), RunStatus::Requested);
}

/// S16: an app that was uninstalled says nothing about the channel. The request waits, and operators hear of it.
#[tokio::test]
async fn a_request_waits_while_slack_does_not_admit_the_app() {
    for locked_out in ["token_revoked", "account_inactive", "invalid_auth", "missing_scope"] {
        let harness = builder(vec![reason()]).handlers(sym_sdk::handlers![get_permissions, get_request_notifications]);
        let harness = harness.declare(|config| {
            let errors = ErrorLogger { name: "errors".into(), destination: "#errors".into(), ..Default::default() };
            config.error_loggers.push(errors);
            config.environments[0].error_logger = Some("errors".into());
        });
        let mut world = World::new(harness).await;
        for _ in 0..3 {
            world.fake.refuse("chat.postMessage", locked_out);
        }
        let run = world.request().await;
        world.harness.advance(Duration::from_secs(600)).await.unwrap();
        assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested, "{locked_out}");
        assert_eq!(world.harness.run(run).await.unwrap().delivered.len(), 1, "{locked_out}");
        let calls = world.fake.calls("chat.postMessage");
        let alert = calls.iter().find(|call| call["channel"] == "#errors").unwrap();
        assert!(alert["text"].as_str().unwrap().to_lowercase().contains(locked_out), "{alert}");
    }
}

/// S25: withdrawing with Deny on one's own card is no denial.
#[tokio::test]
async fn a_requester_who_denies_withdraws() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    world.click("U0ANA", "deny", run).await;
    world.settle().await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Denied);
    let messages = world.fake.direct_messages("U0ANA");
    assert_eq!(messages.len(), 1, "{messages:?}");
    let receipt = messages[0].to_string();
    assert!(receipt.contains("You withdrew your request") && !receipt.contains("denied"), "{receipt}");
    assert_eq!(buttons(&messages[0]), ["request_again"]);
}

/// S11: a private channel that the app is not in, and one that was renamed, look alike to it.
#[tokio::test]
async fn a_channel_that_is_not_found_is_named_with_a_hint() {
    let world = World::with_reason().await;
    for method in ["chat.postMessage", "chat.postEphemeral"] {
        world.fake.refuse(method, "channel_not_found");
    }
    let slack = world.fake.client().build().unwrap();
    let api = slack.api();
    let errors = [
        api.post_message("#acces").text("x").await.unwrap_err(),
        api.post_ephemeral("#acces", "U0ANA").text("x").await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.kind(), error.code().to_string().as_str()), (ErrorKind::NotFound, "Slack:CHANNEL_NOT_FOUND"));
        assert!(error.message().ends_with("channel `#acces` does not exist, or the app cannot see it"), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("invite the app") && hint.contains("renamed"), "{hint}");
    }
}

/// S17: the line break at the end of a file or of `echo` is not part of a signing secret. Anything else that is no secret is refused.
#[test]
fn a_signing_secret_is_trimmed_or_refused() {
    use sym_integrations::slack::signature::SigningSecret;
    let now = "2024-02-29T12:00:00Z".parse().unwrap();
    let signature = super::sign("1709208000", "payload={}");
    for secret in [format!("{}\n", super::SIGNING_SECRET), format!("\u{a0} {}\r\n", super::SIGNING_SECRET)] {
        let secret = SigningSecret::new(secret.into()).unwrap();
        secret.verify(Some("1709208000"), Some(&signature), b"payload={}", now).unwrap();
    }
    for secret in ["", " \n", "8f74 2231", "8f742231\u{2013}b10e", "8f\u{200b}74"] {
        let error = SigningSecret::new(secret.into()).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, &codes::CONFIGURATION), "{secret:?}");
    }
}

/// S18: a token with dashes from a document, or a blank around it, is an error at start rather than at the first call.
#[test]
fn a_token_that_is_none_is_an_error_at_start() {
    use sym_integrations::slack::Slack;
    for token in ["xoxb\u{2013}1\u{2013}2", "xoxb-1 ", " xoxb-1", "xoxb-1\n", "xoxb-1\u{200b}"] {
        let error = Slack::builder("T012AB3CD").token(token).build().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Configuration, &codes::CONFIGURATION), "{token:?}");
        assert!(!error.to_string().contains(token.trim()), "{error}");
    }
}

/// S19: Slack posts a message without saying which. The request stays open, is not posted over and over, and can be decided there.
#[tokio::test]
async fn a_post_that_is_answered_without_a_timestamp_leaves_the_request_open() {
    for (members, is_named) in [(vec!["/ts"], true), (vec!["/ts", "/message"], false)] {
        let mut world = World::with_reason().await;
        world.fake.omit("chat.postMessage", members);
        let run = world.request().await;
        world.harness.advance(Duration::from_secs(60 * 60)).await.unwrap();
        assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
        let card = world.only_in_channel("CACCESS");
        assert_eq!(world.click_in(&card, "U0BEN", "approve", run).await, StatusCode::OK);
        assert_eq!(world.harness.granted(), ["admins: ana@example.com"]);
        assert!(world.fake.calls("response_url").is_empty());
        // What cannot be named cannot be updated, which is no error.
        let is_updated = status(world.only_in_channel("CACCESS").raw()).starts_with("Approved by");
        assert_eq!(is_updated, is_named);
    }
}

/// S19: only in the channel in which it was posted.
#[tokio::test]
async fn a_message_without_a_timestamp_is_none_of_another_channel() {
    let mut world = World::with_reason().await;
    world.fake.omit("chat.postMessage", ["/ts", "/message"]);
    let run = world.request().await;
    let mut click = world.clicked("U0BEN", "approve", run);
    click["container"]["channel_id"] = json!("C0OTHER");
    assert_eq!(world.interact(&click).await.status, StatusCode::OK);
    let told = world.fake.called("response_url", 1).await;
    assert_eq!(told["text"], "This message does not belong to the request.");
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
}

/// S19: a receipt that was sent without a timestamp is sent again when it has something else to say.
#[tokio::test]
async fn a_receipt_without_a_timestamp_is_sent_again_with_the_next_step() {
    let mut world = World::with_reason().await;
    let run = world.request().await;
    let receipts = |world: &World| world.fake.direct_messages("U0ANA").len();
    assert_eq!(receipts(&world), 1);
    let denied = world.request().await;
    assert_eq!(receipts(&world), 2);
    // The card, and then the receipt.
    world.fake.omit("chat.postMessage", Vec::<String>::new());
    world.fake.omit("chat.postMessage", ["/ts", "/message"]);
    let unnamed = world.request().await;
    world.harness.advance(Duration::from_secs(60 * 60)).await.unwrap();
    assert_eq!(receipts(&world), 3, "once");
    world.harness.deny_as(unnamed, "ben@example.com").await.unwrap();
    world.settle().await;
    let messages = world.fake.direct_messages("U0ANA");
    let of_it: Vec<_> = messages.iter().filter(|message| message.to_string().contains(&unnamed.to_string())).collect();
    assert_eq!(of_it.len(), 2, "{of_it:#?}");
    assert!(status(of_it[1]).starts_with("Denied by"), "{of_it:#?}");
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Requested);
    assert_eq!(world.harness.status(denied).await.unwrap(), RunStatus::Requested);
}
