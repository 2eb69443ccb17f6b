//! Trusts in jobs of CI services, and the exchange of their tokens. The signature is for another crate to verify: here, a token is its
//! claims, and its issuer has signed it if it says so.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use sym_sdk::BoxFuture;
use sym_sdk::api::ApiLimits;
use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::runtime::WorkloadTokenVerifier;
use sym_sdk::server::Rate;
use sym_sdk::server::axum::http::Method;

use super::client::{Answer, Call};
use super::{HOUR, TestApi, account_record};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// The time at which the tests begin: 2024-02-29T12:00:00Z.
const START: i64 = 1_709_208_000;

#[derive(Debug)]
struct SignedIfItSaysSo;

impl SignedIfItSaysSo {
    fn read(token: &SecretString) -> Result<Map<String, Value>> {
        let claims = token.expose_secret().strip_suffix(".signed").or(token.expose_secret().strip_suffix(".forged"));
        let claims = claims.and_then(|claims| serde_json::from_str(claims).ok());
        claims.ok_or_else(|| Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_INVALID_JWT, "no token"))
    }
}

impl WorkloadTokenVerifier for SignedIfItSaysSo {
    fn unverified_claims(&self, token: &SecretString) -> Result<Map<String, Value>> {
        Self::read(token)
    }

    fn verify<'a>(&'a self, _: &'a str, token: &'a SecretString) -> BoxFuture<'a, Result<Map<String, Value>>> {
        let forged =
            || Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_INVALID_JWT, "the signature is forged");
        let is_signed = token.expose_secret().ends_with(".signed");
        let claims = Self::read(token).and_then(|claims| if is_signed { Ok(claims) } else { Err(forged()) });
        Box::pin(std::future::ready(claims))
    }
}

/// The claims of a job of GitHub Actions.
fn job() -> Value {
    json!({
        "iss": GITHUB, "aud": "https://sym.example.com", "jti": uuid::Uuid::new_v4().to_string(),
        "iat": START, "nbf": START - 300, "exp": START + 300,
        "repository": "Acme/website", "repository_id": "74791", "repository_owner_id": "1342004",
        "environment": "production", "event_name": "push", "ref": "refs/heads/main", "run_id": "42",
    })
}

/// Returns the token of a job whose claims are changed; those that become `null` are left out.
fn token(changes: Value) -> String {
    let mut claims = job();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    format!("{claims}.signed")
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn form(token: &str) -> String {
    format!(
        "grant_type={}&subject_token_type={}&subject_token={}",
        encode("urn:ietf:params:oauth:grant-type:token-exchange"),
        encode("urn:ietf:params:oauth:token-type:jwt"),
        encode(token)
    )
}

impl TestApi {
    async fn exchanging() -> Self {
        Self::with(ApiLimits::default(), |builder| {
            builder.runtime(|builder| builder.workload_verifier(SignedIfItSaysSo))
        })
        .await
    }

    async fn bot(&self, name: &str) -> String {
        let bots = self.harness.runtime().directory().bots().await.unwrap();
        bots.iter().find(|bot| bot.username() == name).unwrap().id().to_string()
    }

    /// Trusts the jobs of a repository in its environment `production` for the bot `deployer`.
    async fn trust(&self) -> String {
        let path = format!("/bots/{}/trusts", self.bot("deployer").await);
        let added = self.post(&self.ops, &path, trust(json!({}))).await;
        assert_eq!(added.status, 201, "{}", added.text);
        added.json()["id"].as_str().unwrap().to_owned()
    }

    async fn send_form(&self, form: &str) -> Answer {
        let call = Call::new(Method::POST, "/tokens/exchange").body(form.as_bytes().to_vec());
        call.header("content-type", "application/x-www-form-urlencoded").send(&self.routes).await
    }

    async fn exchange(&self, token: &str) -> Answer {
        self.send_form(&form(token)).await
    }
}

impl Answer {
    /// Returns the status and the code of a refused exchange, whose shape it checks: that of OAuth.
    fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let name = if self.status == 429 { "temporarily_unavailable" } else { "invalid_request" };
        assert_eq!(body["error"], name, "{}", self.text);
        let description = body["error_description"].as_str().unwrap();
        assert!(
            description.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte)),
            "{description}"
        );
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(body["status_code"], self.status.as_u16(), "{}", self.text);
        (self.status.as_u16(), body["code"].as_str().unwrap().to_owned())
    }
}

fn trust(changes: Value) -> Value {
    let mut trust = json!({
        "provider": "github_actions", "audience": "https://sym.example.com",
        "claims": { "repository_owner_id": "1342004", "repository_id": "74791", "environment": "production" },
    });
    for (name, value) in changes.as_object().unwrap() {
        trust[name] = value.clone();
    }
    trust
}

#[tokio::test]
async fn a_job_gets_a_token_of_the_bot_that_trusts_it() {
    let mut api = TestApi::exchanging().await;
    let trust = api.trust().await;
    let answer = api.exchange(&token(json!({}))).await;
    let exchanged = answer.ok();
    assert_eq!(
        (&exchanged["token_type"], &exchanged["expires_in"], &exchanged["issued_token_type"]),
        (&json!("Bearer"), &json!(900), &json!("urn:ietf:params:oauth:token-type:access_token"))
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let secret = exchanged["access_token"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("symbot_"));
    assert_eq!(api.get(&secret, "/me").await.ok()["user"]["username"], "deployer");
    let tokens = api.get(&api.ops, &format!("/bots/{}/tokens", api.bot("deployer").await)).await.ok();
    let labels: Vec<_> = tokens["tokens"].as_array().unwrap().iter().map(|token| &token["label"]).collect();
    assert!(labels.contains(&&json!("GitHub Actions Acme/website 42")), "{labels:?}");

    // The trust is shown, and ends.
    let path = format!("/bots/{}/trusts", api.bot("deployer").await);
    let listed = api.get(&api.ops, &path).await.ok();
    assert_eq!((&listed["trusts"][0]["id"], &listed["trusts"][0]["issuer"]), (&json!(trust), &json!(GITHUB)));
    Call::new(Method::DELETE, &format!("/trusts/{trust}")).token(&api.ops).send(&api.routes).await.ok();
    let again = Call::new(Method::DELETE, &format!("/trusts/{trust}")).token(&api.ops).send(&api.routes).await;
    assert_eq!(again.problem(), (404, "SymSDK:UNKNOWN_TRUST".to_owned()));
    assert_eq!(api.get(&api.ops, &path).await.ok()["trusts"], json!([]));
    let refused = api.exchange(&token(json!({}))).await;
    assert_eq!(refused.refusal(), (400, "Authentication:UNTRUSTED_WORKLOAD".to_owned()));
    api.harness.advance(Duration::from_secs(899)).await.unwrap();
    api.get(&secret, "/me").await.ok();
    api.harness.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(api.get(&secret, "/me").await.problem(), (401, "Authentication:TOKEN_EXPIRED".to_owned()));
}

/// QB06, QB07: once, whether or not the token has an id; and the answer says when it was used.
#[tokio::test]
async fn a_token_is_good_once() {
    let mut api = TestApi::exchanging().await;
    api.trust().await;
    for job in [token(json!({})), token(json!({ "jti": null }))] {
        let both = tokio::join!(api.exchange(&job), api.exchange(&job));
        let statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
        assert!(statuses == [200, 400] || statuses == [400, 200], "{statuses:?}");
        let used = api.exchange(&job).await;
        assert_eq!(used.refusal(), (400, "Authentication:TOKEN_ALREADY_USED".to_owned()));
        assert_eq!(used.json()["message"], "this token was used at 2024-02-29T12:00:00Z");
        assert!(used.json()["hint"].as_str().unwrap().contains("ask the CI service for a new one"));
    }
    // A token that is signed again under the same id is the same.
    let (first, second) = (token(json!({ "jti": "j1" })), token(json!({ "jti": "j1", "exp": START + 299 })));
    api.exchange(&first).await.ok();
    assert_eq!(api.exchange(&second).await.refusal().1, "Authentication:TOKEN_ALREADY_USED");
    // Once it has expired, that alone is told.
    api.harness.advance(HOUR).await.unwrap();
    assert_eq!(api.exchange(&first).await.refusal().1, "Authentication:TOKEN_EXPIRED");
}

/// QB05: each of these is wrong in one thing.
#[tokio::test]
async fn tokens_that_are_wrong_in_one_thing_are_refused() {
    let limits = {
        let mut limits = ApiLimits::default();
        limits.failed_authentications = Rate::per_second(1_000);
        limits
    };
    let change = |builder: sym_sdk::testing::HarnessBuilder| {
        builder.runtime(|builder| builder.workload_verifier(SignedIfItSaysSo))
    };
    let api = TestApi::with(limits, change).await;
    api.trust().await;
    let (invalid, untrusted) = ("Authentication:INVALID_JWT", "Authentication:UNTRUSTED_WORKLOAD");
    for (changes, code, part) in [
        (json!({ "iss": null }), invalid, "no issuer"),
        (json!({ "iss": 7 }), invalid, "no issuer"),
        (json!({ "iss": "https://evil.example" }), untrusted, "`https://evil.example`"),
        (json!({ "aud": null }), invalid, "no audience"),
        (json!({ "aud": "https://other.example" }), untrusted, "`https://other.example`"),
        (json!({ "aud": ["https://sym.example.com", "https://other.example"] }), invalid, "one audience"),
        (json!({ "exp": null }), invalid, "no expiry"),
        (json!({ "exp": "soon" }), invalid, "`exp`"),
        (json!({ "exp": START - 60 }), "Authentication:TOKEN_EXPIRED", "2024-02-29T11:59:00Z"),
        (json!({ "exp": START + 90_000 }), invalid, "longer than a day"),
        (json!({ "nbf": START + 61 }), invalid, "`nbf`"),
        (json!({ "nbf": true }), invalid, "`nbf`"),
        (json!({ "iat": START + 61 }), invalid, "`iat`"),
        (
            json!({ "environment": "staging" }),
            untrusted,
            "`environment` is `staging`, and the trust demands `production`",
        ),
        (json!({ "environment": null }), untrusted, "`environment` is absent, and the trust demands `production`"),
        (json!({ "repository_id": "74792" }), untrusted, "`repository_id` is `74792`, and the trust demands `74791`"),
        (json!({ "event_name": "pull_request_target" }), untrusted, "`event_name` is `pull_request_target`"),
        (json!({ "event_name": "issue_comment" }), untrusted, "`event_name` is `issue_comment`"),
        (json!({ "event_name": "discussion_comment" }), untrusted, "`event_name` is `discussion_comment`"),
        (json!({ "event_name": "workflow_run" }), untrusted, "`event_name` is `workflow_run`"),
    ] {
        let answer = api.exchange(&token(changes.clone())).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{changes}: {}", answer.text);
        assert!(answer.json()["message"].as_str().unwrap().contains(part), "{changes}: {}", answer.text);
    }
    let forged = token(json!({})).replace(".signed", ".forged");
    assert_eq!(api.exchange(&forged).await.refusal(), (400, invalid.to_owned()));
    assert_eq!(api.exchange("nonsense").await.refusal(), (400, invalid.to_owned()));
    // What is not wrong.
    for changes in [
        json!({ "aud": ["https://sym.example.com"] }),
        json!({ "iat": START + 3, "nbf": START + 3 }),
        json!({ "exp": START - 59 }),
        json!({ "nbf": null, "iat": null }),
        // Ids may be numbers, and names of environments have no case.
        json!({ "repository_id": 74791, "environment": "Production" }),
        // The repository was renamed.
        json!({ "repository": "acme/site" }),
    ] {
        api.exchange(&token(changes.clone())).await.ok();
    }
}

/// QB03: the comparison is exact, and says so where only the slash differs.
#[tokio::test]
async fn an_issuer_with_another_slash_is_told_apart_with_a_hint() {
    let api = TestApi::exchanging().await;
    api.trust().await;
    let answer = api.exchange(&token(json!({ "iss": format!("{GITHUB}/") }))).await;
    assert_eq!(answer.refusal(), (400, "Authentication:UNTRUSTED_WORKLOAD".to_owned()));
    assert!(answer.json()["hint"].as_str().unwrap().contains("only the slash at the end differs"), "{}", answer.text);
}

/// Everybody can get a token of a public service for our audience. What is trusted is not for them to know.
#[tokio::test]
async fn jobs_of_strangers_are_not_told_what_is_trusted() {
    let api = TestApi::exchanging().await;
    api.trust().await;
    // QB09: the same name, made again by somebody else.
    let changes = json!({ "repository_owner_id": "666", "repository_id": "1", "environment": "x" });
    let answer = api.exchange(&token(changes)).await;
    assert_eq!(answer.refusal(), (400, "Authentication:UNTRUSTED_WORKLOAD".to_owned()));
    let message = "the job is not trusted: `repository_owner_id` is `666`, which is not what the trust demands";
    assert_eq!(answer.json()["message"], message);
    assert!(!answer.text.contains("1342004") && !answer.text.contains("production"));
}

#[tokio::test]
async fn a_job_that_several_bots_trust_names_one() {
    let api = TestApi::exchanging().await;
    api.trust().await;
    let path = format!("/bots/{}/trusts", api.bot("ci").await);
    assert_eq!(api.post(&api.ops, &path, trust(json!({}))).await.status, 201);
    let job = token(json!({}));
    let ambiguous = api.exchange(&job).await;
    assert_eq!(ambiguous.refusal(), (400, "Authentication:UNTRUSTED_WORKLOAD".to_owned()));
    assert_eq!(ambiguous.json()["hint"], "name one of them as `bot`");
    assert_eq!(api.send_form(&format!("{}&bot=ops", form(&job))).await.refusal().0, 400);
    let exchanged = api.send_form(&format!("{}&bot=CI", form(&job))).await.ok();
    assert_eq!(exchanged["bot_id"], api.bot("ci").await);
}

#[tokio::test]
async fn a_bot_that_is_locked_or_deleted_gets_no_token() {
    let api = TestApi::exchanging().await;
    api.trust().await;
    let path = format!("/users/{}", api.bot("deployer").await);
    let lock = |is_locked: bool| {
        Call::new(Method::PATCH, &path).json(json!({ "is_locked": is_locked })).token(&api.ops).send(&api.routes)
    };
    lock(true).await.ok();
    let job = token(json!({}));
    assert_eq!(api.exchange(&job).await.refusal().1, "SymSDK:USER_LOCKED");
    lock(false).await.ok();
    api.exchange(&job).await.ok();
    Call::new(Method::DELETE, &path.replace("users", "bots")).token(&api.ops).send(&api.routes).await.ok();
    assert_eq!(api.exchange(&token(json!({}))).await.refusal().1, "Authentication:UNTRUSTED_WORKLOAD");
}

#[tokio::test]
async fn trusts_that_admit_too_much_are_refused() {
    let api = TestApi::exchanging().await;
    let path = format!("/bots/{}/trusts", api.bot("deployer").await);
    let github = |claims: Value| trust(json!({ "claims": claims }));
    let of = |provider: &str, claims: Value| trust(json!({ "provider": provider, "claims": claims }));
    for (body, part) in [
        (github(json!({ "repository": "acme/website", "environment": "production" })), "`repository_owner_id`"),
        (github(json!({ "repository_owner_id": "1", "environment": "production" })), "`repository_id`"),
        (
            github(json!({ "repository_owner_id": "1", "repository_id": "2" })),
            "`environment`, or `ref` with `event_name`",
        ),
        (github(json!({ "repository_owner_id": "1", "repository_id": "2", "ref": "refs/heads/main" })), "`event_name`"),
        (
            github(
                json!({ "repository_owner_id": "1", "repository_id": "2", "environment": "p", "event_name": "pull_request_target" }),
            ),
            "`pull_request_target` are not trusted",
        ),
        (
            github(json!({ "repository_owner_id": "1", "repository_id": "2", "environment": " " })),
            "claim `environment` is empty",
        ),
        (github(json!({ "repository_owner_id": "1", "repository_id": "2\u{200b}3", "environment": "p" })), "U+200B"),
        (github(json!({ "repository_owner_id": "1", "repository_id": "2", "environment": "p", "aud": "x" })), "`aud`"),
        (of("gitlab", json!({ "namespace_id": "1", "project_id": "2", "ref": "main" })), "`ref_type`"),
        (of("gitlab", json!({ "namespace_id": "1", "environment": "production" })), "`project_id`"),
        (of("buildkite", json!({ "organization_id": "o", "pipeline_id": "p" })), "`build_branch` or `build_tag`"),
        (trust(json!({ "issuer": "http://gitlab.example.com" })), "issuer must be an address"),
        (trust(json!({ "issuer": "https://login.example.com/{tenantid}/v2.0" })), "issuer must be an address"),
        (trust(json!({ "issuer": "https://user@gitlab.example.com" })), "issuer must be an address"),
        (trust(json!({ "audience": "" })), "audience is empty"),
    ] {
        let answer = api.post(&api.ops, &path, body.clone()).await;
        assert_eq!(answer.problem(), (400, "SymSDK:INVALID_TRUST".to_owned()), "{body}: {}", answer.text);
        assert!(answer.json()["message"].as_str().unwrap().contains(part), "{body}: {}", answer.text);
    }
    let other = trust(json!({ "provider": "jenkins" }));
    assert_eq!(api.post(&api.ops, &path, other).await.problem(), (400, "SymSDK:INVALID_JSON".to_owned()));
    assert_eq!(api.post(&api.deployer, &path, trust(json!({}))).await.problem().0, 403);
    for (provider, issuer, claims) in [
        (
            "gitlab",
            json!("https://gitlab.example.com"),
            json!({ "namespace_id": "1", "project_id": "2", "ref": "main", "ref_type": "branch" }),
        ),
        ("buildkite", Value::Null, json!({ "organization_id": "o", "pipeline_id": "p", "build_branch": "main" })),
    ] {
        let body = trust(json!({ "provider": provider, "issuer": issuer, "claims": claims }));
        let added = api.post(&api.ops, &path, body).await;
        assert_eq!(added.status, 201, "{}", added.text);
    }
}

#[tokio::test]
async fn jobs_of_gitlab_and_buildkite_are_trusted_by_their_claims() {
    let api = TestApi::exchanging().await;
    let path = format!("/bots/{}/trusts", api.bot("deployer").await);
    for (provider, claims) in [
        ("gitlab", json!({ "namespace_id": "1", "project_id": "2", "ref": "main", "ref_type": "branch" })),
        ("buildkite", json!({ "organization_id": "o", "pipeline_id": "p", "build_branch": "main" })),
    ] {
        let body = trust(json!({ "provider": provider, "claims": claims }));
        assert_eq!(api.post(&api.ops, &path, body).await.status, 201);
    }
    let job = |issuer: &str, claims: Value| {
        let mut job = json!({ "iss": issuer, "aud": "https://sym.example.com", "exp": START + 300 });
        for (name, value) in claims.as_object().unwrap() {
            job[name] = value.clone();
        }
        format!("{job}.signed")
    };
    let gitlab = |source: &str| {
        let claims = json!({ "namespace_id": "1", "project_id": "2", "ref": "main", "ref_type": "branch", "pipeline_source": source });
        job("https://gitlab.com", claims)
    };
    api.exchange(&gitlab("push")).await.ok();
    let of_fork = api.exchange(&gitlab("merge_request_event")).await;
    assert!(of_fork.json()["message"].as_str().unwrap().contains("`pipeline_source`"), "{}", of_fork.text);
    let buildkite = |branch: &str| {
        job(
            "https://agent.buildkite.com",
            json!({ "organization_id": "o", "pipeline_id": "p", "build_branch": branch }),
        )
    };
    api.exchange(&buildkite("main")).await.ok();
    let other = api.exchange(&buildkite("Main")).await;
    assert!(other.json()["message"].as_str().unwrap().contains("`build_branch` is `Main`"), "{}", other.text);
}

#[tokio::test]
async fn malformed_exchanges_are_refused() {
    let api = TestApi::exchanging().await;
    api.trust().await;
    let job = token(json!({}));
    let good = form(&job);
    let token_type = encode("urn:ietf:params:oauth:token-type:saml2");
    for (form, status, code) in [
        (format!("{good}&requested_token_type={token_type}"), 400, "SymSDK:INVALID_PARAMETER"),
        (format!("{good}&actor_token=x"), 400, "SymSDK:INVALID_PARAMETER"),
        ("grant_type=x".to_owned(), 400, "SymSDK:INVALID_PARAMETER"),
        (String::new(), 400, "SymSDK:INVALID_PARAMETER"),
        (format!("{good}{}", "x".repeat(200_000)), 413, "SymSDK:TOO_LARGE"),
        (self::form(&"x".repeat(20_000)), 400, "Authentication:INVALID_JWT"),
    ] {
        let answer = api.send_form(&form).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{}", answer.text);
        assert!(!answer.text.contains("repository"), "it repeats nothing of the token: {}", answer.text);
    }
    let other = api.send_form(&good.replacen("grant_type=", "grant_type=x", 1)).await;
    assert_eq!((other.status.as_u16(), &other.json()["error"]), (400, &json!("unsupported_grant_type")));
    // What a token says becomes part of the description, which is ASCII.
    let named = api.exchange(&token(json!({ "iss": "https://ø\"\\" }))).await;
    assert_eq!(named.refusal().1, "Authentication:UNTRUSTED_WORKLOAD");
    assert!(named.json()["error_description"].as_str().unwrap().contains("`https://?'/`"), "{}", named.text);
    let json = Call::post("/tokens/exchange", json!({ "subject_token": job })).send(&api.routes).await;
    assert_eq!(json.problem(), (415, "SymSDK:UNSUPPORTED_MEDIA_TYPE".to_owned()));
    assert_eq!(Call::get("/tokens/exchange").send(&api.routes).await.problem().0, 405);
    api.send_form(&good).await.ok();
}

/// A job that keeps failing is slowed down, and no other one with it.
#[tokio::test]
async fn bad_tokens_are_limited_and_good_ones_are_not() {
    let mut limits = ApiLimits::default();
    limits.failed_authentications = Rate::per_minute(2);
    let change = |builder: sym_sdk::testing::HarnessBuilder| {
        builder.runtime(|builder| builder.workload_verifier(SignedIfItSaysSo))
    };
    let api = TestApi::with(limits, change).await;
    api.trust().await;
    let bad = async || api.exchange(&token(json!({ "environment": "staging" }))).await.refusal();
    assert_eq!((bad().await.0, bad().await.0), (400, 400));
    assert_eq!(bad().await, (429, "SymSDK:TOO_MANY_CALLS".to_owned()));
    api.exchange(&token(json!({}))).await.ok();
}

#[tokio::test]
async fn a_program_without_a_verifier_says_so() {
    let api = TestApi::start().await;
    let answer = api.exchange(&token(json!({}))).await;
    assert_eq!(answer.problem(), (503, "Authentication:UNTRUSTED_WORKLOAD".to_owned()));
}

#[tokio::test]
async fn exchanges_are_on_record_and_refusals_say_which_claim_differs() {
    let api = TestApi::exchanging().await;
    api.trust().await;
    let job = token(json!({}));
    let secret = api.exchange(&job).await.ok()["access_token"].as_str().unwrap().to_owned();
    let subject = "repo:Acme/website:environment:staging";
    api.exchange(&token(json!({ "environment": "staging", "sub": subject }))).await;
    api.exchange(&token(json!({ "iss": "https://evil.example", "sub": subject }))).await;
    api.exchange("nonsense").await;
    let record = account_record(api.harness.runtime(), &[&secret, "nonsense", ".signed"]).await;
    // The trust comes first.
    assert_eq!(
        record[1..],
        [
            "deployer: got a token for the job “GitHub Actions Acme/website 42” of \
             https://token.actions.githubusercontent.com, until 2024-02-29T12:15:00Z",
            "repo:acme/website:environment:staging: got no token: the job is not trusted: `environment` is `staging`, \
             and the trust demands `production` (Authentication:UNTRUSTED_WORKLOAD)",
            "unknown: got no token: no bot trusts the issuer (`iss`) `https://evil.example` of the token \
             (Authentication:UNTRUSTED_WORKLOAD)",
            "unknown: got no token: no token (Authentication:INVALID_JWT)",
        ]
    );
}

/// Whoever may let a job have the rights of a bot does not do so unseen.
#[tokio::test]
async fn trusts_are_on_record_with_what_they_demand() {
    let api = TestApi::exchanging().await;
    let trust = api.trust().await;
    let delete = || Call::new(Method::DELETE, &format!("/trusts/{trust}"));
    // Nothing is recorded of what is refused: it changes nothing.
    let path = format!("/bots/{}/trusts", api.bot("deployer").await);
    assert_eq!(
        api.post(&api.ops, &path, json!({ "provider": "gitlab", "audience": "x", "claims": {} })).await.problem().0,
        400
    );
    assert_eq!(delete().token(&api.ci).send(&api.routes).await.problem().0, 403);
    delete().token(&api.ops).send(&api.routes).await.ok();
    assert_eq!(delete().token(&api.ops).send(&api.routes).await.problem().0, 404);
    let jobs =
        format!("jobs of {GITHUB} with environment=production, repository_id=74791, repository_owner_id=1342004");
    assert_eq!(
        account_record(api.harness.runtime(), &[]).await,
        [
            format!("ops: let {jobs} get tokens of deployer"),
            format!("ops: stopped {jobs} from getting tokens of deployer"),
        ]
    );
    let found = api.get(&api.ops, "/audit?kind=trust_added").await.ok();
    assert_eq!(found["entries"][0]["details"]["trust"]["id"], trust.as_str(), "{found}");
}

/// Whoever has authenticated nobody decides how often they try, and not how much is written.
#[tokio::test]
async fn a_flood_of_refused_exchanges_leaves_few_entries_that_count_the_rest() {
    let mut api = TestApi::exchanging().await;
    api.trust().await;
    for number in 0..500 {
        api.exchange(&token(json!({ "iss": "https://evil.example", "sub": format!("job {number}") }))).await;
    }
    let refused = |record: &[String]| record.iter().filter(|line| line.starts_with("unknown: got no token")).count();
    assert_eq!(refused(&account_record(api.harness.runtime(), &[]).await), 24);
    // The job of somebody else is recorded all the same, and the next entry counts what was left out.
    api.exchange(&token(json!({ "environment": "staging", "sub": "repo:Acme/website" }))).await;
    api.harness.advance(HOUR).await.unwrap();
    api.exchange("nonsense").await;
    let record = account_record(api.harness.runtime(), &[]).await;
    assert!(record[25].starts_with("repo:acme/website: got no token"), "{record:#?}");
    assert!(record[26].ends_with("(Authentication:INVALID_JWT), and 180 more before it"), "{}", record[26]);
}
