//! The stream by which open pages follow what happens.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};

use super::World;

/// Changes that never pause do not keep the stream of somebody open whose session has ended.
#[tokio::test]
async fn a_session_is_looked_at_however_often_something_changes() {
    let mut world = World::start().await;
    let (mut ana, ada) = (world.sign_in("ana").await, world.sign_in("ada").await);
    let mut stream = ada.stream("/console/changes").await;
    // Proxies pass the head on with it.
    assert_eq!(stream.next().now_or_never().unwrap().unwrap().unwrap(), ": open\n\n");
    assert!(stream.next().now_or_never().is_none());
    let ada = world.user("ada").await.id();
    world.harness.runtime().end_sessions_of(&ada, ada).await.unwrap();
    world.harness.advance(Duration::from_secs(10)).await.unwrap();
    world.request(&mut ana, "first").await;
    let told = stream.next().await.unwrap().unwrap();
    assert!(told.starts_with(b"event: run"), "{told:?}");
    assert!(stream.next().now_or_never().is_none());
    world.harness.advance(Duration::from_secs(10)).await.unwrap();
    world.request(&mut ana, "second").await;
    assert!(stream.next().await.is_none(), "after 15 s, although something has changed");
}
