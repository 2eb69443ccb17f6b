//! New requests: the form, its errors, suggestions, and who would decide.

use sym_sdk::config::PromptField;
use sym_sdk::console::Console;
use sym_sdk::forms::PromptForm;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::server::axum::http::StatusCode;

use super::World;

/// Forty databases, which are too many for a menu.
#[prefetch(field = "database")]
fn databases() -> Vec<FieldOption> {
    (0..40).filter_map(|number| FieldOption::new(format!("db-{number}"), format!("Database {number}")).ok()).collect()
}

/// Shows the ticket once the work is urgent, and sets a value that people do not see.
#[on_change(field = "urgency")]
fn on_change_urgency(form: &mut PromptForm) -> Result<()> {
    let is_urgent = form.field("urgency")?.is("high");
    let ticket = form.field_mut("ticket")?;
    (ticket.visible, ticket.required) = (is_urgent, is_urgent);
    form.field_mut("page")?.value = Some(if is_urgent { "yes" } else { "no" }.into());
    Ok(())
}

fn field(name: &str) -> PromptField {
    PromptField { name: name.into(), field_type: "string".into(), required: false, ..PromptField::default() }
}

/// A flow whose form has many options, and changes.
async fn with_changing_form() -> World {
    World::with(Console::new().with_user_chooser(), |builder| {
        builder.handlers(handlers![super::get_permissions, databases, on_change_urgency]).declare(|config| {
            let allowed_values = Some(vec!["low".into(), "high".into()]);
            config.flows[0].params.prompt_fields = vec![
                super::reason(),
                PromptField { prefetch: true, ..field("database") },
                PromptField { on_change: true, allowed_values, ..field("urgency") },
                PromptField { visible: false, ..field("ticket") },
                PromptField { visible: false, ..field("page") },
                PromptField { field_type: "int".into(), ..field("count") },
            ];
        })
    })
    .await
}

#[tokio::test]
async fn the_form_changes_as_the_flow_wants_and_sends_what_people_do_not_see() {
    let mut world = with_changing_form().await;
    let mut ana = world.sign_in("ana").await;
    let form = ana.get("/console/new/prod").await.ok();
    form.lacks("name=\"ticket\"").lacks("name=\"page\"").has("Type to find one of 40.");
    let target = world.target();
    let common = [("target_id", target.as_str()), ("duration", "1h"), ("reason", "INC-42"), ("urgency", "high")];
    let form = ana.press(&form, ("action", "preview"), &common).await.ok();
    form.has("name=\"ticket\"").has("value=\"high\" selected").has("INC-42");
    let missing = ana.press(&form, ("action", "request"), &common).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    missing.has("The request was not sent.").has("href=\"#f-ticket\"");
    // An option is found by its label, as one types it.
    let typed: Vec<_> =
        common.into_iter().chain([("ticket", "T-1"), ("database", "Database 7"), ("count", "3")]).collect();
    let page = ana.press(&missing, ("action", "request"), &typed).await.ok();
    let run = page.run().parse().unwrap();
    world.settle().await;
    let stored = world.harness.runtime().run(run).await.unwrap();
    let fields = serde_json::to_value(&stored.state.request.as_ref().unwrap().fields).unwrap();
    assert_eq!(fields["ticket"]["value"], "T-1", "{fields}");
    assert_eq!(fields["database"]["value"], "db-7", "{fields}");
    assert_eq!(fields["page"]["value"], "yes", "{fields}");
    assert_eq!(fields["count"]["value"], 3, "{fields}");
}

#[tokio::test]
async fn a_number_that_is_none_is_an_error_at_its_field() {
    let world = with_changing_form().await;
    let mut ana = world.sign_in("ana").await;
    let form = ana.get("/console/new/prod").await.ok();
    let target = world.target();
    let typed = [("target_id", target.as_str()), ("duration", "1h"), ("reason", "INC-42"), ("count", "many")];
    let page = ana.press(&form, ("action", "request"), &typed).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.has("Enter a whole number.").has("value=\"many\"");
}

#[tokio::test]
async fn options_are_suggested_while_one_types() {
    let world = with_changing_form().await;
    let mut ana = world.sign_in("ana").await;
    let found = ana.get("/console/new/prod/options/database?q=base%2039").await.ok();
    let found: serde_json::Value = serde_json::from_str(&found.text).unwrap();
    assert_eq!(found["options"][0], serde_json::json!({ "value": "db-39", "label": "Database 39" }));
    assert_eq!(ana.get("/console/new/prod/options/nothing?q=").await.status, StatusCode::NOT_FOUND);
    world.browser().get("/console/new/prod/options/database?q=base").await.ok().lacks("db-");
}

#[tokio::test]
async fn errors_stand_at_their_fields_and_nothing_typed_is_lost() {
    let world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let form = ana.get("/console/new/prod").await.ok();
    form.has("Select an option").has("Who would decide?");
    let page = ana.press(&form, ("action", "request"), &[("reason", "a <long> reason"), ("duration", "99d")]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.text);
    page.has("The request was not sent.").has("Select a target.").has("a &lt;long&gt; reason");
    assert!(world.harness.runtime().runs(Default::default(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn one_sees_who_would_decide_before_one_asks() {
    let world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let form = ana.get("/console/new/prod").await.ok();
    let target = world.target();
    let typed = [("target_id", target.as_str()), ("duration", "1h"), ("reason", "INC-42")];
    let page = ana.press(&form, ("action", "preview"), &typed).await.ok();
    page.has("ben@example.com").has("get_permissions").has("Or an administrator.").has("INC-42");
    let page = ana.press(&form, ("action", "preview"), &[("reason", "INC-42")]).await.ok();
    page.has("Fill in what is missing first.").lacks("The request was not sent.");
    assert!(world.harness.runtime().runs(Default::default(), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_form_can_be_filled_in_by_its_address() {
    let world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("target_id", &world.target())
        .append_pair("reason", "again & again")
        .finish();
    let form = ana.get(&format!("/console/new/prod?{query}")).await.ok();
    form.has("again &amp; again").has(&format!("value=\"{}\" selected", world.target()));
}

#[tokio::test]
async fn a_flow_that_one_may_not_request_is_not_there() {
    let world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    assert_eq!(ana.get("/console/new/nothing").await.status, StatusCode::NOT_FOUND);
    // With one flow there is nothing to choose.
    assert_eq!(ana.get("/console/new").await.ok().address, "/console/new/prod");
}

/// Lets Cleo request nothing, and Dee have what she asks for without a form.
#[hook]
fn on_prompt(event: &Event) -> Option<NextEvent> {
    match event.user().username() {
        "cleo@example.com" => Some(ApprovalTemplate::ignore().message("only people <on call> may request this")),
        "dee@example.com" => Some(ApprovalTemplate::deny().reason("not today")),
        _ => None,
    }
}

async fn with_prompt_hook() -> World {
    World::with(Console::new().with_user_chooser(), |builder| {
        builder.handlers(handlers![super::get_permissions, on_prompt])
    })
    .await
}

#[tokio::test]
async fn a_hook_of_the_prompt_is_asked_before_the_form_is_shown() {
    let mut world = with_prompt_hook().await;
    let mut ana = world.sign_in("ana").await;
    // With one flow there is nothing to choose. Looking at a page begins nothing.
    let first = ana.get("/console/new?").await.ok();
    assert_eq!(first.address, "/console/new/prod");
    first.has("looks first at whether you can make a request").lacks("name=\"reason\"");
    let first = ana.get("/console/new/prod?reason=INC-42+%26+more&target_id=x").await.ok();
    assert!(world.harness.runtime().runs(Default::default(), 10).await.unwrap().is_empty());
    let waiting = ana.press(&first, ("action", "begin"), &[]).await.ok();
    waiting.has("One moment").has("looks at whether you can make a request");
    assert_eq!(waiting.headers["refresh"], "2", "a browser without scripts looks again");
    // Sent twice, it is one Run.
    assert_eq!(ana.press(&first, ("action", "begin"), &[]).await.ok().address, waiting.address);
    world.settle().await;

    let form = ana.get(&waiting.address).await.ok();
    form.has("INC-42 &amp; more").has("Who would decide?");
    assert!(!form.headers.contains_key("refresh"));
    let target = world.target();
    let typed = [("target_id", target.as_str()), ("duration", "1h"), ("reason", "INC-42")];
    let preview = ana.press(&form, ("action", "preview"), &typed).await.ok();
    preview.has("ben@example.com").has("INC-42");
    let missing = ana.press(&preview, ("action", "request"), &[("reason", "INC-42")]).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST);
    missing.has("The request was not sent.").has("Select a target.");
    // The form is there from the page of the Run, too, and for nobody else.
    let path = form.address.split('?').next().unwrap().to_owned();
    let run = path.rsplit('/').next().unwrap().to_owned();
    ana.get(&format!("/r/{run}")).await.ok().has("Go on with the form").has(&path);
    let mut ada = world.sign_in("ada").await;
    assert_eq!(ada.get(&path).await.status, StatusCode::NOT_FOUND);
    ada.get(&format!("/r/{run}")).await.ok().lacks("Go on with the form");

    let sent = ana.press(&missing, ("action", "request"), &typed).await.ok();
    assert_eq!(sent.run(), run, "it is the Run that the prompt has begun");
    world.settle().await;
    ana.get(&sent.address).await.ok().has("waiting, 0 of 1").has("on_prompt").lacks("Go on with the form");
    assert_eq!(world.harness.runtime().runs(Default::default(), 10).await.unwrap().len(), 1);
    // Back in the form, in this tab or another one.
    ana.get(&path).await.ok().has("The flow has taken the request from here.").has(&format!("/r/{run}"));
    let again = ana.press(&missing, ("action", "request"), &typed).await;
    assert!(again.status.is_success() || again.status.is_client_error(), "{}", again.status);
    assert_eq!(world.harness.runtime().runs(Default::default(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_the_hook_of_the_prompt_lets_not_in_reads_why() {
    let mut world = with_prompt_hook().await;
    let mut cleo = world.sign_in("cleo").await;
    let first = cleo.get("/console/new/prod").await.ok();
    let waiting = cleo.press(&first, ("action", "begin"), &[]).await.ok();
    world.settle().await;
    let refused = cleo.get(&waiting.address).await.ok();
    refused.has("Not open to you").has("Only people &lt;on call&gt; may request this.").lacks("name=\"reason\"");
    let mut dee = world.sign_in("dee").await;
    let first = dee.get("/console/new/prod").await.ok();
    let waiting = dee.press(&first, ("action", "begin"), &[]).await.ok();
    world.settle().await;
    let denied = dee.get(&waiting.address).await.ok();
    denied.has("The flow has taken the request from here.");
    dee.get(&denied.link("Open the request").unwrap()).await.ok().has("denied").has("not today");

    // A form of a flow that had no such hook when it was shown: what was typed is kept.
    let target = world.target();
    let mut ana = world.sign_in("ana").await;
    let typed = [("action", "request"), ("target_id", target.as_str()), ("duration", "1h"), ("reason", "INC-42")];
    let first = ana.post("/console/new/prod", &typed).await.ok();
    first.has("Begin a request").has("INC-42");
    let waiting = ana.press(&first, ("action", "begin"), &[]).await.ok();
    world.settle().await;
    ana.get(&waiting.address).await.ok().has("INC-42").has(&format!("value=\"{target}\" selected"));
}
