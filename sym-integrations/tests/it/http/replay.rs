use serde_json::json;
use sym_integrations::http::{BaseUrl, Client};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;

use super::support::{Toy, assert_silent, faces, token};

fn client(replay: &Replay) -> Client {
    let base = BaseUrl::of_host("toy.example.com", "v1").unwrap();
    let auth = sym_integrations::http::Auth::bearer(token());
    Client::builder(Toy, base).auth(auth).connection(replay.connection()).build().unwrap()
}

#[tokio::test]
async fn an_unexpected_call_names_the_nearest_rule() {
    let replay = Replay::new();
    replay.get("/v1/users").reply(Reply::status(204));
    replay.put("/v1/groups/g1/users/u1").reply(Reply::status(204));
    let error = client(&replay).put("groups/{group}/users/{user}", &["g1", "u2"]).await.unwrap_err();
    assert_eq!(
        error.message(),
        "PUT groups/{group}/users/{user}: unexpected call PUT /v1/groups/g1/users/u2; \
         the nearest rule is `PUT /v1/groups/g1/users/u1`: path: expected `/v1/groups/g1/users/u1`, got `/v1/groups/g1/users/u2`"
    );
    assert_eq!((error.code().name(), error.kind()), ("UNEXPECTED_CALL", ErrorKind::Internal));
    let report = replay.check().unwrap_err();
    let expected = "the nearest rule is `PUT /v1/groups/g1/users/u1`: path: expected `/v1/groups/g1/users/u1`, \
                    got `/v1/groups/g1/users/u2`; not called: GET /v1/users; not called: PUT /v1/groups/g1/users/u1";
    assert!(report.message().ends_with(expected), "{report}");
    assert!(replay.check().is_ok(), "what is reported is forgotten");
}

#[tokio::test]
async fn an_unexpected_call_reports_each_difference() {
    let replay = Replay::new();
    replay
        .post("/v1/send")
        .query("a", 1)
        .without_query("b")
        .header("x-one", "1")
        .header("authorization", "Bearer other")
        .json(json!({ "text": "hi" }))
        .reply(Reply::status(204));
    let call = client(&replay).post("send", &[]).query("a", 2).query("b", 3).json(&json!({ "text": "ho" }));
    let error = call.await.unwrap_err();
    for expected in [
        "query: expected `a=1`, got `2`",
        "query: expected no `b`, got `3`",
        "header `x-one`: expected `1`, got none",
        "header `authorization`: got a different secret",
        r#"body: expected {"text":"hi"}, got {"text":"ho"}"#,
    ] {
        assert!(error.message().contains(expected), "{error}");
    }
    assert_silent(&faces(&error));
    assert_silent(replay.check().unwrap_err().message());
}

#[tokio::test]
async fn rules_answer_the_given_number_of_calls() {
    let replay = Replay::new();
    replay.get("/v1/x").times(2).reply(Reply::json(1));
    replay.get("/v1/x").reply(Reply::text("2"));
    let client = client(&replay);
    for expected in ["1", "1", "2"] {
        assert_eq!(client.get("x", &[]).await.unwrap().text(), expected);
    }
    let error = client.get("x", &[]).await.unwrap_err();
    assert!(error.message().ends_with("rule `GET /v1/x` is used up"), "{error}");
    assert!(replay.check().is_err());

    replay.get("/v1/x").always().reply(Reply::json(3));
    assert_eq!(replay.check().unwrap_err().message(), "not called: GET /v1/x");
    let error = client.get("x", &[]).await.unwrap_err();
    assert!(error.message().ends_with("there are no rules"), "{error}");
    assert!(replay.check().is_err());
}

#[tokio::test]
async fn replays_transport_failures() {
    let replay = Replay::new();
    let client = client(&replay);
    for (reply, name) in [
        (Reply::unreachable(), "UNREACHABLE"),
        (Reply::connection_lost(), "CONNECTION_LOST"),
        (Reply::timed_out(), "TIMED_OUT"),
    ] {
        replay.get("/v1/x").times(4).reply(reply.clone());
        assert_eq!(client.get("x", &[]).await.unwrap_err().code().name(), name);
        replay.get("/v1/x").reply(reply);
        replay.get("/v1/x").reply(Reply::status(204));
        assert_eq!(client.get("x", &[]).await.unwrap().status(), 204);
    }
    replay.check().unwrap();
}

#[tokio::test]
async fn calls_are_recorded_without_credentials() {
    let replay = Replay::new();
    replay.post("/v1/users/ana@example.com").form("a", "1 2").reply(Reply::status(204));
    client(&replay).post("users/{user}", &["ana@example.com"]).query("q", "x").form("a", "1 2").await.unwrap();
    let calls = replay.calls();
    assert_eq!((calls[0].method.as_str(), calls[0].path.as_str()), ("POST", "/v1/users/ana@example.com"));
    assert_eq!(calls[0].query, [("q".to_owned(), "x".to_owned())]);
    assert_eq!(calls[0].form(), [("a".to_owned(), "1 2".to_owned())]);
    assert_silent(&format!("{replay:?} {calls:?}"));
    replay.check().unwrap();
}

#[test]
#[should_panic(expected = "not called: GET /v1/x")]
fn dropping_without_a_check_panics() {
    Replay::new().get("/v1/x").reply(Reply::status(204));
}
