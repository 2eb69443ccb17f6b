//! Roles, their members and their admins.

use sym_integrations::onelogin::Privilege::{Admin, Member};
use sym_integrations::onelogin::SimulatedOneLogin;

use super::fake::FakeOneLogin;
use crate::vendor_support::{code, person};

/// OL06.
#[tokio::test]
async fn admins_are_not_members() {
    let fake = FakeOneLogin::start().await;
    fake.state().join("admins", 70, 1);
    let onelogin = fake.client();
    assert!(!onelogin.is_user_in_role(&person("ana@example.com"), 70).await.unwrap());
    assert!(onelogin.has_privilege(70, 1, Admin).await.unwrap());
    assert!(onelogin.users_in_role(70).await.unwrap().is_empty());
    fake.state().join("users", 70, 1);
    assert!(onelogin.is_user_in_role(&person("ana@example.com"), 70).await.unwrap());

    onelogin.remove_from_role(70, 1, Member).await.unwrap();
    assert!(onelogin.has_privilege(70, 1, Admin).await.unwrap());
}

/// OL05. One call tells, whatever the size of the role; without the list in the user, the role's is read.
#[tokio::test]
async fn membership_is_read_from_the_user() {
    let fake = FakeOneLogin::start().await;
    fake.state().join("users", 70, 1);
    let onelogin = fake.client();
    fake.calls();
    assert!(onelogin.has_privilege(70, 1, Member).await.unwrap());
    assert_eq!(fake.calls(), ["GET /api/2/users/1"]);
    fake.state().shows_roles = false;
    assert!(onelogin.has_privilege(70, 1, Member).await.unwrap());
    assert!(!onelogin.has_privilege(70, 2, Member).await.unwrap());
    assert_eq!(fake.calls()[..2], ["GET /api/2/users/1", "GET /api/2/roles/70/users"]);
}

#[tokio::test]
async fn changes_are_idempotent_and_report_what_is_missing() {
    let fake = FakeOneLogin::start().await;
    let onelogin = fake.client();
    for (privilege, relation) in [(Member, "users"), (Admin, "admins")] {
        for _ in 0..2 {
            onelogin.add_to_role(70, 1, privilege).await.unwrap();
            assert!(fake.state().is(relation, 70, 1));
        }
        for _ in 0..2 {
            onelogin.remove_from_role(70, 1, privilege).await.unwrap();
            assert!(!fake.state().is(relation, 70, 1));
        }
        assert_eq!(code(&onelogin.add_to_role(99, 1, privilege).await.unwrap_err()), "OneLogin:ROLE_NOT_FOUND");
        assert_eq!(code(&onelogin.add_to_role(70, 9, privilege).await.unwrap_err()), "OneLogin:INVALID_REQUEST");
        let error = onelogin.remove_from_role(99, 1, privilege).await.unwrap_err();
        assert_eq!(code(&error), "OneLogin:ROLE_NOT_FOUND");
        assert!(error.hint().unwrap().contains("the number in the URL"));
    }
    let error = onelogin.is_user_in_role(&person("ana@example.com"), 99).await.unwrap_err();
    assert_eq!(code(&error), "OneLogin:ROLE_NOT_FOUND");
    assert_eq!(code(&onelogin.users_in_role(99).await.unwrap_err()), "OneLogin:ROLE_NOT_FOUND");
}

#[tokio::test]
async fn members_are_users() {
    let fake = FakeOneLogin::start().await;
    for id in [1, 2] {
        fake.state().join("users", 70, id);
    }
    // The list has no addresses, and a username may look like somebody else's.
    fake.state().users.get_mut(&2).unwrap()["username"] = "cleo@example.com".into();
    let users = fake.client().users_in_role(70).await.unwrap();
    assert_eq!(users.iter().map(|user| user.email().unwrap()).collect::<Vec<_>>(), ["ana@example.com", "ben@example.com"]);
}

#[tokio::test]
async fn a_simulated_account_keeps_changes() {
    let onelogin =
        SimulatedOneLogin::new().user_in_role(70, "ana@example.com", Member).user_in_role(71, "ben@example.com", Admin);
    let onelogin = onelogin.build().unwrap();
    let (ana, ben) = (person("ana@example.com"), person("ben@example.com"));
    assert!(onelogin.is_user_in_role(&ana, 70).await.unwrap());
    assert!(!onelogin.is_user_in_role(&ben, 71).await.unwrap());
    let id = onelogin.user_id(&ben).await.unwrap();
    onelogin.add_to_role(70, id, Member).await.unwrap();
    onelogin.run_mappings(id).await.unwrap();
    assert_eq!(onelogin.users_in_role(70).await.unwrap().len(), 2);
    onelogin.remove_from_role(71, id, Admin).await.unwrap();
    assert!(onelogin.list_role_users(71, Admin).await.unwrap().is_empty());
    assert_eq!(onelogin.list_roles().await.unwrap().len(), 1);
}
