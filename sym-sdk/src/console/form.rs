//! The values of a form that was sent, or of a query.

use std::str::FromStr;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;

use super::refusal::Refusal;
use super::state::ConsoleState;

/// The values, in the order in which they were sent. A name can occur more than once.
#[derive(Clone, Debug, Default)]
pub(super) struct FormData(Vec<(String, String)>);

impl FormData {
    pub(super) fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// Returns the value of a field that was not left empty. Blanks around it do not count.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Returns the value of a field as it was sent.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Parses the value of a field that a page has filled in.
    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<T, Refusal> {
        let value = self.text(name).and_then(|value| value.parse().ok());
        value.ok_or_else(|| Refusal::invalid(format!("The form lacks a valid `{name}`.")))
    }

    /// Returns a query with the same values but those named.
    pub(super) fn query_without(&self, names: &[&str]) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs().filter(|(name, value)| !names.contains(name) && !value.is_empty()));
        query
    }
}

impl FromRequest<ConsoleState> for FormData {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &ConsoleState) -> Result<Self, Refusal> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            return Err(Refusal::invalid("This address takes forms alone."));
        }
        // Percent-encoding makes a character of text up to nine bytes.
        let limit = state.runtime.limits().fields_bytes.saturating_mul(9).saturating_add(64 * 1024);
        let body = to_bytes(request.into_body(), limit).await;
        let body = body.map_err(|_| Refusal::invalid("The form is too large, or was cut off."))?;
        Ok(Self(form_urlencoded::parse(&body).into_owned().collect()))
    }
}
