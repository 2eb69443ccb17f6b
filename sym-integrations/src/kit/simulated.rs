//! Simulated services: what a client talks to in a simulation, or in a test that is not about the client.
//!
//! The client is the real one, with its requests answered in memory. So a simulated account behaves as the client does, including
//! its checks of what the service returns, and a client needs no second code path for simulations.

use std::fmt;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sym_sdk::BoxFuture;
use sym_sdk::integration::Outbox;
use url::form_urlencoded;

use crate::http::Connection;
use crate::http::transport::{Incoming, Request, Transport, TransportError};

type Answer = dyn Fn(&SimulatedRequest) -> Option<SimulatedReply> + Send + Sync;

/// A service whose answers are set by method and route.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> sym_sdk::Result<()> {
/// use serde_json::{Value, json};
/// use sym_integrations::http::{BaseUrl, Client};
/// use sym_integrations::kit::{SimulatedService, Vendor};
///
/// const WEATHER: Vendor = Vendor::new("weather", "Weather");
/// let service = SimulatedService::new("v1")
///     .on("GET", "stations/{station}", |request| Some(json!({ "name": request.value(0), "sky": "clear" })));
///
/// let base = BaseUrl::of_host("api.example.com", "v1")?;
/// let client = Client::builder(WEATHER, base).connection(service.connection()).build()?;
/// let station: Value = client.get("stations/{station}", &["Sonnblick"]).await?.json()?;
/// assert_eq!(station["name"], "Sonnblick");
/// # Ok(())
/// # }
/// ```
pub struct SimulatedService {
    base: Vec<String>,
    routes: Vec<Route>,
    not_found: Value,
    name: &'static str,
    outbox: Outbox,
}

struct Route {
    method: &'static str,
    route: &'static str,
    answer: Box<Answer>,
}

/// A request to a [`SimulatedService`].
#[derive(Clone, Debug)]
pub struct SimulatedRequest {
    values: Vec<String>,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Value,
    service: &'static str,
    outbox: Outbox,
}

/// The reply of a [`SimulatedService`], where it is more than JSON with status 200.
#[derive(Clone, Debug)]
pub struct SimulatedReply {
    status: StatusCode,
    headers: HeaderMap,
    body: Option<Value>,
}

impl SimulatedReply {
    /// Creates a reply with a status and JSON. A status that HTTP does not have is sent as 500.
    pub fn json(status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers: HeaderMap::new(), body: Some(body) }
    }

    /// Creates a reply with a status and no body.
    pub fn empty(status: u16) -> Self {
        Self { body: None, ..Self::json(status, Value::Null) }
    }

    /// Sets a header. With a name or a value that HTTP does not permit, the reply has status 500 instead.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => drop(self.headers.insert(name, value)),
            _ => self.status = StatusCode::INTERNAL_SERVER_ERROR,
        }
        self
    }
}

impl SimulatedRequest {
    /// The value of a placeholder of the route, counted from 0; empty if there are fewer.
    pub fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or("", String::as_str)
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query_all(name).next()
    }

    /// All values of a query parameter, such as `ids[]`.
    pub fn query_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a filter that the query may repeat, such as `ids[]`, admits a value. A filter that is absent admits every value.
    pub fn admits(&self, name: &str, value: Option<&str>) -> bool {
        let mut wanted = self.query_all(name).peekable();
        wanted.peek().is_none() || wanted.any(|wanted| Some(wanted) == value)
    }

    /// The value of a header; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Records a change that the request makes, which a simulation shows in its timeline: to what, and what was done.
    pub fn record(&self, to: impl Into<String>, text: impl Into<String>) {
        self.outbox.record(self.service, to, text);
    }

    /// The body as JSON, `null` if there is none. A form is an object of texts; of several fields with one name, the last counts.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// A text in the body, which is an object or a form; empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl SimulatedService {
    /// Creates a service whose routes are relative to a path, such as `api/v1`. Requests without a route get status 404.
    pub fn new(base: &str) -> Self {
        let base = segments(base).map(str::to_owned).collect();
        Self { base, routes: Vec::new(), not_found: Value::Null, name: "", outbox: Outbox::new() }
    }

    /// Adds a route, with placeholders as in `groups/{group}/users`. An answer is sent with status 200, `null` as an empty body with
    /// status 204; `None` is sent as status 404.
    #[must_use]
    pub fn on(
        self,
        method: &'static str,
        route: &'static str,
        answer: impl Fn(&SimulatedRequest) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        self.route(method, route, move |request| {
            Some(match answer(request)? {
                Value::Null => SimulatedReply::empty(204),
                body => SimulatedReply::json(200, body),
            })
        })
    }

    /// Adds a route whose replies have a status and headers of their own.
    #[must_use]
    pub fn on_reply(
        self,
        method: &'static str,
        route: &'static str,
        answer: impl Fn(&SimulatedRequest) -> SimulatedReply + Send + Sync + 'static,
    ) -> Self {
        self.route(method, route, move |request| Some(answer(request)))
    }

    fn route(
        mut self,
        method: &'static str,
        route: &'static str,
        answer: impl Fn(&SimulatedRequest) -> Option<SimulatedReply> + Send + Sync + 'static,
    ) -> Self {
        self.routes.push(Route { method, route, answer: Box::new(answer) });
        self
    }

    /// Sets the body of responses with status 404, where the vendor's client expects one.
    #[must_use]
    pub fn not_found(mut self, body: Value) -> Self {
        self.not_found = body;
        self
    }

    /// Sets where the service records [changes](SimulatedRequest::record), and its name there.
    #[must_use]
    pub fn recorded_in(mut self, outbox: Outbox, name: &'static str) -> Self {
        (self.outbox, self.name) = (outbox, name);
        self
    }

    /// Returns a connection to the service.
    pub fn connection(self) -> Connection {
        Connection::over(Arc::new(self))
    }

    fn answer(&self, request: &Request) -> SimulatedReply {
        let path: Vec<String> = segments(request.url.path()).map(decode).collect();
        let found = path.strip_prefix(self.base.as_slice()).and_then(|path| {
            let routes = self.routes.iter().filter(|route| request.method == route.method);
            routes.filter_map(|route| Some((route, matched(route.route, path)?))).next()
        });
        let answer = found.and_then(|(route, values)| {
            (route.answer)(&SimulatedRequest {
                values,
                query: request.url.query_pairs().into_owned().collect(),
                headers: request.headers.clone(),
                body: body(request),
                service: self.name,
                outbox: self.outbox.clone(),
            })
        });
        answer.unwrap_or_else(|| match &self.not_found {
            Value::Null => SimulatedReply::empty(404),
            body => SimulatedReply::json(404, body.clone()),
        })
    }
}

impl Transport for SimulatedService {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let SimulatedReply { status, headers, body } = self.answer(&request);
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        Box::pin(std::future::ready(Ok(Incoming::complete(status, headers, body.into()))))
    }
}

impl fmt::Debug for SimulatedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.routes.iter().map(|route| format!("{} {}", route.method, route.route));
        f.debug_list().entries(routes).finish()
    }
}

fn body(request: &Request) -> Value {
    let content_type = request.headers.get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    match content_type.starts_with(b"application/x-www-form-urlencoded") {
        true => form_urlencoded::parse(&request.body).into_owned().collect(),
        false => serde_json::from_slice(&request.body).unwrap_or_default(),
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The values of a route's placeholders, if the route is that of the path.
fn matched(route: &str, path: &[String]) -> Option<Vec<String>> {
    let route: Vec<&str> = segments(route).collect();
    if route.len() != path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (segment, found) in route.into_iter().zip(path) {
        match segment.starts_with('{') {
            true => values.push(found.clone()),
            false if segment == found => {}
            false => return None,
        }
    }
    Some(values)
}
