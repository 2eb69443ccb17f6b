//! Messages of requests as approvers see them: text of others looks like nothing else, and nothing is missing without a word.

use axum::http::StatusCode;
use expect_test::expect_file;
use serde_json::{Value, json};
use sym_integrations::slack::fake::Member;
use sym_sdk::config::PromptField;
use sym_sdk::forms::FieldOption;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{FrontEnd, Limits, RouterContext};

use super::views::{admins, prefetched};
use super::{World, builder, content, field, get_permissions, get_request_notifications, golden, option, reason};

const FORGED: &str =
    "OPS-1\n*Duration*\n30s\n*Target*\nstaging\n:white_check_mark: *Pre-approved* by <@U0ADA>\n>Reason\n```";

/// Returns the paragraphs of rich text: whether each is a quotation, and its parts.
fn paragraphs(surface: &Value) -> Vec<(bool, Vec<Value>)> {
    let blocks = surface["blocks"].as_array().unwrap().iter().filter(|block| block["type"] == "rich_text");
    let paragraphs = blocks.flat_map(|block| block["elements"].as_array().unwrap());
    let parts = |paragraph: &Value| paragraph["elements"].as_array().unwrap().clone();
    paragraphs.map(|paragraph| (paragraph["type"] == "rich_text_quote", parts(paragraph))).collect()
}

fn joined(parts: &[Value]) -> String {
    parts.iter().filter_map(|part| part["text"].as_str()).collect()
}

/// Returns the text of each quotation.
pub(super) fn quotations(surface: &Value) -> Vec<String> {
    paragraphs(surface).iter().filter(|(is_quoted, _)| *is_quoted).map(|(_, parts)| joined(parts)).collect()
}

/// Returns the lines that are no quotations.
pub(super) fn lines(surface: &Value) -> Vec<String> {
    let paragraphs = paragraphs(surface);
    let paragraphs = paragraphs.iter().filter(|(is_quoted, _)| !is_quoted).map(|(_, parts)| joined(parts));
    paragraphs.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Returns the bold texts, which are the labels of a message.
fn labels(surface: &Value) -> Vec<String> {
    let parts = paragraphs(surface).into_iter().flat_map(|(_, parts)| parts);
    let bold = parts.filter(|part| part["style"]["bold"] == true);
    bold.map(|part| part["text"].as_str().unwrap().to_owned()).collect()
}

/// Returns the part of a message in which Slack interprets markup.
pub(super) fn interpreted(message: &Value) -> String {
    let blocks = message["blocks"].as_array().unwrap().iter().filter(|block| block["type"] != "rich_text");
    let blocks: Vec<_> = blocks.collect();
    format!("{} {}", message["text"], json!(blocks))
}

fn buttons(surface: &Value) -> Vec<&Value> {
    let blocks = surface["blocks"].as_array().unwrap().iter().filter(|block| block["type"] == "actions");
    blocks.flat_map(|block| block["elements"].as_array().unwrap()).collect()
}

fn button<'a>(surface: &'a Value, action: &str) -> Option<&'a Value> {
    buttons(surface).into_iter().find(|button| button["action_id"] == action)
}

async fn world(fields: Vec<PromptField>) -> World {
    World::new(builder(fields).handlers(sym_sdk::handlers![get_permissions, get_request_notifications])).await
}

/// Makes a request with these fields and returns its message.
async fn request(world: &mut World, fields: &[(&str, &str)]) -> (RunId, Value) {
    let mut request = world.harness.request("prod").by("ana@example.com").target("admins").duration("1h");
    for (name, value) in fields {
        request = request.field(*name, *value);
    }
    let run = request.await.unwrap();
    (run, world.fake.message().1)
}

/// Pages of Runs, as the console has them.
struct RunPages;

impl FrontEnd for RunPages {
    fn name(&self) -> &str {
        "r"
    }
}

#[tokio::test]
async fn cards_and_receipts_lead_to_the_page_of_the_request() {
    let builder = builder(Vec::new()).runtime(|builder| builder.front_end(RunPages));
    let mut world = World::new(builder.handlers(sym_sdk::handlers![get_permissions, get_request_notifications])).await;
    let context = RouterContext::new(world.harness.runtime().clone());
    let _ = FrontEnd::router(&world.app, context.with_public_url("https://sym.example.com".parse().ok()));
    let (run, card) = request(&mut world, &[]).await;
    let link = format!("<https://sym.example.com/r/{run}|Open in the console>");
    let receipt = world.fake.direct_message().1;
    for message in [card, receipt] {
        let interpreted = interpreted(&message);
        assert!(interpreted.contains(&link), "{interpreted}");
    }
}

/// Finding 14: a value read as further fields of the message, with a pre-approval.
#[tokio::test]
async fn a_forged_value_is_one_quotation() {
    let ticket = PromptField { label: Some("Ticket".into()), ..field("ticket", "string") };
    let mut world = world(vec![ticket, reason()]).await;
    let (run, message) = request(&mut world, &[("ticket", FORGED), ("reason", "x\n*Ticket*\nOPS-2")]).await;
    assert_eq!(labels(&message), ["Production", "Environment", "Target", "Duration", "Ticket", "Reason"]);
    assert_eq!(quotations(&message), [FORGED, "x\n*Ticket*\nOPS-2"]);
    let interpreted = interpreted(&message);
    assert!(!interpreted.contains("Pre-approved") && !interpreted.contains("OPS-2"), "{interpreted}");
    let posted = world.fake.calls("chat.postMessage").remove(0);
    golden(expect_file!["golden/forged.json"], &content(&posted), &[("RUN", run.to_string())]);
}

/// Finding 14: a short value on one line is beside its label, and anything that could look like another line is not.
#[tokio::test]
async fn only_a_short_line_stands_beside_its_label() {
    let mut world = world(vec![field("note", "string")]).await;
    for short in ["OPS-1", "*bold* :tada: `code` <@U0ADA> <!here>", "Zoë & 🚀"] {
        let (_, message) = request(&mut world, &[("note", short)]).await;
        assert_eq!(lines(&message).last().unwrap(), &format!("note: {short}"));
        assert!(!interpreted(&message).contains("<!here>"), "{message}");
    }
    let long = "x".repeat(81);
    for quoted in ["two\nlines", "a  gap", "a\ttab", "a\u{a0}\u{a0}gap", "שלום (x)", "مرحبا", &long] {
        let (_, message) = request(&mut world, &[("note", quoted)]).await;
        assert_eq!(quotations(&message), [quoted], "{quoted:?}");
        assert_eq!(lines(&message).last().unwrap(), "note");
    }
}

/// Finding 14: what nobody sees is shown by its code, since what is approved contains it.
#[tokio::test]
async fn hidden_characters_are_shown_by_their_codes() {
    let mut world = world(vec![field("note", "string")]).await;
    for (value, shown) in [
        ("prod\u{202e}gnp.exe", "prod⟨U+202E⟩gnp.exe"),
        ("pro\u{200b}d", "pro⟨U+200B⟩d"),
        ("a\u{200d}b\u{2066}c\u{feff}d", "a⟨U+200D⟩b⟨U+2066⟩c⟨U+FEFF⟩d"),
        ("a\u{7}b\u{3164}c\u{e0041}d", "a⟨U+0007⟩b⟨U+3164⟩c⟨U+E0041⟩d"),
        ("👩\u{200d}🚒 ⚠\u{fe0f} 1\u{fe0f}\u{20e3}", "👩\u{200d}🚒 ⚠\u{fe0f} 1\u{fe0f}\u{20e3}"),
        ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ("one\u{2028}two\rthree", "one\ntwo\nthree"),
    ] {
        let (_, message) = request(&mut world, &[("note", value)]).await;
        let all = message["blocks"].to_string();
        let shown = json!(shown).to_string();
        assert!(all.contains(shown.trim_matches('"')), "{value:?}: {all}");
    }
}

/// Finding 14: the items of a list cannot pass for several, or several for one.
#[tokio::test]
async fn the_items_of_a_list_are_told_apart() {
    let mut world = world(vec![field("roles", "str_list")]).await;
    let request = world.harness.request("prod").by("ana@example.com").target("admins").duration("1h");
    request.field("roles", json!(["reader, writer", "`admin`"])).await.unwrap();
    let message = world.fake.message().1;
    let (_, parts) = paragraphs(&message).pop().unwrap();
    let code: Vec<_> = parts.iter().filter(|part| part["style"]["code"] == true).map(|part| &part["text"]).collect();
    assert_eq!(code, ["reader, writer", "`admin`"]);
}

#[prefetch(field = "role")]
fn roles() -> Result<Vec<FieldOption>> {
    Ok(vec![FieldOption::new("r-1", "admin (`r-2`)\n*Duration*\n30s")?, FieldOption::new("r-2", "admin (`r-2`)")?])
}

/// Finding 14: the label of an option comes from a service. The value beside it is code, which no label contains.
#[tokio::test]
async fn the_label_of_an_option_is_literal_with_its_value_beside_it() {
    let role = PromptField { label: Some("Role".into()), ..prefetched("role") };
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, roles];
    let mut world = World::new(builder(vec![role]).handlers(handlers)).await;
    for (value, shown) in [("r-1", "admin (`r-2`)\n*Duration*\n30s (r-1)"), ("r-2", "Role: admin (`r-2`) (r-2)")] {
        let view = world.open("U0ANA").await;
        let values =
            json!({ "target_id:0": admins(&view), "role:0": option(value), "duration:0": option("3600") });
        assert_eq!(world.submit("U0ANA", &view, values).await.body, Value::Null);
        world.settle().await;
        let message = world.fake.message().1;
        assert_eq!(labels(&message).last().unwrap(), "Role");
        assert!(quotations(&message).contains(&shown.to_owned()) || lines(&message).contains(&shown.to_owned()), "{message}");
        let parts = paragraphs(&message).into_iter().flat_map(|(_, parts)| parts);
        let code: Vec<_> = parts.filter(|part| part["style"]["code"] == true).map(|part| part["text"].clone()).collect();
        assert_eq!(code, [value]);
    }
}

/// Finding 14: a value of 9,000 characters is shown whole, over several blocks.
#[tokio::test]
async fn a_long_value_is_split_over_blocks() {
    let mut world = world(vec![field("why", "string"), reason()]).await;
    let line = "0123456789 ".repeat(9);
    let why = (0..90).map(|n| format!("{n} {line}")).collect::<Vec<_>>().join("\n");
    let (_, message) = request(&mut world, &[("why", &why), ("reason", "x")]).await;
    let parts = quotations(&message);
    assert!(parts.len() > 3, "{parts:?}");
    assert_eq!(parts[..parts.len() - 1].join("\n"), why.trim_end());
    assert_eq!(button(&message, "show_request"), None);
    assert_eq!(button(&message, "approve").unwrap().get("confirm"), None);
}

/// Finding 14: more was approved than shown.
#[tokio::test]
async fn a_message_says_how_much_it_does_not_show_and_approve_asks() {
    let mut world = world(vec![field("why", "string"), field("ticket", "string"), reason()]).await;
    let why = format!("{}THE END", "👩‍👩‍👧‍👦 & <co>\n".repeat(1_000));
    let (run, message) = request(&mut world, &[("why", &why), ("ticket", "OPS-1"), ("reason", "it hangs")]).await;
    // The short texts are whole.
    let lines = lines(&message);
    assert!(lines.contains(&"ticket: OPS-1".to_owned()), "{lines:?}");
    let mut quoted = quotations(&message);
    assert_eq!(quoted.pop().unwrap(), "it hangs");
    let shown = quoted.join("\n");
    assert!(why.starts_with(&shown) && shown.len() > 5_000, "{shown}");
    let missing = lines.iter().find_map(|line| line.strip_suffix(" more characters are not shown here")).unwrap();
    let missing: usize = missing.replace(',', "").parse().unwrap();
    assert!(missing > 1_000, "{missing}");
    let approve = button(&message, "approve").unwrap();
    let question = approve["confirm"]["text"]["text"].as_str().unwrap();
    assert!(question.contains("more characters are not shown") && question.contains("Show the whole request"));
    assert_eq!(button(&message, "deny").unwrap().get("confirm"), None);

    // The whole stays available once the request is decided.
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    assert_eq!(world.harness.status(run).await.unwrap(), RunStatus::Escalated);
    assert!(button(&world.fake.message().1, "show_request").is_some());
}

/// Finding 14: everything is a click away, however long it is.
#[tokio::test]
async fn a_view_shows_the_whole_request() {
    let mut world = world(vec![field("why", "string"), field("ticket", "string"), reason()]).await;
    // Almost the largest fields that a request may have.
    let why = format!("{}THE END", "0123456789abcdef\n".repeat(3_500));
    let (run, message) = request(&mut world, &[("why", &why), ("ticket", FORGED), ("reason", "x")]).await;
    assert!(quotations(&message).contains(&FORGED.to_owned()));
    assert_eq!(world.click("U0BEN", "show_request", run).await.status, StatusCode::OK);
    world.fake.called("views.open", 1).await;
    let mut view = world.fake.view();
    assert_eq!(view["title"]["text"], "Production");
    let mut shown = quotations(&view);
    let mut updates = 0;
    while let Some(next) = button(&view, "next_page").cloned() {
        let payload = json!({
            "type": "block_actions",
            "user": { "id": "U0BEN" },
            "view": view,
            "actions": [{ "action_id": "next_page", "value": next["value"], "action_ts": "1709208200.000001" }],
        });
        assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
        updates += 1;
        world.fake.called("views.update", updates).await;
        view = world.fake.view();
        shown.extend(quotations(&view));
    }
    assert_eq!(shown.pop().unwrap(), "x");
    assert_eq!(shown.pop().unwrap(), FORGED);
    assert_eq!(shown.join("\n"), why);
}

/// Finding 14: pages of a view, for text that takes much JSON. The first page is whole, and others say what they continue.
#[tokio::test]
async fn a_view_has_pages_if_the_request_exceeds_it() {
    let limits = Limits { fields_bytes: 1 << 20, ..Limits::default() };
    let harness = builder(vec![field("why", "string")]).limits(limits);
    let mut world = World::new(harness.handlers(sym_sdk::handlers![get_permissions, get_request_notifications])).await;
    let why = (0..60_000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
    let (run, _) = request(&mut world, &[("why", &why)]).await;
    world.click("U0BEN", "show_request", run).await;
    world.fake.called("views.open", 1).await;
    let first = world.fake.view();
    let next = button(&first, "next_page").unwrap()["value"].clone();
    let turn = |action: &str, value: &Value, view: &Value| {
        json!({
            "type": "block_actions",
            "user": { "id": "U0BEN" },
            "view": view,
            "actions": [{ "action_id": action, "value": value, "action_ts": "1709208200.000001" }],
        })
    };
    world.interact(&turn("next_page", &next, &first)).await;
    world.fake.called("views.update", 1).await;
    let second = world.fake.view();
    assert!(lines(&second).contains(&"why (continued)".to_owned()), "{:?}", lines(&second));
    let (end, begin) = (quotations(&first).pop().unwrap(), quotations(&second).remove(0));
    let last: u32 = end.lines().last().unwrap().parse().unwrap();
    assert_eq!(begin.lines().next().unwrap().parse::<u32>().unwrap(), last + 1);
    let previous = button(&second, "previous_page").unwrap()["value"].clone();
    world.interact(&turn("previous_page", &previous, &second)).await;
    world.fake.called("views.update", 2).await;
    assert_eq!(quotations(&world.fake.view()), quotations(&first));
}

/// Finding 14: the view is for those who see the request's message, and for the requester.
#[tokio::test]
async fn the_whole_request_is_shown_to_those_who_see_its_message() {
    let mut world = world(vec![field("why", "string")]).await;
    world.fake.join(Member::new("U0GONE").email("ben@example.com").deactivated());
    let why = "secret ".repeat(3_000);
    let (first, _) = request(&mut world, &[("why", &why)]).await;
    let (second, _) = request(&mut world, &[("why", "x")]).await;

    // The last message belongs to the second request.
    world.click("U0BEN", "show_request", first).await;
    let told = world.fake.called("response_url", 1).await;
    assert_eq!(told["text"], "This message does not belong to the request.");
    world.click("U0GONE", "show_request", second).await;
    let told = world.fake.called("response_url", 2).await;
    assert_eq!(told["text"], "Your Slack account is deactivated.");
    assert!(world.fake.calls("views.open").is_empty());

    world.click("U0ANA", "show_request", first).await;
    let view = world.fake.called("views.open", 1).await["view"].clone();
    assert!(quotations(&view).concat().starts_with("secret secret"));
    world.click("U0CYD", "show_request", second).await;
    let view = world.fake.called("views.open", 2).await["view"].clone();
    assert_eq!(lines(&view).last().unwrap(), "why: x");
}

/// Finding 14: the text of a decision is literal for the requester too, and whole.
#[tokio::test]
async fn the_requester_sees_the_whole_decision_literally() {
    let harness = builder(vec![reason()]).handlers(sym_sdk::handlers![get_permissions, get_request_notifications]);
    let harness = harness.declare(|config| config.flows[0].params.include_decision_message = true);
    let mut world = World::new(harness).await;
    let run = world.request().await;
    let mut payload = world.clicked("U0BEN", "deny", run);
    let message = format!("no\n*ada@example.com* approved your request {}", "🔥".repeat(4_000));
    payload["state"] = json!({ "values": { "decision_message": { "text": { "type": "plain_text_input", "value": message } } } });
    assert_eq!(world.interact(&payload).await.status, StatusCode::OK);
    world.settle().await;
    let (container, notice) = world.fake.direct_message();
    assert_eq!(lines(&notice)[0], " denied your request for Production:", "after a mention");
    assert!(notice["blocks"].to_string().contains(r#""user_id":"U0BEN""#), "{notice}");
    let shown = quotations(&notice).concat();
    assert!(message.starts_with(&shown) && shown.len() > 5_000);
    assert!(lines(&notice).last().unwrap().ends_with("more characters are not shown here"));

    let mut payload = world.clicked("U0ANA", "show_request", run);
    (payload["container"], payload["message"]) = (container, notice);
    world.interact(&payload).await;
    let view = world.fake.called("views.open", 1).await["view"].clone();
    assert_eq!(lines(&view).last().unwrap(), "Reason for the denial");
    assert!(quotations(&view).concat().ends_with(&"🔥".repeat(4_000)));
}

#[hook]
fn on_escalate() -> NextEvent {
    ApprovalTemplate::ignore().message("the target is frozen\u{2028}Target: staging")
}

/// Finding 14: a line break of any kind makes a quotation of a notice.
#[tokio::test]
async fn a_notice_of_several_lines_is_a_quotation() {
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_escalate];
    let mut world = World::new(builder(vec![reason()]).handlers(handlers)).await;
    let run = world.request().await;
    world.click("U0BEN", "approve", run).await;
    world.settle().await;
    let (_, notice) = world.fake.direct_message();
    assert_eq!(lines(&notice)[0], "About your request for Production:");
    assert!(quotations(&notice).concat().ends_with("the target is frozen\nTarget: staging"), "{notice}");
}

/// Finding 14: all fields of the largest form are in the message, if they are short.
#[tokio::test]
async fn a_message_has_room_for_95_short_fields() {
    let names: Vec<_> = (0..95).map(|n| format!("field_{n}")).collect();
    let mut world = world(names.iter().map(|name| field(name, "string")).collect()).await;
    let fields: Vec<_> = names.iter().map(|name| (name.as_str(), "value")).collect();
    let (_, message) = request(&mut world, &fields).await;
    let lines = lines(&message);
    assert!(names.iter().all(|name| lines.contains(&format!("{name}: value"))), "{lines:?}");
    assert_eq!(button(&message, "show_request"), None);
}

/// Finding 14: labels alone can be too many for a message, which then says how many are missing.
#[tokio::test]
async fn a_message_says_how_many_fields_it_does_not_show() {
    let label = |n: usize| PromptField { label: Some(format!("{n} {}", "x".repeat(150))), ..field(&format!("field_{n}"), "string") };
    let mut world = world((0..95).map(label).collect()).await;
    let names: Vec<_> = (0..95).map(|n| format!("field_{n}")).collect();
    let fields: Vec<_> = names.iter().map(|name| (name.as_str(), "value")).collect();
    let (run, message) = request(&mut world, &fields).await;
    let note = lines(&message).pop().unwrap();
    assert!(note.ends_with("more fields are not shown here"), "{note}");
    assert!(button(&message, "approve").unwrap()["confirm"].is_object());
    world.click("U0BEN", "show_request", run).await;
    let view = world.fake.called("views.open", 1).await["view"].clone();
    assert!(lines(&view).last().unwrap().starts_with("94 xxx"), "{:?}", lines(&view));
}
