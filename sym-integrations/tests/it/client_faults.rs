//! The faults of HTTP that every client meets: all clients go through all of them, and report them by their own codes.
//!
//! A client takes part with a [`Client`]: a call that reads one object, and a list. What the core of the clients promises is asserted
//! here; the expected table shows where a service's protocol makes a difference. What a service itself answers is in the tests of its client.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::pin::Pin;

use expect_test::expect;
use serde_json::{Value, json};
use sym_integrations::aptible::{Aptible, AptibleStrategy};
use sym_integrations::aws_iam::AwsIam;
use sym_integrations::aws_lambda::AwsLambda;
use sym_integrations::aws_sso::AwsSso;
use sym_integrations::boundary::Boundary;
use sym_integrations::github::GitHub;
use sym_integrations::google::Google;
use sym_integrations::http::{Auth, SecretString};
use sym_integrations::jira::Jira;
use sym_integrations::kit::integrations;
use sym_integrations::knowbe4::{KnowBe4, Region};
use sym_integrations::okta::Okta;
use sym_integrations::onelogin::OneLogin;
use sym_integrations::pagerduty::PagerDuty;
use sym_integrations::slack::Slack;
use sym_integrations::tailscale::Tailscale;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::Result;
use sym_sdk::model::AccessTarget;
use sym_sdk::strategy::AccessStrategy;

use crate::aws::support::context;
use crate::aws_lambda::{FUNCTION, path_of};
use crate::vendor_support::code;

/// A call, to be awaited, with what it has read.
type Call = Pin<Box<dyn Future<Output = Result<String>>>>;

/// A client, and how it reads one object.
struct Client {
    /// The type of the integration.
    kind: &'static str,
    method: &'static str,
    path: String,
    /// A response with the object, and `§` in place of a text of it.
    object: &'static str,
    read: fn(&Replay) -> Call,
    list: Option<List>,
}

/// A list that a client reads page by page.
struct List {
    method: &'static str,
    path: &'static str,
    /// A page that names itself as the next one.
    page: Reply,
    read: fn(&Replay) -> Call,
}

/// A response that is none. `None` where the client's protocol has nothing like it.
struct Fault {
    name: &'static str,
    reply: fn(&Client) -> Option<Reply>,
    /// Whether the call succeeds all the same.
    is_readable: bool,
}

const FAULTS: &[Fault] = &[
    Fault { name: "unreachable", reply: |_| Some(Reply::unreachable()), is_readable: false },
    Fault { name: "connection reset", reply: |_| Some(Reply::connection_lost()), is_readable: false },
    Fault { name: "silence", reply: |_| Some(Reply::timed_out()), is_readable: false },
    Fault {
        name: "redirect to another host",
        reply: |_| Some(Reply::status(302).header("location", "https://evil.example.com/")),
        is_readable: false,
    },
    Fault {
        name: "too many requests",
        reply: |_| Some(Reply::status(429).header("retry-after", "3600")),
        is_readable: false,
    },
    Fault { name: "status 500", reply: |_| Some(Reply::status(500)), is_readable: false },
    Fault {
        name: "huge body",
        reply: |client| Some(client.with(&format!("\"{}\"", "x".repeat(17 << 20)))),
        is_readable: false,
    },
    Fault { name: "truncated body", reply: |client| Some(client.truncated()), is_readable: false },
    Fault {
        name: "HTML",
        reply: |_| Some(Reply::text("<html><body>Sign in</body></html>").header("content-type", "text/html")),
        is_readable: false,
    },
    Fault { name: "empty body", reply: |_| Some(Reply::status(200)), is_readable: false },
    Fault { name: "null", reply: |_| Some(Reply::text("null")), is_readable: false },
    Fault { name: "null in place of a text", reply: |client| client.is_json().then(|| client.with("null")), is_readable: true },
    Fault {
        name: "lone surrogate",
        reply: |client| client.is_json().then(|| client.with(r#""cut \ud83d""#)),
        is_readable: true,
    },
];

impl Client {
    fn new(
        kind: &'static str,
        method: &'static str,
        path: impl Into<String>,
        object: &'static str,
        read: fn(&Replay) -> Call,
    ) -> Self {
        Self { kind, method, path: path.into(), object, read, list: None }
    }

    fn list(self, method: &'static str, path: &'static str, page: Reply, read: fn(&Replay) -> Call) -> Self {
        Self { list: Some(List { method, path, page, read }), ..self }
    }

    fn is_json(&self) -> bool {
        self.object.starts_with('{')
    }

    /// The object, with this text.
    fn with(&self, text: &str) -> Reply {
        Reply::text(self.object.replace('§', text))
    }

    fn truncated(&self) -> Reply {
        let (start, _) = self.object.split_once('§').unwrap();
        Reply::text(format!("{start}\"cut"))
    }

    /// Awaits a call that gets this response, as often as it is repeated.
    async fn outcome(method: &'static str, path: &str, reply: Reply, read: fn(&Replay) -> Call) -> Result<String> {
        let replay = Replay::new();
        let call = read(&replay);
        replay.on(method, path).always().reply(reply);
        let outcome = call.await;
        replay.check().unwrap();
        outcome
    }
}

/// Reads something of a client that is built here, and returns it as a text.
macro_rules! read {
    ($client:expr, |$name:ident| $call:expr) => {
        |replay| {
            let $name = $client(replay);
            Box::pin(async move { $call.await.map(|read| format!("{read:?}")) })
        }
    };
}

const SECRET: &str = "t0ken-S3CRET";

fn bearer() -> Auth {
    Auth::bearer(SecretString::from(SECRET))
}

fn aptible(replay: &Replay) -> AptibleStrategy {
    AptibleStrategy::new(Aptible::builder("org-1").auth(bearer()).connection(replay.connection()).build().unwrap())
}

fn aptible_role() -> AccessTarget {
    AccessTarget::new("acme", "aptible_role", "x".parse().unwrap()).with_setting("role_id", "r1")
}

fn aws_iam(replay: &Replay) -> AwsIam {
    AwsIam::builder(&context(replay), "123456789012").unwrap().build().unwrap()
}

fn aws_lambda(replay: &Replay) -> AwsLambda {
    AwsLambda::new(context(replay))
}

fn aws_sso(replay: &Replay) -> AwsSso {
    let instance = "arn:aws:sso:::instance/ssoins-7223aaaa";
    let instances = json!({ "Instances": [{ "InstanceArn": instance, "IdentityStoreId": "d-9067aaaa" }] });
    replay.post("/").header("x-amz-target", "SWBExternalService.ListInstances").reply(Reply::json(instances));
    AwsSso::builder(&context(replay), instance).build().unwrap()
}

pub(crate) fn boundary(replay: &Replay) -> Boundary {
    Boundary::builder("https://boundary.example.com").auth(bearer()).connection(replay.connection()).build().unwrap()
}

fn github(replay: &Replay) -> GitHub {
    GitHub::builder("acme").token(SECRET).connection(replay.connection()).build().unwrap()
}

pub(crate) fn google(replay: &Replay) -> Google {
    Google::builder("example.com").auth(bearer()).connection(replay.connection()).build().unwrap()
}

pub(crate) fn jira(replay: &Replay) -> Jira {
    let builder = Jira::builder("acme.atlassian.net").email("sym@example.com").token(SECRET);
    builder.connection(replay.connection()).build().unwrap()
}

fn knowbe4(replay: &Replay) -> KnowBe4 {
    let builder = KnowBe4::builder("example.com", Region::Eu).unwrap().token(SECRET);
    builder.connection(replay.connection()).build().unwrap()
}

fn okta(replay: &Replay) -> Okta {
    Okta::builder("example.okta.com").token(SECRET).connection(replay.connection()).build().unwrap()
}

pub(crate) fn onelogin(replay: &Replay) -> OneLogin {
    OneLogin::builder("example.onelogin.com").auth(bearer()).connection(replay.connection()).build().unwrap()
}

fn pagerduty(replay: &Replay) -> PagerDuty {
    PagerDuty::builder("example").token(SECRET).connection(replay.connection()).build().unwrap()
}

fn slack(replay: &Replay) -> Slack {
    Slack::builder("T012AB3CD").token(SECRET).connection(replay.connection()).build().unwrap()
}

fn tailscale(replay: &Replay) -> Tailscale {
    Tailscale::builder("example.com").api_key(SECRET).connection(replay.connection()).build().unwrap()
}

fn clients() -> Vec<Client> {
    let next = |url: &str| format!("<{url}>; rel=\"next\"");
    vec![
        Client::new("aptible", "GET", "/roles/r1", r#"{"id":"r1","name":§}"#, |replay| {
            let strategy = aptible(replay);
            Box::pin(async move { strategy.check(&aptible_role()).await.map(|()| "cut \u{fffd}".to_owned()) })
        })
        .list(
            "GET",
            "/roles/r1/memberships",
            Reply::json(json!({
                "_embedded": { "memberships": [] },
                "_links": { "next": { "href": "https://auth.aptible.com/roles/r1/memberships" } },
            })),
            |replay| {
                let strategy = aptible(replay);
                Box::pin(async move { strategy.list_current(&aptible_role()).await.map(|ids| format!("{ids:?}")) })
            },
        ),
        Client::new(
            "aws_iam",
            "POST",
            "/",
            "<GetGroupResponse><GetGroupResult><Group><GroupName>§</GroupName></Group></GetGroupResult></GetGroupResponse>",
            read!(aws_iam, |iam| iam.get_group("Admins")),
        )
        .list(
            "POST",
            "/",
            Reply::text(
                "<ListGroupsResponse><ListGroupsResult><Groups/><IsTruncated>true</IsTruncated><Marker>m</Marker>\
                 </ListGroupsResult></ListGroupsResponse>",
            ),
            read!(aws_iam, |iam| iam.list_groups()),
        ),
        Client::new("aws_lambda", "POST", path_of(FUNCTION), r#"{"text":§}"#, |replay| {
            let lambda = aws_lambda(replay);
            Box::pin(async move { lambda.invoke(FUNCTION, &json!({})).await.map(|value: Value| value.to_string()) })
        }),
        Client::new(
            "aws_sso",
            "POST",
            "/",
            r#"{"GroupId":"9067aaaa-admins","DisplayName":§}"#,
            read!(aws_sso, |sso| sso.get_group("9067aaaa-admins")),
        )
        .list(
            "POST",
            "/",
            Reply::json(json!({ "Groups": [], "NextToken": "again" })),
            read!(aws_sso, |sso| sso.list_groups()),
        ),
        Client::new(
            "boundary",
            "GET",
            "/v1/groups/g_1",
            r#"{"id":"g_1","version":1,"name":§}"#,
            read!(boundary, |boundary| boundary.get_group("g_1")),
        )
        .list(
            "GET",
            "/v1/groups",
            Reply::json(json!({ "items": [{ "id": "g_1" }], "response_type": "delta", "list_token": "t1" })),
            read!(boundary, |boundary| boundary.list_groups()),
        ),
        Client::new(
            "github",
            "GET",
            "/repos/acme/api",
            r#"{"id":1,"name":"api","full_name":"acme/api","description":§}"#,
            read!(github, |github| github.get_repo("api")),
        )
        .list(
            "GET",
            "/orgs/acme/repos",
            Reply::json(json!([])).header("link", &next("https://api.github.com/orgs/acme/repos?per_page=100")),
            read!(github, |github| github.list_repos()),
        ),
        Client::new(
            "google",
            "GET",
            "/admin/directory/v1/groups/admins@example.com",
            r#"{"id":"01g","email":"admins@example.com","name":§}"#,
            read!(google, |google| google.get_group("admins@example.com")),
        )
        .list(
            "GET",
            "/admin/directory/v1/groups",
            Reply::json(json!({ "groups": [], "nextPageToken": "again" })),
            read!(google, |google| google.list_groups(None)),
        ),
        Client::new(
            "jira",
            "GET",
            "/rest/api/3/issue/OPS-1",
            r#"{"id":"1","key":"OPS-1","fields":{"summary":§}}"#,
            read!(jira, |jira| jira.get_issue("OPS-1")),
        )
        .list(
            "POST",
            "/rest/api/3/search/jql",
            Reply::json(json!({ "issues": [], "nextPageToken": "again" })),
            read!(jira, |jira| jira.search_issues("project = OPS").into_future()),
        ),
        Client::new(
            "knowbe4",
            "GET",
            "/v1/users/7",
            r#"{"id":7,"email":"ana@example.com","status":"active","first_name":§}"#,
            read!(knowbe4, |knowbe4| knowbe4.get_user("7")),
        )
        .list(
            "GET",
            "/v1/users",
            Reply::json(json!([{ "id": 7, "email": "ana@example.com", "status": "active" }])),
            read!(knowbe4, |knowbe4| knowbe4.list_users()),
        ),
        Client::new(
            "okta",
            "GET",
            "/api/v1/groups/00g1",
            r#"{"id":"00g1","type":"OKTA_GROUP","profile":{"name":§}}"#,
            read!(okta, |okta| okta.get_group("00g1")),
        )
        .list(
            "GET",
            "/api/v1/groups",
            Reply::json(json!([])).header("link", &next("https://example.okta.com/api/v1/groups?after=1")),
            read!(okta, |okta| okta.list_groups()),
        ),
        Client::new(
            "onelogin",
            "GET",
            "/api/2/roles/70",
            r#"{"id":70,"name":§}"#,
            read!(onelogin, |onelogin| onelogin.get_role(70)),
        )
        .list(
            "GET",
            "/api/2/roles",
            Reply::json(json!([])).header("after-cursor", "again"),
            read!(onelogin, |onelogin| onelogin.list_roles()),
        ),
        Client::new(
            "pagerduty",
            "GET",
            "/services",
            r#"{"services":[{"id":"S1","name":§}],"more":false,"offset":0,"limit":100}"#,
            read!(pagerduty, |pagerduty| pagerduty.services()),
        )
        .list(
            "GET",
            "/services",
            Reply::json(json!({ "services": [{ "id": "S1", "name": "one" }], "more": true, "offset": 0, "limit": 100 })),
            read!(pagerduty, |pagerduty| pagerduty.services()),
        ),
        Client::new(
            "slack",
            "POST",
            "/api/users.info",
            r#"{"ok":true,"user":{"id":"U1","name":"ana","real_name":§}}"#,
            |replay| {
                let slack = slack(replay);
                Box::pin(async move { slack.api().user_info("U1").await.map(|user| format!("{user:?}")) })
            },
        )
        .list(
            "POST",
            "/api/users.list",
            Reply::json(json!({ "ok": true, "members": [], "response_metadata": { "next_cursor": "again" } })),
            |replay| {
                let slack = slack(replay);
                Box::pin(async move { slack.api().list_users(200).await.map(|users| format!("{users:?}")) })
            },
        ),
        Client::new(
            "tailscale",
            "GET",
            "/api/v2/tailnet/example.com/users",
            r#"{"users":[{"id":"u1","loginName":"ana@example.com","type":"member","status":"active","displayName":§}]}"#,
            read!(tailscale, |tailscale| tailscale.list_users()),
        ),
    ]
}

/// Returns what came of a call, without the type of errors that the codes of a client begin with.
fn shown(outcome: &Result<String>) -> (String, String) {
    match outcome {
        Ok(_) => (String::new(), "read".to_owned()),
        Err(error) => {
            let code = code(error);
            let (error_type, name) = code.split_once(':').unwrap();
            (error_type.to_owned(), name.to_owned())
        }
    }
}

/// To mend it, add a client above.
#[test]
fn every_client_takes_part() {
    let known: BTreeSet<&str> = clients().iter().map(|client| client.kind).collect();
    // Aptible has a strategy alone, and the protocol of PostgreSQL is not HTTP.
    let described = integrations().into_iter().filter(|info| info.client().is_some() || info.kind() == "aptible");
    let described: BTreeSet<&str> = described.map(|info| info.kind()).filter(|kind| *kind != "postgres").collect();
    assert_eq!(known, described);
}

/// Prints the table: `cargo test -p sym-integrations --all-features --test it client_faults -- --nocapture`.
#[tokio::test]
async fn clients_report_faults_by_their_own_codes() {
    let (mut table, mut types) = (String::new(), BTreeMap::<&str, BTreeSet<String>>::new());
    let mut row = |fault: &str, cells: Vec<(&'static str, Result<String>)>| {
        let mut clients = BTreeMap::<String, Vec<&str>>::new();
        for (kind, outcome) in &cells {
            let (error_type, shown) = shown(outcome);
            if !error_type.is_empty() {
                types.entry(kind).or_default().insert(error_type);
            }
            clients.entry(shown).or_default().push(kind);
        }
        for (outcome, clients) in clients {
            writeln!(table, "{fault:<24}  {outcome:<16}  {}", clients.join(" ")).unwrap();
        }
    };
    for fault in FAULTS {
        let mut cells = Vec::new();
        for client in clients() {
            let Some(reply) = (fault.reply)(&client) else { continue };
            let outcome = Client::outcome(client.method, &client.path, reply, client.read).await;
            // A function may return nothing.
            let returns_nothing = client.kind == "aws_lambda" && ["empty body", "null"].contains(&fault.name);
            let is_readable = fault.is_readable || returns_nothing;
            assert_eq!(outcome.is_ok(), is_readable, "{}: {}: {outcome:?}", client.kind, fault.name);
            if let (Ok(read), "lone surrogate") = (&outcome, fault.name) {
                assert!(read.contains('\u{fffd}'), "{}: {}: {read}", client.kind, fault.name);
            }
            cells.push((client.kind, outcome));
        }
        row(fault.name, cells);
    }
    let mut cells = Vec::new();
    for client in clients() {
        let Some(list) = client.list else { continue };
        let outcome = Client::outcome(list.method, list.path, list.page, list.read).await;
        assert!(outcome.is_err(), "{}: {outcome:?}", client.kind);
        cells.push((client.kind, outcome));
    }
    row("list without an end", cells);
    println!("{table}");
    for (kind, types) in types {
        assert_eq!(types.len(), 1, "{kind}: the codes of one client have one type: {types:?}");
    }
    expect![[r#"
        unreachable               UNREACHABLE       aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        connection reset          CONNECTION_LOST   aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        silence                   TIMED_OUT         aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        redirect to another host  REDIRECTED        aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        too many requests         RATE_LIMITED      aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        status 500                UNAVAILABLE       aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin slack tailscale
        status 500                UNKNOWN           pagerduty
        huge body                 TOO_LARGE         aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        truncated body            INVALID_RESPONSE  aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        HTML                      INVALID_RESPONSE  aptible aws_iam aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        empty body                INVALID_RESPONSE  aptible aws_iam aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        empty body                read              aws_lambda
        null                      INVALID_RESPONSE  aptible aws_iam aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        null                      read              aws_lambda
        null in place of a text   read              aptible aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        lone surrogate            read              aptible aws_lambda aws_sso boundary github google jira knowbe4 okta onelogin pagerduty slack tailscale
        list without an end       BAD_PAGING        aptible aws_iam aws_sso boundary github google jira okta onelogin pagerduty slack
        list without an end       INVALID_RESPONSE  knowbe4
    "#]].assert_eq(&table);
}
