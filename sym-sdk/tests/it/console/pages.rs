//! The pages, with nothing on them and with much.

use super::World;

#[tokio::test]
async fn empty_pages_say_what_would_be_there() {
    let world = World::start().await;
    let mut cleo = world.sign_in("cleo").await;
    cleo.get("/console")
        .await
        .ok()
        .has("You hold no access.")
        .has("Nothing of yours waits")
        .has("No requests of the past.");
    cleo.get("/console/inbox").await.ok().has("Nothing waits for you.");
    cleo.get("/console/access").await.ok().has("Nobody holds access.");
    cleo.get("/console/requests").await.ok().has("No requests.");
    // What is for administrators is not in the navigation.
    cleo.get("/console").await.ok().lacks("Operations").lacks("Audit");
    let mut ada = world.sign_in("ada").await;
    ada.get("/console/operations").await.ok().has("Nothing is stuck.").has("No handler has failed.");
}

#[tokio::test]
async fn filters_are_in_the_address() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    world.request(&mut ana, "INC-42").await;
    let mut ben = world.sign_in("ben").await;
    ben.get("/console/inbox?who=ANA").await.ok().has("INC-42");
    ben.get("/console/inbox?who=cleo").await.ok().has("No request passes the filter.").lacks("INC-42");
    ben.get("/console/inbox?waits=long").await.ok().lacks("INC-42");
    ben.get("/console/inbox?flow=prod&who=%3Cb%3E").await.ok().has("&lt;b&gt;");
}

#[tokio::test]
async fn the_story_is_told_on_tracks() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let run = world.request(&mut ana, "INC-42").await.run();
    let all = ana.get(&format!("/r/{run}")).await.ok();
    all.has("requested it in the console").has("To be decided by").has("get_permissions");
    let code = ana.get(&format!("/r/{run}?track=code")).await.ok();
    code.has("get_permissions").lacks("requested it in the console");
    ana.get(&format!("/r/{run}?track=failures")).await.ok().has("Nothing on this track.");
    ana.get(&format!("/r/{run}?track=nonsense")).await.ok().has("requested it in the console");
}

#[tokio::test]
async fn long_lists_have_pages() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    for _ in 0..3 {
        world.request(&mut ana, "INC-42").await;
        world.harness.advance(std::time::Duration::from_secs(60)).await.unwrap();
    }
    let page = ana.get("/console/requests").await.ok();
    assert_eq!(page.text.matches("role=\"rowheader\"").count(), 3, "{}", page.text);
    let edited = ana.get("/console/requests?after=edited").await;
    assert!(edited.status.is_client_error(), "{}", edited.status);
}
