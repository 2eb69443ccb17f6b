//! The address of the fake server, and its lifetime.

use sym_integrations::slack::fake::FakeSlack;
use sym_sdk::error::ErrorKind;
use tokio::net::TcpStream;

#[tokio::test]
async fn listens_on_loopback_only() {
    for address in ["0.0.0.0:3001", "192.0.2.1:3001", "[::]:3001"] {
        let error = FakeSlack::listen(address.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(address), "{error}");
        assert!(error.hint().unwrap().contains("127.0.0.1:3001"));
    }
    let fake = FakeSlack::start().await.unwrap();
    let error = FakeSlack::listen(fake.address()).await.unwrap_err();
    assert!(error.message().starts_with("the fake Slack cannot listen on"), "{error}");
}

#[tokio::test]
async fn stops_with_its_last_clone() {
    let fake = FakeSlack::start().await.unwrap();
    let (clone, address) = (fake.clone(), fake.address());
    drop(fake);
    let slack = clone.client().build().unwrap();
    slack.api().test_auth().await.unwrap();
    drop(clone);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn connect_requires_an_http_url() {
    let fake = FakeSlack::start().await.unwrap();
    for address in ["", "localhost", "ftp://127.0.0.1/slack", "/slack"] {
        let error = fake.connect(address).unwrap_err();
        assert!(error.hint().unwrap().contains("http://127.0.0.1:3000/slack"), "{address}");
    }
    fake.connect("http://127.0.0.1:3000/slack").unwrap();
}
