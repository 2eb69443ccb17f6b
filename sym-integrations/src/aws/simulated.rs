//! Simulated services of AWS, which answer operations in memory.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use sym_sdk::BoxFuture;
use url::form_urlencoded;

use crate::http::Connection;
use crate::http::transport::{Incoming, Request, Transport, TransportError};

/// An operation that a simulated service is asked for, with its arguments: those of a form as texts.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

impl Operation {
    fn of(request: &Request) -> Self {
        match request.headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
            Some(target) => Self {
                name: target.rsplit('.').next().unwrap_or_default().to_owned(),
                arguments: serde_json::from_slice(&request.body).unwrap_or_default(),
            },
            None => {
                let arguments: Map<String, Value> = form_urlencoded::parse(&request.body)
                    .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
                    .collect();
                let name = arguments.get("Action").and_then(Value::as_str).unwrap_or_default().to_owned();
                Self { name, arguments: arguments.into() }
            }
        }
    }

    /// Returns an argument that is a text; empty if there is none.
    pub(crate) fn text(&self, argument: &str) -> &str {
        self.arguments.get(argument).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The answer to an [`Operation`].
#[allow(dead_code, reason = "which are used depends on the services")]
pub(crate) enum Answer {
    /// A JSON object.
    #[allow(dead_code, reason = "only some services answer with JSON")]
    Json(Value),
    /// The content of the operation's element in XML.
    #[allow(dead_code, reason = "only some services answer with XML")]
    Xml(String),
    /// A failure, by its code.
    NotFound(&'static str),
}

/// Returns a connection to services whose operations are answered by a function.
pub(crate) fn connection(answer: impl Fn(&Operation) -> Answer + Send + Sync + 'static) -> Connection {
    Connection::over(Arc::new(SimulatedAws(answer)))
}

struct SimulatedAws<F>(F);

impl<F: Fn(&Operation) -> Answer + Send + Sync + 'static> Transport for SimulatedAws<F> {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let operation = Operation::of(&request);
        let (status, body) = match (self.0)(&operation) {
            Answer::Json(body) => (StatusCode::OK, body.to_string()),
            Answer::Xml(content) => {
                let name = &operation.name;
                let body = format!("<{name}Response><{name}Result>{content}</{name}Result></{name}Response>");
                (StatusCode::OK, body)
            }
            Answer::NotFound(code) => {
                (StatusCode::NOT_FOUND, json!({ "__type": code, "message": "not found" }).to_string())
            }
        };
        Box::pin(std::future::ready(Ok(Incoming::complete(status, HeaderMap::new(), body.into()))))
    }
}
