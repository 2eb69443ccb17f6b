//! Whole requests, from the command to the end of access, through the front end and the fake Slack.

use serde_json::json;
use sym_integrations::slack;
use sym_integrations::slack::fake::FakeSlack;
use sym_sdk::config;
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::http::{Answer, get, post, submit};
use super::{serve, workspace};
use crate::GRACE;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(slack::channel("#access")?)])
}

#[prefetch(field = "database")]
fn databases() -> Result<Vec<FieldOption>> {
    (0..300).map(|n| FieldOption::new(format!("id-{n}"), format!("db-{n}"))).collect()
}

/// A workspace, and a front end that is connected with it.
async fn world() -> (FakeSlack, Harness) {
    let (fake, _) = workspace().await;
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    let slack = fake.client().directory(directory.clone()).build().unwrap();
    let app = fake.app(slack).unwrap();
    let field = |name: &str, label: &str, prefetch| config::PromptField {
        name: name.into(),
        field_type: "string".into(),
        label: Some(label.into()),
        prefetch,
        ..Default::default()
    };
    let harness = Harness::builder().access_flow("prod", ["admins", "readers"]).admin("ada@example.com");
    let harness = harness.declare(move |config| {
        config.flows[0].label = Some("Production".into());
        config.flows[0].params.prompt_fields =
            vec![field("database", "Database", true), field("reason", "Reason", false)];
    });
    let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, databases];
    let harness = harness.handlers(handlers).runtime(|builder| builder.directory(directory)).delivery(app.clone());
    let harness = harness.idle_timeout(GRACE).build().await.unwrap();
    harness.runtime().directory().contact("ben@example.com").await.unwrap();
    let routes = axum::Router::new().nest("/slack", app.router(harness.runtime().clone()));
    fake.connect(&format!("{}/slack", serve(routes).await)).unwrap();
    (fake, harness)
}

/// Does something while the runtime works.
async fn with<T>(harness: &mut Harness, work: impl Future<Output = T>) -> T {
    let work = async {
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::task::yield_now() => {}
            }
            harness.simulation_mut().settle().await.unwrap();
        }
    };
    tokio::time::timeout(GRACE, work).await.expect("done in time")
}

#[tokio::test]
async fn people_request_approve_and_revoke() {
    let (fake, mut harness) = world().await;
    let (ana, ben) = (fake.person("U0ANA"), fake.person("U0BEN"));
    with(&mut harness, async {
        ana.command("/sym").await.unwrap();
        ana.fill("Target", "admins").await.unwrap();
        assert_eq!(ana.type_into("Database", "db-29").await.unwrap()[..2], ["db-29", "db-290"]);
        ana.fill("Database", "db-290").await.unwrap();
        ana.fill("Reason", "incident 42").await.unwrap();
        ana.fill("Duration", "1h").await.unwrap();
        ana.submit().await.unwrap();
        let request = ben.message("asks for *Production*").await.unwrap();
        assert!(request.all_text().contains("id-290"), "{}", request.all_text());
        ana.click(&request, "Approve").await.unwrap();
        assert!(ana.message("Requesters cannot approve").await.unwrap().only_for().is_some());
        ben.click(&request, "Approve").await.unwrap();
        ana.message("You have access to *admins*").await.unwrap();
    })
    .await;
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    with(&mut harness, async {
        // The button is in the receipt: that is the message which is kept up to date.
        let receipt = ana.message("You asked for *Production*").await.unwrap();
        ana.click(&receipt, "Give back").await.unwrap();
        ben.message("Access was revoked by <@U0ANA>").await.unwrap();
    })
    .await;
    assert!(harness.granted().is_empty() && fake.faults().is_empty(), "{:?}", fake.faults());
}

#[tokio::test]
async fn a_script_does_the_same() {
    let (fake, mut harness) = world().await;
    with(&mut harness, async {
        let done = |answer: Answer| assert_eq!(answer.json(), json!({ "ok": true }));
        done(post(&fake, "/command", &[("as", "U0ANA"), ("text", "/sym")]).await);
        let form = [("as", "U0ANA"), ("Target", "admins"), ("Duration", "1h"), ("Database", "db-7")];
        let answer = post(&fake, "/submit", &form).await;
        assert_eq!(answer.json()["errors"], json!({ "Reason": "Please complete this required field." }));
        done(post(&fake, "/submit", &[("as", "U0ANA"), ("Reason", "incident 42")]).await);
        done(post(&fake, "/click", &[("as", "U0BEN"), ("button", "Approve")]).await);
        fake.person("U0ANA").message("You have access to").await.unwrap();
    })
    .await;
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    let state = get(&fake, "/state?as=U0ANA").await.json();
    let direct: Vec<_> =
        state["messages"].as_array().unwrap().iter().filter(|message| message["channel"]["id"] == "DU0ANA").collect();
    let [receipt, told] = direct[..] else { panic!("{direct:?}") };
    assert_eq!((&receipt["buttons"], &told["buttons"]), (&json!(["Extend", "Give back"]), &json!([])));
}

/// Returns the name of the page's control for the block whose ID starts with `block`.
fn name_of(page: &Answer, block: &str) -> String {
    let names = page.body.split(" name=\"").filter_map(|rest| rest.split('"').next());
    let name = names.into_iter().find(|name| name.starts_with("in:") && name.contains(&format!(":{block}")));
    name.unwrap_or_else(|| panic!("{block}: {}", page.body)).to_owned()
}

/// The value of the first element with this text in its tag's content.
fn value_of(page: &Answer, text: &str) -> String {
    let (before, _) = page.body.split_once(&format!("\">{text}</")).unwrap_or_else(|| panic!("{text}: {}", page.body));
    let (_, value) = before.rsplit_once("value=\"").unwrap();
    value.split('"').next().unwrap().replace("&quot;", "\"")
}

fn on(page: &Answer, part: &str) -> String {
    let (_, part) = page.body.split_once(part).unwrap();
    part.split("data-on=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_browser_without_scripts_does_the_same() {
    let (fake, mut harness) = world().await;
    with(&mut harness, async {
        let answer =
            submit(&fake, "/command", &[("as", "U0ANA"), ("text", "/sym req prod"), ("channel", "CGENERAL")]).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/?as=U0ANA")));
        fake.person("U0ANA").view_with("Target").await.unwrap();
        let page = get(&fake, "/?as=U0ANA").await;
        let (view, typed) = (on(&page, "id=\"view\""), format!("typed:{}", name_of(&page, "database")));
        let find = value_of(&page, "Find");
        let found = submit(&fake, "/act", &[("as", "U0ANA"), ("on", &view), (&typed, "db-29"), ("do", &find)]).await;
        let page = get(&fake, found.header("location").unwrap()).await;
        let names = ["target_id", "database", "reason", "duration"].map(|block| name_of(&page, block));
        let values = ["admins", "db-290"].map(|text| value_of(&page, text));
        let mut fields = vec![("as", "U0ANA"), ("on", &view), ("do", "submit")];
        fields.extend([(names[0].as_str(), ""), (&names[0], &values[0]), (&names[1], ""), (&names[1], &values[1])]);
        // A line of browsers ends with two characters; a reason is missing at first.
        submit(&fake, "/act", &fields).await;
        let page = get(&fake, "/?as=U0ANA").await;
        assert_eq!(page.body.matches(">Please complete this required field.<").count(), 2, "{}", page.body);
        fields.extend([(names[2].as_str(), "incident\r\n42"), (&names[3], "3600")]);
        submit(&fake, "/act", &fields).await;
        assert!(fake.person("U0ANA").view().is_none());

        fake.person("U0BEN").message("asks for").await.unwrap();
        let page = get(&fake, "/?as=U0BEN").await;
        assert!(
            page.body.contains("<b>Reason</b></div><blockquote class=\"plain\">incident\n42</blockquote>"),
            "{}",
            page.body
        );
        let (message, approve) = (on(&page, "id=\"messages\""), value_of(&page, "Approve"));
        submit(&fake, "/act", &[("as", "U0BEN"), ("on", &message), ("do", &approve)]).await;
        fake.person("U0ANA").message("You have access to").await.unwrap();
        let page = get(&fake, "/?as=U0ANA").await;
        // It asks before access ends.
        for control in [">Give back</summary>", ">Cancel</span></a>"] {
            assert!(page.body.contains(control), "{control}: {}", page.body);
        }
    })
    .await;
    assert_eq!(harness.granted(), ["admins: ana@example.com"]);
    assert!(fake.faults().is_empty(), "{:?}", fake.faults());
}
