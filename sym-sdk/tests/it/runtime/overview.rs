//! The overview of one person.

use sym_sdk::runtime::Overview;
use sym_sdk::testing::Harness;

use super::{MINUTE, plain};

const ANA: &str = "ana@example.com";
const BEN: &str = "ben@example.com";

async fn overview(harness: &Harness, email: &str) -> Overview {
    let user = harness.runtime().directory().get_or_create_user_by_email(email).await.unwrap();
    harness.runtime().overview(&user).await.unwrap()
}

/// The numbers of requests to decide, open requests and accesses.
async fn counts(harness: &Harness, email: &str) -> [usize; 3] {
    let overview = overview(harness, email).await;
    [overview.to_decide.len(), overview.open.len(), overview.access.len()]
}

#[tokio::test]
async fn each_person_sees_their_own_requests_and_what_they_may_decide() {
    let builder = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).guest("gus@example.com");
    let mut harness = builder.build().await.unwrap();
    assert!(overview(&harness, ANA).await.is_empty());
    let run = harness.request("prod").by(ANA).duration("1h").await.unwrap();
    assert_eq!(counts(&harness, ANA).await, [0, 1, 0]);
    assert_eq!(counts(&harness, BEN).await, [1, 0, 0]);
    assert_eq!(counts(&harness, "gus@example.com").await, [0, 0, 0], "guests decide nothing");

    harness.approve_as(run, BEN).await.unwrap();
    assert_eq!(counts(&harness, ANA).await, [0, 0, 1]);
    assert_eq!(counts(&harness, BEN).await, [0, 0, 0]);
}

#[tokio::test]
async fn an_extension_waits_for_those_who_may_decide_it() {
    let mut harness = Harness::builder().access_flow("prod", ["admins"]).handlers(plain()).build().await.unwrap();
    let run = harness.request("prod").by(ANA).duration("1h").await.unwrap();
    harness.approve_as(run, BEN).await.unwrap();
    harness.advance(30 * MINUTE).await.unwrap();
    let extension = harness.extend_as(run, ANA, 10 * MINUTE).await.unwrap();
    assert_eq!(counts(&harness, ANA).await, [0, 0, 1]);
    let waiting = overview(&harness, BEN).await.to_decide;
    let [view] = &*waiting else { panic!("{waiting:?}") };
    assert_eq!(view.extension().unwrap().id, extension);

    harness.approve_as(run, BEN).of_extension(extension).await.unwrap();
    assert_eq!(counts(&harness, BEN).await, [0, 0, 0]);
}
