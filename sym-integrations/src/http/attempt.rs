//! One attempt of a call: sign, send, follow redirects within the service, read the response, classify it.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Method;
use jiff::SignedDuration;
use sym_sdk::error::{Error, ErrorKind};
use url::Url;

use super::Response;
use super::auth::{CredentialsVersion, UnsignedRequest};
use super::call_info::CallInfo;
use super::client::Inner;
use super::failure::{Failure, Retry, error_names};
use super::limits::with_timeout;
use super::redirect;
use super::request_spec::RequestSpec;
use super::transport::{Incoming, Request, TransportError};

/// Number of bytes read of a body that reports a failure. Its beginning is enough for an error message.
const MAX_FAILURE_BYTES: usize = 64 * 1024;

/// The error of a failed attempt, and how to proceed after it.
pub(super) struct AttemptError {
    pub(super) error: Error,
    pub(super) retry: Retry,
    /// The delay that the service asked for.
    pub(super) retry_after: Option<Duration>,
    /// The version of the credentials that the service rejected.
    pub(super) rejected_credentials: Option<CredentialsVersion>,
    /// The offset of the service's clock, if it rejected the time of the request.
    pub(super) clock_offset: Option<SignedDuration>,
}

impl AttemptError {
    fn new(error: Error, retry: Retry) -> Self {
        Self { error, retry, retry_after: None, rejected_credentials: None, clock_offset: None }
    }
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        Self::new(error, Retry::Never)
    }
}

/// Makes one attempt.
pub(super) async fn attempt(client: &Inner, spec: &RequestSpec) -> Result<Response, AttemptError> {
    let mut url = spec.url();
    for _ in 0..=redirect::MAX_REDIRECTS {
        let (mut headers, mut body) = spec.content();
        let mut info = spec.call_info(client);
        let unsigned = UnsignedRequest {
            method: &spec.method,
            url: &url,
            headers: &mut headers,
            body: &mut body,
            redactor: &mut info.redactor,
        };
        let version = client.credentials.sign(unsigned).await?;
        let exchange = Exchange { client, spec, info: Arc::new(info) };
        let request = Request { method: spec.method.clone(), url: url.clone(), headers, body };
        let incoming = exchange.send(request).await?;
        if let Some(target) = exchange.redirect(&url, &incoming)? {
            url = target;
            continue;
        }
        return exchange.finish(incoming, version).await;
    }
    Err(redirect::too_many(&spec.call_info(client)).into())
}

/// A request that was sent, and its response.
struct Exchange<'a> {
    client: &'a Inner,
    spec: &'a RequestSpec,
    info: Arc<CallInfo>,
}

impl Exchange<'_> {
    async fn send(&self, request: Request) -> Result<Incoming, AttemptError> {
        self.with_read_timeout(self.client.transport.send(request)).await
    }

    /// Awaits the service for at most the read timeout.
    async fn with_read_timeout<T>(
        &self,
        work: impl Future<Output = Result<T, TransportError>> + Send,
    ) -> Result<T, AttemptError> {
        let outcome = match self.client.transport.is_network() {
            true => with_timeout(&*self.client.clock, self.spec.read_timeout, work).await,
            false => Some(work.await),
        };
        match outcome {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(self.transport_failed(error)),
            None => Err(self.read_timed_out()),
        }
    }

    fn read_timed_out(&self) -> AttemptError {
        let message = format!("the service sent nothing for {:?}", self.spec.read_timeout);
        let error = self.info.error(ErrorKind::Timeout, self.info.code(error_names::TIMED_OUT), message);
        AttemptError::new(self.spec.with_repetition_hint(error), Retry::IfIdempotent)
    }

    fn transport_failed(&self, error: TransportError) -> AttemptError {
        let host = self.client.base.host();
        let unavailable = |name, message| self.info.error(ErrorKind::Unavailable, self.info.code(name), message);
        match error {
            TransportError::Connecting(source) => {
                let error = unavailable(error_names::UNREACHABLE, format!("cannot connect to host `{host}`"));
                AttemptError::new(error.with_source(source), Retry::Always)
            }
            TransportError::Untrusted(source, hint) => {
                let message = format!("the certificate of host `{host}` was rejected; nothing was sent");
                let code = self.info.code(error_names::UNTRUSTED_CERTIFICATE);
                let error = self.info.error(ErrorKind::Configuration, code, message);
                AttemptError::new(error.with_source(source).with_hint(hint), Retry::Never)
            }
            TransportError::Connected(source) => {
                let message = format!("the connection to host `{host}` was lost before the response was complete");
                let error = self.spec.with_repetition_hint(unavailable(error_names::CONNECTION_LOST, message));
                AttemptError::new(error.with_source(source), Retry::IfIdempotent)
            }
            #[cfg(feature = "testing")]
            TransportError::Unexpected(message) => {
                let code = self.info.code(super::replay::UNEXPECTED_CALL);
                self.info.error(ErrorKind::Internal, code, message).into()
            }
            #[cfg(feature = "testing")]
            TransportError::TimedOut => self.read_timed_out(),
        }
    }

    fn redirect(&self, from: &Url, incoming: &Incoming) -> Result<Option<Url>, AttemptError> {
        Ok(redirect::target(&self.client.base, self.spec, &self.info, from, incoming)?)
    }

    async fn finish(&self, incoming: Incoming, version: CredentialsVersion) -> Result<Response, AttemptError> {
        let response = self.receive(incoming).await?;
        if self.spec.accepted.contains(&response.status()) {
            return Ok(response);
        }
        let Err(failure) = self.client.service.classify(&response) else {
            return Ok(response);
        };
        let failure: Failure = self.spec.refine.iter().fold(failure, |failure, refine| refine(&response, failure));
        let rejected_credentials = (failure.kind() == ErrorKind::Unauthorized).then_some(version);
        Err(AttemptError {
            retry: failure.retry(),
            retry_after: failure.retry_after(),
            rejected_credentials,
            clock_offset: failure.clock_offset(),
            error: failure.into_error(&response),
        })
    }

    async fn receive(&self, mut incoming: Incoming) -> Result<Response, AttemptError> {
        let status = incoming.status.as_u16();
        let is_success = incoming.status.is_success() || self.spec.accepted.contains(&status);
        let max = if is_success { self.spec.max_bytes } else { self.spec.max_bytes.min(MAX_FAILURE_BYTES) };
        if is_success
            && self.spec.method != Method::HEAD
            && incoming.content_length().is_some_and(|bytes| bytes > max as u64)
        {
            return Err(self.too_large(&incoming));
        }
        let mut body = Body::Empty;
        while let Some(chunk) = self.with_read_timeout(incoming.chunk()).await? {
            if body.len() + chunk.len() > max {
                if is_success {
                    return Err(self.too_large(&incoming));
                }
                // A failure is reported by its status; the beginning of its body describes it.
                body.push(chunk.slice(..max - body.len()));
                break;
            }
            body.push(chunk);
        }
        let received = self.client.clock.now();
        Ok(Response::new(Arc::clone(&self.info), status, incoming.headers, body.freeze(), received))
    }

    fn too_large(&self, incoming: &Incoming) -> AttemptError {
        let message = format!("the response exceeds the limit of {} bytes", self.spec.max_bytes);
        let error = self.info.error(ErrorKind::Decode, self.info.code(error_names::TOO_LARGE), message);
        let error = error.with_status(incoming.status.as_u16());
        match self.info.request_id(&incoming.headers) {
            Some(id) => error.with_request_id(id).into(),
            None => error.into(),
        }
    }
}

/// A body as it arrives. Most bodies are a single chunk, which is not copied.
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
