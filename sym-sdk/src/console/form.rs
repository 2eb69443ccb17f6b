//! The values of a form that was sent, or of a query.

use std::convert::Infallible;
use std::ops::Deref;
use std::str::FromStr;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use super::state::ConsoleState;

/// The values, in the order in which they were sent. A name can occur more than once.
#[derive(Clone, Debug, Default)]
pub(super) struct FormData(Vec<(String, String)>);

impl FormData {
    /// Replaces the values of a field by this one, or by none.
    pub(super) fn with(mut self, name: &str, value: Option<String>) -> Self {
        self.0.retain(|(found, _)| found != name);
        self.0.extend(value.map(|value| (name.to_owned(), value)));
        self
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

    /// Returns a query with the values of the fields that are named.
    pub(super) fn query_with(&self, names: &[&str]) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs().filter(|(name, value)| names.contains(name) && !value.is_empty()));
        query
    }

    /// Returns a query with the same values but those named.
    pub(super) fn query_without(&self, names: &[&str]) -> form_urlencoded::Serializer<'static, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs().filter(|(name, value)| !names.contains(name) && !value.is_empty()));
        query
    }
}

/// The values of the query of a page's address. They are edited by hand and shortened by those who send them, so a page reads what it can
/// and refuses none: what it does not know, or what is not well-formed, does not count.
#[derive(Clone, Debug, Default)]
pub(super) struct PageQuery(pub(super) FormData);

impl Deref for PageQuery {
    type Target = FormData;

    fn deref(&self) -> &FormData {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(FormData(form_urlencoded::parse(query.as_bytes()).into_owned().collect())))
    }
}

/// A part of the path of an address. Nothing is where it is malformed, for example by bytes that are no text.
#[derive(Clone, Debug)]
pub(super) struct Segment<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Segment<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let parsed = Path::<T>::from_request_parts(parts, state).await;
        parsed.map(|Path(value)| Self(value)).map_err(|_| Refusal::not_found())
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
