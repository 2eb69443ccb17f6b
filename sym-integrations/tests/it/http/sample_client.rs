//! A client of a service that lists the members of groups as Okta does, made of nothing but what the core gives.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use sym_integrations::http::{
    Auth, BaseUrl, Client, Connection, Failure, Paginator, RateLimit, Response, SecretString, Service,
};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::{ErrorKind, Result, codes};
use wiremock::matchers::{header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::support::{clock, hurry};

struct Rules;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fault {
    error_code: String,
    error_summary: String,
}

impl Service for Rules {
    fn name(&self) -> &'static str {
        "okta"
    }

    fn error_type(&self) -> &'static str {
        "Okta"
    }

    fn request_id_headers(&self) -> &'static [&'static str] {
        &["x-okta-request-id"]
    }

    fn classify(&self, response: &Response) -> Result<(), Failure> {
        if response.is_success() {
            return Ok(());
        }
        let failure = Failure::of(response).with_retry_after(response.retry_delay_until("x-rate-limit-reset"));
        match serde_json::from_slice::<Fault>(response.body()) {
            Ok(fault) if fault.error_code == "E0000011" => {
                Err(failure.with_message(fault.error_summary).with_hint("make a new API token"))
            }
            Ok(fault) => Err(failure.with_message(fault.error_summary)),
            Err(_) => Err(failure),
        }
    }
}

#[derive(Debug, Deserialize, PartialEq)]
struct Member {
    id: String,
    profile: Profile,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Profile {
    email: String,
}

struct Groups(Client);

impl Groups {
    fn new(base: BaseUrl, token: SecretString, connection: Connection) -> Result<Self> {
        let client = Client::builder(Rules, base)
            .auth(Auth::token("SSWS ", token))
            .rate_limit("", RateLimit::per_minute(500))
            .connection(connection)
            .build()?;
        Ok(Self(client))
    }

    fn members(&self, group: &str) -> Paginator<Member> {
        self.0
            .get("groups/{group}/users", &[group])
            .query("limit", 200)
            .not_found(codes::OKTA_GROUP_NOT_FOUND, format!("there is no group `{group}`"))
            .pages::<Vec<Member>>()
    }

    async fn add(&self, group: &str, user: &str) -> Result<()> {
        self.0.put("groups/{group}/users/{user}", &[group, user]).await.map(drop)
    }

    /// One who is no member need not be removed.
    async fn remove(&self, group: &str, user: &str) -> Result<()> {
        self.0.delete("groups/{group}/users/{user}", &[group, user]).accept(404).await.map(drop)
    }
}

fn member(id: &str) -> serde_json::Value {
    json!({ "id": id, "status": "ACTIVE", "profile": { "email": format!("{id}@example.com"), "login": null }, "_links": {} })
}

fn ids(members: &[Member]) -> Vec<&str> {
    members.iter().map(|member| member.id.as_str()).collect()
}

#[tokio::test]
async fn lists_two_pages_after_throttling() {
    let server = MockServer::start().await;
    let users = "/api/v1/groups/00g1/users";
    let next = format!("<{}{users}?after=00u2&limit=200>; rel=\"next\"", server.uri());
    let own = format!("<{}{users}?limit=200>; rel=\"self\"", server.uri());
    Mock::given(path(users))
        .and(query_param("limit", "200"))
        .and(query_param_is_missing("after"))
        .and(header("authorization", "SSWS 00token"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json([member("00u1"), member("00u2")])
                .append_header("link", own.as_str())
                .append_header("link", next.as_str()),
        )
        .expect(1)
        .mount(&server)
        .await;
    let second =
        || Mock::given(path(users)).and(query_param("after", "00u2")).and(header("authorization", "SSWS 00token"));
    second()
        .respond_with(
            ResponseTemplate::new(429)
                .set_body_json(json!({ "errorCode": "E0000047", "errorSummary": "too many" }))
                .insert_header("date", "Thu, 29 Feb 2024 12:00:00 GMT")
                .insert_header("x-rate-limit-reset", "1709208003"),
        )
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    second()
        .respond_with(ResponseTemplate::new(200).set_body_json([member("00u3")]).append_header("link", own.as_str()))
        .expect(1)
        .mount(&server)
        .await;

    let clock = clock();
    let base = BaseUrl::parse(&format!("{}/api/v1", server.uri())).unwrap();
    let groups =
        Groups::new(base, "00token".into(), Connection::default().with_clock(Arc::clone(&clock) as _)).unwrap();
    let members = hurry(&clock, groups.members("00g1")).await.unwrap();
    assert_eq!(ids(&members), ["00u1", "00u2", "00u3"]);
}

#[tokio::test]
async fn errors_quote_the_services_message() {
    let server = MockServer::start().await;
    let body = json!({ "errorCode": "E0000007", "errorSummary": "Not found: Resource not found: 00g9 (UserGroup)", "errorCauses": {} });
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(404).set_body_json(body).insert_header("x-okta-request-id", "Zab1"))
        .mount(&server)
        .await;
    let body = json!({ "errorCode": "E0000011", "errorSummary": "Invalid token provided" });
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(401).set_body_json(body)).mount(&server).await;
    Mock::given(method("DELETE")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let groups = Groups::new(BaseUrl::parse(&server.uri()).unwrap(), "00token".into(), Connection::default()).unwrap();

    let error = groups.members("00g9").await.unwrap_err();
    let expected = "GET groups/{group}/users: there is no group `00g9` (Okta:GROUP_NOT_FOUND, service okta, status 404, request Zab1)";
    assert_eq!(error.to_string(), expected);
    let error = groups.add("00g1", "00u1").await.unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Unauthorized, Some("make a new API token")));
    assert_eq!(error.message(), "PUT groups/{group}/users/{user}: Invalid token provided");
    groups.remove("00g1", "00u1").await.unwrap();
}

#[tokio::test]
async fn the_same_client_runs_on_canned_responses() {
    let replay = Replay::new();
    replay.put("/api/v1/groups/00g1/users/00u1").without_body().reply(Reply::status(204));
    replay.get("/api/v1/groups/00g1/users").query("limit", 200).reply(Reply::json([member("00u1")]));
    let base = BaseUrl::of_host("example.okta.com", "api/v1").unwrap();
    let groups = Groups::new(base, "00token".into(), replay.connection()).unwrap();
    groups.add("00g1", "00u1").await.unwrap();
    let members = groups.members("00g1").await.unwrap();
    assert_eq!(members[0].profile.email, "00u1@example.com");
    replay.check().unwrap();
}
