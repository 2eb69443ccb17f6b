//! Groups and their members.

use serde_json::json;
use sym_integrations::kit::Resource;
use sym_integrations::okta::{GroupExpand, GroupType, Okta, OktaGroup, SimulatedOkta};
use sym_integrations::testing::{Replay, Reply};
use sym_integrations::{ToFieldOption, field_options};
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::forms::FieldOption;
use sym_sdk::model::UserIdentity;

use super::fake::{DOMAIN, FakeOkta};
use crate::vendor_support::{code, person};

fn replayed(replay: &Replay) -> Okta {
    Okta::builder(DOMAIN).token("00token").connection(replay.connection()).build().unwrap()
}

fn group(id: &str, kind: &str, name: &str) -> serde_json::Value {
    json!({ "id": id, "type": kind, "profile": { "name": name } })
}

#[tokio::test]
async fn tests_membership_of_a_user() {
    let fake = FakeOkta::start().await;
    let okta = fake.client();
    let ana = person("ana@example.com");
    assert!(!okta.is_user_in_group(&ana, "00g1").await.unwrap());
    for id in ["00ga", "00gb", "00gc"] {
        fake.state().add_group(id, "OKTA_GROUP", id);
        fake.state().join(id, "00u1");
    }
    fake.calls();
    assert!(okta.is_user_in_group(&ana, "00gc").await.unwrap());
    // The group is on the second page. Only a client with a directory remembers the account.
    let calls = ["GET /users/ana@example.com", "GET /users/00u1/groups", "GET /users/00u1/groups", "GET /users/00u1"];
    assert_eq!(fake.calls(), calls, "a member may not be able to sign in");
    assert!(!okta.is_user_in_group(&ana, "00g1").await.unwrap());

    let error = okta.is_user_in_group(&ana, "00g9").await.unwrap_err();
    assert_eq!(code(&error), "Okta:GROUP_NOT_FOUND");
    assert_eq!(error.message(), "GET groups/{group}: there is no Okta group `00g9`");
    let error = okta.is_user_in_group(&person("dora@example.com"), "00g1").await.unwrap_err();
    assert_eq!(code(&error), "Identity:NOT_FOUND");
    let stale = person("eve@example.com").with_identity(UserIdentity::new("okta", DOMAIN, "00u9"));
    assert_eq!(code(&okta.is_user_in_group(&stale, "00g1").await.unwrap_err()), "Okta:USER_NOT_FOUND");
}

#[tokio::test]
async fn resolves_members_through_the_directory() {
    let fake = FakeOkta::start().await;
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    // The directory has another address for Ben than Okta.
    let ben = directory.get_or_create_user_by_email("benedict@example.com").await.unwrap();
    directory.put_identity(ben.id(), UserIdentity::new("okta", DOMAIN, "00u2")).await.unwrap();
    for user in ["00u1", "00u2", "00u3"] {
        fake.state().join("00g1", user);
    }
    let okta = fake.builder().directory(directory.clone()).build().unwrap();

    let users = okta.users_in_group("00g1").await.unwrap();
    let names: Vec<_> = users.iter().map(|user| user.username()).collect();
    assert_eq!(names, ["ana@example.com", "benedict@example.com", "cleo@example.com"]);
    assert_eq!(fake.calls(), ["GET /groups/00g1/users", "GET /groups/00g1/users"]);
    // The account is stored, and not looked up again.
    let ana = directory.user_by_email("ana@example.com").await.unwrap().unwrap();
    assert_eq!(okta.account_id(&ana).await.unwrap(), "00u1");
    assert!(fake.calls().is_empty());

    assert!(okta.users_in_group("00g2").await.unwrap().is_empty());
    assert_eq!(code(&okta.users_in_group("00g9").await.unwrap_err()), "Okta:GROUP_NOT_FOUND");
}

#[tokio::test]
async fn members_are_a_list_and_a_stream() {
    let fake = FakeOkta::start().await;
    for user in ["00u1", "00u2", "00u3"] {
        fake.state().join("00g1", user);
    }
    let okta = fake.client();
    let all = okta.list_group_members("00g1").await.unwrap();
    let mut members = okta.list_group_members("00g1");
    let mut streamed = Vec::new();
    while let Some(member) = members.next_item().await.unwrap() {
        streamed.push(member);
    }
    assert_eq!(all, streamed);
    assert_eq!(all[2].id, "00u3");
    assert_eq!((all[2].login(), all[2].email()), (Some("cleo@example.com"), Some("cleo@example.com")));
    assert_eq!(all[2].to_field_option().unwrap().label(), "00u3 Ö");
}

#[tokio::test]
async fn lists_only_native_groups_by_default() {
    let fake = FakeOkta::start().await;
    fake.state().add_group("00g4", "OKTA_GROUP", "Staging");
    let okta = fake.client();
    let names = |groups: Vec<Resource<OktaGroup>>| -> Vec<String> {
        groups.iter().map(|group| group.name().to_owned()).collect()
    };
    // This server does not filter.
    assert_eq!(names(okta.list_groups().await.unwrap()), ["prod-admins", "Staging"]);
    assert_eq!(names(okta.list_groups().name_filter("STAG").await.unwrap()), ["Staging"]);
    let all = okta.list_groups().only_native_groups(false).await.unwrap();
    assert_eq!(names(all.clone()), ["prod-admins", "prod-ad", "Everyone", "Staging"]);
    let kinds: Vec<_> = all.iter().map(|group| group.kind.clone().unwrap()).collect();
    assert_eq!(kinds, [GroupType::OktaGroup, GroupType::AppGroup, GroupType::BuiltIn, GroupType::OktaGroup]);
    assert_eq!(all[0].raw()["profile"]["costCentre"], 7);
    assert_eq!(all[0].profile.description, None);
}

#[tokio::test]
async fn sends_filters_and_searches() {
    let replay = Replay::new();
    let okta = replayed(&replay);
    let native = "type eq \"OKTA_GROUP\"";
    let rule = || replay.get("/api/v1/groups").query("limit", 200).without_query("q");
    let reply = || Reply::json([group("00g1", "OKTA_GROUP", "Prod \"1\"")]);

    rule().query("filter", native).without_query("search").reply(reply());
    okta.list_groups().await.unwrap();

    rule().without_query("filter").without_query("search").query("expand", "stats,app").reply(reply());
    okta.list_groups().only_native_groups(false).expand([GroupExpand::Stats, GroupExpand::App]).await.unwrap();

    let search = format!("{native} and profile.name sw \"prod \\\"1\"");
    rule().query("search", search).without_query("filter").reply(reply());
    assert_eq!(okta.list_groups().name_filter("prod \"1").await.unwrap().len(), 1);

    let filter = "lastUpdated gt \"2026-01-01T00:00:00.000Z\"";
    rule().query("filter", format!("{native} and {filter}")).without_query("search").reply(reply());
    assert!(okta.list_groups().filter(filter).name_filter("other").await.unwrap().is_empty());

    let either = "id eq \"00g1\" or id eq \"00g2\"";
    rule().query("filter", format!("{native} and ({either})")).reply(reply());
    okta.list_groups().filter(either).await.unwrap();

    let fault = json!({ "errorCode": "E0000031", "errorSummary": "Invalid search criteria." });
    rule().reply(Reply::json(fault).with_status(400));
    let error = okta.list_groups().filter("type = 'x'").await.unwrap_err();
    assert_eq!(code(&error), "Okta:INVALID_REQUEST");
    assert!(error.hint().unwrap().contains("double quotes"));
    replay.check().unwrap();
}

#[test]
fn tolerates_unknown_and_absent_members() {
    let group: Resource<OktaGroup> =
        serde_json::from_value(json!({ "id": "00g1", "type": "NEW_KIND", "profile": { "name": null } })).unwrap();
    assert_eq!((group.kind.as_ref(), group.name()), (Some(&GroupType::Other("NEW_KIND".to_owned())), "00g1"));
    let groups = [group.clone(), serde_json::from_value(json!({ "id": "00g2" })).unwrap()];
    assert_eq!(field_options(&groups).unwrap().len(), 2);
    let option = FieldOption::try_from(&group).unwrap();
    assert_eq!((option.value().to_string(), option.label()), (group.option_value(), "00g1"));
    assert!(serde_json::from_value::<Resource<OktaGroup>>(json!({ "type": "OKTA_GROUP" })).is_err());
}

#[tokio::test]
async fn rejects_links_to_other_hosts() {
    let replay = Replay::new();
    let okta = replayed(&replay);
    let members = Reply::json(json!([{ "id": "00u1", "profile": {} }]));
    let link = "<https://example.okta.com.evil.example/api/v1/groups/00g1/users?after=00u1>; rel=\"next\"";
    replay.get("/api/v1/groups/00g1/users").reply(members.header("link", link));
    let error = okta.users_in_group("00g1").await.unwrap_err();
    // A truncated list would be worse than an error.
    assert_eq!(code(&error), "Okta:BAD_PAGING");
    replay.check().unwrap();
}

/// E-mail addresses are reassigned, so an account that the directory knows counts before the address.
#[tokio::test]
async fn the_directory_counts_before_the_address() {
    let fake = FakeOkta::start().await;
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    let okta = fake.builder().directory(directory.clone()).build().unwrap();
    fake.state().join("00g1", "00u1");

    // Okta's 00u1 has Ana's address, but Ana has another account: the owner of 00u1 is unknown.
    let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
    directory.put_identity(ana.id(), UserIdentity::new("okta", DOMAIN, "00u2")).await.unwrap();
    assert!(okta.users_in_group("00g1").await.unwrap().is_empty());

    // The account is Ben's, and Ana has none any more. A handler's copy of Ana is older than that.
    let stale = directory.user(ana.id()).await.unwrap().unwrap();
    directory.delete_identity(ana.id(), "okta", DOMAIN).await.unwrap();
    let ben = directory.get_or_create_user_by_email("ben@example.com").await.unwrap();
    directory.put_identity(ben.id(), UserIdentity::new("okta", DOMAIN, "00u1")).await.unwrap();
    let error = okta.is_user_in_group(&stale, "00g1").await.unwrap_err();
    assert_eq!(code(&error), "Identity:COULD_NOT_SAVE");
    assert!(error.message().contains("`ana@example.com` is stored as that of `ben@example.com`"), "{error}");
    let users = okta.users_in_group("00g1").await.unwrap();
    assert_eq!(users.iter().map(|user| user.id()).collect::<Vec<_>>(), [ben.id()]);
}

#[tokio::test]
async fn simulates_an_organization() {
    let okta = SimulatedOkta::new().member("prod-admins", "ana@example.com").build().unwrap();
    let (ana, ben) = (person("ana@example.com"), person("ben@example.com"));
    assert!(okta.is_user_in_group(&ana, "prod-admins").await.unwrap());
    assert!(!okta.is_user_in_group(&ben, "prod-admins").await.unwrap());
    let ben_id = okta.account_id(&ben).await.unwrap();
    okta.add_group_member("prod-admins", &ben_id).await.unwrap();
    assert_eq!(okta.users_in_group("prod-admins").await.unwrap().len(), 2);
    okta.remove_group_member("prod-admins", &ben_id).await.unwrap();
    assert!(!okta.is_user_in_group(&ben, "prod-admins").await.unwrap());
    assert_eq!(okta.list_groups().await.unwrap()[0].name(), "prod-admins");
}

/// O01: requests are not routed to members who cannot sign in.
#[tokio::test]
async fn members_who_cannot_sign_in_are_left_out() {
    let fake = FakeOkta::start().await;
    for (n, status) in
        ["ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "STAGED", "SUSPENDED", "LOCKED_OUT", "DEPROVISIONED"].iter().enumerate()
    {
        let (id, email) = (format!("00x{n}"), format!("x{n}@example.com"));
        fake.state().add_user(&id, &email, &email, status);
        fake.state().members.insert(("00g1".to_owned(), id));
    }
    let okta = fake.client();
    let users = okta.users_in_group("00g1").await.unwrap();
    let emails: Vec<_> = users.iter().filter_map(|user| user.email()).collect();
    assert_eq!(emails, ["x0@example.com", "x1@example.com", "x2@example.com"]);
    assert_eq!(okta.list_group_members("00g1").await.unwrap().len(), 7);
    for (n, in_group) in [(0, true), (1, true), (4, false), (5, false)] {
        let user = person(&format!("x{n}@example.com"));
        assert_eq!(okta.is_user_in_group(&user, "00g1").await.unwrap(), in_group, "x{n}");
    }
}
