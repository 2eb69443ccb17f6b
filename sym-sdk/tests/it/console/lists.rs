//! Long lists: access by its end, and the inbox, page by page.

use std::time::Duration;

use sym_sdk::console::Console;
use sym_sdk::handlers;
use sym_sdk::model::RunId;
use sym_sdk::runtime::{Limits, Submission};

use super::World;
use super::browser::{Answer, Browser};

/// The number of rows on a page.
const PAGE_ROWS: usize = 50;

/// More people than a page has rows.
const PEOPLE: usize = 60;

async fn world() -> World {
    let limits = Limits { open_requests: usize::MAX, requests_per_minute: usize::MAX, ..Limits::default() };
    World::with(Console::new().with_user_chooser(), |builder| {
        builder.handlers(handlers![super::get_permissions]).limits(limits)
    })
    .await
}

/// Has each of many people make a request, a minute after the one before. Returns the Runs in this order.
async fn requests(world: &mut World) -> Vec<RunId> {
    let (target, mut runs) = (world.target(), Vec::new());
    for number in 0..PEOPLE {
        let email = format!("p{number:02}@example.com");
        let user = world.harness.runtime().directory().get_or_create_user_by_email(&email).await.unwrap();
        let request = Submission::request("prod", user).input("target_id", target.as_str()).input("duration", "1h");
        let request = request.input("reason", format!("INC-{number}"));
        runs.push(world.harness.runtime().submit(request).await.unwrap().run);
        world.harness.advance(Duration::from_secs(60)).await.unwrap();
    }
    runs
}

/// Approves a request, a second after what was before.
async fn approve(world: &mut World, run: RunId) {
    world.harness.runtime().submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    world.harness.advance(Duration::from_secs(1)).await.unwrap();
}

/// Returns the Runs of the rows of a page.
fn rows(page: &Answer) -> Vec<RunId> {
    page.between("scope=\"row\"><a href=\"/r/", "\"").into_iter().map(|run| run.parse().unwrap()).collect()
}

/// Returns the Runs on all pages of a list.
async fn all_rows(browser: &mut Browser, address: &str) -> Vec<RunId> {
    let (mut found, mut next) = (Vec::new(), Some(address.to_owned()));
    while let Some(address) = next {
        let page = browser.get(&address).await.ok();
        found.extend(rows(&page));
        assert!(found.len() <= PEOPLE, "{address} has what was there before");
        next = page.link("Next");
    }
    found
}

#[tokio::test]
async fn access_is_listed_by_its_end_on_all_pages() {
    let mut world = world().await;
    let runs = requests(&mut world).await;
    // The last request is approved first, so that its access ends first.
    let mut expected = runs.clone();
    expected.reverse();
    for run in &expected {
        approve(&mut world, *run).await;
    }
    let mut ada = world.sign_in("ada").await;
    let first = ada.get("/console/access").await.ok();
    assert_eq!(rows(&first), expected[..PAGE_ROWS]);
    first.has("1–50 of 60");
    let next = ada.get(&first.link("Next").unwrap()).await.ok();
    assert_eq!(rows(&next), expected[PAGE_ROWS..]);
    next.has("51–60 of 60");
    assert_eq!(next.link("First page").as_deref(), Some("/console/access"));

    // A filter finds what is on any page, and whoever takes access away comes back to theirs.
    let found = ada.get("/console/access?who=P05%40EXAMPLE").await.ok();
    assert_eq!(rows(&found), [runs[5]]);
    let back = ada.press(&next, ("action", "revoke"), &[]).await.ok();
    back.has("The access is being taken away.").has("51–");
    let edited = ada.get("/console/access?after=00ff&from=7").await.ok();
    assert_eq!(rows(&edited).first(), expected.first(), "an address that was edited leads to the first page");

    // Those who may decide see it, others their own.
    assert_eq!(all_rows(&mut world.sign_in("ben").await, "/console/access").await.len(), PEOPLE);
    let mut one = world.sign_in("p07").await;
    assert_eq!(rows(&one.get("/console/access").await.ok()), [runs[7]]);
    assert_eq!(rows(&one.get("/console/access?of=mine").await.ok()), [runs[7]]);
    assert_eq!(rows(&ada.get("/console/access?of=mine").await.ok()), []);
    let file = ada.get("/console/access.csv").await.ok();
    assert_eq!(file.text.lines().count(), PEOPLE + 1, "the file has all");
}

#[tokio::test]
async fn the_inbox_has_every_request_that_waits_the_longest_wait_first() {
    let mut world = world().await;
    let runs = requests(&mut world).await;
    let mut ben = world.sign_in("ben").await;
    let first = ben.get("/console/inbox").await.ok();
    assert_eq!(rows(&first), runs[..PAGE_ROWS]);
    first.has("60 open requests, longest wait first");
    assert_eq!(all_rows(&mut ben, "/console/inbox").await, runs);
    assert_eq!(rows(&ben.get("/console/inbox?who=p59").await.ok()), [runs[59]], "on the last page");
    ben.get("/console/inbox?who=p59").await.ok().has("1 request passes the filter");
    ben.get("/console").await.ok().has("Inbox, 60");

    // The first was made an hour ago, and each of the others a minute after the one before.
    world.harness.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(rows(&ben.get("/console/inbox?waits=long").await.ok()), runs[..1]);
    for seconds in [3_000, 400] {
        world.harness.advance(Duration::from_secs(seconds)).await.unwrap();
        ben.get("/console").await.ok();
    }
    let first = ben.get("/console/inbox?waits=long").await.ok();
    first.has("57 requests pass the filter");
    world.harness.advance(Duration::from_secs(600)).await.unwrap();
    let next = ben.get(&first.link("Next").unwrap()).await.ok();
    assert_eq!(
        rows(&next),
        runs[PAGE_ROWS..57],
        "what has waited for an hour meanwhile is not on the pages that follow"
    );

    // Requests of the last page are decided like others.
    let page = ben.get("/console/inbox").await.ok().link("Next").unwrap();
    let page = ben.get(&page).await.ok();
    let marked = [("run", runs[58].to_string()), ("run", runs[59].to_string())];
    let marked: Vec<_> = marked.iter().map(|(name, run)| (*name, run.as_str())).collect();
    let review = ben.press(&page, ("bulk", "deny"), &marked).await.ok();
    review.has("Deny 2 requests").has("INC-58").has("INC-59");
    ben.press(&review, ("bulk", "deny"), &[("message", "not today")]).await.ok().has("2 of 2 denied");
    world.settle().await;
    assert_eq!(all_rows(&mut ben, "/console/inbox").await, runs[..58]);
}
