//! The user directory: first contact, accounts, bots, tokens and the key-value store.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use expect_test::expect;
use serde_json::json;
use sym_sdk::directory::{Directory, Inserted, KeyValue, MemoryDirectory, MemoryKeyValue};
use sym_sdk::error::{ErrorKind, codes};
use sym_sdk::model::{User, UserId, UserIdentity, UserRole};

#[cfg(feature = "testing")]
#[tokio::test]
async fn memory_directory_conforms() {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    let opened = RefCell::new(BTreeMap::new());
    let open = async |number: usize| {
        let mut opened = opened.borrow_mut();
        opened.entry(number).or_insert_with(sym_sdk::testing::DirectoryStores::in_memory).clone()
    };
    sym_sdk::testing::check_directory(open).await.unwrap();
}

/// Returns the value of a future that is ready at once.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future is not ready"),
    }
}

fn directory() -> Directory {
    Directory::new(MemoryDirectory::new(), ["Example.com"])
}

#[test]
fn first_contact_creates_members_and_guests() {
    let directory = directory();
    let ann = now(directory.get_or_create_user_by_email("Ann@EXAMPLE.com")).unwrap();
    assert_eq!((ann.username(), ann.role()), ("ann@example.com", UserRole::Member));
    assert_ne!(ann.id(), UserId::from_email("ann@example.com"), "ids do not come from addresses");
    for outside in ["eve@evil.com", "eve@sub.example.com", "eve@notexample.com"] {
        assert_eq!(now(directory.get_or_create_user_by_email(outside)).unwrap().role(), UserRole::Guest, "{outside}");
    }
    assert_eq!(now(directory.users()).unwrap().len(), 4);
}

#[test]
fn lookalike_domains_are_external() {
    let directory = Directory::new(MemoryDirectory::new(), ["bank.com"]);
    assert!(directory.is_internal_email("ann@BANK.com"));
    assert!(!directory.is_internal_email("ann@ban\u{212a}.com"));
    assert!(!directory.is_internal_email("bank.com"));
    let eve = now(directory.get_or_create_user_by_email("eve@ban\u{212a}.com")).unwrap();
    assert_eq!(eve.role(), UserRole::Guest);
}

#[test]
fn returns_identities_of_known_users() {
    let ann = User::from_email("ann@bank.com").unwrap();
    let id = ann.id();
    let directory = Directory::new(MemoryDirectory::from_iter([ann]), ["bank.com"]);
    let saved = now(directory.put_identity(id, UserIdentity::new("okta", "bank.okta.com", "00u1"))).unwrap();
    assert_eq!(saved.identity("okta", None).unwrap().user_id(), "00u1");
    let nobody = UserId::from_email("nobody@bank.com");
    let error = now(directory.put_identity(nobody, UserIdentity::new("okta", "x", "y"))).unwrap_err();
    assert_eq!(*error.code(), codes::UNKNOWN_USER);
}

#[test]
fn later_contacts_return_the_same_user() {
    let directory = directory();
    let ann = now(directory.get_or_create_user_by_email("ann@example.com")).unwrap();
    now(directory.set_role(ann.id(), UserRole::Admin)).unwrap();
    let again = now(directory.get_or_create_user_by_email(" ann@example.COM")).unwrap();
    assert_eq!((again.id(), again.role()), (ann.id(), UserRole::Admin));
    assert_eq!(now(directory.user_by_email("ANN@example.com")).unwrap(), Some(again.clone()));
    assert_eq!(now(directory.user(ann.id())).unwrap(), Some(again));
    assert_eq!(now(directory.user_by_email("bob@example.com")).unwrap(), None);
}

#[test]
fn invalid_addresses_add_nobody() {
    let directory = directory();
    let error = now(directory.get_or_create_users_by_emails(["ann@example.com", "bob"])).unwrap_err();
    assert_eq!(*error.code(), codes::USER_PROCESSING_ERROR);
    expect![[r#"
        `bob` cannot be the email address of a user (SymIntegration:USER_PROCESSING_ERROR)
          caused by: expected an email address, got `bob` (SymSDK:INVALID_EMAIL)"#]]
    .assert_eq(&error.report().to_string());
    assert!(now(directory.users()).unwrap().is_empty());
    let both = now(directory.get_or_create_users_by_emails(["ann@example.com", "bob@example.com"])).unwrap();
    assert_eq!(both.len(), 2);
}

#[test]
fn users_cannot_replace_each_other() {
    let directory = directory();
    // Ann has a new address, and keeps her id.
    let id = UserId::from_email("ann@example.com");
    now(directory.put_user(User::person(id, "ann.lee@example.com").unwrap())).unwrap();
    let successor = now(directory.get_or_create_user_by_email("ann@example.com")).unwrap();
    assert_ne!(successor.id(), id);
    let double = User::person(UserId::from_email("x@y.z"), "ann.lee@example.com").unwrap();
    assert_eq!(now(directory.put_user(double)).unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(now(directory.user(id)).unwrap().unwrap().username(), "ann.lee@example.com");
}

/// W15: Ana is renamed, and another person gets the old address. No text tells one about the other.
#[test]
fn the_next_owner_of_an_address_is_a_new_person() {
    let directory = directory();
    let ana = now(directory.get_or_create_user_by_email("ana@example.com")).unwrap();
    now(directory.put_user(User::person(ana.id(), "ana.lee@example.com").unwrap())).unwrap();
    let other = now(directory.get_or_create_user_by_email("ana@example.com")).unwrap();
    assert_ne!(other.id(), ana.id());
    let error = now(directory.put_user(User::person(other.id(), "ana.lee@example.com").unwrap())).unwrap_err();
    expect!["`ana.lee@example.com` cannot be saved: another user has this name (SymIntegration:USER_PROCESSING_ERROR)"]
        .assert_eq(&error.to_string());
}

/// Somebody of another organization is known by their account, which no address can be mistaken for.
#[test]
fn outsiders_are_known_by_their_account() {
    let directory = directory();
    let account = UserIdentity::new("slack", "T0OTHER", "U1");
    let eve = now(directory.contact_of_outsider(account.clone())).unwrap().into_user();
    assert_eq!((eve.username(), eve.email(), eve.role()), ("slack:T0OTHER:U1", None, UserRole::Guest));
    assert!(eve.is_outsider());
    let again = now(directory.contact_of_outsider(account)).unwrap();
    assert_eq!(again, Inserted::Existing(eve.clone()));
    now(directory.put_user(User::clone(&eve).with_name("Eve", "Adams"))).unwrap();
    let other = User::outsider(UserId::random(), UserIdentity::new("slack", "T0OTHER", "U1"));
    assert_eq!(now(directory.put_user(other)).unwrap_err().kind(), ErrorKind::Conflict);
    User::person(UserId::random(), eve.username()).unwrap_err();
}

#[test]
fn persists_identities() {
    let directory = directory();
    let saved = now(directory.persist_user_identity("ann@example.com", "slack", "T1", "U1")).unwrap();
    assert_eq!(saved, UserIdentity::new("slack", "T1", "U1"));
    let ann = now(directory.user_by_identity("slack", "T1", "U1")).unwrap().unwrap();
    assert_eq!(ann.username(), "ann@example.com");
    assert_eq!(now(directory.identity(ann.id(), "slack", Some("T1"))).unwrap(), Some(saved));
    assert_eq!(now(directory.identity(ann.id(), "slack", Some("T2"))).unwrap(), None);
    assert_eq!(now(directory.user_by_identity("slack", "T1", "U2")).unwrap(), None);

    now(directory.persist_user_identity("ann@example.com", "slack", "T1", "U9")).unwrap();
    assert_eq!(now(directory.user_by_identity("slack", "T1", "U1")).unwrap(), None);

    let error = now(directory.persist_user_identity("ann", "slack", "T1", "U1")).unwrap_err();
    assert_eq!(*error.code(), codes::IDENTITY_COULD_NOT_SAVE);
}

#[test]
fn bots_cannot_have_the_name_of_a_person() {
    let directory = directory();
    for name in ["ann@example.com", "Sym"] {
        let error = now(directory.put_user(User::bot(UserId::from_bot_name(name), name))).expect_err(name);
        assert_eq!(*error.code(), codes::USER_PROCESSING_ERROR, "{name}");
    }
    assert!(now(directory.put_user(User::system())).is_err());
    now(directory.put_user(User::bot(UserId::from_bot_name("ci"), "ci"))).unwrap();
}

#[test]
fn rejects_an_account_that_two_users_share() {
    let directory = directory();
    for email in ["ann@example.com", "bob@example.com"] {
        now(directory.persist_user_identity(email, "slack", "T1", "U1")).unwrap();
    }
    let error = now(directory.user_by_identity("slack", "T1", "U1")).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, &codes::USER_PROCESSING_ERROR));
    expect!["the account `U1` in slack `T1` is stored for several users (SymIntegration:USER_PROCESSING_ERROR)"]
        .assert_eq(&error.to_string());
    now(directory.persist_user_identity("bob@example.com", "slack", "T1", "U2")).unwrap();
    let ann = now(directory.user_by_identity("slack", "T1", "U1")).unwrap().unwrap();
    assert_eq!(ann.username(), "ann@example.com");
}

#[test]
fn reports_unknown_users() {
    let directory = directory();
    let id = UserId::from_email("nobody@example.com");
    for error in [
        now(directory.set_role(id, UserRole::Admin)).unwrap_err(),
        now(directory.identity(id, "slack", None)).unwrap_err(),
    ] {
        assert_eq!(*error.code(), codes::UNKNOWN_USER);
        assert!(error.message().contains(&id.to_string()));
    }
}

#[test]
fn stores_values_by_path() {
    let store = KeyValue::new(MemoryKeyValue::new());
    assert_eq!(now(store.fetch("on_call.primary")).unwrap(), None);
    now(store.put("on_call.primary", "ann")).unwrap();
    now(store.put("on_call.primary", json!({ "name": "bob" }))).unwrap();
    now(store.put("on_call2", 5)).unwrap();
    assert_eq!(now(store.fetch("on_call.primary")).unwrap(), Some(json!({ "name": "bob" })));
    assert_eq!(now(store.clone().fetch("on_call2")).unwrap(), Some(json!(5)));
}

#[test]
fn a_path_is_either_a_value_or_a_namespace() {
    let store = KeyValue::new(MemoryKeyValue::new());
    now(store.put("a.b", 1)).unwrap();
    expect!["`a.b.c` cannot exist: `a.b` is a value, not a namespace (SymSDK:INVALID_KEY)"]
        .assert_eq(&now(store.put("a.b.c", 2)).unwrap_err().to_string());
    expect!["`a` is a namespace, not a value (SymSDK:INVALID_KEY)"]
        .assert_eq(&now(store.put("a", 2)).unwrap_err().to_string());
    assert_eq!(*now(store.fetch("a.b.c.d")).unwrap_err().code(), codes::INVALID_KEY);
    assert_eq!(*now(store.fetch("a")).unwrap_err().code(), codes::INVALID_KEY);
    for bad in ["", ".", "a.", ".a", "a..b", " "] {
        assert_eq!(*now(store.fetch(bad)).expect_err(bad).code(), codes::INVALID_KEY);
    }
}

#[test]
fn limits_paths_and_values() {
    let store = KeyValue::new(MemoryKeyValue::new());
    let largest = "x".repeat(64 * 1024 - 2);
    now(store.put("large", &largest)).unwrap();
    let error = now(store.put("large", format!("{largest}x"))).unwrap_err();
    assert_eq!(*error.code(), codes::TOO_LARGE);
    expect!["the value for `large` takes 65537 bytes as JSON; at most 65536 are allowed (SymSDK:TOO_LARGE)"]
        .assert_eq(&error.to_string());
    assert_eq!(now(store.fetch("large")).unwrap(), Some(json!(largest)));

    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    now(store.put("nested", nested(100))).unwrap();
    assert_eq!(*now(store.put("nested", nested(1_000))).unwrap_err().code(), codes::INVALID_JSON);

    let longest = "x".repeat(512);
    now(store.put(&longest, 1)).unwrap();
    for bad in [format!("{longest}x"), "a\nb".to_owned(), "a.\u{0}".to_owned()] {
        assert_eq!(*now(store.put(&bad, 1)).expect_err(&bad).code(), codes::INVALID_KEY);
    }
}

#[test]
fn rejects_ambiguous_accounts() {
    let directory = directory();
    let ann = now(directory.get_or_create_user_by_email("ann@example.com")).unwrap();
    for (service, instance, account) in
        [("", "T1", "U1"), ("slack", " ", "U1"), ("slack", "T1", ""), ("slack", "T1", "U\n1")]
    {
        let identity = UserIdentity::new(service, instance, account);
        let error = now(directory.put_identity(ann.id(), identity.clone())).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidInput, &codes::IDENTITY_COULD_NOT_SAVE));
        now(directory.put_user(User::clone(&ann).with_identity(identity))).unwrap_err();
    }
    let error = now(directory.persist_user_identity("bob@example.com", "slack", "T1", "")).unwrap_err();
    expect![[r#"
        the account of `bob@example.com` in slack `T1` could not be saved (Identity:COULD_NOT_SAVE)
          caused by: the `user_id` of an account must be one line of 1 to 2048 bytes, got 0 bytes (Identity:COULD_NOT_SAVE)"#]]
    .assert_eq(&error.report().to_string());
    assert_eq!(now(directory.users()).unwrap().len(), 1, "nobody is added for it");
}

#[test]
fn rejects_lookalike_bot_names() {
    let directory = directory();
    for name in ["ann@example.com", "sym", "c\u{131}", "ci\u{200b}", "", " ", &"x".repeat(101)] {
        let bot = User::bot(UserId::from_bot_name(name), name);
        assert_eq!(*now(directory.put_user(bot)).expect_err(name).code(), codes::USER_PROCESSING_ERROR, "{name}");
    }
    now(directory.put_user(User::bot(UserId::from_bot_name("Deploy Bot-2"), "Deploy Bot-2"))).unwrap();
}

#[test]
fn checks_deserialized_users() {
    let directory = directory();
    let user = |kind: &str, id: UserId, username: &str, email: Option<&str>| -> User {
        serde_json::from_value(json!({ "id": id, "username": username, "email": email, "type": kind, "role": "admin" }))
            .unwrap()
    };
    let id = UserId::from_email("x@y.z");
    for (bad, what) in [
        (user("normal", id, "sym", None), "a person without an address"),
        (user("normal", id, "Ann@example.com", Some("Ann@example.com")), "an address in upper case"),
        (user("normal", id, "ann@example.com", Some("eve@example.com")), "another address"),
        (user("bot", id, "ci", Some("eve@example.com")), "a bot with an address"),
        (user("system", id, "platform", None), "another platform"),
        (user("bot", User::system().id(), "ci", None), "the id of the platform"),
        (user("normal", id, "ann@example.com", Some("ann@example.com")).with_name("A\nn", ""), "a name of two lines"),
    ] {
        assert_eq!(*now(directory.put_user(bad)).expect_err(what).code(), codes::USER_PROCESSING_ERROR, "{what}");
    }
    let ann = user("normal", id, "ann@example.com", Some("ann@example.com"));
    let ben = User::from_email("ben@example.com").unwrap();
    assert_eq!(now(directory.put_users([ann, ben])).unwrap().len(), 2);
    assert_eq!(*now(directory.set_name(id, "x".repeat(201), "")).unwrap_err().code(), codes::USER_PROCESSING_ERROR);
    assert_eq!(now(directory.set_name(id, "Ann", "Lee")).unwrap().full_name(), "Ann Lee");
}

#[cfg(feature = "runtime")]
mod tokens {
    use std::sync::Arc;
    use std::time::Duration;

    use secrecy::{ExposeSecret, SecretString};
    use sym_sdk::clock::VirtualClock;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn skips_invalid_addresses_in_lossy_lookups() {
        let directory = directory();
        let emails = ["ann@example.com", "bob", "", "cy@evil.com"];
        let users = now(directory.get_or_create_users_by_emails_lossy(emails)).unwrap();
        let names: Vec<_> = users.iter().map(|user| user.username()).collect();
        assert_eq!(names, ["ann@example.com", "cy@evil.com"]);
    }

    /// One person who left must not hide the others who are on call.
    #[test]
    fn skips_deleted_users_in_lossy_lookups() {
        let directory = directory();
        let ann = now(directory.get_or_create_user_by_email("ann@example.com")).unwrap();
        now(directory.delete_user(ann.id())).unwrap();
        let emails = ["ann@example.com", "bob@example.com"];
        assert!(now(directory.get_or_create_users_by_emails(emails)).is_err());
        let users = now(directory.get_or_create_users_by_emails_lossy(emails)).unwrap();
        let names: Vec<_> = users.iter().map(|user| user.username()).collect();
        assert_eq!(names, ["bob@example.com"]);
    }

    #[test]
    fn tokens_have_a_recognizable_form() {
        let directory = directory();
        let bot = now(directory.create_bot(" ci ")).unwrap();
        assert_eq!(bot.username(), "ci");
        let one = now(directory.issue_token(bot.id(), "build", HOUR)).unwrap();
        let other = now(directory.issue_token(bot.id(), "build", HOUR)).unwrap();
        assert_ne!(one.secret.expose_secret(), other.secret.expose_secret());
        let parts: Vec<_> = one.secret.expose_secret().split('_').collect();
        assert_eq!(parts[..2], ["symbot", &one.id.as_uuid().simple().to_string()]);
        assert_eq!(parts[2].len(), 64);
        assert!(parts[2].bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)));
        let secret = parts[2].to_owned();
        assert!(!format!("{one:?} {directory:?} {:?}", now(directory.tokens(None)).unwrap()).contains(&secret));
    }

    #[test]
    fn authentication_errors_say_why() {
        let store = Arc::new(MemoryDirectory::new());
        let at = |time: &str| {
            let directory = Directory::from_store(store.clone(), ["example.com"]);
            directory.with_clock(Arc::new(VirtualClock::at(time.parse().unwrap())))
        };
        let (begin, end) = (at("2024-02-29T12:00:00Z"), at("2024-02-29T13:00:00Z"));
        let bot = now(begin.create_bot("ci")).unwrap();
        let issue = || now(begin.issue_token(bot.id(), "build", HOUR)).unwrap();
        let why = |directory: &Directory, token: &SecretString| {
            now(directory.authenticate(token)).unwrap_err().report().to_string()
        };
        let (expired, revoked) = (issue(), issue());
        now(begin.revoke_token(revoked.id)).unwrap();
        expect![[r#"
            the token `build` expired at 2024-02-29T13:00:00Z (Authentication:TOKEN_EXPIRED)
              help: issue a new token for the bot"#]]
        .assert_eq(&why(&end, &expired.secret));
        expect!["the token `build` was revoked at 2024-02-29T12:00:00Z (Authentication:TOKEN_REVOKED)"]
            .assert_eq(&why(&end, &revoked.secret));
        expect![[r#"
            the token is unknown (Authentication:INVALID_JWT)
              help: tokens start with `symbot_` and are issued by `Directory::issue_token`"#]]
        .assert_eq(&why(&begin, &SecretString::from("secret")));
        now(begin.delete_user(bot.id())).unwrap();
        expect!["the bot of the token `build` was deleted (Authentication:BOT_DELETED)"]
            .assert_eq(&why(&begin, &expired.secret));
    }
}

#[cfg(feature = "runtime")]
mod agents {
    use std::time::Duration;

    use sym_sdk::directory::{Directory, MemoryDirectory};
    use sym_sdk::error::{ErrorKind, codes};
    use sym_sdk::model::{User, UserId, UserRole};

    fn directory() -> Directory {
        Directory::new(MemoryDirectory::new(), ["example.com"])
    }

    #[tokio::test]
    async fn agents_belong_to_people_and_are_no_admins() {
        let directory = directory();
        let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
        let agent = directory.create_agent(" ana-coder ", ana.id()).await.unwrap();
        let owner = agent.owner().unwrap();
        assert_eq!((agent.username(), owner.id(), owner.username()), ("ana-coder", ana.id(), "ana@example.com"));
        let error = directory.set_role(agent.id(), UserRole::Admin).await.unwrap_err();
        assert_eq!(error.message(), "an agent cannot be an administrator");
        let declared = User::agent(UserId::random(), "other", &ana).with_role(UserRole::Admin);
        assert!(directory.put_user(declared).await.is_err());

        let bot = directory.create_bot("ci").await.unwrap();
        let guest = directory.get_or_create_user_by_email("gus@elsewhere.org").await.unwrap();
        for owner in [bot.id(), guest.id(), agent.id(), UserId::random()] {
            assert!(directory.create_agent("another", owner).await.is_err());
        }
        let taken = directory.create_agent("ci", ana.id()).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::Conflict);
        // Nor does an agent lose its owner, or a bot get one.
        for changed in [User::bot(agent.id(), "ana-coder"), User::agent(bot.id(), "ci", &ana)] {
            assert_eq!(directory.put_user(changed).await.unwrap_err().kind(), ErrorKind::Conflict);
        }
    }

    /// An alias of the owner's mailbox is the owner, after a restart too.
    #[tokio::test]
    async fn the_mailbox_of_the_owner_is_recognized() {
        let directory = directory();
        let tagged = directory.get_or_create_user_by_email("ana+bots@example.com").await.unwrap();
        let agent = directory.create_agent("coder", tagged.id()).await.unwrap();
        let read = directory.user(agent.id()).await.unwrap().unwrap();
        let json = serde_json::to_value(&*read).unwrap();
        assert_eq!(json["owner"]["mailbox"], "ana@example.com");
        let plain = directory.clone().with_plus_aliases(false).user(agent.id()).await.unwrap().unwrap();
        assert_eq!(serde_json::to_value(&*plain).unwrap()["owner"].get("mailbox"), None);
    }

    #[tokio::test]
    async fn tokens_of_agents_end_with_their_owner() {
        let directory = directory();
        let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
        let agent = directory.create_agent("coder", ana.id()).await.unwrap();
        let issued = directory.issue_token(agent.id(), "laptop", Duration::from_secs(3_600)).await.unwrap();
        assert!(directory.authenticate(&issued.secret).await.unwrap().is_agent());
        directory.set_role(ana.id(), UserRole::Guest).await.unwrap();
        assert_eq!(directory.authenticate(&issued.secret).await.unwrap_err().kind(), ErrorKind::Unauthorized);
        directory.set_role(ana.id(), UserRole::Member).await.unwrap();
        directory.authenticate(&issued.secret).await.unwrap();
        directory.delete_user(ana.id()).await.unwrap();
        assert_eq!(*directory.authenticate(&issued.secret).await.unwrap_err().code(), codes::USER_DELETED);
    }
}
