//! A browser in which somebody has signed in: one connection, and the cookie of the session.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use http::{Method, Request, StatusCode, header};
use hyper::client::conn::http1::SendRequest;
use load_support::{Outcome, connect};
use sym_sdk::runtime::Runtime;

/// The time limit for a response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum size of a page.
const MAX_PAGE_BYTES: usize = 16 << 20;

pub(crate) struct Browser {
    server: SocketAddr,
    sender: SendRequest<Body>,
    cookie: String,
}

impl Browser {
    /// Signs somebody in.
    pub(crate) async fn sign_in(server: SocketAddr, runtime: &Runtime, name: &str) -> Outcome<Self> {
        let user = runtime.directory().user_by_email(name).await?.ok_or_else(|| format!("there is no {name}"))?;
        let mut browser = Self { server, sender: connect(server).await?, cookie: String::new() };
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("user", &user.id().to_string()).finish();
        let request = browser.request(Method::POST, "/console/sign-in")?;
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.header("sec-fetch-site", "same-origin").body(Body::from(form))?;
        let response = tokio::time::timeout(RESPONSE_TIMEOUT, browser.sender.send_request(request)).await??;
        let cookie = response.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next());
        browser.cookie = cookie.ok_or_else(|| format!("{name} was not signed in: {}", response.status()))?.to_owned();
        to_bytes(Body::new(response.into_body()), MAX_PAGE_BYTES).await?;
        Ok(browser)
    }

    /// Opens a page. Returns the time until the response began, and the size of the page.
    pub(crate) async fn open(&mut self, page: &str) -> Outcome<(Duration, usize)> {
        if self.sender.ready().await.is_err() {
            self.sender = connect(self.server).await?;
        }
        let request = self.request(Method::GET, page)?.body(Body::empty())?;
        let begun = Instant::now();
        let response = tokio::time::timeout(RESPONSE_TIMEOUT, self.sender.send_request(request)).await??;
        let passed = begun.elapsed();
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), MAX_PAGE_BYTES).await?;
        if status != StatusCode::OK {
            return Err(format!("{page} was answered with status {status}").into());
        }
        Ok((passed, body.len()))
    }

    fn request(&self, method: Method, page: &str) -> Outcome<http::request::Builder> {
        let request = Request::builder().method(method).uri(page).header(header::HOST, self.server.to_string());
        Ok(if self.cookie.is_empty() { request } else { request.header(header::COOKIE, &self.cookie) })
    }
}
