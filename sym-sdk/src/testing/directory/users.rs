//! Conformance of the users of a directory.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{DirectoryStores, at, error_code, expected_error, person};
use crate::directory::{DeletedBy, Inserted, UserChange};
use crate::error::{ErrorKind, Result, codes};
use crate::model::{User, UserId, UserIdentity, UserRole};

pub(super) async fn finds_users_by_id_and_name(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let ana = person("ana@example.com").with_name("Ana", "Lee").with_role(UserRole::Admin);
    {
        let (directory, _) = open().await.at(0);
        assert_eq!(directory.user(ana.id()).await?, None, "a new directory is empty");
        assert!(directory.users().await?.is_empty(), "a new directory is empty");
        directory.put_user(ana.clone()).await?;
        directory.put_user(User::bot(UserId::from_bot_name("ci"), "ci")).await?;
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
    let page = async |prefix, after, limit| directory.users_page(prefix, after, limit).await.map(names);
    assert_eq!(page("", None, 2).await?, ["ana@example.com", "ben@example.com"], "at most the limit");
    assert_eq!(page("", Some("BEN@example.com"), 2).await?, ["ci"]);
    assert_eq!(page("", Some("ci"), 2).await?, [""; 0]);
    assert_eq!(page("AN", None, 2).await?, ["ana@example.com"], "ignoring the case");
    assert_eq!(page("a%", None, 2).await?, [""; 0], "prefixes are not patterns");
    assert_eq!(page("ci", None, 2).await?, ["ci"], "a whole name is a prefix");
    assert_eq!(page("b", Some("ben@example.com"), 2).await?, [""; 0]);
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
    let successor = directory.get_or_create_user_by_email("ana@example.com").await?;
    assert_ne!(successor.id(), ana.id(), "whoever has the address now is a new person");
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
    assert_eq!(names, ["ana.lee@example.com", "ana@example.com", "ci"], "nothing was written");
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
    Ok(())
}

pub(super) async fn deleted_users_stay_away(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let (ana, other) = (person("ana@example.com").with_role(UserRole::Guest), person("other@example.com"));
    let account = UserIdentity::new("slack", "T1", "U1");
    {
        let (directory, _) = open().await.at(7);
        directory.put_users([ana.clone().with_identity(account.clone()), other.clone()]).await?;
        directory.delete_user(ana.id()).await?;
    }
    let stores = open().await;
    let (directory, store) = (stores.at(8).0, &stores.directory);
    let deleted = directory.deleted_users().await?;
    assert_eq!((deleted.len(), deleted[0].deleted_at), (1, at(7)), "deletions are on record");
    for by in [DeletedBy::Id(ana.id()), DeletedBy::Username("ANA@example.com"), DeletedBy::Account(&account)] {
        let found = store.deleted_user(by).await?.map(|deleted| deleted.user.role());
        assert_eq!(found, Some(UserRole::Guest), "{by:?}");
    }
    assert_eq!(store.deleted_user(DeletedBy::Id(other.id())).await?, None);
    for email in ["ana@example.com", "ANA@Example.com"] {
        let again = directory.get_or_create_user_by_email(email).await;
        assert_eq!(error_code(again), codes::USER_DELETED, "contact does not bring a deleted user back");
    }
    let outsider = directory.contact_of_outsider(account.clone()).await;
    assert_eq!(error_code(outsider), codes::USER_DELETED, "nor does their account");
    for taken in [person("ana@example.com"), User::person(UserId::random(), "ana@example.com")?] {
        assert_eq!(error_code(directory.put_user(taken).await), codes::USER_DELETED, "nor does a declaration");
    }
    assert_eq!(directory.users().await?.len(), 1, "nobody was added");
    Ok(())
}

pub(super) async fn deleted_users_are_restored(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let ana = person("ana@example.com").with_role(UserRole::Guest);
    {
        let (directory, _) = open().await.at(0);
        directory.put_user(ana.clone().with_identity(UserIdentity::new("slack", "T1", "U1"))).await?;
        directory.delete_user(ana.id()).await?;
    }
    let (directory, _) = open().await.at(0);
    let restored = directory.restore_user(ana.id()).await?;
    assert_eq!((restored.id(), restored.role()), (ana.id(), UserRole::Guest), "they are who they were");
    let found = directory.user_by_identity("slack", "T1", "U1").await?;
    assert_eq!(found.map(|user| user.id()), Some(ana.id()), "with their accounts");
    assert!(directory.deleted_users().await?.is_empty());
    assert_eq!(error_code(directory.restore_user(ana.id()).await), codes::UNKNOWN_USER, "once");
    Ok(())
}

pub(super) async fn an_address_can_be_given_to_a_new_person(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let ana = person("ana@example.com").with_role(UserRole::Admin);
    let new = {
        let (directory, _) = open().await.at(0);
        directory.put_user(ana.clone()).await?;
        let taken = directory.admit_user("ana@example.com", UserRole::Member).await;
        assert_eq!(expected_error(taken).kind(), ErrorKind::Conflict, "not while somebody has it");
        directory.delete_user(ana.id()).await?;
        directory.admit_user("Ana@example.com", UserRole::Member).await?
    };
    let stores = open().await;
    let (directory, _) = stores.at(0);
    assert_ne!(new.id(), ana.id());
    let found = directory.get_or_create_user_by_email("ana@example.com").await?;
    assert_eq!((found.id(), found.role()), (new.id(), UserRole::Member), "the new person inherits nothing");
    let restored = directory.restore_user(ana.id()).await;
    assert_eq!(expected_error(restored).kind(), ErrorKind::Conflict, "the address has another owner now");
    directory.delete_user(new.id()).await?;
    assert_eq!(directory.deleted_users().await?.len(), 2);
    let found = stores.directory.deleted_user(DeletedBy::Username("ana@example.com")).await?;
    assert_eq!(found.map(|deleted| deleted.user.id()), Some(new.id()), "the address is that of its last owner");
    directory.restore_user(new.id()).await?;
    Ok(())
}

pub(super) async fn locks_outlast_declarations(open: impl AsyncFn() -> DirectoryStores) -> Result<()> {
    let ana = person("ana@example.com");
    {
        let stores = open().await;
        let (directory, _) = stores.at(0);
        directory.put_user(ana.clone()).await?;
        stores.directory.change_user(ana.id(), UserChange::Locked(true)).await?;
        let declared = directory.put_user(ana.clone().with_role(UserRole::Admin)).await?;
        assert!(declared.is_locked(), "declaring a user again does not unlock them");
        directory.delete_user(ana.id()).await?;
        assert!(directory.restore_user(ana.id()).await?.is_locked(), "neither does restoring them");
    }
    let stores = open().await;
    let locked = stores.at(0).0.user(ana.id()).await?.expect("Ana");
    assert!(locked.is_locked() && locked.is_admin());
    let unlocked = stores.directory.change_user(ana.id(), UserChange::Locked(false)).await?.expect("Ana");
    assert!(!unlocked.is_locked());
    assert!(!stores.at(0).0.put_user(ana).await?.is_locked());
    Ok(())
}
