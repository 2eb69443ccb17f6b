//! Failures of GitHub.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::github::{GitHub, RepositoryRole};
use sym_integrations::http::RateLimit;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{Error, ErrorKind};

use super::fake::{FakeGitHub, ORG, TOKEN};
use crate::vendor_support::code;

fn github(replay: &Replay) -> GitHub {
    GitHub::builder(ORG).token(TOKEN).connection(replay.connection()).build().unwrap()
}

/// Returns the error of a lookup that gets this response, and the time that the client waited.
async fn answered(reply: Reply) -> (Error, Duration) {
    let replay = Replay::new();
    replay.get("/repos/acme/api").always().reply(reply);
    let error = github(&replay).get_repo("api").await.unwrap_err();
    replay.check().unwrap();
    (error, replay.elapsed())
}

fn problem(status: u16, message: &str) -> Reply {
    let documentation_url = "https://docs.github.com/rest/repos/repos#get-a-repository";
    Reply::json(json!({ "message": message, "documentation_url": documentation_url, "status": status.to_string() }))
        .with_status(status)
        .header("x-github-request-id", "CAFE:1")
        .header("date", "Thu, 29 Feb 2024 12:00:00 GMT")
}

/// GH11: 403 stands for a limit in several ways, and for a refusal.
#[tokio::test]
async fn tells_limits_from_refusals() {
    let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let abuse = "You have triggered an abuse detection mechanism. Please retry your request again later.";
    let documented = |documentation: &str| {
        Reply::json(json!({ "message": "Slow down", "documentation_url": documentation })).with_status(403)
    };
    // Without a delay in the response, it is a minute.
    for (reply, delay) in [
        (problem(429, "Too many requests"), 60),
        (Reply::text("<html>slow down</html>").header("content-type", "text/html").with_status(429), 60),
        (problem(403, secondary).header("x-ratelimit-remaining", "4711"), 60),
        (problem(403, abuse), 60),
        (documented("https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"), 60),
        (documented("https://docs.github.com/en/rest/using-the-rest-api/new-page-on-abuse"), 60),
        (problem(403, secondary).header("retry-after", "90"), 90),
        (problem(429, secondary).header("retry-after", "45"), 45),
        (problem(403, "Forbidden").header("retry-after", "120"), 120),
        // The reset is at 12:05:00; the limit may be lifted at any moment of its last second.
        (
            problem(403, "API rate limit exceeded for user ID 1.")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", "1709208300"),
            301,
        ),
        (
            problem(429, "API rate limit exceeded for user ID 1.")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", "1709208300"),
            301,
        ),
        (problem(403, "API rate limit exceeded").header("x-ratelimit-remaining", "0"), 60),
    ] {
        let (error, waited) = answered(reply).await;
        assert_eq!((error.kind(), code(&error)), (ErrorKind::RateLimited, "GitHub:RATE_LIMITED".to_owned()), "{error}");
        // The call has 30 seconds, so that it fails immediately, and its caller knows how long to wait.
        assert_eq!((error.retry_after(), waited), (Some(Duration::from_secs(delay)), Duration::ZERO), "{error}");
        assert!(error.is_retryable());
    }
    for (reply, expected) in [
        (problem(403, "Must have push access to view repository collaborators."), "GitHub:FORBIDDEN"),
        (
            problem(403, "Resource not accessible by personal access token").header("x-ratelimit-remaining", "17"),
            "GitHub:FORBIDDEN",
        ),
        (problem(403, "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization."), "GitHub:SSO_REQUIRED"),
        (
            problem(403, "Forbidden")
                .header("x-github-sso", "required; url=https://github.com/orgs/acme/sso?authorization_request=AZS3CRET"),
            "GitHub:SSO_REQUIRED",
        ),
    ] {
        let (error, waited) = answered(reply).await;
        assert_eq!((error.kind(), code(&error).as_str()), (ErrorKind::Forbidden, expected), "{error}");
        assert_eq!(waited, Duration::ZERO);
        assert!(!error.is_retryable() && error.hint().is_some());
    }
}

/// GH10: the URL that authorizes a token for an hour is for the operator who asks, and in no text.
#[tokio::test]
async fn the_url_that_authorizes_a_token_is_shown_to_operators_alone() {
    let url = "https://github.com/orgs/acme/sso?authorization_request=AZS3CRET";
    let refused = |header: String| problem(403, "Resource protected by organization SAML enforcement.").header("x-github-sso", &header);
    let (error, _) = answered(refused(format!("required; url={url}"))).await;
    assert_eq!(error.temporary_url(), Some(url));
    for text in [format!("{error:?}"), error.report().to_string(), error.slack_markdown()] {
        assert!(!text.contains("AZS3CRET"), "{text}");
    }
    for header in ["required".to_owned(), "required; url=javascript:alert(1)".to_owned(), format!("required; url={url}{}", "x".repeat(2_000))] {
        assert_eq!(answered(refused(header)).await.0.temporary_url(), None);
    }
}

/// GH11: a short delay is kept, and the call is repeated.
#[tokio::test]
async fn keeps_short_delays() {
    let replay = Replay::new();
    let path = "/repos/acme/api/collaborators/anab";
    replay.put(path).reply(problem(403, "You have exceeded a secondary rate limit.").header("retry-after", "7"));
    replay.put(path).json(json!({ "permission": "push" })).reply(Reply::status(204));
    let added = github(&replay).repo("api").add_collaborator("anab", &RepositoryRole::Write).await.unwrap();
    assert!(added.is_none());
    assert!((7.0..9.0).contains(&replay.elapsed().as_secs_f64()), "{:?}", replay.elapsed());
    replay.check().unwrap();
}

/// A change is a call as any other, and waits a second after the one before it.
#[tokio::test]
async fn changes_count_against_the_limit_of_all_calls() {
    let replay = Replay::new();
    replay.put("/repos/acme/api/collaborators/anab").always().reply(Reply::status(204));
    // Half of them in a burst.
    let limit = RateLimit::new(4, Duration::from_secs(3_600));
    let builder = GitHub::builder(ORG).token(TOKEN).rate_limit(limit).connection(replay.connection());
    let github = builder.build().unwrap();
    for waited in 0..2 {
        github.repo("api").add_collaborator("anab", &RepositoryRole::Write).await.unwrap();
        assert_eq!(replay.elapsed().as_secs(), waited);
    }
    let error = github.get_repo("api").await.unwrap_err();
    assert_eq!(code(&error), "GitHub:RATE_LIMITED", "{error}");
    assert!(error.message().contains("4 calls in 3600s"), "{error}");
}

#[tokio::test]
async fn classifies_responses() {
    let html = |status| Reply::text("<html>Sign in</html>").header("content-type", "text/html").with_status(status);
    for (reply, kind, name) in [
        (problem(401, "Bad credentials"), ErrorKind::Unauthorized, "AUTH_FAILED"),
        (problem(404, "Not Found"), ErrorKind::NotFound, "REPOSITORY_NOT_FOUND"),
        (problem(409, "Conflict"), ErrorKind::Conflict, "CONFLICT"),
        (problem(422, "Validation Failed"), ErrorKind::InvalidInput, "INVALID_REQUEST"),
        (problem(451, "Repository access blocked"), ErrorKind::InvalidInput, "INVALID_REQUEST"),
        (problem(500, "Server Error"), ErrorKind::Unavailable, "UNAVAILABLE"),
        (Reply::status(503), ErrorKind::Unavailable, "UNAVAILABLE"),
        // A 404 that is not GitHub's does not show that the repository does not exist.
        (html(404), ErrorKind::Configuration, "INVALID_RESPONSE"),
        (Reply::json(json!({ "error": null })).with_status(404), ErrorKind::Configuration, "INVALID_RESPONSE"),
        (html(200), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::text("{\"id\": 1267, \"na"), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::text("{\"id\": 1267, \"name\": \"\\ud800\"}"), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::json(json!({ "id": null, "name": "api", "full_name": "acme/api" })), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::json(json!({ "message": "Not Found" })), ErrorKind::Decode, "INVALID_RESPONSE"),
        (Reply::text("x".repeat(17 << 20)), ErrorKind::Decode, "TOO_LARGE"),
        (Reply::connection_lost(), ErrorKind::Unavailable, "CONNECTION_LOST"),
        (
            Reply::status(301).header("location", "https://api.github.com.evil.example/repositories/1"),
            ErrorKind::Configuration,
            "REDIRECTED",
        ),
    ] {
        let (error, _) = answered(reply).await;
        assert_eq!((error.kind(), code(&error)), (kind, format!("GitHub:{name}")), "{error}");
    }
    let (error, _) = answered(problem(401, "Bad credentials")).await;
    assert_eq!(
        error.to_string(),
        "GET repos/{owner}/{repo}: Bad credentials (GitHub:AUTH_FAILED, service github, status 401, request CAFE:1)"
    );
    let (error, _) =
        answered(problem(403, "Nope").header("x-accepted-github-permissions", "administration=read")).await;
    assert_eq!(error.hint(), Some("the call needs a token with the permissions `administration=read`"));
}

#[tokio::test]
async fn accepts_problems_of_any_form() {
    for (errors, expected) in [
        (json!([{ "resource": "Repo", "field": "user", "code": "invalid" }]), "Validation Failed: user invalid"),
        (json!([{ "message": "Name is reserved." }, null, 7, { "code": null }]), "Validation Failed: Name is reserved"),
        (json!(["Custom role not found"]), "Validation Failed: Custom role not found"),
        (json!("Cannot assign anab permission of pull"), "Validation Failed: Cannot assign anab permission of pull"),
        (json!({}), "Validation Failed"),
        (json!(null), "Validation Failed"),
    ] {
        let (error, _) =
            answered(Reply::json(json!({ "message": "Validation Failed", "errors": errors })).with_status(422)).await;
        assert_eq!(error.message(), format!("GET repos/{{owner}}/{{repo}}: {expected}"));
    }
}

/// GH04: a missing seat is no fault of the request, and no reason to repeat it.
#[tokio::test]
async fn reports_that_no_seat_is_left() {
    let replay = Replay::new();
    let body = json!({ "message": "Validation Failed", "errors": [{ "code": "no_seat", "field": "user" }] });
    replay.put("/repos/acme/api/collaborators/anab").reply(Reply::json(body).with_status(422));
    let error = github(&replay).repo("api").add_collaborator("anab", &RepositoryRole::Read).await.unwrap_err();
    assert_eq!((error.kind(), code(&error)), (ErrorKind::Conflict, "GitHub:NO_SEAT".to_owned()));
    assert!(!error.is_retryable() && error.hint().unwrap().contains("seat"), "{error}");
    assert!(error.message().ends_with("Validation Failed: user no_seat"), "{error}");
    replay.check().unwrap();
}

/// GH05: whichever way GitHub refuses it, the hint names the two kinds of accounts.
#[tokio::test]
async fn hints_at_managed_accounts() {
    for status in [403, 404, 422] {
        let replay = Replay::new();
        replay.put("/repos/acme/api/collaborators/ana_corp").reply(problem(status, "Not possible"));
        let error = github(&replay).repo("api").add_collaborator("ana_corp", &RepositoryRole::Read).await.unwrap_err();
        assert!(error.hint().unwrap().contains("managed account"), "{status}: {error}");
        replay.check().unwrap();
    }
}

#[tokio::test]
async fn a_sign_in_page_is_not_a_confirmation() {
    let page = || Reply::text("<html>Sign in</html>").header("content-type", "text/html");
    let replay = Replay::new();
    let repo = github(&replay).repo("api");
    let path = "/repos/acme/api/collaborators/anab";
    for reply in [page(), Reply::json(json!({}))] {
        replay.put(path).reply(reply);
        let error = repo.add_collaborator("anab", &RepositoryRole::Admin).await.unwrap_err();
        assert_eq!(code(&error), "GitHub:INVALID_RESPONSE");
    }
    replay.delete(path).reply(page());
    assert_eq!(code(&repo.remove_collaborator("anab").await.unwrap_err()), "GitHub:INVALID_RESPONSE");
    replay.delete(path).reply(page().with_status(404));
    assert_eq!(code(&repo.remove_collaborator("anab").await.unwrap_err()), "GitHub:INVALID_RESPONSE");
    replay.delete(path).reply(problem(404, "Not Found"));
    repo.remove_collaborator("anab").await.unwrap();
    replay.get("/orgs/acme/members/anab").reply(page());
    assert_eq!(code(&github(&replay).is_member("anab").await.unwrap_err()), "GitHub:INVALID_RESPONSE");
    replay.check().unwrap();
}

/// GH03: a redirect keeps method, body and credential, or is an error that says where the repository is now.
#[tokio::test]
async fn follows_redirects_of_changes() {
    let replay = Replay::new();
    let repo = github(&replay).repo("api");
    let moved = |status| {
        Reply::status(status).header("location", "https://api.github.com/repositories/1267/collaborators/anab")
    };
    let (path, target) = ("/repos/acme/api/collaborators/anab", "/repositories/1267/collaborators/anab");
    for status in [307, 308] {
        replay.put(path).reply(moved(status));
        replay
            .put(target)
            .header("authorization", format!("Bearer {TOKEN}"))
            .json(json!({ "permission": "admin" }))
            .reply(Reply::status(204));
        repo.add_collaborator("anab", &RepositoryRole::Admin).await.unwrap();
        replay.delete(path).reply(moved(status));
        replay.delete(target).reply(Reply::status(204));
        repo.remove_collaborator("anab").await.unwrap();
    }
    for status in [301, 302, 303] {
        replay.put(path).reply(moved(status));
        let error = repo.add_collaborator("anab", &RepositoryRole::Admin).await.unwrap_err();
        assert_eq!(code(&error), "GitHub:REDIRECTED");
        assert!(error.message().contains("`/repositories/1267/collaborators/anab`"), "{error}");
    }
    replay.put(path).reply(Reply::status(307).header("location", "https://evil.example/repositories/1267"));
    let error = repo.add_collaborator("anab", &RepositoryRole::Admin).await.unwrap_err();
    assert!(error.message().contains("`evil.example`"), "{error}");
    replay.check().unwrap();
}

#[tokio::test]
async fn errors_do_not_contain_the_token() {
    let fake = FakeGitHub::start().await;
    let github = fake.builder().token("ghp_S3CRETwrong").build().unwrap();
    let error = github.list_repos().await.unwrap_err();
    assert_eq!(code(&error), "GitHub:AUTH_FAILED");
    assert!(error.hint().unwrap().contains("token"));
    assert!(!format!("{github:#?} {:#?}", fake.builder()).contains("S3CRET"));
    assert!(GitHub::builder(ORG).build().is_err());
    for organization in ["", "acme/api", "https://github.com/acme", "acme corp"] {
        let error = GitHub::builder(organization).token("ghp_token").build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{organization}");
    }
}

/// Names cannot change the path.
#[tokio::test]
async fn names_are_encoded() {
    let replay = Replay::new();
    let github = github(&replay);
    replay.get("/repos/acme/../../user").reply(Reply::json(Value::Null).with_status(404));
    assert!(github.get_repo("../../user").await.is_err());
    for name in ["", ".", ".."] {
        let error = github.get_repo(name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    replay.check().unwrap();
}
