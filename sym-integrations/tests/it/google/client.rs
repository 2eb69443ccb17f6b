//! Groups, members and users.

use serde_json::{Value, json};
use sym_integrations::ToFieldOption;
use sym_integrations::google::{MemberStatus, MemberType, Role, SimulatedGoogle};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::error::ErrorKind;
use sym_sdk::model::UserIdentity;

use super::support::{ANA, DOMAIN, GROUP, at, builder, duplicate, fault, google, group, member, member_json, no_group, no_member, person};
use crate::vendor_support::code;

#[tokio::test]
async fn lists_the_groups_of_the_customer_or_of_a_domain() {
    let replay = Replay::new();
    let groups = |ids: &[&str]| ids.iter().map(|id| json!({ "id": id, "email": format!("{id}@example.com"), "name": null })).collect::<Value>();
    let all = replay.get(at("groups")).query("customer", "my_customer").query("maxResults", 200).without_query("pageToken");
    all.reply(Reply::json(json!({ "groups": groups(&["a", "b"]), "nextPageToken": "p2" })));
    replay.get(at("groups")).query("customer", "my_customer").query("pageToken", "p2").reply(Reply::json(json!({ "groups": groups(&["c"]), "nextPageToken": "" })));
    let listed = google(&replay).list_groups(None).await.unwrap();
    assert_eq!(listed.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let option = listed[0].to_field_option().unwrap();
    assert_eq!((listed[0].option_value().as_str(), option.label()), ("a@example.com", "a@example.com"));

    // An empty list has no member `groups`, or a null one.
    for empty in [json!({}), json!({ "groups": null, "nextPageToken": null })] {
        replay.get(at("groups")).query("domain", "example.org").without_query("customer").reply(Reply::json(empty));
        assert!(google(&replay).list_groups(Some("example.org")).await.unwrap().is_empty());
    }
    replay.get(at("groups")).query("customer", "C0123").reply(Reply::json(json!({})));
    builder(&replay).customer_id("C0123").build().unwrap().list_groups(None).await.unwrap();
    replay.check().unwrap();
}

#[tokio::test]
async fn keeps_what_google_sends_beside_the_typed_members() {
    let replay = Replay::new();
    replay.get(at("groups/admins@example.com")).reply(group());
    let group = google(&replay).get_group(GROUP).await.unwrap();
    assert_eq!((group.name(), group.description.as_deref()), ("Admins", None));
    assert_eq!(group.raw()["directMembersCount"], "3");
    let strange = json!({ "id": "1", "role": "ROBOT", "type": "SHELF", "status": null });
    replay.get(at("groups/01g/members/1")).reply(Reply::json(strange));
    let member = google(&replay).find_group_member("01g", "1").await.unwrap().unwrap();
    assert_eq!(member.role, Some(Role::Other("ROBOT".to_owned())));
    assert_eq!((&member.kind, &member.status, &member.email), (&Some(MemberType::Other("SHELF".to_owned())), &None, &None));
    assert!(!member.is_deactivated());
    let archived = json!({ "id": "2", "status": "ARCHIVED" });
    replay.get(at("groups/01g/members/2")).reply(Reply::json(archived));
    let member = google(&replay).find_group_member("01g", "2").await.unwrap().unwrap();
    assert_eq!((&member.status, member.is_deactivated()), (&Some(MemberStatus::Archived), true));
    replay.check().unwrap();
}

#[tokio::test]
async fn tells_direct_and_nested_members_from_others() {
    let replay = Replay::new();
    let google = google(&replay);
    let ana = person(ANA);
    let asked = at("groups/admins@example.com/hasMember/ana@example.com");
    for is_member in [true, false] {
        replay.get(&asked).reply(Reply::json(json!({ "isMember": is_member })));
        assert_eq!(google.is_user_in_group(&ana, GROUP).await.unwrap(), is_member);
    }
    // Google refuses addresses outside the domain of the group, whose direct membership is looked up.
    let outside = person("ana@example.org");
    let direct = at("groups/admins@example.com/members/ana@example.org");
    for (reply, is_member) in [(member("MEMBER"), true), (no_member(), false)] {
        let refused = fault(400, "invalid", "Invalid Input: memberKey");
        replay.get(at("groups/admins@example.com/hasMember/ana@example.org")).reply(refused);
        replay.get(&direct).reply(reply);
        assert_eq!(google.is_user_in_group(&outside, GROUP).await.unwrap(), is_member);
    }
    replay.get(&asked).reply(no_group());
    assert_eq!(code(&google.is_user_in_group(&ana, GROUP).await.unwrap_err()), "Google:GROUP_NOT_FOUND");
    let error = google.is_user_in_group(&person("eve@example.net"), GROUP).await.unwrap_err();
    assert_eq!(code(&error), "Identity:NOT_FOUND");
    replay.check().unwrap();
}

/// GG05
#[tokio::test]
async fn users_in_a_group_are_named_once_and_without_groups() {
    let replay = Replay::new();
    let nested = json!({ "id": "g2", "email": "audit@example.com", "type": "GROUP", "role": "MEMBER" });
    let outsider = json!({ "id": "x", "email": "eve@example.net", "type": "EXTERNAL", "role": "MEMBER" });
    let members = json!([member_json("ana", "OWNER"), nested, member_json("ben", "MEMBER"), member_json("ana", "MEMBER"), outsider]);
    let path = at("groups/admins@example.com/members");
    replay.get(&path).query("includeDerivedMembership", true).query("maxResults", 200).reply(Reply::json(json!({ "members": members })));
    let names = |users: Vec<std::sync::Arc<sym_sdk::model::User>>| users.iter().map(|user| user.username().to_owned()).collect::<Vec<_>>();
    let users = google(&replay).users_in_group(GROUP).await.unwrap();
    assert_eq!(names(users), [ANA, "ben@example.com"]);
    replay.get(&path).without_query("includeDerivedMembership").reply(Reply::json(json!({ "members": [member_json("ben", "MEMBER")] })));
    assert_eq!(names(google(&replay).direct_users_in_group(GROUP).await.unwrap()), ["ben@example.com"]);
    replay.get(&path).reply(Reply::json(json!({ "kind": "admin#directory#members" })));
    assert!(google(&replay).users_in_group(GROUP).await.unwrap().is_empty());
    replay.check().unwrap();
}

/// GG05
#[tokio::test]
async fn a_group_of_everyone_is_an_error_and_not_a_short_list() {
    let replay = Replay::new();
    let everyone = json!({ "id": "0000", "role": "MEMBER", "type": "CUSTOMER" });
    let members = json!({ "members": [member_json("ana", "OWNER"), everyone] });
    replay.get(at("groups/admins@example.com/members")).times(2).reply(Reply::json(&members));
    let error = google(&replay).users_in_group(GROUP).await.unwrap_err();
    assert_eq!(code(&error), "Google:EVERYONE");
    assert!(error.message().contains("everyone in the organization"), "{error}");
    let listed = google(&replay).list_group_members(GROUP).await.unwrap();
    assert_eq!((listed[1].email.as_deref(), &listed[1].kind), (None, &Some(MemberType::Customer)));
    replay.check().unwrap();
}

#[tokio::test]
async fn changes_name_what_is_missing() {
    let replay = Replay::new();
    let google = google(&replay);
    let (members, ana) = (at("groups/01g/members"), at("groups/01g/members/ana@example.com"));
    replay.post(&members).json(json!({ "email": ANA, "role": "MANAGER" })).reply(member("MANAGER"));
    let added = google.add_group_member("01g", ANA, &Role::Manager).await.unwrap();
    assert_eq!((added.id.as_deref(), &added.role), (Some("ana"), &Some(Role::Manager)));
    for (reply, expected) in [
        (duplicate(), "Google:ALREADY_MEMBER"),
        (no_group(), "Google:GROUP_NOT_FOUND"),
        (no_member(), "Google:USER_NOT_FOUND"),
    ] {
        replay.post(&members).reply(reply);
        assert_eq!(code(&google.add_group_member("01g", ANA, &Role::Member).await.unwrap_err()), expected);
    }
    replay.on("PATCH", &ana).json(json!({ "role": "OWNER" })).reply(member("OWNER"));
    assert_eq!(google.set_member_role("01g", ANA, &Role::Owner).await.unwrap().role, Some(Role::Owner));
    replay.on("PATCH", &ana).reply(no_member());
    assert_eq!(code(&google.set_member_role("01g", ANA, &Role::Owner).await.unwrap_err()), "Google:USER_NOT_FOUND");

    for (reply, was_member) in [(Reply::status(200), true), (Reply::status(204), true), (no_member(), false)] {
        replay.delete(&ana).reply(reply);
        assert_eq!(google.remove_group_member("01g", ANA).await.unwrap(), was_member);
    }
    replay.delete(&ana).reply(no_group());
    assert_eq!(code(&google.remove_group_member("01g", ANA).await.unwrap_err()), "Google:GROUP_NOT_FOUND");
    // An id cannot change the path.
    for id in ["", "..", "."] {
        assert!(google.remove_group_member("01g", id).await.is_err(), "{id}");
    }
    replay.check().unwrap();
}

/// GG04
#[tokio::test]
async fn a_wrong_address_is_a_user_who_does_not_exist() {
    let replay = Replay::new();
    for (reason, message) in [("required", "Missing required field: memberKey"), ("invalid", "Invalid Input: memberKey")] {
        replay.post(at("groups/01g/members")).reply(fault(400, reason, message));
        let error = google(&replay).add_group_member("01g", "ana@@example.com", &Role::Member).await.unwrap_err();
        assert_eq!((error.kind(), code(&error)), (ErrorKind::NotFound, "Google:USER_NOT_FOUND".to_owned()));
        assert!(error.message().contains("`ana@@example.com`") && !error.is_retryable(), "{error}");
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn known_accounts_count_before_addresses() {
    let replay = Replay::new();
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    let google = builder(&replay).directory(directory.clone()).build().unwrap();
    let known = person(ANA).with_identity(UserIdentity::new("google", DOMAIN, "a.b@example.com"));
    assert_eq!(google.account_id(&known).await.unwrap(), "a.b@example.com");
    let ben = directory.get_or_create_user_by_email("Ben@Example.com").await.unwrap();
    assert_eq!(google.account_id(&ben).await.unwrap(), "ben@example.com");
    let stored = directory.user(ben.id()).await.unwrap().unwrap();
    assert_eq!(stored.identity("google", Some(DOMAIN)).unwrap().user_id(), "ben@example.com");
}

#[tokio::test]
async fn a_simulated_organization_keeps_changes() {
    let google = SimulatedGoogle::new().member_with_role(GROUP, ANA, &Role::Manager).build().unwrap();
    let member = google.find_group_member(GROUP, ANA).await.unwrap().unwrap();
    assert_eq!(member.role, Some(Role::Manager));
    let error = google.add_group_member(GROUP, ANA, &Role::Member).await.unwrap_err();
    assert_eq!(code(&error), "Google:ALREADY_MEMBER");
    google.set_member_role(GROUP, ANA, &Role::Member).await.unwrap();
    google.add_group_member(GROUP, "ben@example.com", &Role::Member).await.unwrap();
    let users = google.users_in_group(GROUP).await.unwrap();
    assert_eq!(users.len(), 2);
    assert_eq!(google.list_groups(None).await.unwrap().len(), 1);
    assert!(google.remove_group_member(GROUP, ANA).await.unwrap());
    assert!(!google.remove_group_member(GROUP, ANA).await.unwrap());
    assert!(google.get_group("any@example.com").await.is_ok());
}
