//! Conformance of the trusts of bots.

use super::{DirectoryStores, at, error_code, expected_error, person};
use crate::directory::{NewTrust, WorkloadProvider};
use crate::error::{Result, codes};
use crate::model::TrustId;

fn trust(environment: &str) -> NewTrust {
    NewTrust::new(WorkloadProvider::GithubActions, "sym")
        .claim("repository_owner_id", "1")
        .claim("repository_id", "2")
        .claim("environment", environment)
}

pub(super) async fn keeps_trusts_until_they_are_deleted(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let (ci, one, other, third) = {
        let stores = open().await;
        let (directory, _) = stores.at(0);
        let (ci, cd) = (directory.create_bot("ci").await?, directory.create_bot("cd").await?);
        let one = directory.add_trust(ci.id(), trust("production")).await?;
        let (later, _) = stores.at(1);
        let other = later.add_trust(ci.id(), trust("staging")).await?;
        let third = later.add_trust(cd.id(), trust("production")).await?;
        (ci.id(), one, other, third)
    };
    let stores = open().await;
    let (directory, _) = stores.at(2);
    assert_eq!(directory.trusts(Some(ci)).await?, [one.clone(), other.clone()], "oldest first");
    assert_eq!(directory.trusts(None).await?.len(), 3);
    assert_eq!(directory.remove_trust(one.id).await?, one);
    let error = expected_error(directory.remove_trust(one.id).await);
    assert_eq!(*error.code(), codes::UNKNOWN_TRUST);
    assert!(stores.directory.delete_trust(TrustId::from_uuid(uuid::Uuid::nil())).await?.is_none());
    directory.delete_user(ci).await?;
    assert_eq!(directory.trusts(None).await?, [third], "they end with the bot");
    directory.restore_user(ci).await?;
    assert!(directory.trusts(Some(ci)).await?.is_empty());
    assert!(
        !stores
            .directory
            .insert_trust(crate::directory::WorkloadTrust { bot: person("cleo@example.com").id(), ..other })
            .await?
    );
    let user = directory.get_or_create_user_by_email("ana@example.com").await?;
    assert_eq!(error_code(directory.add_trust(user.id(), trust("production")).await), codes::INVALID_TRUST);
    Ok(())
}

pub(super) async fn uses_a_token_once(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let (one, other) = ([1; 32], [2; 32]);
    {
        let store = open().await.directory;
        let uses = [store.use_once(one, at(10), at(100)), store.use_once(one, at(11), at(100))];
        let mut used: Vec<_> = futures_util::future::join_all(uses).await.into_iter().collect::<Result<_>>()?;
        used.sort_unstable();
        assert_eq!(used.iter().filter(|used| used.is_none()).count(), 1, "one of two at once is the first: {used:?}");
    }
    let store = open().await.directory;
    assert!(store.use_once(one, at(100), at(200)).await?.is_some(), "it is remembered until it expires");
    assert_eq!(store.use_once(other, at(50), at(100)).await?, None);
    assert_eq!(store.use_once(one, at(101), at(200)).await?, None);
    Ok(())
}
