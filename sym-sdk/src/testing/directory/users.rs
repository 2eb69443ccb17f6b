//! Conformance of the users of a directory.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{DirectoryStores, at, error_code, person};
use crate::directory::{Inserted, UserChange};
use crate::error::{Result, codes};
use crate::model::{User, UserId, UserIdentity, UserRole};

pub(super) async fn finds_users_by_id_and_name(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let ana = person("ana@example.com").with_name("Ana", "Lee").with_role(UserRole::Admin);
    {
        let (directory, _) = open().await.at(0);
        assert_eq!(directory.user(ana.id()).await?, None, "a new directory is empty");
        assert!(directory.users().await?.is_empty(), "a new directory is empty");
        directory.put_user(ana.clone()).await?;
        directory.create_bot("ci").await?;
        directory.put_user(person("Ben@example.com")).await?;
    }
    let (directory, _) = open().await.at(0);
    for name in ["ana@example.com", "ANA@Example.com"] {
        let found = directory.user_by_email(name).await?.expect("Ana");
        assert_eq!((found.id(), found.full_name(), found.role()), (ana.id(), "Ana Lee".to_owned(), UserRole::Admin));
    }
    assert_eq!(directory.user(ana.id()).await?.as_deref(), Some(&ana));
    assert_eq!(directory.user_by_email("CI").await?.map(|bot| bot.id()), Some(UserId::from_bot_name("ci")));
    let ids = [UserId::from_bot_name("ci"), UserId::from_email("nobody@example.com"), ana.id()];
    let mut found = directory.users_with_ids(&ids).await?;
    found.sort_by_key(|user| user.username().to_owned());
    let found: Vec<_> = found.iter().map(|user| (user.username(), user.role())).collect();
    assert_eq!(
        found,
        [("ana@example.com", UserRole::Admin), ("ci", UserRole::Member)],
        "those who exist, whatever the order"
    );
    assert_eq!(directory.user_by_email("an_@example.com").await?, None, "names are not patterns");
    let names = |users: Vec<Arc<User>>| users.iter().map(|user| user.username().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(directory.users().await?), ["ana@example.com", "ben@example.com", "ci"], "by name");
    assert_eq!(names(directory.bots().await?), ["ci"]);
    Ok(())
}

/// Unicode lower-cases the Kelvin sign to `k`, and `Ü` to `ü`, but in e-mail addresses they are different letters.
pub(super) async fn ignores_only_ascii_case(stores: &DirectoryStores) -> Result<()> {
    let (directory, _) = stores.at(0);
    let emails = ["mark@example.com", "mar\u{212a}@example.com", "j\u{fc}rgen@example.com", "J\u{dc}RGEN@example.com"];
    for email in emails {
        directory.get_or_create_user_by_email(email).await?;
    }
    assert_eq!(directory.users().await?.len(), emails.len(), "different addresses are different users");
    for (email, other) in
        [("MARK@example.com", "mark@example.com"), ("j\u{fc}RGEN@example.com", "j\u{fc}rgen@example.com")]
    {
        let found = directory.get_or_create_user_by_email(email).await?;
        assert_eq!(found.username(), other);
    }
    Ok(())
}

pub(super) async fn inserts_a_user_once(stores: &DirectoryStores) -> Result<()> {
    let ana = person("ana@example.com");
    let inserted = join_all((0..8).map(|_| stores.directory.insert_user(ana.clone()))).await;
    let new = inserted.iter().filter(|inserted| matches!(inserted, Ok(Inserted::New(_)))).count();
    assert_eq!(new, 1, "one of the concurrent inserts creates the user: {inserted:?}");
    assert!(inserted.iter().all(Result::is_ok), "and the others find the user: {inserted:?}");
    let changed = stores.directory.change_user(ana.id(), UserChange::Role(UserRole::Admin)).await?;
    assert_eq!(changed.map(|user| user.role()), Some(UserRole::Admin));
    let known = stores.directory.insert_user(ana).await?;
    assert!(matches!(known, Inserted::Existing(_)), "{known:?}");
    assert_eq!(known.into_user().role(), UserRole::Admin, "an existing user is not changed");
    Ok(())
}

pub(super) async fn rejects_conflicting_ids_and_names(stores: &DirectoryStores) -> Result<()> {
    let (directory, _) = stores.at(0);
    let ana = directory.put_user(person("ana@example.com")).await?;
    let bot = directory.create_bot("ci").await?;
    // Her address changes, and her id does not.
    directory.put_user(User::person(ana.id(), "ana.lee@example.com")?).await?;
    assert_eq!(directory.user_by_email("ana@example.com").await?, None, "the former address matches no user");
    assert_eq!(
        error_code(directory.get_or_create_user_by_email("ana@example.com").await),
        codes::USER_PROCESSING_ERROR
    );
    let impostor = User::person(UserId::from_email("eve@example.com"), "ANA.LEE@example.com")?;
    assert_eq!(error_code(directory.put_user(impostor).await), codes::USER_PROCESSING_ERROR);
    assert_eq!(error_code(directory.create_bot("CI").await), codes::USER_PROCESSING_ERROR);
    // Neither can a person take over the permissions of a bot's tokens by its id, nor a bot those of a person.
    assert_eq!(
        error_code(directory.put_user(User::person(bot.id(), "eve@example.com")?).await),
        codes::USER_PROCESSING_ERROR
    );
    assert_eq!(error_code(directory.put_user(User::bot(ana.id(), "eve")).await), codes::USER_PROCESSING_ERROR);
    let names: Vec<_> = directory.users().await?.iter().map(|user| user.username().to_owned()).collect();
    assert_eq!(names, ["ana.lee@example.com", "ci"], "nothing was written");
    Ok(())
}

pub(super) async fn writes_a_batch_atomically(stores: &DirectoryStores) -> Result<()> {
    let (directory, _) = stores.at(0);
    directory.put_user(person("ana@example.com")).await?;
    let impostor = User::person(UserId::from_email("eve@example.com"), "ana@example.com")?;
    let batch = [person("ben@example.com"), impostor, person("cy@example.com")];
    assert_eq!(error_code(directory.put_users(batch).await), codes::USER_PROCESSING_ERROR);
    assert_eq!(directory.users().await?.len(), 1, "an invalid batch writes nothing");
    let twice = [person("ben@example.com"), person("BEN@example.com")];
    assert_eq!(error_code(directory.put_users(twice).await), codes::USER_PROCESSING_ERROR);
    let batch = [person("ben@example.com"), person("ana@example.com").with_role(UserRole::Guest)];
    assert_eq!(directory.put_users(batch).await?.len(), 2);
    let roles: Vec<_> = directory.users().await?.iter().map(|user| user.role()).collect();
    assert_eq!(roles, [UserRole::Guest, UserRole::Member], "existing users are replaced, new ones inserted");
    Ok(())
}

pub(super) async fn merges_concurrent_changes(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let id = person("ana@example.com").id();
    {
        let stores = open().await;
        let (directory, _) = stores.at(0);
        let before = directory.put_user(person("ana@example.com")).await?;
        let identity = |service: &str| UserIdentity::new(service, "example", "ana");
        let changes = [
            UserChange::Role(UserRole::Admin),
            UserChange::Name { first: "Ana".to_owned(), last: "Lee".to_owned() },
            UserChange::PutIdentity(identity("okta")),
            UserChange::PutIdentity(identity("slack")),
        ];
        for changed in join_all(changes.map(|change| stores.directory.change_user(id, change))).await {
            assert!(changed?.is_some(), "the user exists");
        }
        assert_eq!(before.role(), UserRole::Member, "values of users are snapshots");
        let nobody = UserId::from_email("nobody@example.com");
        assert_eq!(error_code(directory.set_role(nobody, UserRole::Admin).await), codes::UNKNOWN_USER);
    }
    let (directory, _) = open().await.at(0);
    let ana = directory.user(id).await?.expect("Ana");
    assert_eq!((ana.role(), ana.full_name()), (UserRole::Admin, "Ana Lee".to_owned()), "no change overwrites another");
    assert_eq!(ana.identities().len(), 2, "no change overwrites another");
    Ok(())
}

pub(super) async fn deletes_users(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let ana = person("ana@example.com");
    {
        let stores = open().await;
        let (directory, _) = stores.at(0);
        directory.put_user(ana.clone().with_role(UserRole::Admin)).await?;
        directory.persist_user_identity("ana@example.com", "slack", "T1", "U1").await?;
        let deleted = directory.delete_user(ana.id()).await?;
        assert_eq!(deleted.identities().len(), 1, "deleting returns the deleted user");
        assert_eq!(stores.directory.delete_user(ana.id(), at(0)).await?, None, "a user is deleted once");
    }
    let (directory, _) = open().await.at(0);
    assert_eq!(directory.user(ana.id()).await?, None);
    assert_eq!(directory.user_by_email("ana@example.com").await?, None);
    assert_eq!(directory.user_by_identity("slack", "T1", "U1").await?, None, "accounts are deleted with the user");
    assert_eq!(error_code(directory.delete_user(ana.id()).await), codes::UNKNOWN_USER);
    let again = directory.get_or_create_user_by_email("ana@example.com").await?;
    assert_eq!(
        (again.role(), again.identities()),
        (UserRole::Member, [].as_slice()),
        "a new user with the same address starts afresh"
    );
    Ok(())
}
