//! The fake Slack: what it rejects, and how people act in it.

mod api;
mod blocks;
mod channels;
mod home;
mod http;
mod installation;
mod page;
mod people;
mod server;
mod socket;
mod whole;

use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};
use sym_integrations::slack::fake::{FakeSlack, Member};
use sym_sdk::clock::VirtualClock;
use tokio::net::TcpListener;

/// Starts a workspace with some people, whose clock stands still.
async fn workspace() -> (FakeSlack, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()));
    let fake = FakeSlack::builder().clock(clock.clone()).start().await.unwrap();
    for (id, name) in [("U0ANA", "Ana"), ("U0BEN", "Ben"), ("U0ADA", "Ada")] {
        let email = format!("{}@example.com", name.to_lowercase());
        fake.add(Member::new(id).name(name).email(email)).unwrap();
    }
    (fake, clock)
}

/// Serves routes on a free port for as long as the test runs, and gives their address.
async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("http://{address}")
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

fn modal(blocks: &Value) -> Value {
    json!({ "type": "modal", "title": plain("Title"), "submit": plain("Send"), "blocks": blocks })
}
