//! The kit, by a service with several endpoints and by a simulated one.

use std::time::Duration;

use serde_json::{Value, json};
use sym_integrations::http::{Auth, BaseUrl, Client, SecretString};
use sym_integrations::kit::{
    Credentials, Endpoint, ServiceClient, SimulatedReply, SimulatedService, Vendor, VendorBuilder, VendorClient, resource_named_by,
    target_flag,
};
use sym_integrations::testing::Replay;
use sym_sdk::error::{ErrorKind, Result, codes};
use sym_sdk::model::AccessTarget;
use wiremock::{Mock, MockServer, ResponseTemplate};

const DEPOT: Vendor = Vendor::new("depot", "Depot").headers(&[("x-depot-version", "2")]);

/// A service whose files are beside its API and public, and whose administration takes a token of its own.
#[derive(Clone, Debug)]
struct Depot(ServiceClient);

impl VendorClient for Depot {
    const VENDOR: Vendor = DEPOT;

    fn base_url(account: &str) -> Result<BaseUrl> {
        BaseUrl::of_host(&format!("{account}.example.com"), "api")
    }

    fn auth(credentials: &Credentials<'_>) -> Result<Auth> {
        Ok(Auth::bearer(credentials.secret("token_secret")?))
    }

    fn endpoints(credentials: &Credentials<'_>, base_url: &BaseUrl) -> Result<Vec<Endpoint>> {
        let path = format!("/{}", credentials.optional_setting("files_path").unwrap_or("files"));
        let files = Endpoint::new("files", BaseUrl::parse(&base_url.as_str().replace("/api", &path))?, Auth::none());
        let token = credentials.optional_secret("admin_secret");
        let admin = token.map(|token| Endpoint::new("administration", base_url.clone(), Auth::bearer(token)));
        Ok(std::iter::once(files).chain(admin).collect())
    }

    fn check_account(account: &str) -> Result<()> {
        match account.is_empty() {
            true => Err(DEPOT.error(ErrorKind::Configuration, codes::CONFIGURATION, "a depot needs a name")),
            false => Ok(()),
        }
    }

    fn from_service(service: ServiceClient) -> Self {
        Self(service)
    }

    fn service(&self) -> &ServiceClient {
        &self.0
    }
}

fn builder(account: &str) -> VendorBuilder<Depot> {
    Depot::builder_for(account).secret("token_secret", "t0ken")
}

#[tokio::test]
async fn each_endpoint_gets_its_own_credential() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let base = BaseUrl::parse(&format!("{}/api", server.uri())).unwrap();
    let depot = builder("north").secret("admin_secret", "adm1n").base_url(base).build().unwrap();
    // A client for revocations has the same endpoints.
    for service in [depot.0.clone(), depot.0.for_revocation()] {
        service.get("shelves", &[]).await.unwrap();
        service.endpoint("files").unwrap().get("{file}", &["a"]).await.unwrap();
        service.endpoint("administration").unwrap().get("users", &[]).await.unwrap();
    }

    let sent = server.received_requests().await.unwrap();
    let calls = sent.iter().map(|sent| (sent.url.path(), sent.headers.get("authorization").map(|v| v.to_str().unwrap())));
    let expected = [
        ("/api/shelves", Some("Bearer t0ken")),
        ("/files/a", None),
        ("/api/users", Some("Bearer adm1n")),
    ];
    assert_eq!(calls.collect::<Vec<_>>(), [expected, expected].concat());
    assert!(sent.iter().all(|sent| sent.headers["x-depot-version"] == "2"));
    let shown = format!("{depot:?} {:?}", Endpoint::new("x", depot.0.base_url().clone(), Auth::bearer("adm1n".into())));
    assert!(!shown.contains("t0ken") && !shown.contains("adm1n"), "{shown}");
}

#[test]
fn a_blank_setting_counts_as_absent() {
    let path = |value: &str| {
        let depot = builder("north").setting("files_path", value).build().unwrap();
        depot.0.endpoint("files").unwrap().base_url().as_str().to_owned()
    };
    assert_eq!(path(" papers "), "https://north.example.com/papers");
    assert_eq!(path("  "), "https://north.example.com/files");
}

#[test]
fn an_endpoint_without_its_credential_is_an_error_only_when_it_is_used() {
    let depot = builder("north").build().unwrap();
    assert!(depot.0.endpoint("files").is_ok());
    let error = depot.0.endpoint("administration").unwrap_err();
    assert_eq!((error.code(), error.service()), (&codes::CONFIGURATION, Some("depot")));
    assert_eq!(error.message(), "the Depot client for `north` was built without `administration`");
}

#[test]
fn a_credential_of_an_endpoint_that_cannot_be_sent_is_an_error_of_the_build() {
    let error = builder("north").secret("admin_secret", SecretString::from("adm1n\n")).build().unwrap_err();
    assert_eq!(error.code(), &codes::CONFIGURATION);
    assert!(!format!("{error:?}").contains("adm1n"));
}

#[test]
fn an_account_is_checked_whatever_the_base_url_is() {
    let base = BaseUrl::parse("http://127.0.0.1:1/api").unwrap();
    assert_eq!(builder("").base_url(base).build().unwrap_err().message(), "a depot needs a name");
}

/// A header or a status that HTTP does not permit shows as an error of the simulated service, and not as a panic of the program.
#[tokio::test]
async fn a_simulated_service_replies_with_headers() {
    let service = SimulatedService::new("api")
        .on_reply("GET", "good", |_| SimulatedReply::json(202, json!("queued")).header("x-depot-queue", "7"))
        .on_reply("GET", "name", |_| SimulatedReply::empty(200).header("x depot", "7"))
        .on_reply("GET", "value", |_| SimulatedReply::empty(200).header("x-depot-queue", "7\n"))
        .on_reply("GET", "status", |_| SimulatedReply::empty(7));
    let base = BaseUrl::of_host("main.example.com", "api").unwrap();
    let client = Client::builder(DEPOT, base).connection(service.connection()).build().unwrap();
    let good = client.get("good", &[]).await.unwrap();
    assert_eq!((good.status(), good.header("x-depot-queue")), (202, Some("7")));
    for route in ["name", "value", "status"] {
        assert_eq!(client.get(route, &[]).await.unwrap_err().status(), Some(500), "{route}");
    }
}

#[tokio::test]
async fn a_simulated_service_reads_json_and_forms() {
    let service = SimulatedService::new("v1").on("POST", "echo/{what}", |request| {
        Some(json!({ "body": request.body(), "text": request.text("name"), "what": request.value(0) }))
    });
    let base = BaseUrl::of_host("api.example.com", "v1").unwrap();
    let client = Client::builder(DEPOT, base).connection(service.connection()).build().unwrap();
    let echo = || client.post("echo/{what}", &["a b"]);

    let form = echo().form("name", "Åsa & Ben").form("limit", 2).await.unwrap().json::<Value>().unwrap();
    assert_eq!(form, json!({ "body": { "name": "Åsa & Ben", "limit": "2" }, "text": "Åsa & Ben", "what": "a b" }));
    let body = json!({ "name": "Ana", "limit": 2 });
    let json = echo().json(&body).await.unwrap().json::<Value>().unwrap();
    assert_eq!(json, json!({ "body": body, "text": "Ana", "what": "a b" }));
    let empty = echo().await.unwrap().json::<Value>().unwrap();
    assert_eq!(empty, json!({ "body": null, "text": "", "what": "a b" }));
}

/// Names of resources are stored with Runs: a Run that was granted before an update shares the access with one after it.
#[test]
fn names_of_resources_stay_the_same() {
    let target = AccessTarget::new("acme", "depot_room", "vault".parse().unwrap()).with_setting("note", "x");
    let named = |target: &AccessTarget| {
        let room = target.settings().get("room").map(|room| room.to_lowercase());
        resource_named_by(target, &[("level", Some("read")), ("room", room.as_deref())])
    };
    assert_eq!(named(&target.clone().with_setting("room", "V1")), r#"["depot_room",{"level":"read","room":"v1"}]"#);
    // The requester picks the room.
    assert_eq!(named(&target), r#"["depot_room",{"note":"x"}]"#);
}

#[test]
fn flags_are_true_false_or_blank() {
    let target = |value: &str| {
        AccessTarget::new("acme", "depot_room", "vault".parse().unwrap()).with_setting("open", value)
    };
    assert!(!target_flag(&target("true"), "other").unwrap());
    for (value, expected) in [("", false), (" ", false), ("false", false), (" true\n", true), ("true", true)] {
        assert_eq!(target_flag(&target(value), "open").unwrap(), expected, "{value:?}");
    }
    for value in ["yes", "TRUE", "1", "true false"] {
        let error = target_flag(&target(value), "open").unwrap_err();
        let message = format!("setting `open` of target `vault` must be `true` or `false`, got `{value}`");
        assert_eq!((error.kind(), error.message()), (ErrorKind::Configuration, message.as_str()));
    }
}

#[tokio::test]
async fn reads_end_after_their_delays() {
    let replay = Replay::new();
    let depot = builder("main").connection(replay.connection()).build().unwrap();
    let delays = [Duration::from_secs(1), Duration::from_secs(5)];
    let mut reads = depot.service().repeat_reads(&delays);
    for elapsed in [0, 1, 6] {
        assert!(reads.next().await);
        assert_eq!(replay.elapsed(), Duration::from_secs(elapsed));
    }
    assert!(!reads.next().await && !reads.next().await);
    assert_eq!(replay.elapsed(), Duration::from_secs(6));
}
