use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sym_integrations::http::{BaseUrl, Client, Limits, Next, Page, Paginator, Response};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::clock::Clock;
use sym_sdk::error::{ErrorKind, Result};
use wiremock::matchers::{any, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::support::{Toy, client, clock, code, limits};

fn numbers(replay: &Replay) -> Client {
    with_limits(replay, Limits::default())
}

fn with_limits(replay: &Replay, limits: Limits) -> Client {
    let base = BaseUrl::of_host("toy.example.com", "v1").unwrap();
    Client::builder(Toy, base).connection(replay.connection().with_limits(limits)).build().unwrap()
}

fn list(client: &Client) -> Paginator<u32> {
    client.get("numbers", &[]).query("limit", 2).pages::<Vec<u32>>()
}

fn linked(items: &[u32], next: &str) -> Reply {
    Reply::json(items)
        .header("link", "<https://toy.example.com/v1/numbers>; rel=\"self\"")
        .header("link", &format!("<{next}>; rel=\"next\""))
}

#[tokio::test]
async fn follows_link_headers() {
    let replay = Replay::new();
    replay
        .get("/v1/numbers")
        .query("limit", 2)
        .without_query("after")
        .reply(linked(&[1, 2], "/v1/numbers?limit=2&after=b%2B"));
    let last = "https://toy.example.com/v1/numbers?limit=2&after=c";
    replay.get("/v1/numbers").query("limit", 2).query("after", "b+").reply(linked(&[], last));
    replay.get("/v1/numbers").query("limit", 2).query("after", "c").reply(Reply::json([3]));
    assert_eq!(list(&numbers(&replay)).await.unwrap(), [1, 2, 3]);
    replay.check().unwrap();
}

#[tokio::test]
async fn requests_a_page_only_when_it_is_needed() {
    let replay = Replay::new();
    let mut listing = list(&numbers(&replay));
    assert!(replay.calls().is_empty());
    replay.get("/v1/numbers").reply(linked(&[1, 2], "/v1/numbers?after=2"));
    assert_eq!((listing.next_item().await.unwrap(), listing.next_item().await.unwrap()), (Some(1), Some(2)));
    assert_eq!(replay.calls().len(), 1);

    replay.get("/v1/numbers").query("after", 2).reply(Reply::status(403));
    let error = listing.next_item().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(listing.next_item().await.unwrap(), None);
}

#[tokio::test]
async fn map_items_converts_items() {
    let replay = Replay::new();
    replay.get("/v1/numbers").reply(linked(&[1, 2], "/v1/numbers?after=2"));
    replay.get("/v1/numbers").query("after", 2).reply(Reply::json([3]));
    let mut listing = list(&numbers(&replay));
    assert_eq!(listing.next_item().await.unwrap(), Some(1));
    assert_eq!(listing.map_items(|number| Ok(number * 10)).await.unwrap(), [20, 30]);
}

#[tokio::test]
async fn filter_items_omits_items_of_every_page() {
    let replay = Replay::new();
    replay.get("/v1/numbers").reply(linked(&[1, 2, 3], "/v1/numbers?after=3"));
    replay.get("/v1/numbers").query("after", 3).reply(linked(&[4], "/v1/numbers?after=4"));
    replay.get("/v1/numbers").query("after", 4).reply(Reply::json([5, 6]));
    let mut listing = list(&numbers(&replay));
    assert_eq!(listing.next_item().await.unwrap(), Some(1));
    assert_eq!(listing.filter_items(|number| number % 2 == 1).await.unwrap(), [3, 5]);
    replay.check().unwrap();
}

#[tokio::test]
async fn find_reads_no_page_after_the_item() {
    let replay = Replay::new();
    let mut listing = list(&numbers(&replay));
    replay.get("/v1/numbers").reply(linked(&[1, 2], "/v1/numbers?after=2"));
    replay.get("/v1/numbers").query("after", 2).reply(linked(&[3, 4, 5], "/v1/numbers?after=5"));
    assert_eq!(listing.find(|number| *number > 2).await.unwrap(), Some(3));
    assert_eq!(replay.calls().len(), 2);
    assert_eq!(listing.find(|number| *number > 4).await.unwrap(), Some(5));
    replay.get("/v1/numbers").query("after", 5).reply(Reply::json([6]));
    assert_eq!(listing.find(|number| *number > 6).await.unwrap(), None);
    replay.check().unwrap();
}

#[tokio::test]
async fn an_empty_paginator_makes_no_call() {
    let mut listing = Paginator::<u32>::empty();
    assert_eq!(listing.next_item().await.unwrap(), None);
    assert!(Paginator::<u32>::empty().map_items(Ok).await.unwrap().is_empty());
}

#[tokio::test]
async fn rejects_links_to_another_host() {
    for next in [
        "https://evil.example.com/v1/numbers?after=2",
        "//evil.example.com/v1/numbers",
        "http://toy.example.com/v1/numbers?after=2",
        "https://toy.example.com:8443/v1/numbers",
        "https://user:pass@toy.example.com/v1/numbers?after=2",
        "https://toy.example.com.evil.org/",
        "javascript:alert(1)",
        "https://",
    ] {
        let replay = Replay::new();
        replay.get("/v1/numbers").reply(linked(&[1], next));
        let error = list(&numbers(&replay)).await.unwrap_err();
        assert_eq!(code(&error), "Toy:BAD_PAGING", "{next}");
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(replay.calls().len(), 1, "{next}");
    }
}

#[tokio::test]
async fn detects_loops_of_links() {
    for next in ["/v1/numbers?limit=2", "/v1/numbers?after=2"] {
        let replay = Replay::new();
        replay.get("/v1/numbers").always().reply(linked(&[1], next));
        let error = list(&numbers(&replay)).await.unwrap_err();
        assert_eq!(code(&error), "Toy:BAD_PAGING");
        assert!(error.message().contains("leads back to an earlier page"), "{error}");
        assert!(replay.calls().len() <= 2);
    }
}

#[tokio::test]
async fn limits_the_number_of_pages() {
    let server = MockServer::start().await;
    let more = |request: &Request| {
        let page =
            request.url.query_pairs().find(|(name, _)| name == "page").map_or(1, |(_, page)| page.parse().unwrap());
        ResponseTemplate::new(200)
            .set_body_json([page])
            .insert_header("link", format!("</numbers?page={}>; rel=next", page + 1))
    };
    Mock::given(any()).respond_with(more).mount(&server).await;
    let error =
        client(&server.uri(), &clock()).get("numbers", &[]).max_pages(20).pages::<Vec<u32>>().await.unwrap_err();
    assert_eq!(code(&error), "Toy:BAD_PAGING");
    assert_eq!(error.message(), "GET numbers: the list has more than 20 pages");
    assert_eq!(server.received_requests().await.unwrap().len(), 20);
}

#[derive(Deserialize)]
struct Members {
    members: Vec<u32>,
    next_cursor: Option<String>,
}

impl Page for Members {
    type Item = u32;

    fn next(&self, _: &Response) -> Result<Next> {
        Ok(Next::cursor("cursor", self.next_cursor.as_deref()))
    }

    fn into_items(self) -> Vec<u32> {
        self.members
    }
}

#[tokio::test]
async fn sets_cursors_where_the_arguments_are() {
    let pages = |first: sym_integrations::testing::RuleBuilder<'_>| {
        first.reply(Reply::json(json!({ "members": [1], "next_cursor": "dXNlcg==" })));
    };
    let rest = Reply::json(json!({ "members": [2], "next_cursor": "" }));

    let replay = Replay::new();
    pages(replay.get("/v1/members").without_query("cursor"));
    replay.get("/v1/members").query("limit", 1).query("cursor", "dXNlcg==").reply(rest.clone());
    let listing = numbers(&replay).get("members", &[]).query("limit", 1).pages::<Members>();
    assert_eq!(listing.await.unwrap(), [1, 2]);

    let replay = Replay::new();
    pages(replay.post("/v1/members").form("channel", "C1"));
    replay.post("/v1/members").form("channel", "C1").form("cursor", "dXNlcg==").reply(rest.clone());
    let listing = numbers(&replay).post("members", &[]).form("channel", "C1").pages::<Members>();
    assert_eq!(listing.await.unwrap(), [1, 2]);

    let replay = Replay::new();
    pages(replay.post("/v1/members").json(json!({ "jql": "x" })));
    replay.post("/v1/members").json(json!({ "jql": "x", "cursor": "dXNlcg==" })).reply(rest);
    let listing = numbers(&replay).post("members", &[]).json(&json!({ "jql": "x" })).pages::<Members>();
    assert_eq!(listing.await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn detects_repeated_cursors() {
    let replay = Replay::new();
    replay.get("/v1/members").always().reply(Reply::json(json!({ "members": [1], "next_cursor": "again" })));
    let error = numbers(&replay).get("members", &[]).pages::<Members>().await.unwrap_err();
    assert_eq!(code(&error), "Toy:BAD_PAGING");
    assert_eq!(replay.calls().len(), 2);
}

#[derive(Deserialize)]
struct Incidents {
    incidents: Vec<Value>,
    more: bool,
    offset: u64,
    limit: u64,
}

impl Page for Incidents {
    type Item = Value;

    fn next(&self, response: &Response) -> Result<Next> {
        match self.offset + self.limit {
            _ if !self.more => Ok(Next::End),
            next if next + self.limit > 10_000 => Err(response.invalid("there are more than 10,000 incidents")),
            next => Ok(Next::param("offset", next)),
        }
    }

    fn into_items(self) -> Vec<Value> {
        self.incidents
    }
}

#[tokio::test]
async fn offsets_end_at_the_last_page_or_the_services_limit() {
    let server = MockServer::start().await;
    let page = |offset: u64, more: bool| {
        ResponseTemplate::new(200)
            .set_body_json(json!({ "incidents": [offset], "more": more, "offset": offset, "limit": 100 }))
    };
    Mock::given(query_param_is_missing("offset")).respond_with(page(0, true)).mount(&server).await;
    Mock::given(query_param("offset", "100")).respond_with(page(100, false)).mount(&server).await;
    Mock::given(query_param("offset", "9800")).respond_with(page(9_800, true)).mount(&server).await;
    Mock::given(query_param("offset", "9900")).respond_with(page(9_900, true)).mount(&server).await;
    let client = client(&server.uri(), &clock());

    let incidents =
        client.get("incidents", &[]).query_all("statuses[]", ["triggered", "acknowledged"]).pages::<Incidents>();
    assert_eq!(incidents.await.unwrap(), [0, 100]);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[1].url.query(), Some("statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&offset=100"));

    let error = client.get("incidents", &[]).query("offset", 9_800).pages::<Incidents>().await.unwrap_err();
    assert_eq!(error.message(), "GET incidents: there are more than 10,000 incidents");
    assert_eq!(server.received_requests().await.unwrap().len(), 4);
}

#[tokio::test]
async fn the_list_timeout_covers_all_pages() {
    let replay = Replay::new();
    for page in 0..10 {
        replay.get("/v1/numbers").reply(Reply::status(429).header("retry-after", "20"));
        replay.get("/v1/numbers").reply(linked(&[page], &format!("/v1/numbers?page={page}")));
    }
    let client = with_limits(&replay, limits(|limits| limits.list = Duration::from_secs(50)));
    let error = list(&client).await.unwrap_err();
    assert_eq!(error.code().name(), "RATE_LIMITED");
    assert_eq!(replay.calls().len(), 5, "two pages after a wait each, and a third that has no time for it");
    assert!(replay.check().is_err());
}

#[tokio::test]
async fn the_list_timeout_excludes_time_between_pages() {
    let replay = Replay::new();
    replay.get("/v1/numbers").reply(linked(&[1], "/v1/numbers?page=2"));
    replay.get("/v1/numbers").reply(Reply::json([2]));
    let clock = clock();
    let base = BaseUrl::of_host("toy.example.com", "v1").unwrap();
    let connection = replay.connection().with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let client = Client::builder(Toy, base).connection(connection).build().unwrap();
    let mut listing = list(&client);
    assert_eq!(listing.next_item().await.unwrap(), Some(1));
    clock.advance(Duration::from_secs(3_600));
    assert_eq!(listing.next_item().await.unwrap(), Some(2));
}

#[tokio::test]
async fn pages_by_can_count_pages() {
    let replay = Replay::new();
    replay.get("/v1/lines").without_query("page").reply(Reply::text("a\nb"));
    replay.get("/v1/lines").query("page", 2).reply(Reply::text("c"));
    let mut page = 1;
    let listing = numbers(&replay).get("lines", &[]).pages_by(move |response| {
        let lines: Vec<String> = response.text().lines().map(str::to_owned).collect();
        page += 1;
        let next = if lines.len() < 2 { Next::End } else { Next::param("page", page) };
        Ok((lines, next))
    });
    assert_eq!(listing.await.unwrap(), ["a", "b", "c"]);
    replay.check().unwrap();
}
