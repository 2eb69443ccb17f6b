use flows::clients::GitHub;
use flows::{github_targets, plain};
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::testing::Harness;

use super::{HOUR, flow};

async fn harness(github: GitHub) -> Harness {
    let handlers =
        handlers![plain::get_permissions, plain::get_request_notifications, github_targets::get_repositories];
    flow("github_targets", &Outbox::new()).handlers(handlers).client(github).build().await.unwrap()
}

fn pages() -> GitHub {
    let pages = [["api", "web"], ["docs", "infra"]].map(|page| page.map(str::to_owned).to_vec());
    GitHub { pages: pages.into(), is_down: false }
}

#[tokio::test]
async fn offers_the_repositories_of_all_pages_and_grants_the_selected_one() {
    let mut harness = harness(pages()).await;
    let run = harness.prompt("repositories", "ana@example.com").await.unwrap();
    let form = harness.delivery().forms().pop().unwrap();
    let offered: Vec<_> = form
        .field("repo_name")
        .unwrap()
        .current_allowed_values
        .iter()
        .map(|option| option.label().to_owned())
        .collect();
    assert_eq!(offered, ["api", "web", "docs", "infra"]);

    harness
        .request("repositories")
        .by("ana@example.com")
        .form(run)
        .field("repo_name", "docs")
        .duration("1h")
        .await
        .unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let granted = harness.strategy("github").unwrap().granted();
    let [(target, identity)] = &*granted else { panic!("{granted:?}") };
    assert_eq!((target.setting("repo_name").unwrap(), &**identity), ("docs", "ana@example.com"));

    // Another repository is another resource, although the target is the same.
    let other =
        harness.request("repositories").by("ana@example.com").field("repo_name", "web").duration("30m").await.unwrap();
    harness.approve_as(other, "ben@example.com").await.unwrap();
    harness.advance(HOUR / 2).await.unwrap();
    let left: Vec<_> = harness.strategy("github").unwrap().granted();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].0.setting("repo_name").unwrap(), "docs");
}

#[tokio::test]
async fn shows_no_form_while_the_service_is_unavailable() {
    let mut harness = harness(GitHub { is_down: true, ..pages() }).await;
    harness.prompt("repositories", "ana@example.com").await.unwrap();
    assert!(harness.delivery().forms().is_empty());
    let (to, text) = harness.delivery().messages().pop().unwrap();
    assert_eq!(to, "ana@example.com");
    assert!(text.contains("HTTP:ERROR_RESPONSE"), "{text}");
}
