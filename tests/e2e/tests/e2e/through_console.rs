//! The table through the web console: forms that a browser sends, with the cookie of its session. What the machine would refuse is no button of the
//! page; it is sent all the same, as from a page that was opened before.

use secrecy::ExposeSecret as _;
use sym_sdk::machine::RequestDigest;
use sym_sdk::server::axum::http::StatusCode;

use crate::browser::{Browser, Page};
use crate::table::{Act, Answer, Way, each_actor};
use crate::world::{Situation, World};

each_actor!(Way::Console);

pub(crate) async fn attempt(world: &World, situation: &Situation, act: Act) -> Answer {
    let session = situation.session.as_ref().map(|session| session.expose_secret().to_owned());
    let browser = Browser::new(world.routes().clone(), session);
    let run = situation.runs.get(act.target()).map(|run| format!("/r/{run}")).unwrap_or_default();
    let (page, action) = match act {
        Act::See => return answer(world, situation, &browser.get(&run).await).await,
        Act::Approve => (browser.get(&run).await, "approve"),
        Act::Deny => (browser.get(&run).await, "deny"),
        Act::Revoke => (browser.get(&run).await, "revoke"),
        // For others than administrators, there is no such page.
        Act::WriteOff => match browser.get(&format!("{run}/write-off")).await {
            page if page.has_button("action", "write-off") => (page, "write-off"),
            _ => (browser.get(&run).await, "write-off"),
        },
        Act::Request | Act::RequestForAnother => {
            let form = browser.get(&format!("/console/new/{}", situation.flow)).await;
            (form, "request")
        }
    };
    let (target, address) = (target(world, act), page.address.clone());
    let is_offered = page.has_button("action", action);
    // The page that was opened before says what was seen, as one with the button does.
    let seen = if is_offered { None } else { digest(world, situation, act).await };
    let typed = match (action, &seen) {
        ("request", _) => vec![("target_id", target.as_str()), ("duration", "1h")],
        (_, Some(seen)) => vec![("message", "as agreed"), ("seen", seen.as_str())],
        (_, None) => vec![("message", "as agreed")],
    };
    let sent = if page.address.starts_with("/console/sign-in") {
        browser.post(if run.is_empty() { "/console/new/prod" } else { &run }, &typed).await
    } else {
        browser.press(&page, ("action", action), &typed).await
    };
    let answer = answer(world, situation, &sent).await;
    // A button promises what the machine does.
    assert_eq!(is_offered, answer == Answer::Done, "the button {action} of {address}: {answer:?}");
    answer
}

/// Returns the digest of the request that a decision is about, as the form sends it.
async fn digest(world: &World, situation: &Situation, act: Act) -> Option<String> {
    let run = situation.runs.get(act.target()).filter(|_| matches!(act, Act::Approve | Act::Deny))?;
    let stored = world.runtime().run(*run).await.unwrap();
    RequestDigest::of(&stored.state).map(|digest| digest.to_string())
}

/// Returns the id of the target of an act, as the form sends it.
fn target(world: &World, act: Act) -> String {
    let flow = world.runtime().flow("prod").unwrap();
    let targets = flow.strategy().unwrap().targets();
    targets.iter().find(|target| target.name().as_str() == act.target()).unwrap().id().to_string()
}

/// Returns the answer in the words of the table. Pages show texts, so the code is that of the record.
async fn answer(world: &World, situation: &Situation, page: &Page) -> Answer {
    // A form of somebody who is not signed in is shown to them once more.
    if page.address.starts_with("/console/sign-in") || page.status == StatusCode::UNAUTHORIZED {
        return Answer::Unauthenticated;
    }
    match page.status {
        StatusCode::OK => Answer::Done,
        StatusCode::NOT_FOUND => Answer::Hidden,
        _ => {
            let code = world.last_refusal(&situation.email).await.unwrap_or_default();
            let is_told =
                page.text.contains("class=\"flash is-failed\"") || page.text.contains("<h1>Not permitted</h1>");
            assert!(is_told, "{} says why: {}", page.address, page.text);
            Answer::Refused(code)
        }
    }
}
