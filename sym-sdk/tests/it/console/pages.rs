//! The pages, with nothing on them and with much.

use sym_sdk::console::Console;
use sym_sdk::handlers;
use sym_sdk::runtime::{Limits, Submission};
use sym_sdk::server::axum::http::StatusCode;

use super::{Browser, World};

/// Has Ana be given access, for a reason. Returns the id of the Run.
async fn given(world: &mut World, ana: &mut Browser, ben: &mut Browser, reason: &str) -> String {
    let run = world.request(ana, reason).await.run();
    let page = ben.get(&format!("/r/{run}")).await.ok();
    ben.press(&page, ("action", "approve"), &[]).await.ok();
    world.settle().await;
    run
}

#[tokio::test]
async fn the_filter_stays_after_access_is_taken_away() {
    let mut world = World::start().await;
    let (mut ana, mut ben) = (world.sign_in("ana").await, world.sign_in("ben").await);
    let run = given(&mut world, &mut ana, &mut ben, "INC-42").await;
    let page = ana.get("/console/access?who=ANA&flow=prod&target=&unknown=1").await.ok();
    let page = ana.press(&page, ("action", "revoke"), &[]).await.ok();
    assert_eq!(page.address, "/console/access?who=ANA&flow=prod&done=give-back");
    page.has("Given back.").has("value=\"ANA\"");
    world.settle().await;
    ana.get(&page.address).await.ok().has("No access passes the filter.");
    ana.get(&format!("/r/{run}")).await.ok().has("ended");
}

#[tokio::test]
async fn a_form_leads_back_to_pages_of_this_server_alone() {
    let mut world = World::start().await;
    let (mut ana, mut ben) = (world.sign_in("ana").await, world.sign_in("ben").await);
    for back in [
        "https://evil.example/?a=b",
        "//evil.example",
        "/\\evil.example",
        "/console\r\nset-cookie: a=b",
        "/console/sign-out",
    ] {
        let run = given(&mut world, &mut ana, &mut ben, "INC-42").await;
        let page = ana.post(&format!("/r/{run}"), &[("action", "revoke"), ("back", back)]).await.ok();
        assert_eq!(page.address, "/console?done=give-back", "{back}");
        world.settle().await;
    }
}

#[tokio::test]
async fn access_is_exported_as_it_is_listed() {
    let mut world = World::start().await;
    let (mut ana, mut ben) = (world.sign_in("ana").await, world.sign_in("ben").await);
    let run = given(&mut world, &mut ana, &mut ben, "=1+1").await;
    ben.get("/console/access?who=ana").await.ok().has("/console/access.csv?who=ana");
    let file = ben.get("/console/access.csv?who=ana").await.ok();
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(file.headers["content-disposition"], "attachment; filename=\"access.csv\"");
    assert_eq!(file.headers["x-content-type-options"], "nosniff");
    let lines: Vec<_> = file.text.split("\r\n").collect();
    assert_eq!(lines[0], "run_id,flow,target,target_label,user,name,account,state,since,until,is_stuck");
    assert!(lines[1].starts_with(&format!("{run},prod,prod-db,")), "{}", lines[1]);
    assert!(lines[1].contains(",ana@example.com,") && lines[1].contains(",held,") && lines[1].ends_with(",false"));
    assert_eq!((lines.len(), lines[2]), (3, ""));
    assert_eq!(ben.get("/console/access.csv?who=cleo").await.ok().text.lines().count(), 1, "the head alone");
    // Cleo may neither see nor decide it.
    let hidden = world.sign_in("cleo").await.get("/console/access.csv").await.ok();
    assert_eq!(hidden.text.lines().count(), 1, "{}", hidden.text);
    world.browser().get("/console/access.csv").await.ok().has("Who are you?");
}

#[tokio::test]
async fn the_menu_counts_what_waits_except_on_pages_of_errors() {
    let mut world = World::start().await;
    let mut ana = world.sign_in("ana").await;
    let mut ben = world.sign_in("ben").await;
    assert_eq!(ben.get("/console").await.ok().count_beside("Inbox"), None);
    for _ in 0..2 {
        world.request(&mut ana, "INC-42").await;
    }
    for address in ["/console", "/console/inbox", "/console/inbox?who=nobody", "/console/access", "/console/requests"] {
        assert_eq!(ben.get(address).await.ok().count_beside("Inbox"), Some("2"), "{address}");
    }
    let missing = ben.get("/console/nothing").await;
    assert_eq!((missing.status, missing.count_beside("Inbox")), (StatusCode::NOT_FOUND, None));
    assert_eq!(ana.get("/console/access").await.ok().count_beside("Inbox"), None, "her own wait for others");
}

#[tokio::test]
async fn the_menu_counts_no_further_than_it_shows() {
    let limits = Limits { open_requests: usize::MAX, requests_per_minute: usize::MAX, ..Limits::default() };
    let mut world = World::with(Console::new().with_user_chooser(), |builder| {
        builder.handlers(handlers![super::get_permissions]).limits(limits)
    })
    .await;
    let (target, ana) = (world.target(), world.user("ana").await);
    for number in 0..100 {
        let request = Submission::request("prod", ana.clone()).input("target_id", target.as_str());
        let request = request.input("duration", "1h").input("reason", format!("INC-{number}"));
        world.harness.runtime().submit(request).await.unwrap();
    }
    world.settle().await;
    let mut ben = world.sign_in("ben").await;
    assert_eq!(ben.get("/console/access").await.ok().count_beside("Inbox"), Some("99+"));
    let inbox = ben.get("/console/inbox").await.ok();
    assert_eq!(inbox.text.matches("role=\"rowheader\"").count(), 50);
    inbox.has("1–50 of 100");
    let next = ben.get(&inbox.link("Next").unwrap()).await.ok();
    next.has("51–100 of 100");
    assert_eq!((next.link("Next"), next.link("First page").as_deref()), (None, Some("/console/inbox")));
    for page in [inbox, next] {
        assert!(page.text.len() < PAGE_BYTES, "{} has {} bytes", page.address, page.text.len());
    }
}

/// The limit of a page with everything that it loads, in bytes.
const PAGE_BYTES: usize = 100_000;

/// The limit of a page and what it loads but the script, in bytes.
const PAGE_BYTES_UNSCRIPTED: usize = 30_000;

#[tokio::test]
async fn pages_are_light() {
    let mut world = World::start().await;
    let (mut ana, mut ben) = (world.sign_in("ana").await, world.sign_in("ben").await);
    let run = given(&mut world, &mut ana, &mut ben, "INC-42").await;
    for reason in ["INC-43", "INC-44"] {
        world.request(&mut ana, reason).await;
    }
    let mut ada = world.sign_in("ada").await;
    let bot = ada.get("/console/people").await.ok();
    let bot = ada.press(&bot, ("action", "add-bot"), &[("name", "deployer")]).await.ok().address;
    for address in [
        "/console",
        "/console/inbox",
        "/console/new/prod",
        "/console/requests?of=all",
        "/console/access",
        "/console/operations",
        "/console/flows",
        "/console/people",
        "/console/nothing",
        "/console/sign-in",
        &bot,
        &format!("/r/{run}"),
        &format!("/r/{run}/write-off"),
    ] {
        let page = ada.get(address).await;
        let (mut all, mut script) = (page.text.len(), 0);
        for asset in page.text.split('"').filter(|text| text.starts_with("/console/assets/")) {
            let bytes = ada.get(asset).await.ok().text.len();
            all += bytes;
            script += if asset.contains(".js") { bytes } else { 0 };
        }
        assert!(script > 0 && all < PAGE_BYTES, "{address} weighs {all} bytes");
        assert!(all - script < PAGE_BYTES_UNSCRIPTED, "{address} weighs {} bytes without its script", all - script);
    }
    let audit = ada.get("/console/audit").await.ok();
    assert!(audit.text.len() < PAGE_BYTES - 40_000, "a full page weighs {} bytes", audit.text.len());
}

#[tokio::test]
async fn the_home_page_says_what_became_of_requests() {
    let mut world = World::start().await;
    let (mut ana, mut ben) = (world.sign_in("ana").await, world.sign_in("ben").await);
    let run = world.request(&mut ana, "INC-42").await.run();
    let page = ben.get(&format!("/r/{run}")).await.ok();
    ben.press(&page, ("action", "deny"), &[("message", "use the <replica>")]).await.ok();
    world.settle().await;
    ana.get("/console").await.ok().has("denied by ben@example.com: “use the &lt;replica&gt;”");
    let run = world.request(&mut ana, "INC-43").await;
    ana.press(&run, ("action", "deny"), &[]).await.ok();
    world.settle().await;
    ana.get("/console").await.ok().has("withdrawn").lacks("denied by ana@example.com");
}

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
