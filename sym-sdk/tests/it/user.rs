//! Users: e-mail addresses, equality, names, accounts and JSON form.

use std::collections::HashSet;

use expect_test::expect;
use serde_json::json;
use sym_sdk::error::codes;
use sym_sdk::model::{User, UserId, UserIdentity, UserRole, UserType};

fn person(email: &str) -> User {
    User::from_email(email).unwrap()
}

#[test]
fn trims_and_lowercases_emails() {
    let user = person("  Ann@Example.COM ");
    assert_eq!(user.email(), Some("ann@example.com"));
    assert_eq!(user.username(), "ann@example.com");
    assert_eq!(user.email_domain(), Some("example.com"));
    assert_eq!(user.role(), UserRole::Member);
    assert_eq!(user.user_type(), UserType::Normal);
}

/// W21.
#[test]
fn composed_and_decomposed_addresses_are_one_person() {
    assert_eq!(person("ren\u{e9}@example.com"), person("rene\u{301}@example.com"));
    assert_eq!(person("rene\u{301}@example.com").username(), "rené@example.com");
}

#[test]
fn rejects_lookalike_addresses() {
    let forms =
        ["<ann@example.com>", "mailto:ann@example.com", "ann@example.com>", "\"ann\"@example.com", "a,b@example.com"];
    let invisible =
        ["ann\u{200b}@example.com", "\u{202e}ann@example.com", "ann@example\u{ad}.com", "ann@\u{feff}example.com"];
    for bad in forms.into_iter().chain(invisible) {
        let error = User::person(UserId::from_email("x@y.z"), bad).expect_err(bad);
        assert_eq!(*error.code(), codes::INVALID_EMAIL, "{bad:?}");
    }
    assert_eq!(person("o'neil+access@müller.example").email_domain(), Some("müller.example"));
}

#[test]
fn rejects_invalid_emails() {
    for bad in ["", "ann", "@example.com", "ann@", "a b@example.com", "a@b@c", "a@b..c", "a@.b", "a\n@b.c"] {
        let error = User::person(UserId::from_email("x@y.z"), bad).expect_err(bad);
        assert_eq!(*error.code(), codes::INVALID_EMAIL, "{bad}");
    }
    expect!["expected an email address, got `ann` (SymSDK:INVALID_EMAIL)"]
        .assert_eq(&User::person(UserId::from_email("x@y.z"), "ann").unwrap_err().to_string());
}

#[test]
fn users_are_equal_by_username() {
    let ann = person("ann@example.com");
    let other_id = User::person(UserId::from_email("else@example.com"), "ann@example.com").unwrap();
    assert_eq!(ann, other_id);
    assert_ne!(ann, person("bob@example.com"));
    assert_eq!(User::bot(UserId::from_bot_name("CI"), "CI"), User::bot(UserId::from_bot_name("ci"), "ci"));
    let set: HashSet<User> = [ann.clone(), other_id, ann].into_iter().collect();
    assert_eq!(set.len(), 1);
}

#[test]
fn lookalike_letters_are_different() {
    // The lower-case form of the Kelvin sign is `k`, but it is another letter.
    assert_ne!(person("mark@example.com"), person("mar\u{212a}@example.com"));
    assert_ne!(UserId::from_email("mark@example.com"), UserId::from_email("mar\u{212a}@example.com"));
}

#[test]
fn ids_are_derived_from_the_address() {
    assert_eq!(UserId::from_email("Ann@example.com"), UserId::from_email(" ann@EXAMPLE.com"));
    assert_ne!(UserId::from_email("ann@example.com"), UserId::from_bot_name("ann@example.com"));
    expect!["expected the UUID of a user, got `ann` (SymSDK:INVALID_ID)"]
        .assert_eq(&"ann".parse::<UserId>().unwrap_err().to_string());
}

#[test]
fn full_name_has_the_known_parts() {
    assert_eq!(person("a@b.c").full_name(), "");
    assert_eq!(person("a@b.c").with_name("Ann", "Lee").full_name(), "Ann Lee");
    assert_eq!(person("a@b.c").with_name("Ann", "").full_name(), "Ann");
}

#[test]
fn bots_and_the_platform_have_no_email() {
    let bot = User::bot(UserId::from_bot_name("ci"), "ci");
    assert_eq!((bot.email(), bot.email_domain(), bot.username()), (None, None, "ci"));
    let system = User::system();
    assert_eq!((system.username(), system.user_type()), ("sym", UserType::System));
    assert!(!system.is_admin());
}

#[test]
fn finds_identities_by_service_and_instance() {
    let user = person("a@b.c")
        .with_identity(UserIdentity::new("slack", "T1", "U1"))
        .with_identity(UserIdentity::new("slack", "T2", "U2"))
        .with_identity(UserIdentity::new("slack", "t1", "U3"));
    assert_eq!(user.identities().len(), 2);
    assert_eq!(user.identity("Slack", Some("T1")).unwrap().user_id(), "U3");
    assert_eq!(user.identity("slack", None).unwrap().user_id(), "U2");
    assert!(user.identity("okta", None).is_none());
    assert!(user.identity("slack", Some("T3")).is_none());
}

#[test]
fn formats_srn_and_json() {
    let user = person("ann@example.com").with_role(UserRole::Guest).with_name("Ann", "Lee");
    assert_eq!(user.srn("acme"), *format!("acme:user:normal:{}:latest", user.id()).as_str());
    let json = serde_json::to_value(&user).unwrap();
    assert_eq!(
        json,
        json!({
            "id": user.id(), "username": "ann@example.com", "email": "ann@example.com", "type": "normal",
            "role": "guest", "first_name": "Ann", "last_name": "Lee", "identities": [],
        })
    );
    let back: User = serde_json::from_value(json).unwrap();
    assert_eq!((back.id(), back.role(), back.full_name()), (user.id(), user.role(), user.full_name()));
    let bad = json!({ "id": user.id(), "username": "x", "type": "normal", "role": "owner" });
    assert!(serde_json::from_value::<User>(bad).unwrap_err().to_string().contains("unknown variant `owner`"));
}
