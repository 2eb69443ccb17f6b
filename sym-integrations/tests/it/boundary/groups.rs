//! Changes of a group's members, each to the version that was read.

use sym_integrations::boundary::SimulatedBoundary;
use sym_sdk::error::ErrorKind;
use wiremock::ResponseTemplate;

use super::fake::{FakeBoundary, fault};
use crate::vendor_support::code;

#[tokio::test]
async fn changes_are_idempotent() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    for _ in 0..2 {
        boundary.add_group_member("g_1", "u_1").await.unwrap();
        assert!(fake.is_member("u_1"));
    }
    // Boundary would fail a repeated change, so it is not sent.
    assert_eq!(fake.calls(), ["GET /v1/groups/g_1", "POST /v1/groups/g_1:add-members", "GET /v1/groups/g_1"]);
    for _ in 0..2 {
        boundary.remove_group_member("g_1", "u_1").await.unwrap();
        assert!(!fake.is_member("u_1"));
    }
    assert_eq!(fake.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
    // Somebody who does not exist is not a member.
    boundary.remove_group_member("g_1", "u_none").await.unwrap();
}

#[tokio::test]
async fn a_change_is_sent_again_with_the_new_version() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    let mut left = 2;
    fake.state().interference = Some(Box::new(move |group| {
        if left > 0 {
            left -= 1;
            group.version += 1;
            group.members.push(format!("u_other{left}"));
        }
    }));
    boundary.add_group_member("g_1", "u_1").await.unwrap();
    assert_eq!(fake.state().groups["g_1"].members, ["u_other1", "u_other0", "u_1"]);
    boundary.remove_group_member("g_1", "u_1").await.unwrap();
    assert_eq!(fake.state().groups["g_1"].members, ["u_other1", "u_other0"]);
}

#[tokio::test]
async fn a_change_that_somebody_else_makes_first_is_done() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    fake.state().interference = Some(Box::new(|group| {
        group.version += 1;
        group.members = vec!["u_1".to_owned()];
    }));
    boundary.add_group_member("g_1", "u_1").await.unwrap();
    fake.state().interference = Some(Box::new(|group| {
        group.version += 1;
        group.members.clear();
    }));
    boundary.remove_group_member("g_1", "u_1").await.unwrap();
}

#[tokio::test]
async fn attempts_are_bounded() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    fake.state().interference = Some(Box::new(|group| group.version += 1));
    let error = boundary.add_group_member("g_1", "u_1").await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Unavailable, "Boundary:UNAVAILABLE".to_owned()));
    assert_eq!(fake.calls().iter().filter(|call| call.starts_with("POST")).count(), 5);
}

/// An error that is not about the version is not repeated.
#[tokio::test]
async fn an_internal_error_of_an_unchanged_group_is_reported() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    fake.state().refusals =
        vec![("POST /v1/groups/g_1:".to_owned(), fault(500, "Internal", "Unable to add members to group."))];
    assert_eq!(code(&boundary.add_group_member("g_1", "u_1").await.unwrap_err()), "Boundary:UNAVAILABLE");
    assert_eq!(fake.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
    fake.state().refusals = vec![("POST".to_owned(), fault(403, "PermissionDenied", "Forbidden."))];
    let error = boundary.add_group_member("g_1", "u_1").await.unwrap_err();
    assert_eq!(code(&error), "Boundary:FORBIDDEN");
    assert!(error.hint().unwrap().contains("grants"));
}

/// The change is made, and its answer lost.
#[tokio::test]
async fn a_lost_answer_does_not_fail_the_repetition() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    let mut is_first = true;
    fake.state().interference = Some(Box::new(move |group| {
        // The first sending was carried out, as far as Boundary is concerned.
        if std::mem::take(&mut is_first) {
            group.members.push("u_1".to_owned());
            group.version += 1;
        }
    }));
    boundary.add_group_member("g_1", "u_1").await.unwrap();
    assert_eq!(fake.state().groups["g_1"].members, ["u_1"]);
}

/// BO01.
#[tokio::test]
async fn only_groups_can_be_changed() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    for (id, reason) in [
        ("mgoidc_1234567890", "is a managed group"),
        ("mgldap_1234567890", "is a managed group"),
        ("u_1", "is not a group"),
        ("", "is not a group"),
        ("G_1", "is not a group"),
    ] {
        for error in [
            boundary.add_group_member(id, "u_1").await.unwrap_err(),
            boundary.remove_group_member(id, "u_1").await.unwrap_err(),
            boundary.get_group(id).await.unwrap_err(),
        ] {
            let expected = (ErrorKind::Configuration, "Boundary:GROUP_NOT_NATIVE".to_owned());
            assert_eq!((error.kind(), code(&error)), expected);
            assert!(error.message().contains(reason), "{error}");
        }
    }
    assert!(fake.calls().is_empty());
}

/// A user that stands for everybody would give access to everybody.
#[tokio::test]
async fn only_persons_can_be_added() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    for id in ["u_anon", "u_auth", "u_recovery", "acctoidc_1", "ana@example.com", ""] {
        assert_eq!(code(&boundary.add_group_member("g_1", id).await.unwrap_err()), "Boundary:NOT_A_USER_ID", "{id}");
    }
    assert!(fake.calls().is_empty());
    boundary.remove_group_member("g_1", "acctoidc_1").await.unwrap();
}

/// BO05. Databases have cut lists of ids off at 10,000.
#[tokio::test]
async fn a_list_that_may_be_cut_off_does_not_show_absence() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    let others: Vec<_> = (0..10_000).map(|number| format!("u_x{number}")).collect();
    fake.state().groups.get_mut("g_1").unwrap().members = others;
    assert!(boundary.is_group_member("g_1", "u_x7").await.unwrap());
    assert_eq!(code(&boundary.is_group_member("g_1", "u_1").await.unwrap_err()), "Boundary:GROUP_TOO_LARGE");

    // Boundary rejects the removal of a user who is none, and the list does not show that.
    let error = boundary.remove_group_member("g_1", "u_1").await.unwrap_err();
    assert_eq!(code(&error), "Boundary:GROUP_TOO_LARGE");
    assert_eq!(fake.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
    boundary.remove_group_member("g_1", "u_x7").await.unwrap();
    assert!(!fake.is_member("u_x7"));
    boundary.add_group_member("g_1", "u_1").await.unwrap();
    assert!(fake.is_member("u_1"));
    fake.state().groups.get_mut("g_1").unwrap().members.truncate(9_999);
    assert!(!boundary.is_group_member("g_1", "u_1").await.unwrap());
}

#[tokio::test]
async fn reports_what_is_missing() {
    let fake = FakeBoundary::start().await;
    let boundary = fake.client();
    assert_eq!(code(&boundary.get_group("g_9").await.unwrap_err()), "Boundary:GROUP_NOT_FOUND");
    assert_eq!(code(&boundary.add_group_member("g_9", "u_1").await.unwrap_err()), "Boundary:GROUP_NOT_FOUND");
    assert_eq!(code(&boundary.remove_group_member("g_9", "u_1").await.unwrap_err()), "Boundary:GROUP_NOT_FOUND");
    // A 404 that is not Boundary's shows nothing.
    fake.state().refusals = vec![("GET".to_owned(), ResponseTemplate::new(404).set_body_string("<html>"))];
    assert_eq!(code(&boundary.remove_group_member("g_1", "u_1").await.unwrap_err()), "Boundary:INVALID_RESPONSE");
}

#[tokio::test]
async fn a_simulated_cluster_keeps_changes() {
    let boundary = SimulatedBoundary::new().member("g_1", "ana@example.com").build().unwrap();
    let ben = boundary.find_user_by_email("ben@example.com").await.unwrap().unwrap();
    boundary.add_group_member("g_1", &ben.id).await.unwrap();
    assert_eq!(boundary.get_group("g_1").await.unwrap().member_ids, ["u_ana@example.com", "u_ben@example.com"]);
    boundary.remove_group_member("g_1", "u_ana@example.com").await.unwrap();
    assert!(!boundary.is_group_member("g_1", "u_ana@example.com").await.unwrap());
    assert_eq!(boundary.list_groups().await.unwrap().len(), 1);
}
