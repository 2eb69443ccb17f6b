//! One try of a call: sign, send, follow redirects within the service, read, judge.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::LOCATION;
use http::{Method, StatusCode};
use sym_sdk::error::{Error, ErrorKind};
use url::Url;

use super::Response;
use super::auth::{CredentialsEdition, UnsignedRequest};
use super::client::Inner;
use super::failure::{Failure, Retry, names};
use super::limits::within;
use super::origin::Origin;
use super::plan::Plan;
use super::transport::{Broken, Incoming, Request};

/// Redirects within a service that one try follows.
const REDIRECTS: usize = 3;

/// What is read of the body of an answer that reports a failure.
const FAILURE_BYTES: usize = 64 * 1024;

/// A try that failed.
pub(super) struct Miss {
    pub(super) error: Error,
    pub(super) retry: Retry,
    /// How long the service asks to be left alone.
    pub(super) wait: Option<Duration>,
    /// The credentials that the service did not accept.
    pub(super) refused: Option<CredentialsEdition>,
}

impl Miss {
    fn new(error: Error, retry: Retry) -> Self {
        Self { error, retry, wait: None, refused: None }
    }
}

impl From<Error> for Miss {
    fn from(error: Error) -> Self {
        Self::new(error, Retry::Never)
    }
}

/// One try.
pub(super) async fn attempt(client: &Inner, plan: &Plan) -> Result<Response, Miss> {
    let mut url = plan.url();
    for _ in 0..=REDIRECTS {
        let (mut headers, body) = plan.content();
        let mut origin = plan.origin(client);
        let unsigned = UnsignedRequest {
            method: &plan.method,
            url: &url,
            headers: &mut headers,
            body: &body,
            redactor: &mut origin.redactor,
        };
        let edition = client.credentials.sign(unsigned).await?;
        let exchange = Exchange { client, plan, origin: Arc::new(origin) };
        let request = Request { method: plan.method.clone(), url: url.clone(), headers, body };
        let incoming = exchange.send(request).await?;
        if let Some(target) = exchange.redirect(&url, &incoming)? {
            url = target;
            continue;
        }
        return exchange.finish(incoming, edition).await;
    }
    let origin = plan.origin(client);
    let message = format!("the service redirected the call more than {REDIRECTS} times");
    Err(origin.error(ErrorKind::Configuration, origin.code(names::REDIRECTED), message).into())
}

struct Exchange<'a> {
    client: &'a Inner,
    plan: &'a Plan,
    origin: Arc<Origin>,
}

impl Exchange<'_> {
    async fn send(&self, request: Request) -> Result<Incoming, Miss> {
        self.heard(self.client.transport.send(request)).await
    }

    /// Awaits the service for as long as it may be silent.
    async fn heard<T>(&self, work: impl Future<Output = Result<T, Broken>> + Send) -> Result<T, Miss> {
        let silence = self.plan.silence;
        let heard = match self.client.transport.takes_time() {
            true => within(&*self.client.clock, silence, work).await,
            false => Some(work.await),
        };
        match heard {
            Some(Ok(heard)) => Ok(heard),
            Some(Err(broken)) => Err(self.broken(broken)),
            None => Err(self.silent()),
        }
    }

    fn silent(&self) -> Miss {
        let message = format!("the service was silent for {:?}", self.plan.silence);
        let error = self.origin.error(ErrorKind::Timeout, self.origin.code(names::TIMED_OUT), message);
        Miss::new(self.doubtful(error), Retry::IfIdempotent)
    }

    fn broken(&self, broken: Broken) -> Miss {
        let host = self.client.base.host();
        let unavailable = |name, message| self.origin.error(ErrorKind::Unavailable, self.origin.code(name), message);
        match broken {
            Broken::Connecting(source) => {
                let error = unavailable(names::UNREACHABLE, format!("no connection to host `{host}` could be made"));
                Miss::new(error.with_source(source), Retry::Always)
            }
            Broken::Untrusted(source, hint) => {
                let message = format!("the certificate of host `{host}` was not accepted, and nothing was sent");
                let code = self.origin.code(names::UNTRUSTED_CERTIFICATE);
                let error = self.origin.error(ErrorKind::Configuration, code, message);
                Miss::new(error.with_source(source).with_hint(hint), Retry::Never)
            }
            Broken::Connected(source) => {
                let message = format!("the connection to host `{host}` broke before the answer was complete");
                let error = self.doubtful(unavailable(names::CONNECTION_LOST, message));
                Miss::new(error.with_source(source), Retry::IfIdempotent)
            }
            #[cfg(feature = "testing")]
            Broken::Unexpected(message) => {
                let code = self.origin.code(super::replay::UNEXPECTED_CALL);
                self.origin.error(ErrorKind::Internal, code, message).into()
            }
            #[cfg(feature = "testing")]
            Broken::TimedOut => self.silent(),
        }
    }

    /// Warns of what is not known about a call that is not to be repeated.
    fn doubtful(&self, error: Error) -> Error {
        if self.plan.idempotent {
            return error;
        }
        error.with_hint("the service may have carried the request out: look there before it is sent again")
    }

    /// Where the service sends the call, if it stays within the service. Nobody else is sent the credentials.
    fn redirect(&self, from: &Url, incoming: &Incoming) -> Result<Option<Url>, Miss> {
        let status = incoming.status;
        let follows = match status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            // What other methods become then is not the same everywhere.
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
                matches!(self.plan.method, Method::GET | Method::HEAD)
            }
            _ => return Ok(None),
        };
        if self.plan.accepted.contains(&status.as_u16()) {
            return Ok(None);
        }
        let location = incoming.headers.get(LOCATION).and_then(|location| location.to_str().ok());
        let target = location.and_then(|location| from.join(location).ok());
        match target {
            Some(target) if follows && self.client.base.is_origin_of(&target) => Ok(Some(target)),
            target => {
                let to = match target.as_ref().and_then(Url::host_str) {
                    Some(host) => format!("to host `{}`", self.origin.clean(host)),
                    None => "to nowhere".to_owned(),
                };
                let message = format!("the service redirected the call {to}, where it does not go");
                let error = self.origin.error(ErrorKind::Configuration, self.origin.code(names::REDIRECTED), message);
                Err(error.with_status(status.as_u16()).with_hint("check the base URL of the service").into())
            }
        }
    }

    async fn finish(&self, incoming: Incoming, edition: CredentialsEdition) -> Result<Response, Miss> {
        let response = self.receive(incoming).await?;
        if self.plan.accepted.contains(&response.status()) {
            return Ok(response);
        }
        let Err(failure) = self.client.service.judge(&response) else {
            return Ok(response);
        };
        let failure: Failure = self.plan.refine.iter().fold(failure, |failure, refine| refine(&response, failure));
        let refused = (failure.kind() == ErrorKind::Unauthorized).then_some(edition);
        let (retry, wait) = (failure.retry(), failure.wait());
        Err(Miss { error: failure.into_error(&response), retry, wait, refused })
    }

    async fn receive(&self, mut incoming: Incoming) -> Result<Response, Miss> {
        let status = incoming.status.as_u16();
        let is_answer = incoming.status.is_success() || self.plan.accepted.contains(&status);
        let most = if is_answer { self.plan.most_bytes } else { self.plan.most_bytes.min(FAILURE_BYTES) };
        if is_answer
            && self.plan.method != Method::HEAD
            && incoming.announced().is_some_and(|bytes| bytes > most as u64)
        {
            return Err(self.too_large(&incoming));
        }
        let mut body = Body::Empty;
        while let Some(chunk) = self.heard(incoming.chunk()).await? {
            if body.len() + chunk.len() > most {
                if is_answer {
                    return Err(self.too_large(&incoming));
                }
                // The beginning says what failed, the status that it did.
                body.push(chunk.slice(..most - body.len()));
                break;
            }
            body.push(chunk);
        }
        let received = self.client.clock.now();
        Ok(Response::new(Arc::clone(&self.origin), status, incoming.headers, body.freeze(), received))
    }

    fn too_large(&self, incoming: &Incoming) -> Miss {
        let message = format!("the answer is larger than {} bytes", self.plan.most_bytes);
        let error = self.origin.error(ErrorKind::Decode, self.origin.code(names::TOO_LARGE), message);
        let error = error.with_status(incoming.status.as_u16());
        match self.origin.request_id(&incoming.headers) {
            Some(id) => error.with_request_id(id).into(),
            None => error.into(),
        }
    }
}

/// A body as it arrives: most are one chunk, which is not copied.
enum Body {
    Empty,
    One(Bytes),
    Many(BytesMut),
}

impl Body {
    fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    fn push(&mut self, chunk: Bytes) {
        match self {
            Self::Empty => *self = Self::One(chunk),
            Self::One(first) => {
                let mut bytes = BytesMut::from(&first[..]);
                bytes.extend_from_slice(&chunk);
                *self = Self::Many(bytes);
            }
            Self::Many(bytes) => bytes.extend_from_slice(&chunk),
        }
    }

    fn freeze(self) -> Bytes {
        match self {
            Self::Empty => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}
