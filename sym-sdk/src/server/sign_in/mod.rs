//! The routes by which people sign in and out in a browser.
//!
//! `GET /console/sign-in` sends the browser to the identity provider, `GET /console/sign-in/callback` is where it comes back, and
//! `POST /console/sign-out` ends the session. If a proxy in front of the server signs people in, `GET /console/sign-in` begins the session of
//! the person whom it names, and the browser goes nowhere else.
//!
//! - **Our own address is configured, never read from a request**: whatever a request says about hosts, it changes nothing.
//! - **Each sign-in has a cookie of its own**, so that several tabs do not disturb each other. It binds the sign-in to the browser that has
//!   begun it.
//! - **A sign-in makes a new session** and ends the one that the browser had, so a session cannot be planted.

pub(crate) mod cookies;
mod responses;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use self::cookies::CookieNames;
use self::responses::{failure, plain, redirect};
use super::peer::{client_address, peer_of};
use super::rate::{Rate, RateLimit};
use crate::directory::{ReturnPath, Session};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::User;
use crate::runtime::ip_range::IpRange;
use crate::runtime::{PublicUrl, RouterContext, Runtime, SignInProxy};

const SIGN_IN_PATH: &str = "/console/sign-in";
const CALLBACK_PATH: &str = "/console/sign-in/callback";
const SIGN_OUT_PATH: &str = "/console/sign-out";

/// The page that people come to unless they ask for another one.
const HOME_PATH: &str = "/console";

/// The rate at which one client may begin to sign in. All people behind a proxy may be one client.
const SIGN_IN_RATE: Rate = Rate::per_minute(60).with_burst(60);

/// The maximum length of an authorization code, in bytes.
const MAX_CODE_BYTES: usize = 4 * 1024;

struct SignInState {
    runtime: Runtime,
    public_url: Option<PublicUrl>,
    trusted_proxies: Vec<IpRange>,
    rate: RateLimit<String>,
}

/// Returns the routes, with their whole path.
pub(crate) fn router(context: RouterContext) -> Router {
    let RouterContext { runtime, public_url, trusted_proxies, .. } = context;
    let rate = RateLimit::new("sign-ins", SIGN_IN_RATE, runtime.clock());
    let routes = match runtime.sign_in_proxy() {
        Some(_) => Router::new().route(SIGN_IN_PATH, get(by_proxy)),
        None => Router::new().route(SIGN_IN_PATH, get(start)).route(CALLBACK_PATH, get(callback).post(posted_callback)),
    };
    let state = SignInState { runtime, public_url, trusted_proxies, rate };
    routes.route(SIGN_OUT_PATH, post(sign_out)).with_state(Arc::new(state))
}

/// Returns the session of the browser that has sent a request, and the person as they are now.
///
/// # Errors
/// If the store fails.
pub(crate) async fn session_of(
    runtime: &Runtime,
    names: CookieNames,
    headers: &HeaderMap,
) -> Result<Option<(Session, Arc<User>)>> {
    // A cookie of another path or domain can have the same name.
    for secret in names.session_secrets(headers) {
        if let Some(found) = runtime.session(&secret).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Checks that a request that changes something comes from a page of ours. The origin is compared with the configured address, because
/// proxies rewrite `Host`.
pub(crate) fn is_same_origin(headers: &HeaderMap, public_url: &PublicUrl) -> bool {
    let value = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
    match (value("sec-fetch-site"), value("origin")) {
        (Some(site), Some(origin)) => site == b"same-origin" && origin == public_url.as_str().as_bytes(),
        (Some(site), None) => site == b"same-origin",
        (None, Some(origin)) => origin == public_url.as_str().as_bytes(),
        (None, None) => false,
    }
}

impl SignInState {
    /// Returns our own address and the names of our cookies.
    fn place(&self) -> Result<(&PublicUrl, CookieNames)> {
        let misconfigured = |message: &str| {
            let error = Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message);
            Err(error.with_hint("operators set the address with `serve --public-url`"))
        };
        let Some(url) = &self.public_url else {
            return misconfigured(
                "people cannot sign in: the address under which they reach this server is not configured",
            );
        };
        match CookieNames::of(url) {
            Some(names) => Ok((url, names)),
            None => misconfigured("people cannot sign in over HTTP, but on this machine alone"),
        }
    }
}

#[derive(Deserialize)]
struct StartParams {
    #[serde(rename = "return")]
    return_path: Option<String>,
}

async fn start(State(state): State<Arc<SignInState>>, Query(params): Query<StartParams>, request: Parts) -> Response {
    let client = client_address(&request.extensions, &request.headers, &state.trusted_proxies);
    if state.rate.check(&client.network.to_string()).is_err() {
        return plain(StatusCode::TOO_MANY_REQUESTS, "too many sign-ins: try again in a minute");
    }
    let started = async {
        let (url, names) = state.place()?;
        let return_path: ReturnPath = params.return_path.as_deref().unwrap_or(HOME_PATH).parse()?;
        let (secret, address) = state.runtime.start_sign_in(return_path, &url.join(CALLBACK_PATH)).await?;
        let mut response = redirect(&address);
        names.set_pending(&mut response, &secret, &request.headers);
        Ok::<_, Error>(response)
    };
    started.await.unwrap_or_else(|error| failure(&error))
}

/// Begins a session of the person whom the proxy names. It has authenticated them, so nothing limits how often.
async fn by_proxy(
    State(state): State<Arc<SignInState>>,
    Query(params): Query<StartParams>,
    request: Parts,
) -> Response {
    let signed_in = async {
        let (_, names) = state.place()?;
        let runtime = &state.runtime;
        let return_path: ReturnPath = params.return_path.as_deref().unwrap_or(HOME_PATH).parse()?;
        let Some(proxy) = runtime.sign_in_proxy() else { return Ok(redirect(HOME_PATH)) };
        let assertion = proxy.assertion(peer_of(&request.extensions), &request.headers)?;
        let had = session_of(runtime, names, &request.headers).await?;
        let (_, secret) = runtime.sign_in_by_proxy(proxy, &assertion).await?;
        // A session that the browser had may be that of somebody else.
        if let Some((session, _)) = had {
            runtime.end_session(session.id).await?;
        }
        let mut response = redirect(return_path.as_str());
        names.set_session(&mut response, &secret);
        Ok::<_, Error>(response)
    };
    signed_in.await.unwrap_or_else(|error| failure(&error))
}

#[derive(Deserialize)]
struct CallbackParams {
    state: Option<String>,
    code: Option<SecretString>,
    error: Option<String>,
    /// The issuer that has answered (RFC 9207).
    iss: Option<String>,
}

async fn callback(
    State(state): State<Arc<SignInState>>,
    Query(params): Query<CallbackParams>,
    headers: HeaderMap,
) -> Response {
    finish(&state, params, &headers).await.unwrap_or_else(|error| failure(&error))
}

async fn finish(state: &SignInState, params: CallbackParams, headers: &HeaderMap) -> Result<Response> {
    let (url, names) = state.place()?;
    let runtime = &state.runtime;
    let had = session_of(runtime, names, headers).await?;
    let secret = params.state.as_deref().and_then(|state| names.pending_secret(headers, state));
    let Some(secret) = secret else {
        // Another tab has finished, or the page was loaded again.
        if had.is_some() {
            return Ok(redirect(HOME_PATH));
        }
        let message = "this sign-in was not begun in this browser, or took too long";
        let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_SIGN_IN_EXPIRED, message);
        return Err(error.with_hint(format!("begin again at {}", url.join(SIGN_IN_PATH))));
    };
    let finished = match code_of(runtime, &params) {
        Ok(code) => runtime.complete_sign_in(&secret, &url.join(CALLBACK_PATH), code).await,
        Err(error) => runtime.refuse_sign_in(&secret, error).await,
    };
    let mut response = match finished {
        Ok(signed_in) => {
            if let Some((session, _)) = had {
                runtime.end_session(session.id).await?;
            }
            let mut response = redirect(signed_in.return_path.as_str());
            names.set_session(&mut response, &signed_in.secret);
            response
        }
        // A page that is loaded again finds that its sign-in is done.
        Err(error) if *error.code() == codes::AUTHENTICATION_SIGN_IN_EXPIRED && had.is_some() => redirect(HOME_PATH),
        Err(error) => failure(&error),
    };
    names.clear_pending(&mut response, &secret);
    Ok(response)
}

/// Returns the code, if the provider has sent one.
fn code_of<'a>(runtime: &Runtime, params: &'a CallbackParams) -> Result<&'a SecretString> {
    let refused =
        |message: String| Err(Error::new(ErrorKind::Forbidden, codes::AUTHENTICATION_SIGN_IN_REFUSED, message));
    if let (Some(found), Some(issuer)) = (&params.iss, runtime.sign_in_issuer())
        && found != issuer
    {
        return refused("another identity provider has answered than the one that was asked".to_owned());
    }
    if let Some(error) = &params.error {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let name: String = error.chars().filter(|c| is_name(*c)).take(50).collect();
        return refused(format!("the identity provider has refused the sign-in: {name}"));
    }
    let code = params.code.as_ref().filter(|code| (1..=MAX_CODE_BYTES).contains(&code.expose_secret().len()));
    code.map_or_else(|| refused("the identity provider has sent no code".to_owned()), Ok)
}

/// Browsers send no cookie with a form that another site has posted, so this could not be finished.
async fn posted_callback() -> Response {
    let message = "the identity provider must answer with `response_mode=query`, which this program asks for, and not with a form";
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, message);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET"));
    response
}

async fn sign_out(State(state): State<Arc<SignInState>>, headers: HeaderMap) -> Response {
    let ended = async {
        let (url, names) = state.place()?;
        if !is_same_origin(&headers, url) {
            let message = "the request does not come from a page of this server";
            return Err(Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message));
        }
        if let Some((session, _)) = session_of(&state.runtime, names, &headers).await? {
            state.runtime.end_session(session.id).await?;
        }
        let mut response = match state.runtime.sign_in_proxy().map(SignInProxy::signed_out_path) {
            None => redirect(HOME_PATH),
            Some(Some(path)) => redirect(path),
            // The home page would begin another session at once.
            Some(None) => plain(
                StatusCode::OK,
                "you have signed out here; the proxy in front of this server still knows you, and opens the console again",
            ),
        };
        names.clear_session(&mut response);
        Ok(response)
    };
    ended.await.unwrap_or_else(|error| failure(&error))
}
