//! The authentication of whoever opens a page, and the rate at which they may.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequest as _, FromRequestParts, OriginalUri, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::ended_session;
use super::form::FormData;
use super::refusal::Refusal;
use super::sign_in::return_address;
use super::state::ConsoleState;
use crate::directory::SessionKind;
use crate::error::{Error, ErrorKind, codes};
use crate::model::{Channel, ChannelType, SessionId, User};
use crate::runtime::{Actor, Administrator};
use crate::server::peer::peer_of;
use crate::server::sign_in::cookies::CookieNames;
use crate::server::sign_in::session_of;

/// The person who has signed in.
#[derive(Clone, Debug)]
pub(super) struct SignedIn {
    pub(super) user: Arc<User>,
    pub(super) session: SessionId,
}

impl SignedIn {
    /// Returns the channel of what they submit.
    pub(super) fn channel() -> Channel {
        Channel::new(ChannelType::Web)
    }

    pub(super) fn administrator(&self) -> Administrator {
        Administrator::new(Actor::from(self.user.clone()), Self::channel())
    }
}

/// The administrator who has signed in. For others, a page that takes one does not exist, whatever they send to it.
#[derive(Clone, Debug)]
pub(super) struct SignedInAdmin(pub(super) SignedIn);

impl<S: Sync> FromRequestParts<S> for SignedInAdmin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let viewer = parts.extensions.get::<SignedIn>().filter(|viewer| viewer.user.is_admin());
        viewer.cloned().map(Self).ok_or_else(Refusal::not_found)
    }
}

/// Lets a request through once its sender is known. Others are sent to sign in, and come back afterwards; a form of theirs is shown to them, so
/// that they can send it again.
pub(super) async fn authenticate(State(state): State<ConsoleState>, mut request: Request, next: Next) -> Response {
    let signed_in = match signed_in(&state, peer_of(request.extensions()), request.headers()).await {
        Ok(signed_in) => signed_in,
        Err(error) => return Refusal::from(error).into_response(),
    };
    let Some(signed_in) = signed_in else {
        let address = request.uri();
        // A router that is nested sees the rest of the path alone.
        let whole = request.extensions().get::<OriginalUri>().map_or(address, |original| &original.0);
        let there = whole.path_and_query().map_or("", |path| path.as_str()).to_owned();
        if request.method() == Method::POST {
            return match FormData::from_request(request, &state).await {
                Ok(form) => ended_session::page(&there, &form).into_response(),
                Err(refusal) => refusal.into_response(),
            };
        }
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("return", return_address(&there)).finish();
        return Redirect::to(&format!("/console/sign-in?{query}")).into_response();
    };
    let key = signed_in.user.id().to_string();
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let limit = if is_read { &state.reads } else { &state.writes };
    request.extensions_mut().insert(signed_in.clone());
    let mut response = match limit.check(&key) {
        Ok(_) => next.run(request).await,
        Err(_) => {
            let message = "you are faster than this console; wait a few seconds and try again";
            Refusal::from(Error::new(ErrorKind::RateLimited, codes::TOO_MANY_CALLS, message)).into_response()
        }
    };
    // For the frame of the page.
    response.extensions_mut().insert(signed_in);
    response
}

/// Returns who has the session that a request from this peer names.
///
/// # Errors
/// If the directory fails, or a proxy signs people in and says nothing good about the sender.
pub(super) async fn signed_in(
    state: &ConsoleState,
    peer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Option<SignedIn>, Error> {
    let Some(names) = cookie_names(state) else { return Ok(None) };
    let found = session_of(&state.runtime, names, headers).await?;
    let Some((session, user)) = found.filter(|(session, _)| session.kind == SessionKind::Browser) else {
        return Ok(None);
    };
    // The session of somebody whom the proxy does not let through any more, or takes for somebody else, is worth nothing.
    let is_named = state.runtime.is_named_by_proxy(&user, peer, headers).await?;
    Ok(is_named.then_some(SignedIn { user, session: session.id }))
}

/// Returns the names of the cookies. Without a public address, the server is there for this machine alone; over HTTP from elsewhere, there is
/// no way to keep a session safe.
pub(super) fn cookie_names(state: &ConsoleState) -> Option<CookieNames> {
    state.public_url.as_ref().map_or(Some(CookieNames::Loopback), CookieNames::of)
}

/// Returns the value of a cookie.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
}
