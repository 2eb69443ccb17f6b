//! People in the workspace, and an app that hears of what they do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sym_integrations::slack::Slack;
use sym_integrations::slack::fake::{FakeSlack, NOT_VISIBLE, Submitted};
use sym_integrations::slack::signature::SigningSecret;
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::error::ErrorKind;
use sym_sdk::prelude::*;

use super::{modal, plain, serve, workspace};
use crate::GRACE;

/// A path, and the fields of the form that was sent there.
pub(super) type Heard = (String, BTreeMap<String, String>);

/// An app that answers what it is told to, and keeps what it hears.
#[derive(Clone)]
pub(super) struct App {
    secret: SigningSecret,
    clock: Arc<VirtualClock>,
    pub(super) heard: Arc<Mutex<Vec<Heard>>>,
    pub(super) answers: Arc<Mutex<VecDeque<(StatusCode, String)>>>,
    pub(super) is_slow: Arc<Mutex<bool>>,
}

async fn hear(State(app): State<App>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let (at, signature) = (header("x-slack-request-timestamp"), header("x-slack-signature"));
    let now = app.clock.now();
    app.secret.verify(at.as_deref(), signature.as_deref(), &body, now).unwrap();
    let mut fields: BTreeMap<_, _> = match header("content-type").as_deref() {
        Some("application/json") => {
            [("payload".to_owned(), String::from_utf8(body.to_vec()).unwrap())].into_iter().collect()
        }
        _ => url::form_urlencoded::parse(&body).into_owned().collect(),
    };
    for name in ["x-slack-retry-num", "x-slack-retry-reason"] {
        fields.extend(header(name).map(|value| (name.to_owned(), value)));
    }
    app.heard.lock().unwrap().push((path, fields));
    let is_slow = *app.is_slow.lock().unwrap();
    if is_slow {
        std::future::pending::<()>().await;
    }
    let (status, body) = app.answers.lock().unwrap().pop_front().unwrap_or_default();
    (status, body).into_response()
}

impl App {
    /// The last that it heard, and where.
    pub(super) fn heard(&self) -> (String, Value) {
        let (path, fields) = self.heard.lock().unwrap().last().unwrap().clone();
        match fields.get("payload") {
            Some(payload) => (path, serde_json::from_str(payload).unwrap()),
            None => (path, json!(fields)),
        }
    }

    pub(super) fn answer(&self, answer: &Value) {
        self.answers.lock().unwrap().push_back((StatusCode::OK, answer.to_string()));
    }

    pub(super) fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

pub(super) struct World {
    pub(super) fake: FakeSlack,
    pub(super) slack: Slack,
    pub(super) app: App,
    pub(super) clock: Arc<VirtualClock>,
}

pub(super) async fn world() -> World {
    let (fake, clock) = workspace().await;
    world_of(fake, clock).await
}

/// Connects an app with a workspace.
pub(super) async fn world_of(fake: FakeSlack, clock: Arc<VirtualClock>) -> World {
    let secret = fake.signing_secret().unwrap();
    let (heard, answers, is_slow) = Default::default();
    let app = App { secret, clock: clock.clone(), heard, answers, is_slow };
    let routes = Router::new().fallback(hear).with_state(app.clone());
    fake.connect(&format!("{}/slack/", serve(routes).await)).unwrap();
    World { slack: fake.client().build().unwrap(), fake, app, clock }
}

impl World {
    /// Shows Ana a view.
    async fn show(&self, view: &Value) -> String {
        self.slack.api().open_view(&self.fake.trigger("U0ANA"), view).await.unwrap().id
    }
}

fn form() -> Value {
    let option = |text: &str, value: &str| json!({ "text": plain(text), "value": value });
    let input = |id: &str, label: &str, element: Value| json!({ "type": "input", "block_id": id, "label": plain(label), "element": element, "optional": true });
    let mut view = modal(&json!([
        { "type": "section", "text": plain("Please fill in") },
        { "type": "input", "block_id": "why", "label": plain("Reason"), "hint": plain("A sentence"),
          "element": { "type": "plain_text_input", "action_id": "v", "max_length": 10, "multiline": true } },
        input("role", "Role", json!({ "type": "static_select", "action_id": "v", "options": [option("Reader", "r"), option("Writer", "w")], "initial_option": option("Reader", "r") })),
        input("tags", "Tags", json!({ "type": "multi_static_select", "action_id": "v", "options": [option("One", "1"), option("Two", "2")] })),
        input("yes", "Sure", json!({ "type": "radio_buttons", "action_id": "v", "options": [option("Yes", "y"), option("No", "n")] })),
        input("db", "Database", json!({ "type": "external_select", "action_id": "v", "min_query_length": 0 })),
        input("who", "Who", json!({ "type": "users_select", "action_id": "v" })),
        input("all", "Everybody", json!({ "type": "multi_users_select", "action_id": "v" })),
        input("n", "How many", json!({ "type": "number_input", "action_id": "v", "is_decimal_allowed": false, "min_value": "1", "max_value": "9" })),
        { "type": "actions", "block_id": "more", "elements": [{ "type": "button", "action_id": "again", "value": "1", "text": plain("Again") }] },
    ]));
    view["callback_id"] = json!("form");
    view["private_metadata"] = json!("kept");
    view["notify_on_close"] = json!(true);
    view
}

/// Otherwise a test of what does not appear would never end.
#[tokio::test(start_paused = true)]
async fn nobody_waits_forever_for_a_clock_that_stands_still() {
    let (fake, clock) = workspace().await;
    let before = clock.now();
    let ana = fake.person("U0ANA");
    let waits = async {
        [
            ana.message("what nobody sends").await.map(drop),
            ana.fill("Reason", "there is no view").await,
            ana.submit().await.map(drop),
        ]
    };
    for waited in tokio::time::timeout(GRACE * 10, waits).await.expect("the waits end") {
        assert_eq!(*waited.unwrap_err().code(), NOT_VISIBLE);
    }
    assert_eq!(clock.now(), before);
}

#[tokio::test]
async fn sends_commands_and_shows_ephemeral_responses() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    world.app.answer(&json!({ "response_type": "ephemeral", "text": "You are Ana." }));
    ana.command_in("#ops", "/sym  req prod & more").await.unwrap();
    let (path, heard) = world.app.heard();
    assert_eq!(path, "/slack/commands");
    assert_eq!((&heard["command"], &heard["text"]), (&json!("/sym"), &json!("req prod & more")));
    assert_eq!((&heard["channel_id"], &heard["channel_name"]), (&json!("COPS"), &json!("ops")));
    assert_eq!((&heard["user_id"], &heard["user_name"]), (&json!("U0ANA"), &json!("Ana")));
    assert_eq!((&heard["team_id"], &heard["api_app_id"]), (&json!("T0SANDBOX"), &json!("A0SANDBOX")));
    assert_eq!(ana.message("You are Ana").await.unwrap().only_for(), Some("U0ANA"));
    assert!(world.fake.person("U0BEN").messages().is_empty());

    // The trigger and the address to answer to are good.
    world.slack.api().open_view(heard["trigger_id"].as_str().unwrap(), form()).await.unwrap();
    let url = heard["response_url"].as_str().unwrap().into();
    world.slack.api().respond(&url).text("later").await.unwrap();
    world.slack.api().respond(&url).text("to all").in_channel().await.unwrap();
    assert_eq!(world.fake.person("U0BEN").messages().len(), 1);
    for _ in 0..3 {
        world.slack.api().respond(&url).text("again").await.unwrap();
    }
    assert_eq!(world.slack.api().respond(&url).text("x").await.unwrap_err().code().name(), "USED_URL");

    // Nothing is no answer, and text is one.
    ana.command("/sym").await.unwrap();
    assert_eq!(ana.messages().len(), 6);
    world.app.answers.lock().unwrap().push_back((StatusCode::OK, "plain words".into()));
    ana.command("/sym").await.unwrap();
    assert_eq!(ana.message("plain words").await.unwrap().channel(), "CGENERAL");
}

#[tokio::test]
async fn submits_the_values_that_were_filled_in() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    world.show(&form()).await;
    let found =
        json!({ "options": [{ "text": plain("db-9"), "value": "9" }, { "text": plain("db-99"), "value": "99" }] });
    world.app.answer(&found);
    assert_eq!(ana.type_into("Database", "db-9").await.unwrap(), ["db-9", "db-99"]);
    let (path, heard) = world.app.heard();
    assert_eq!(
        (path.as_str(), &heard["value"], &heard["type"]),
        ("/slack/options", &json!("db-9"), &json!("block_suggestion"))
    );
    assert_eq!((&heard["block_id"], &heard["view"]["private_metadata"]), (&json!("db"), &json!("kept")));
    assert_eq!(ana.type_into("Role", "wri").await.unwrap(), ["Writer"]);

    ana.fill("Reason", "because").await.unwrap();
    ana.fill("Role", "Writer").await.unwrap();
    ana.fill("Tags", ["One", "Two"]).await.unwrap();
    ana.fill("Sure", "Yes").await.unwrap();
    world.app.answer(&found);
    ana.fill("Database", "db-99").await.unwrap();
    ana.fill("Who", "Ben").await.unwrap();
    ana.fill("Everybody", ["U0BEN", "Ana"]).await.unwrap();
    ana.fill("How many", "3").await.unwrap();
    assert_eq!(ana.submit().await.unwrap(), Submitted::Closed);
    let (path, heard) = world.app.heard();
    assert_eq!((path.as_str(), &heard["type"]), ("/slack/interactions", &json!("view_submission")));
    let values = &heard["view"]["state"]["values"];
    assert_eq!(values["why"]["v"], json!({ "type": "plain_text_input", "value": "because" }));
    assert_eq!(values["role"]["v"]["selected_option"], json!({ "text": plain("Writer"), "value": "w" }));
    assert_eq!(values["tags"]["v"]["selected_options"].as_array().unwrap().len(), 2);
    assert_eq!(values["yes"]["v"]["selected_option"]["value"], "y");
    assert_eq!(values["db"]["v"]["selected_option"], json!({ "text": plain("db-99"), "value": "99" }));
    assert_eq!(values["who"]["v"], json!({ "type": "users_select", "selected_user": "U0BEN" }));
    assert_eq!(values["all"]["v"]["selected_users"], json!(["U0BEN", "U0ANA"]));
    assert_eq!(values["n"]["v"]["value"], "3");
    let view = &heard["view"];
    assert_eq!(
        (&view["callback_id"], &view["root_view_id"], &view["team_id"]),
        (&json!("form"), &view["id"], &json!("T0SANDBOX"))
    );
    assert_eq!((&heard["user"]["id"], &heard["team"]["id"]), (&json!("U0ANA"), &json!("T0SANDBOX")));
    assert!(ana.view().is_none() && world.fake.faults().is_empty());
}

#[tokio::test]
async fn validates_inputs_before_submission() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    world.show(&form()).await;
    ana.fill("How many", "10").await.unwrap();
    let Submitted::Errors(errors) = ana.submit().await.unwrap() else { panic!("submitted") };
    assert_eq!(errors["Reason"], "Please complete this required field.");
    assert_eq!(errors["How many"], "This number is too large.");
    for (number, is_good) in [("0", false), ("1.5", false), ("many", false), ("9", true)] {
        ana.fill("How many", number).await.unwrap();
        ana.submit().await.unwrap();
        assert_eq!(!ana.view().unwrap().errors().contains_key("How many"), is_good, "{number}");
    }
    ana.fill("Reason", "x".repeat(11)).await.unwrap();
    ana.submit().await.unwrap();
    assert_eq!(ana.view().unwrap().errors()["Reason"], "Please enter no more than 10 characters.");
    // The app has heard of none of it.
    assert_eq!(world.app.count(), 0);
    for (label, entry) in [("Role", "Owner"), ("Who", "Eve")] {
        let error = ana.fill(label, entry).await.unwrap_err();
        assert_eq!((error.kind(), error.code().name()), (ErrorKind::NotFound, "NOT_VISIBLE"), "{error}");
    }
}

#[tokio::test]
async fn applies_the_response_to_a_submission() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    let id = world.show(&form()).await;
    ana.fill("Reason", "because").await.unwrap();

    world.app.answer(&json!({ "response_action": "errors", "errors": { "why": "Not good enough." } }));
    let errors = BTreeMap::from([("Reason".to_owned(), "Not good enough.".to_owned())]);
    assert_eq!(ana.submit().await.unwrap(), Submitted::Errors(errors));
    ana.fill("Reason", "better").await.unwrap();
    assert!(ana.view().unwrap().errors().is_empty());

    // What was entered stays where the input stays.
    let mut other = form();
    other["blocks"].as_array_mut().unwrap().truncate(2);
    world.slack.api().update_view(&id, &other).await.unwrap();
    assert_eq!(
        ana.view().unwrap().raw()["state"]["values"],
        json!({ "why": { "v": { "type": "plain_text_input", "value": "better" } } })
    );

    let next = modal(&json!([{ "type": "section", "text": plain("Next") }]));
    world.app.answer(&json!({ "response_action": "push", "view": next }));
    assert_eq!(ana.submit().await.unwrap(), Submitted::Shown);
    assert_eq!(ana.view_with("Next").await.unwrap().raw()["previous_view_id"], json!(id));
    world.app.answer(&json!({ "response_action": "update", "view": other }));
    assert_eq!(ana.submit().await.unwrap(), Submitted::Shown);
    ana.fill("Reason", "x").await.unwrap();
    world.app.answer(&json!({ "response_action": "clear" }));
    assert_eq!(ana.submit().await.unwrap(), Submitted::Closed);
    assert!(ana.view().is_none() && world.fake.faults().is_empty());
}

#[tokio::test]
async fn rejects_invalid_responses_to_a_submission() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    world.show(&form()).await;
    ana.fill("Reason", "because").await.unwrap();
    let answers = [
        json!({ "response_action": "errors", "errors": { "nowhere": "x" } }),
        json!({ "response_action": "errors", "errors": {} }),
        json!({ "response_action": "update", "view": {} }),
        json!({ "response_action": "explode" }),
        json!("nonsense"),
    ];
    for (index, answer) in answers.iter().enumerate() {
        world.app.answer(answer);
        let error = ana.submit().await.unwrap_err();
        assert_eq!((error.kind(), error.code().name()), (ErrorKind::Unavailable, "APP_DID_NOT_RESPOND"));
        assert!(world.fake.faults().len() > index, "{answer}");
    }
    assert_eq!(ana.view().unwrap().labels()[0], "Reason");
}

#[tokio::test]
async fn sends_clicks_and_closed_views() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    world.show(&form()).await;
    ana.click_in_view("Again").await.unwrap();
    let (_, heard) = world.app.heard();
    assert_eq!(heard["actions"][0]["action_id"], "again");
    assert_eq!((&heard["container"]["type"], &heard["container"]["view_id"]), (&json!("view"), &heard["view"]["id"]));
    ana.close().await.unwrap();
    assert_eq!((world.app.heard().1["type"].clone(), ana.view()), (json!("view_closed"), None));
    assert!(ana.close().await.is_err());

    let input = json!({ "type": "input", "block_id": "note", "label": plain("Note"), "element": { "type": "plain_text_input", "action_id": "v" } });
    let buttons = json!({ "type": "actions", "elements": [{ "type": "button", "action_id": "yes", "value": "7", "text": plain("Yes") }] });
    let post = world.slack.api().post_message("#access").text("well?").blocks([input, buttons]);
    let posted = post.await.unwrap();
    let message = ana.message("well?").await.unwrap();
    ana.fill_in(&message, "Note", "fine").await.unwrap();
    ana.click(&message, "Yes").await.unwrap();
    let (_, heard) = world.app.heard();
    assert_eq!(
        heard["container"],
        json!({ "type": "message", "channel_id": posted.channel(), "message_ts": posted.ts(), "is_ephemeral": false })
    );
    assert_eq!(heard["channel"], json!({ "id": "CACCESS", "name": "access" }));
    assert_eq!(
        (&heard["actions"][0]["value"], &heard["state"]["values"]["note"]["v"]["value"]),
        (&json!("7"), &json!("fine"))
    );
    assert_eq!(heard["message"]["blocks"].as_array().unwrap().len(), 2);
    let url = heard["response_url"].as_str().unwrap().into();
    world.slack.api().respond(&url).text("done").replace_original().await.unwrap();
    assert_eq!(world.fake.messages().len(), 1);
    assert_eq!(world.fake.messages()[0].all_text(), "done");
    world.slack.api().respond(&url).delete_original().text("x").await.unwrap();
    assert!(world.fake.messages().is_empty());
    world.clock.advance(Duration::from_secs(30 * 60 + 1));
    assert_eq!(world.slack.api().respond(&url).text("x").await.unwrap_err().code().name(), "EXPIRED_URL");
}

#[tokio::test]
async fn errors_describe_what_is_visible_instead() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    world.show(&form()).await;
    let waiting = tokio::spawn(async move { ana.fill("Colour", "red").await.unwrap_err() });
    while !waiting.is_finished() {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    let error = waiting.await.unwrap();
    assert!(error.message().starts_with("view `Title` has no `Colour`, but `Reason`, `Role`"), "{error}");
}

#[tokio::test]
async fn shows_slacks_message_when_the_app_fails() {
    let world = world().await;
    let ana = world.fake.person("U0ANA");
    world.app.answers.lock().unwrap().push_back((StatusCode::INTERNAL_SERVER_ERROR, String::new()));
    let error = ana.command("/sym").await.unwrap_err();
    assert_eq!(error.message(), "/sym failed with the error \"dispatch_failed\" (status 500)");
    assert_eq!(ana.message("dispatch_failed").await.unwrap().only_for(), Some("U0ANA"));

    *world.app.is_slow.lock().unwrap() = true;
    let slow = tokio::spawn(async move { ana.command("/sym").await.unwrap_err() });
    while world.app.count() < 2 {
        tokio::task::yield_now().await;
    }
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(slow.await.unwrap().message(), "/sym failed because the app did not respond");

    let ana = world.fake.person("U0ANA");
    world.fake.connect("http://127.0.0.1:1/slack").unwrap();
    let error = ana.command("/sym").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code().to_string().as_str()),
        (ErrorKind::Unavailable, "Slack:APP_DID_NOT_RESPOND")
    );
    let (fake, _) = workspace().await;
    let error = fake.person("U0ANA").command("/sym").await.unwrap_err();
    assert!(error.message().contains("no app is connected"), "{error}");
}
