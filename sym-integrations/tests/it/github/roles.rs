//! Roles, and where a user has them from.

use serde_json::{Value, json};
use sym_integrations::github::{Collaborator, GitHub, Invitation, RepositoryRole};
use sym_integrations::testing::{Replay, Reply};

use super::fake::{ANA, FakeGitHub, ORG};

/// GH09: two names for one role.
#[test]
fn knows_both_vocabularies() {
    for (name, role, permission) in [
        ("pull", RepositoryRole::Read, "pull"),
        ("READ", RepositoryRole::Read, "pull"),
        ("triage", RepositoryRole::Triage, "triage"),
        ("push", RepositoryRole::Write, "push"),
        (" write ", RepositoryRole::Write, "push"),
        ("Maintain", RepositoryRole::Maintain, "maintain"),
        ("admin", RepositoryRole::Admin, "admin"),
        ("Security Auditor", RepositoryRole::Other("Security Auditor".into()), "Security Auditor"),
    ] {
        let parsed = RepositoryRole::parse(name);
        assert_eq!((&parsed, parsed.permission()), (&role, permission));
    }
    let invitation: Invitation = serde_json::from_value(json!({ "id": 1, "permissions": "write" })).unwrap();
    assert_eq!(invitation.role, Some(RepositoryRole::Write));
}

#[test]
fn roles_include_lower_ones() {
    use RepositoryRole::{Admin, Maintain, Other, Read, Triage, Write};
    let ordered = [Read, Triage, Write, Maintain, Admin];
    for (at, role) in ordered.iter().enumerate() {
        for (other_at, other) in ordered.iter().enumerate() {
            assert_eq!(role.includes(other), Some(at >= other_at), "{role} {other}");
        }
    }
    let custom = Other("Auditor".into());
    assert_eq!(Admin.includes(&custom), Some(true));
    assert_eq!(custom.includes(&Other("auditor".into())), Some(true));
    assert_eq!((Maintain.includes(&custom), custom.includes(&Read)), (None, None));
    assert!(custom.is_custom() && !Read.is_custom());
}

/// The rights of a custom role are read from its permissions.
#[test]
fn custom_roles_have_what_they_permit() {
    let user = |permissions: Value| -> Collaborator {
        serde_json::from_value(json!({ "id": 1, "login": "a", "role_name": "auditor", "permissions": permissions })).unwrap()
    };
    let auditor = user(json!({ "pull": true, "triage": true, "push": true, "maintain": false, "admin": null }));
    assert!(auditor.has(&RepositoryRole::Write) && !auditor.has(&RepositoryRole::Maintain));
    assert!(auditor.has(&RepositoryRole::Other("auditor".into())) && !auditor.has(&RepositoryRole::Other("x".into())));
    assert!(!user(Value::Null).has(&RepositoryRole::Read));
}

/// GH07: the role that a list shows is the highest from any source.
#[tokio::test]
async fn tells_direct_roles_from_effective_ones() {
    let fake = FakeGitHub::start().await;
    fake.api(|repo| {
        repo.direct.insert(ANA, "triage".into());
        repo.by_team.insert(ANA, "write".into());
    });
    let repo = fake.client().repo("api");
    let listed = repo.direct_collaborator(ANA).await.unwrap().unwrap();
    assert_eq!(listed.role_name, Some(RepositoryRole::Write));
    assert_eq!(repo.direct_role(&listed).await.unwrap(), Some(RepositoryRole::Triage));
    // Where GitHub does not tell, nothing is concluded from the effective role.
    fake.state().without_graphql = true;
    assert_eq!(repo.direct_role(&listed).await.unwrap(), None);
}

/// GH07: what GraphQL may answer.
#[tokio::test]
async fn reads_permission_sources_leniently() {
    let replay = Replay::new();
    let repo = GitHub::builder(ORG).token("ghp_token").connection(replay.connection()).build().unwrap().repo("api");
    let user: Collaborator = serde_json::from_value(json!({ "id": 501, "login": "anab", "role_name": "write" })).unwrap();
    let edges = |edges: Value| json!({ "data": { "repository": { "collaborators": { "edges": edges } } } });
    let source = |role: Value, permission: &str, kind: &str| {
        json!({ "roleName": role, "permission": permission, "source": { "__typename": kind } })
    };
    let of = |id: Value, sources: Value| json!({ "node": { "databaseId": id }, "permissionSources": sources });
    for (reply, expected) in [
        (edges(json!([of(json!(501), json!([source(json!("maintain"), "WRITE", "Repository")]))])), Some("maintain")),
        (edges(json!([of(json!(501), json!([source(json!(null), "WRITE", "Repository")]))])), Some("write")),
        (edges(json!([of(json!(501), json!([source(json!("admin"), "ADMIN", "Team")]))])), None),
        (edges(json!([of(json!(502), json!([source(json!("admin"), "ADMIN", "Repository")]))])), None),
        (edges(json!([null, of(json!(501), json!(null)), { "node": null, "permissionSources": null }])), None),
        (edges(json!([of(json!(501), json!([source(json!(null), "NONE", "Repository")]))])), None),
        (edges(json!(null)), None),
        (json!({ "data": { "repository": null } }), None),
        (json!({ "data": null, "errors": [{ "type": "NOT_FOUND", "message": "no" }] }), None),
        (json!({ "data": null, "errors": [{ "message": "Field 'roleName' doesn't exist" }] }), None),
    ] {
        replay.post("/graphql").reply(Reply::json(&reply));
        let found = repo.direct_role(&user).await.unwrap();
        assert_eq!(found.as_ref().map(RepositoryRole::as_str), expected, "{reply}");
    }
    replay.post("/graphql").reply(Reply::json(json!({ "data": null, "errors": [{ "type": "RATE_LIMITED" }] })));
    assert!(repo.direct_role(&user).await.unwrap_err().is_retryable());
    replay.check().unwrap();
}

/// GitHub Enterprise Server has GraphQL beside the REST API.
#[tokio::test]
async fn finds_graphql_of_an_enterprise_server() {
    let replay = Replay::new();
    let base = sym_integrations::http::BaseUrl::parse("https://github.example.com/api/v3").unwrap();
    let github = GitHub::builder(ORG).token("ghp_token").base_url(base).connection(replay.connection()).build().unwrap();
    let user = serde_json::from_value(json!({ "id": 501, "login": "anab", "role_name": "write" })).unwrap();
    replay.post("/api/graphql").reply(Reply::json(json!({ "data": null })));
    assert_eq!(github.repo("api").direct_role(&user).await.unwrap(), None);
    replay.get("/api/v3/user/501").reply(Reply::json(json!({ "id": 501, "login": "anab", "suspended_at": null })));
    assert_eq!(github.get_user_by_id(ANA).await.unwrap().login, "anab");
    replay.check().unwrap();
}
