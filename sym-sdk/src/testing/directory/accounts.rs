//! Conformance of the accounts of users at services.

use super::{DirectoryStores, error_code};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::UserId;

pub(super) async fn finds_users_by_account(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    {
        let (directory, _) = open().await.at(0);
        directory.persist_user_identity("ana@example.com", "slack", "T1", "U1").await?;
        directory.persist_user_identity("ana@example.com", "slack", "T2", "U1").await?;
        directory.persist_user_identity("ben@example.com", "slack", "T1", "U2").await?;
    }
    let (directory, _) = open().await.at(0);
    for (service, instance, account, whose) in [
        ("slack", "T1", "U1", Some("ana@example.com")),
        ("Slack", "t1", "U1", Some("ana@example.com")),
        ("slack", "T2", "U1", Some("ana@example.com")),
        ("slack", "T1", "U2", Some("ben@example.com")),
        // Ids are opaque, so they are case-sensitive.
        ("slack", "T1", "u1", None),
        ("slack", "T2", "U2", None),
        ("okta", "T1", "U1", None),
    ] {
        let user = directory.user_by_identity(service, instance, account).await?;
        let username = user.as_ref().map(|user| user.username());
        assert_eq!(username, whose, "{service} {instance} {account}");
    }
    let ana = directory.user_by_email("ana@example.com").await?.expect("Ana").id();
    let order: Vec<_> =
        directory.user(ana).await?.expect("Ana").identities().iter().map(|id| id.service_id().to_owned()).collect();
    assert_eq!(order, ["T1", "T2"], "in the order of insertion");
    Ok(())
}

pub(super) async fn rejects_shared_accounts(stores: &DirectoryStores) -> Result<()> {
    let (directory, _) = stores.at(0);
    for email in ["ana@example.com", "ben@example.com", "cy@example.com"] {
        directory.persist_user_identity(email, "slack", "T1", "U1").await?;
    }
    let shared = directory.user_by_identity("slack", "T1", "U1").await;
    assert_eq!(shared.expect_err("three users have it").kind(), ErrorKind::Conflict);
    let id = async |email| Ok::<_, Error>(directory.user_by_email(email).await?.expect("a user").id());
    directory.delete_identity(id("ben@example.com").await?, "slack", "T1").await?;
    assert_eq!(
        error_code(directory.user_by_identity("slack", "T1", "U1").await),
        codes::USER_PROCESSING_ERROR,
        "two users have it"
    );
    directory.delete_user(id("cy@example.com").await?).await?;
    let only = directory.user_by_identity("slack", "T1", "U1").await?;
    assert_eq!(only.map(|user| user.id()), Some(id("ana@example.com").await?));
    Ok(())
}

pub(super) async fn replaces_and_deletes_accounts(stores: &DirectoryStores) -> Result<()> {
    let (directory, _) = stores.at(0);
    directory.persist_user_identity("ana@example.com", "slack", "T1", "U1").await?;
    let ana = directory.user_by_email("ana@example.com").await?.expect("Ana").id();
    directory.persist_user_identity("ana@example.com", "SLACK", "t1", "U2").await?;
    assert_eq!(directory.user_by_identity("slack", "T1", "U1").await?, None, "a user has one account per instance");
    assert!(directory.user_by_identity("slack", "T1", "U2").await?.is_some());

    let left = directory.delete_identity(ana, "slack", "T9").await?;
    assert_eq!(left.identities().len(), 1, "there was no such account");
    let left = directory.delete_identity(ana, "Slack", "t1").await?;
    assert!(left.identities().is_empty());
    assert_eq!(directory.user_by_identity("slack", "T1", "U2").await?, None);
    let nobody = UserId::from_email("nobody@example.com");
    assert_eq!(error_code(directory.delete_identity(nobody, "slack", "T1").await), codes::UNKNOWN_USER);
    Ok(())
}
