//! A client that sends what a browser would never let a test send.

use std::net::SocketAddr;

use serde_json::Value;
use sym_integrations::slack::fake::FakeSlack;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::form_urlencoded::Serializer;

pub(super) struct Answer {
    pub(super) status: u16,
    head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{}", self.body))
    }
}

/// Sends a request with these headers, and no others but its length.
pub(super) async fn send(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!("{line} HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

pub(super) async fn get(fake: &FakeSlack, path: &str) -> Answer {
    let host = fake.address().to_string();
    send(fake.address(), &format!("GET {path}"), &[("host", &host)], "").await
}

/// A form as a program sends it.
pub(super) async fn post(fake: &FakeSlack, path: &str, fields: &[(&str, &str)]) -> Answer {
    let host = fake.address().to_string();
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    send(fake.address(), &format!("POST {path}"), &[("host", &host)], &body).await
}

/// A form as a browser sends it.
pub(super) async fn submit(fake: &FakeSlack, path: &str, fields: &[(&str, &str)]) -> Answer {
    let host = fake.address().to_string();
    let origin = format!("http://{host}");
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let headers = [("host", host.as_str()), ("origin", &origin), ("accept", "text/html,*/*;q=0.8")];
    send(fake.address(), &format!("POST {path}"), &headers, &body).await
}
