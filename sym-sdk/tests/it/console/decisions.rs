//! Decisions: one by one and several at once, and the page of a Run before and after them.

use std::time::Duration;

use sym_sdk::server::axum::http::StatusCode;

use super::World;

#[tokio::test]
async fn a_request_goes_from_the_form_to_its_end() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let page = world.request(&mut ana, "INC-42").await;
    let run = page.run();
    page.has("waiting, 0 of 1").has("Who can decide").has("ben@example.com").has("get_permissions").has("INC-42");
    page.has("Not ana@example.com").has("Withdraw");
    assert!(!page.has_button("action", "approve"));

    let mut ben = world.sign_in("ben").await;
    ben.get("/console").await.ok().has("For you to decide");
    ben.get("/console/inbox").await.ok().has("INC-42").has(&format!("/r/{run}"));
    let page = ben.get(&format!("/r/{run}")).await.ok();
    let page = ben.press(&page, ("action", "approve"), &[("message", "go ahead")]).await.ok();
    page.has("Approved. The requester is told.");
    world.settle().await;

    let page = ana.get(&format!("/r/{run}")).await.ok();
    page.has("held").has("go ahead").has("Access given").has("1 h left").has("Give back");
    ana.get("/console").await.ok().has("My access").has("Give back");
    ben.get("/console/access").await.ok().has("ana@example.com").has("Revoke");

    let page = ana.press(&page, ("action", "revoke"), &[]).await.ok();
    page.has("Given back.");
    world.settle().await;
    let page = ana.get(&format!("/r/{run}")).await.ok();
    page.has("ended").has("Access ended").lacks("Give back");
    ana.get("/console").await.ok().has("You hold no access.");
}

#[tokio::test]
async fn what_cannot_be_done_is_there_with_its_reason() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let page = world.request(&mut ana, "INC-42").await;
    let (run, seen) = (page.run(), page.hidden("seen"));
    // Pressed although the page has no such button.
    let pressed = [("action", "approve"), ("message", "me"), ("seen", seen.as_str())];
    let refused = ana.post(&format!("/r/{run}"), &pressed).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    refused.has("class=\"flash is-failed\"").has("waiting, 0 of 1");
    let unknown = ana.post(&format!("/r/{run}"), &[("action", "explode")]).await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_decision_about_what_has_changed_is_refused_and_the_message_is_not_lost() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();
    let mut ben = world.sign_in("ben").await;
    let seen = "0".repeat(43);
    let fields = [("action", "approve"), ("message", "go <ahead>"), ("seen", seen.as_str())];
    let refused = ben.post(&format!("/r/{run}"), &fields).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
    refused.has("go &lt;ahead&gt;");
    ana.get(&format!("/r/{run}")).await.ok().has("waiting, 0 of 1");
}

#[tokio::test]
async fn a_decision_that_does_not_say_what_was_seen_is_refused() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();
    let mut ben = world.sign_in("ben").await;
    for action in ["approve", "deny"] {
        let refused = ben.post(&format!("/r/{run}"), &[("action", action), ("message", "as I recall it")]).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text);
        refused.has("The form does not say which request you saw").has("as I recall it").has("waiting, 0 of 1");
    }
    let several = [("bulk", "approve"), ("run", run.as_str()), ("key", "0199c1a2-7b1e-7cc3-98c4-dc0c0c07398f")];
    let results = ben.post("/console/inbox/decide", &several).await.ok();
    results.has("0 of 1 approved").has("The form does not say which request you saw");
    ana.get(&format!("/r/{run}")).await.ok().has("waiting, 0 of 1");
}

#[tokio::test]
async fn a_button_that_is_pressed_twice_has_one_effect() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let form = ana.get("/console/new/prod").await.ok();
    let target = world.target();
    let typed = [("target_id", target.as_str()), ("duration", "1h"), ("reason", "INC-42")];
    let first = ana.press(&form, ("action", "request"), &typed).await.ok();
    let second = ana.press(&form, ("action", "request"), &typed).await.ok();
    assert_eq!(first.run(), second.run());
    world.settle().await;

    let mut ben = world.sign_in("ben").await;
    let page = ben.get(&format!("/r/{}", first.run())).await.ok();
    ben.press(&page, ("action", "deny"), &[("message", "no")]).await.ok().has("Denied.");
    ben.press(&page, ("action", "deny"), &[("message", "no")]).await.ok().has("Denied.");
    world.settle().await;
    let page = ana.get(&format!("/r/{}", first.run())).await.ok();
    page.has("denied");
    assert_eq!(page.text.matches("denied it in the console").count(), 1, "{}", page.text);
}

#[tokio::test]
async fn several_are_decided_at_once_each_with_its_result() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let mut cleo = world.sign_in("cleo").await;
    let runs = [
        world.request(&mut ana, "first").await.run(),
        world.request(&mut cleo, "second").await.run(),
        world.request(&mut cleo, "third").await.run(),
    ];
    let mut ben = world.sign_in("ben").await;
    let inbox = ben.get("/console/inbox").await.ok();
    let marked: Vec<_> = runs.iter().map(|run| ("run", run.as_str())).collect();
    let review = ben.press(&inbox, ("bulk", "approve"), &marked).await.ok();
    review.has("Approve 3 requests").has("first").has("second");

    // One of them is withdrawn meanwhile.
    let page = cleo.get(&format!("/r/{}", runs[2])).await.ok();
    cleo.press(&page, ("action", "deny"), &[]).await.ok().has("Withdrawn.");
    world.settle().await;
    let results = ben.press(&review, ("bulk", "approve"), &[("message", "fine")]).await.ok();
    results.has("2 of 3 approved").has("not done");
    world.settle().await;
    for (run, state) in runs.iter().zip(["held", "held", "withdrawn"]) {
        ben.get(&format!("/r/{run}")).await.ok().has(state);
    }
    ben.get("/console/inbox").await.ok().has("Nothing waits for you.");
    let empty = ben.post("/console/inbox", &[("bulk", "approve")]).await.ok();
    empty.has("Nothing is marked that you can decide.");
}

#[tokio::test]
async fn the_approver_may_shorten_and_the_requester_may_ask_for_more() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();
    let mut ben = world.sign_in("ben").await;
    let page = ben.get(&format!("/r/{run}")).await.ok();
    page.has("as asked");
    let shorter = page.text.split("<option value=\"").filter_map(|option| option.split('"').next());
    let shorter = shorter.filter(|value| value.ends_with('m')).last().map(str::to_owned);
    let Some(shorter) = shorter else { return };
    ben.press(&page, ("action", "approve"), &[("duration", &shorter)]).await.ok();
    world.settle().await;
    ana.get(&format!("/r/{run}")).await.ok().has("held").lacks("1 h left");
    world.harness.advance(Duration::from_secs(2 * 3_600)).await.unwrap();
    ana.get("/console").await.ok().has("Who are you?");
}
