//! Streams of changes.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use sym_sdk::server::axum::body::BodyDataStream;
use sym_sdk::server::{CancellationToken, Server};

use super::TestApi;
use super::client::Call;

/// An open stream.
struct Stream {
    chunks: BodyDataStream,
    text: String,
}

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Stream {
    async fn open(api: &TestApi, token: &str, path: &str, last: Option<&str>) -> Self {
        let mut call = Call::get(path).token(token);
        if let Some(last) = last {
            call = call.header("last-event-id", last);
        }
        let response = call.open(&api.routes).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut stream = Self { chunks: response.into_body().into_data_stream(), text: String::new() };
        assert_eq!(stream.next_block().await.as_deref(), Some(": open"), "something comes at once");
        stream
    }

    /// Returns the next block. `None` at the end.
    async fn next_block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                return Some(block);
            }
            let chunk = self.chunks.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn next_event(&mut self) -> Event {
        let block = self.next_block().await.unwrap();
        let line =
            |name: &str| block.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default();
        let data = serde_json::from_str(line("data")).unwrap_or_else(|error| panic!("{error}: {block}"));
        Event { name: line("event").to_owned(), id: line("id").to_owned(), data }
    }

    /// Returns whether nothing comes now.
    fn is_quiet(&mut self) -> bool {
        futures_util::FutureExt::now_or_never(Box::pin(self.next_block())).is_none()
    }
}

#[tokio::test]
async fn changes_are_told_to_those_who_may_see_the_run() {
    let mut api = TestApi::start().await;
    let mut of_deployer = Stream::open(&api, &api.deployer, "/changes", None).await;
    let other = api.token_of("other", sym_sdk::model::UserRole::Member).await;
    let mut of_other = Stream::open(&api, &other, "/changes", None).await;
    let run = api.request().await;
    let event = of_deployer.next_event().await;
    assert_eq!(
        (event.name.as_str(), &event.data["run_id"], &event.data["status"]),
        ("run", &json!(run), &json!("requested"))
    );
    assert!(of_deployer.is_quiet() && of_other.is_quiet());
    api.approve(&run).await;
    let granted = of_deployer.next_event().await;
    assert_eq!(granted.data["status"], "escalated");
    assert!(granted.data["version"].as_u64() > event.data["version"].as_u64());
}

#[tokio::test]
async fn a_stream_of_one_run_tells_of_that_alone() {
    let mut api = TestApi::start().await;
    let (first, second) = (api.request().await, api.request().await);
    let mut stream = Stream::open(&api, &api.ops, &format!("/runs/{second}/changes"), None).await;
    api.approve(&first).await;
    assert!(stream.is_quiet());
    api.approve(&second).await;
    assert_eq!(stream.next_event().await.data["run_id"], json!(second));
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left() {
    let mut api = TestApi::start().await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(api.request().await);
    }
    let mut whole = Stream::open(&api, &api.ops, "/changes?after=0", None).await;
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(whole.next_event().await);
    }
    let seen: Vec<_> = events.iter().map(|event| event.data["run_id"].as_str().unwrap()).collect();
    assert_eq!(seen, runs);
    for (index, event) in events.iter().enumerate() {
        let mut by_header = Stream::open(&api, &api.ops, "/changes", Some(&event.id)).await;
        // An EventSource that is made anew sets no header.
        let mut by_parameter = Stream::open(&api, &api.ops, &format!("/changes?after={}", event.id), None).await;
        for later in &events[index + 1..] {
            assert_eq!((&by_header.next_event().await, &by_parameter.next_event().await), (later, later));
        }
        assert!(by_header.is_quiet() && by_parameter.is_quiet());
    }
}

#[tokio::test]
async fn an_event_of_another_store_begins_anew_and_a_future_one_is_refused() {
    let mut api = TestApi::start().await;
    api.request().await;
    let mut stream = Stream::open(&api, &api.ops, "/changes", Some("1-00000000")).await;
    assert_eq!(stream.next_event().await.name, "resync");
    for future in ["99999", "99999-00000000", "x", "-1", "1-", "18446744073709551616"] {
        let call = Call::get("/changes").token(&api.ops).header("last-event-id", future);
        assert_eq!(call.send(&api.routes).await.problem(), (400, "SymSDK:INVALID_CURSOR".to_owned()), "{future}");
    }
}

#[tokio::test]
async fn comments_come_in_between_and_the_caller_is_checked_with_them() {
    let mut api = TestApi::start().await;
    let mut stream = Stream::open(&api, &api.deployer, "/changes", None).await;
    assert!(stream.is_quiet());
    api.harness.advance(Duration::from_secs(15)).await.unwrap();
    assert_eq!(stream.next_block().await.as_deref(), Some(": alive"));
    revoke_tokens_of_deployer(&api).await;
    assert!(stream.is_quiet());
    api.harness.advance(Duration::from_secs(15)).await.unwrap();
    assert_eq!(stream.next_block().await, None, "the token is not good any more");
}

/// Changes that never pause must not keep a stream open.
#[tokio::test]
async fn the_caller_is_checked_before_a_change_is_told() {
    let mut api = TestApi::start().await;
    let mut stream = Stream::open(&api, &api.deployer, "/changes", None).await;
    revoke_tokens_of_deployer(&api).await;
    api.harness.advance(Duration::from_secs(15)).await.unwrap();
    api.request().await;
    assert_eq!(stream.next_block().await, None, "both the check and a change are due");
}

async fn revoke_tokens_of_deployer(api: &TestApi) {
    let directory = api.harness.runtime().directory();
    let bot = directory.bots().await.unwrap().into_iter().find(|bot| bot.username() == "deployer").unwrap();
    for token in directory.tokens(Some(bot.id())).await.unwrap() {
        directory.revoke_token(token.id).await.unwrap();
    }
}

/// Streams and long polls do not hold up the end of the program.
#[tokio::test]
async fn streams_and_long_polls_end_when_the_server_stops() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    let stop = CancellationToken::new();
    api.routes = Server::new(api.harness.runtime().clone()).stop(stop.clone()).router();
    let mut stream = Stream::open(&api, &api.ops, "/changes", None).await;
    let path = format!("/runs/{run}");
    let version = api.get(&api.ops, &path).await.ok()["version"].clone();
    let routes = api.routes.clone();
    let call = Call::get(&format!("{path}?version={version}&wait=25")).token(&api.ops);
    let mut poll = Box::pin(call.send(&routes));
    assert!(stream.is_quiet() && futures_util::FutureExt::now_or_never(poll.as_mut()).is_none());
    stop.cancel();
    assert_eq!(stream.next_block().await, None);
    let answer = poll.await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (304, Some("1")));
    let refused = Call::get("/changes").token(&api.ops).send(&routes).await;
    assert_eq!(refused.problem(), (503, "SymSDK:STOPPING".to_owned()));
}
