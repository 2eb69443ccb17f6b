use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use proptest::prelude::*;
use serde_json::{Value, json};
use sym_sdk::error::codes;
use sym_sdk::model::{User, UserId, UserRole};
use sym_sdk::routing::{
    Approvers, Destination, Fallback, Notification, PermissionLevel, PermissionScope, RequestDestination,
    RequestForwardContext, RequestPermission, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup, UserIds,
    user_ids,
};

fn person(email: &str) -> User {
    User::from_email(email).unwrap()
}

fn users(number: usize) -> Vec<SlackUser> {
    (0..number).map(|index| SlackUser::new(format!("U{index}")).unwrap()).collect()
}

#[test]
fn channel_ids() {
    assert_eq!(SlackChannelId::new("  C12345 ").unwrap().channel_id(), "C12345");
    for id in ["D1", "G1"] {
        assert!(SlackChannelId::new(id).is_ok());
    }
    for empty in ["", " "] {
        expect!["a channel id must be non-empty (SymSDK:INVALID_DESTINATION)"]
            .assert_eq(&SlackChannelId::new(empty).unwrap_err().to_string());
    }
    expect!["`X123` is not a channel id: it must start with C, D or G (SymSDK:INVALID_DESTINATION)"]
        .assert_eq(&SlackChannelId::new("X123").unwrap_err().to_string());
}

#[test]
fn channel_names() {
    assert_eq!(SlackChannelName::new(" #general ").unwrap().channel_name(), "#general");
    assert_eq!(SlackChannelName::new("general").unwrap().channel_name(), "general");
    for empty in ["", " ", "#", " # "] {
        assert!(SlackChannelName::new(empty).unwrap_err().message().contains("must be non-empty"), "{empty:?}");
    }
}

#[test]
fn slack_users() {
    for id in ["W09876", "U12345"] {
        assert_eq!(SlackUser::new(id).unwrap().mention(), format!("<@{id}>"));
    }
    expect!["`X123` is not a Slack user id: it must start with U or W (SymSDK:INVALID_DESTINATION)"]
        .assert_eq(&SlackUser::new("X123").unwrap_err().to_string());
}

#[test]
fn groups_have_one_to_seven_users() {
    for number in [1, 7] {
        assert_eq!(SlackUserGroup::new(users(number)).unwrap().users().len(), number);
    }
    expect!["a Slack group must have at least 1 user (SymSDK:INVALID_DESTINATION)"]
        .assert_eq(&SlackUserGroup::new(users(0)).unwrap_err().to_string());
    expect!["a Slack group must have at most 7 users, got 8 (SymSDK:INVALID_DESTINATION)"]
        .assert_eq(&SlackUserGroup::new(users(8)).unwrap_err().to_string());
}

#[test]
fn destinations_print_type_and_id() {
    let destinations: [RequestDestination; 4] = [
        SlackChannelId::new("C1").unwrap().into(),
        SlackChannelName::new("#a").unwrap().into(),
        SlackUser::new("U1").unwrap().into(),
        SlackUserGroup::new(users(2)).unwrap().into(),
    ];
    assert_eq!(
        destinations.map(|destination| destination.to_string()),
        [
            r##"SlackChannelID("C1")"##,
            r##"SlackChannelName("#a")"##,
            r#"SlackUser("U1")"#,
            r#"SlackUserGroup("U0", "U1")"#
        ]
    );
}

#[test]
fn destination_json() {
    let channel = SlackChannelId::new("C1").unwrap().allow_self(true).timeout(Duration::from_secs(60));
    let cases: [(RequestDestination, Value); 4] = [
        (channel.into(), json!({ "allow_self": true, "timeout": 60, "channel_id": "C1" })),
        (
            SlackChannelName::new("#a").unwrap().into(),
            json!({ "allow_self": false, "timeout": null, "channel_name": "#a" }),
        ),
        (SlackUser::new("U1").unwrap().into(), json!({ "allow_self": false, "timeout": null, "user_id": "U1" })),
        (
            SlackUserGroup::new(users(1)).unwrap().into(),
            json!({
                "allow_self": false, "timeout": null,
                "users": [{ "allow_self": false, "timeout": null, "user_id": "U0" }],
            }),
        ),
    ];
    for (destination, json) in cases {
        assert_eq!(serde_json::to_value(&destination).unwrap(), json);
        assert_eq!(serde_json::from_value::<RequestDestination>(json).unwrap(), destination);
    }
}

#[test]
fn destination_json_is_recognized_by_key() {
    let read = |json: Value| serde_json::from_value::<RequestDestination>(json);
    // The order in which the keys are looked for decides.
    let both = read(json!({ "channel_id": "C1", "channel_name": "a" })).unwrap();
    assert!(matches!(both, RequestDestination::ChannelName(_)));
    let group = read(json!({ "users": ["U1", { "user_id": "W2", "allow_self": true }] })).unwrap();
    assert_eq!(group.to_string(), r#"SlackUserGroup("U1", "W2")"#);
    assert!(!group.self_allowed());
    let legacy = read(json!({ "lookup_type": "channel", "allow_self": true, "more": 1 })).unwrap();
    assert!(legacy.self_allowed());
    assert_eq!(legacy, read(serde_json::to_value(&legacy).unwrap()).unwrap());
    for (json, part) in [
        (json!({ "allow_self": true }), "unknown kind"),
        (json!({ "lookup_type": "channel" }), "unknown kind"),
        (json!({}), "unknown kind"),
        (json!({ "channel_id": "X1" }), "must start with C, D or G"),
        (json!({ "channel_id": 5 }), "`channel_id` of a destination must be text"),
        (json!({ "channel_id": "C1", "timeout": -1 }), "`timeout` of a destination must be a number of seconds"),
        (json!({ "channel_id": "C1", "allow_self": "no" }), "`allow_self` of a destination must be"),
        (json!({ "users": [] }), "at least 1 user"),
        (json!({ "users": ["C1"] }), "must start with U or W"),
        (json!({ "users": [{ "channel_id": "C1" }] }), "contains only users"),
        (json!("C1"), "expected a map"),
    ] {
        let error = read(json.clone()).expect_err("malformed").to_string();
        assert!(error.contains(part), "{json}: {error}");
    }
}

#[test]
fn notifications_have_at_most_one_slack_destination() {
    let channel = || SlackChannelName::new("#a").unwrap();
    expect!["a notification must have at least one destination (SymSDK:INVALID_DESTINATION)"]
        .assert_eq(&Notification::new(Vec::<Destination>::new()).unwrap_err().to_string());
    expect![[r#"
        a notification must have at most one Slack destination, got 2 (SymSDK:INVALID_DESTINATION)
          help: use a Slack group, or a list of several notifications"#]]
    .assert_eq(&Notification::to(channel()).and(channel()).unwrap_err().report().to_string());
    let both = Notification::to(channel()).timeout(Duration::from_secs(9)).and(person("a@b.c")).unwrap();
    assert_eq!(both.destinations().len(), 2);
    assert_eq!(both.timeout_after(), Some(Duration::from_secs(9)));
    assert_eq!(both.slack(), Some(&channel().into()));
    let many = Notification::new([person("a@b.c"), person("d@e.f")]).unwrap();
    assert_eq!(many.slack(), None);
}

#[test]
fn notification_json() {
    let ann = person("ann@example.com");
    let notification = Notification::to(SlackChannelName::new("#a").unwrap().allow_self(true))
        .and(Arc::new(ann.clone()))
        .unwrap()
        .timeout(Duration::from_secs(300));
    let json = json!({
        "destinations": [
            { "allow_self": true, "timeout": null, "channel_name": "#a" },
            { "id": ann.id(), "username": "ann@example.com" },
        ],
        "timeout": 300,
    });
    assert_eq!(serde_json::to_value(&notification).unwrap(), json);
    assert_eq!(serde_json::from_value::<Notification>(json).unwrap(), notification);
    let slack = json!({ "channel_id": "C1" });
    for (json, part) in [
        (json!({ "destinations": [] }), "at least one destination"),
        (json!({ "destinations": [slack, slack] }), "at most one Slack destination"),
        (json!({ "destinations": [{ "username": "ann" }] }), "expected a user with `id` and `username`"),
        (json!({ "destinations": [{ "id": "x", "username": "ann" }] }), "expected a user with `id` and `username`"),
        (json!({}), "missing field `destinations`"),
    ] {
        let error = serde_json::from_value::<Notification>(json.clone()).expect_err("malformed").to_string();
        assert!(error.contains(part), "{json}: {error}");
    }
}

#[test]
fn fallbacks_need_two_destinations() {
    expect!["a fallback must have at least 2 destinations, got 1 (SymSDK:INVALID_DESTINATION)"]
        .assert_eq(&Fallback::new(users(1)).unwrap_err().to_string());
    let fallback = Fallback::new(users(2)).unwrap();
    assert!(fallback.continues_on_delivery_failure() && !fallback.continues_on_timeout());
    let json = serde_json::to_value(&fallback).unwrap();
    assert_eq!(json["continue_on_delivery_failure"], true);
    assert_eq!(json["continue_on_timeout"], false);
    assert_eq!(serde_json::from_value::<Fallback>(json).unwrap(), fallback);
    let short = json!({ "destinations": [{ "user_id": "U0" }, { "user_id": "U1" }] });
    assert_eq!(serde_json::from_value::<Fallback>(short).unwrap(), fallback);
}

#[test]
fn approvers_convert_to_notifications_and_a_permission() {
    let first = SlackUser::new("U1").unwrap().allow_self(true).timeout(Duration::from_secs(5));
    let one = Approvers::from(first.clone());
    assert_eq!(one.notifications(), [Notification::to(first.clone()).timeout(Duration::from_secs(5))]);
    let expected = RequestPermission::decided_by(PermissionLevel::Member)
        .seen_by(PermissionLevel::Admin)
        .allow_self_approval(true);
    assert_eq!(one.permission(), expected);

    let mixed = Approvers::from(vec![first.clone(), SlackUser::new("U2").unwrap()]);
    assert!(!mixed.permission().self_approval_allowed());
    assert!(!Approvers::List(Vec::new()).permission().self_approval_allowed());

    for approvers in [one, mixed, Approvers::from(Fallback::new([first.clone(), first]).unwrap())] {
        let json = serde_json::to_value(&approvers).unwrap();
        assert_eq!(serde_json::from_value::<Approvers>(json).unwrap(), approvers);
    }
    assert!(serde_json::from_value::<Approvers>(json!({ "destinations": [] })).is_err());
    assert!(serde_json::from_value::<Approvers>(json!("C1")).is_err());
}

#[test]
fn forward_context() {
    let all: Vec<Notification> = users(2).into_iter().map(Notification::to).collect();
    let first = RequestForwardContext::new(all.clone(), 0);
    assert_eq!(first.all_request_destinations(), all);
    assert_eq!((first.current_destination_index(), first.next_destination_index()), (0, Some(1)));
    assert_eq!(first.current_notification(), Some(&all[0]));
    assert_eq!(first.next_notification(), Some(&all[1]));
    assert!(!first.is_last());
    let last = RequestForwardContext::new(all, 1);
    assert!(last.is_last() && last.next_notification().is_none());
    assert_eq!(last.current_destination_index(), 1);
    let json = serde_json::to_value(&last).unwrap();
    assert_eq!(json["current_destination_index"], 1);
    assert_eq!(json["next_destination_index"], Value::Null);
    assert_eq!(serde_json::from_value::<RequestForwardContext>(json).unwrap(), last);
}

#[test]
fn permission_json() {
    let ann = person("ann@example.com");
    let permission =
        RequestPermission::decided_by(user_ids([&ann]).or(PermissionLevel::Admin)).seen_by(PermissionLevel::AllUsers);
    let json = json!({ "webapp_view": "all_users", "approve_deny": [ann.id()], "allow_self_approval": false });
    assert_eq!(serde_json::to_value(&permission).unwrap(), json);
    assert_eq!(RequestPermission::from_json(&json).unwrap(), permission);

    let two = permission.approvals(2).allow_self_approval(true);
    let json = serde_json::to_value(&two).unwrap();
    assert_eq!(json["approvals"], 2);
    assert_eq!(serde_json::from_value::<RequestPermission>(json).unwrap(), two);
}

#[test]
fn malformed_permissions_are_explained() {
    let report = |approve_deny: Value| {
        let json = json!({ "webapp_view": "admin", "approve_deny": approve_deny });
        let error = RequestPermission::from_json(&json).unwrap_err();
        assert_eq!(*error.code(), codes::INVALID_PERMISSION);
        error.to_string()
    };
    expect!["a permission for a list of users must contain at least one user; add a fallback for an empty list: `user_ids(&users).or(PermissionLevel::Admin)` (SymSDK:INVALID_PERMISSION)"].assert_eq(&report(json!([])));
    expect![
        "`ann@example.com` is not a user id; use `user_ids` to collect the ids of users (SymSDK:INVALID_PERMISSION)"
    ]
    .assert_eq(&report(json!(["ann@example.com"])));
    expect!["`something else` is not a permission level; the permission levels are `admin`, `member`, `all_users` (SymSDK:INVALID_PERMISSION)"].assert_eq(&report(json!("something else")));
    expect!["`Admin` is not a permission level; did you mean `admin`? the permission levels are `admin`, `member`, `all_users` (SymSDK:INVALID_PERMISSION)"].assert_eq(&report(json!("Admin")));
    expect!["invalid type: null, expected a permission level (`admin`, `member`, `all_users`) or a list of user ids (SymSDK:INVALID_PERMISSION)"].assert_eq(&report(json!(null)));
    for bad in [
        json!({}),
        json!({ "webapp_view": "admin" }),
        json!({ "webapp_view": "admin", "approve_deny": "admin", "x": 1 }),
    ] {
        assert!(RequestPermission::from_json(&bad).is_err(), "{bad}");
    }
}

#[test]
fn an_empty_list_needs_a_fallback() {
    let nobody = user_ids(Vec::<User>::new());
    assert!(nobody.is_empty());
    assert_eq!(*PermissionScope::try_from(nobody.clone()).unwrap_err().code(), codes::INVALID_PERMISSION);
    assert_eq!(nobody.or(PermissionLevel::Member), PermissionScope::Level(PermissionLevel::Member));
    let shared = [Arc::new(person("a@b.c"))];
    let somebody: UserIds = user_ids(&shared);
    assert_eq!(somebody.len(), 1);
    assert!(matches!(somebody.or(PermissionLevel::Member), PermissionScope::Users(_)));
    assert_eq!(PermissionScope::try_from("all_users").unwrap(), PermissionLevel::AllUsers.into());
    assert!(PermissionScope::try_from("something else").is_err());
}

#[test]
fn zero_approvals_count_as_one() {
    let permission = RequestPermission::admins_only().approvals(0);
    assert_eq!(permission.required_approvals(), 1);
    let json = json!({ "webapp_view": "admin", "approve_deny": "admin", "approvals": 0 });
    assert_eq!(RequestPermission::from_json(&json).unwrap().required_approvals(), 1);
}

#[test]
fn roles_and_levels() {
    use PermissionLevel::{Admin, AllUsers, Member};
    let table = [
        (UserRole::Admin, [true, true, true]),
        (UserRole::Member, [false, true, true]),
        (UserRole::Guest, [false, false, true]),
    ];
    for (role, expected) in table {
        let user = person("a@b.c").with_role(role);
        let admitted = [Admin, Member, AllUsers].map(|level| PermissionScope::from(level).admits(&user));
        assert_eq!(admitted, expected, "{role}");
    }
}

fn role() -> impl Strategy<Value = UserRole> {
    prop_oneof![Just(UserRole::Admin), Just(UserRole::Member), Just(UserRole::Guest)]
}

proptest! {
    #[test]
    fn a_list_admits_its_users_and_admins(
        listed in prop::collection::vec("[a-f]@x\\.y", 1..5),
        email in "[a-f]@x\\.y",
        role in role(),
    ) {
        let users: Vec<User> = listed.iter().map(|email| person(email)).collect();
        let scope = user_ids(&users).or(PermissionLevel::Admin);
        let user = person(&email).with_role(role);
        prop_assert_eq!(scope.admits(&user), role == UserRole::Admin || listed.contains(&email));
    }
}

#[test]
fn slack_ids_contain_no_markup() {
    for bad in ["U1> <!channel", "U1|x", "U 1", "Ué"] {
        assert_eq!(*SlackUser::new(bad).expect_err(bad).code(), codes::INVALID_DESTINATION, "{bad}");
    }
    assert!(SlackChannelId::new("C1> <!here").is_err());
    expect!["`U1> <!channel` is not a Slack user id: it contains the character '>' (SymSDK:INVALID_DESTINATION)"]
        .assert_eq(&SlackUser::new("U1> <!channel").unwrap_err().to_string());
}

#[test]
fn nothing_follows_an_index_beyond_the_list() {
    let one = Notification::to(SlackUser::new("U1").unwrap());
    for beyond in [1, usize::MAX] {
        let context = RequestForwardContext::new(vec![one.clone()], beyond);
        assert_eq!((context.next_destination_index(), context.current_notification()), (None, None));
    }
}

#[test]
fn a_fallback_says_when_it_continues() {
    let fallback = Fallback::new(users(2)).unwrap();
    for enabled in [true, false] {
        let fallback = fallback.clone().continue_on_delivery_failure(enabled).continue_on_timeout(!enabled);
        assert_eq!((fallback.continues_on_delivery_failure(), fallback.continues_on_timeout()), (enabled, !enabled));
    }
    assert!(fallback.continues_on_delivery_failure() && !fallback.continues_on_timeout());
}

#[test]
fn user_ids_contain_each_user_once() {
    let people = [person("a@b.c"), person("d@e.f"), person("a@b.c")];
    let expected: Vec<UserId> = {
        let mut ids = vec![people[0].id(), people[1].id()];
        ids.sort();
        ids
    };
    let shared = people.clone().map(Arc::new);
    let sets = [
        user_ids(&people),
        user_ids(people.clone()),
        user_ids(&shared),
        user_ids(shared.clone()),
        user_ids(people.iter().map(User::id)),
    ];
    for set in sets {
        assert_eq!((set.len(), set.is_empty()), (2, false));
        assert_eq!(set.iter().collect::<Vec<_>>(), expected);
        assert!(set.contains(people[1].id()) && !set.contains(person("g@h.i").id()));
    }
}

#[test]
fn destinations_have_a_text_for_logs() {
    let group = SlackUserGroup::new(users(2)).unwrap();
    let legacy: RequestDestination =
        serde_json::from_value(json!({ "lookup_type": "email", "allow_self": true, "timeout": 60 })).unwrap();
    let RequestDestination::Legacy(old) = &legacy else { panic!("{legacy}") };
    assert_eq!(
        (old.lookup_type(), old.self_allowed(), old.timeout_after()),
        ("email", true, Some(Duration::from_secs(60)))
    );
    let ann = Destination::from(person("ann@example.com"));
    let Destination::User(user) = &ann else { panic!("{ann}") };
    assert_eq!((user.id(), user.username()), (person("ann@example.com").id(), "ann@example.com"));
    assert_eq!(users(1)[0].user_id(), "U0");
    let texts = [
        Destination::from(SlackChannelId::new("C1").unwrap()),
        Destination::from(SlackChannelName::new("#a").unwrap()),
        Destination::from(users(1).remove(0)),
        Destination::from(group),
        Destination::from(legacy),
        ann,
    ]
    .map(|destination| destination.to_string());
    let expected = [
        r#"SlackChannelID("C1")"#,
        r##"SlackChannelName("#a")"##,
        r#"SlackUser("U0")"#,
        r#"SlackUserGroup("U0", "U1")"#,
        r#"RequestDestination("email")"#,
        r#"User("ann@example.com")"#,
    ];
    assert_eq!(texts, expected);
    assert_eq!(PermissionLevel::AllUsers.to_string(), "all_users");
}

/// An id becomes part of Slack markup.
#[test]
fn slack_ids_have_letters_and_digits_only() {
    assert_eq!(
        SlackUser::new("U1|x").unwrap_err().message(),
        "`U1|x` is not a Slack user id: it contains the character '|'"
    );
    assert_eq!(
        SlackChannelId::new("|C1").unwrap_err().message(),
        "`|C1` is not a channel id: it must start with C, D or G"
    );
}
