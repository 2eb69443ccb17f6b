//! Lists of repositories, teams and collaborators.

use serde_json::json;
use sym_integrations::field_options;
use sym_integrations::github::{Affiliation, GitHub, SimulatedGitHub, RepositoryRole};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::error::ErrorKind;
use sym_sdk::integration::{IntegrationClient, IntegrationConfig};
use sym_sdk::model::{Integration, UserIdentity};

use super::fake::{ANA, API, BOB, EVE, FakeGitHub, ORG, person};
use crate::vendor_support::code;

#[tokio::test]
async fn repositories_and_teams_are_options() {
    let fake = FakeGitHub::start().await;
    fake.state().add_repo(1300, "web");
    fake.state().add_repo(1301, "Data");
    fake.state().teams = vec!["SRE", "Payments"];
    fake.state().page_size = Some(2);
    let github = fake.client();
    let repos = github.list_repos().await.unwrap();
    assert_eq!((repos[0].id, repos[0].owner(), repos[0].archived), (API, ORG, false));
    assert_eq!(repos[0].raw()["private"], true);
    let options = field_options(&repos).unwrap();
    assert_eq!(options.iter().map(|option| option.label()).collect::<Vec<_>>(), ["api", "web", "Data"]);
    assert_eq!(fake.calls(), ["GET /orgs/acme/repos", "GET /orgs/acme/repos"]);
    let options = field_options(&github.list_teams().await.unwrap()).unwrap();
    let options: Vec<_> = options.iter().map(|option| (option.value().to_string(), option.label().to_owned())).collect();
    assert_eq!(options, [("sre".to_owned(), "SRE".to_owned()), ("payments".to_owned(), "Payments".to_owned())]);
}

/// GH10: a list that lacks what single sign-on holds back is an error, and so is any other partial response.
#[tokio::test]
async fn partial_lists_are_errors() {
    let fake = FakeGitHub::start().await;
    fake.state().sso = Some("partial-results; organizations=21955855,20582480");
    let github = fake.client();
    for error in [
        github.list_repos().await.unwrap_err(),
        github.get_repo_collaborators("api", &[]).await.unwrap_err(),
        github.repo("api").invitations().await.unwrap_err(),
        github.is_member("anab").await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), code(&error)), (ErrorKind::Forbidden, "GitHub:SSO_REQUIRED".to_owned()));
        assert!(!error.is_retryable() && error.hint().unwrap().contains("single sign-on"), "{error}");
    }
}

/// GH12: invitations by e-mail have no invitee, and the list is read to its end.
#[tokio::test]
async fn invitations_are_found_among_many() {
    let fake = FakeGitHub::start().await;
    fake.api(|repo| {
        for id in 1..=120 {
            repo.invitations.push(match id % 3 {
                0 => json!({ "id": id, "invitee": null, "email": "x@example.com", "permissions": "read" }),
                1 => json!({ "id": id, "invitee": { "id": id, "login": null }, "permissions": null }),
                _ => json!({ "id": id, "invitee": { "id": null }, "permissions": "new-role", "expired": null }),
            });
        }
        repo.invite(121, EVE, "Eve", "write");
    });
    let repo = fake.client().repo("api");
    let found = repo.invitation_of(EVE).await.unwrap().unwrap();
    assert_eq!((found.id, found.role.as_ref()), (121, Some(&RepositoryRole::Write)));
    assert_eq!(fake.calls().len(), 2);
    assert!(repo.invitation_of(BOB).await.unwrap().is_none());
}

/// GH02: what has another case is the same, and members are told from others by GitHub.
#[tokio::test]
async fn logins_have_no_case() {
    let fake = FakeGitHub::start().await;
    fake.api(|repo| drop(repo.direct.insert(ANA, "write".into())));
    let github = fake.client();
    for login in ["AnaB", "anab", "ANAB"] {
        assert_eq!(github.get_user(login).await.unwrap().id, ANA);
        assert!(github.is_member(login).await.unwrap());
        let found = github.repo("API").collaborator(login).await.unwrap().unwrap();
        assert_eq!((found.id, found.role_name), (ANA, Some(RepositoryRole::Write)));
    }
    assert!(!github.is_member("eve").await.unwrap());
    // By id, so that a spelling does not matter.
    assert!(github.repo("api").direct_collaborator(ANA).await.unwrap().is_some());
}

/// GH06: whoever is not a member sees public members only.
#[tokio::test]
async fn a_token_from_outside_does_not_tell_members() {
    let fake = FakeGitHub::start().await;
    fake.state().token_is_outside = true;
    let error = fake.client().is_member("anab").await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Configuration, "GitHub:TOKEN_NOT_A_MEMBER".to_owned()));
    assert_eq!(fake.calls(), ["GET /orgs/acme/members/anab"]);
}

#[tokio::test]
async fn resolves_collaborators_through_the_directory() {
    let fake = FakeGitHub::start().await;
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    for (email, id) in [("ana@example.com", ANA), ("bob@example.com", BOB)] {
        let user = directory.get_or_create_user_by_email(email).await.unwrap();
        directory.put_identity(user.id(), UserIdentity::new("github", ORG, id.to_string())).await.unwrap();
    }
    fake.api(|repo| {
        repo.direct = [(ANA, "admin".to_owned()), (EVE, "admin".to_owned())].into();
        repo.by_team = [(ANA, "write".to_owned()), (BOB, "write".to_owned())].into();
    });
    fake.state().page_size = Some(1);
    let github = fake.builder().directory(directory).build().unwrap();
    let named = async |roles: &[RepositoryRole]| {
        let users = github.get_repo_collaborators("api", roles).await.unwrap();
        users.iter().map(|user| user.username().to_owned()).collect::<Vec<_>>()
    };
    // Eve has no known account. Roles are exclusive.
    assert_eq!(named(&[]).await, ["ana@example.com", "bob@example.com"]);
    assert_eq!(named(&[RepositoryRole::Admin]).await, ["ana@example.com"]);
    assert_eq!(named(&[RepositoryRole::parse("push"), RepositoryRole::Read]).await, ["bob@example.com"]);
    assert!(named(&[RepositoryRole::Other("auditor".into())]).await.is_empty());
    let error = github.get_repo_collaborators("nowhere", &[]).await.unwrap_err();
    assert_eq!(code(&error), "GitHub:REPOSITORY_NOT_FOUND");
    let direct = github.repo("api").collaborators(Affiliation::Direct).await.unwrap();
    assert_eq!(direct.iter().map(|user| user.id).collect::<Vec<_>>(), [ANA, EVE]);
}

/// GH01: an e-mail address leads to no account.
#[tokio::test]
async fn accounts_are_those_of_the_directory() {
    let fake = FakeGitHub::start().await;
    let github = fake.client();
    assert_eq!(github.account_id(&person("ana@example.com", ANA)).await.unwrap(), "501");
    let unknown = sym_sdk::model::User::person(sym_sdk::model::UserId::from_email("z@example.com"), "z@example.com");
    let error = github.account_id(&unknown.unwrap()).await.unwrap_err();
    assert_eq!(code(&error), "Identity:NOT_FOUND");
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn lists_end_or_fail() {
    let replay = Replay::new();
    let github = GitHub::builder(ORG).token("ghp_token").connection(replay.connection()).build().unwrap();
    let page = || Reply::json(json!([{ "id": 1, "name": "api", "full_name": "acme/api" }]));
    for link in [
        "<https://api.github.com.evil.example/organizations/1/repos?page=2>; rel=\"next\"",
        "<http://api.github.com/organizations/1/repos?page=2>; rel=\"next\"",
        // The page itself.
        "<https://api.github.com/orgs/acme/repos?per_page=100>; rel=\"next\"",
    ] {
        replay.get("/orgs/acme/repos").reply(page().header("link", link));
        assert_eq!(code(&github.list_repos().await.unwrap_err()), "GitHub:BAD_PAGING", "{link}");
    }
    replay.get("/orgs/acme/repos").query("per_page", 100).reply(
        page().header("link", "<https://api.github.com/organizations/1/repos?per_page=100&page=2>; rel=\"next\""),
    );
    replay.get("/organizations/1/repos").query("page", 2).reply(page());
    assert_eq!(github.list_repos().await.unwrap().len(), 2);
    replay.get("/orgs/acme/teams").reply(Reply::json(json!({ "message": "Not Found" })).with_status(404));
    let error = github.list_teams().await.unwrap_err();
    assert!(error.hint().unwrap().contains("`external_id`"), "{error}");
    replay.check().unwrap();
}

#[tokio::test]
async fn builds_the_client_from_its_configuration() {
    let integration = Integration::new("main".parse().unwrap(), "github", ORG);
    let secrets = [("api_token_secret".to_owned(), "ghp_token".into())].into();
    let github = GitHub::from_config(&IntegrationConfig::new(&integration, &secrets)).unwrap();
    assert_eq!(github.organization(), ORG);
    assert!(format!("{github:?}").contains("https://api.github.com"), "{github:?}");
    assert!(GitHub::from_config(&IntegrationConfig::new(&integration, &Default::default())).is_err());
}

#[tokio::test]
async fn simulates_an_organization() {
    let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
    let ana = directory.get_or_create_user_by_email("ana@example.com").await.unwrap();
    directory.put_identity(ana.id(), UserIdentity::new("github", ORG, ANA.to_string())).await.unwrap();
    let github = SimulatedGitHub::new(ORG)
        .collaborator("api", ANA, "AnaB", RepositoryRole::Maintain)
        .repository("web")
        .team("sre")
        .directory(directory)
        .build()
        .unwrap();
    let admins = github.get_repo_collaborators("API", &[RepositoryRole::Maintain]).await.unwrap();
    assert_eq!(admins.iter().map(|user| user.id()).collect::<Vec<_>>(), [ana.id()]);
    let web = github.get_repo("web").await.unwrap();
    assert_eq!(github.get_repo_by_id(web.id).await.unwrap().full_name, "acme/web");
    assert_eq!(github.list_repos().await.unwrap().len(), 2);
    assert_eq!(github.list_teams().await.unwrap()[0].slug, "sre");
    let bob = github.get_user_by_id(BOB).await.unwrap();
    assert!(github.is_member(&bob.login).await.unwrap());
    let web = github.repo("web");
    web.add_collaborator(&bob.login, &RepositoryRole::Read).await.unwrap();
    assert!(web.collaborator(&bob.login).await.unwrap().unwrap().has(&RepositoryRole::Read));
    web.remove_collaborator(&bob.login).await.unwrap();
    assert!(web.collaborator(&bob.login).await.unwrap().is_none());
    assert!(web.invitations().await.unwrap().is_empty());
    assert_eq!(code(&github.get_repo_by_id(99).await.unwrap_err()), "GitHub:REPOSITORY_NOT_FOUND");
}
