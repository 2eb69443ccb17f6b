//! The guard of routes over HTTP: sizes of heads, credentials and rates, before a handler sees the request.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::caller::{Caller, Credentials};
use super::peer::{ClientAddress, client_address};
use super::problem::{ForAdmin, Problem};
use super::rate::{Rate, RateLimit, RateState};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, codes};
use crate::runtime::Runtime;
use crate::runtime::ip_range::IpRange;

/// Maximum size of all headers of a request in bytes.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// The rates at which callers may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallRates {
    pub(crate) reads: Rate,
    pub(crate) writes: Rate,
    pub(crate) failed_authentications: Rate,
}

/// Admits requests.
pub(crate) struct Guard {
    runtime: Runtime,
    /// Whether the routes are for a caller.
    check: fn(&Caller) -> Result<(), Error>,
    trusted_proxies: Vec<IpRange>,
    reads: RateLimit<String>,
    writes: RateLimit<String>,
    failed_authentications: RateLimit<String>,
}

/// A request that was let in.
struct Admitted {
    caller: Caller,
    credentials: Credentials,
    rate: RateState,
}

impl Guard {
    pub(crate) fn new(
        runtime: Runtime,
        rates: CallRates,
        trusted_proxies: Vec<IpRange>,
        check: fn(&Caller) -> Result<(), Error>,
    ) -> Self {
        let clock: &Arc<dyn Clock> = runtime.clock();
        Self {
            reads: RateLimit::new("reads", rates.reads, clock),
            writes: RateLimit::new("writes", rates.writes, clock),
            failed_authentications: RateLimit::new("failed authentications", rates.failed_authentications, clock),
            trusted_proxies,
            check,
            runtime,
        }
    }

    /// Returns the client of a request.
    pub(crate) fn client(&self, request: &Parts) -> ClientAddress {
        client_address(&request.extensions, &request.headers, &self.trusted_proxies)
    }

    /// Counts a failed authentication: of the client, or, where many may share its address, of the account that it names.
    pub(crate) fn count_failure(&self, client: &ClientAddress, account: &str) -> Result<(), Problem> {
        let account = if client.is_forwarded { "" } else { account };
        self.failed_authentications.check(&format!("{} {account}", client.network)).map(drop)
    }

    async fn admit(&self, request: &Parts) -> Result<Admitted, Problem> {
        check_header_size(&request.headers)?;
        let credentials = Credentials::read(&request.headers)?;
        let caller = match credentials.authenticate(&self.runtime).await {
            Ok(caller) => caller,
            Err(error) if error.kind() == ErrorKind::Unauthorized => {
                // Good credentials are never counted, so whoever shares an address with a bot that has an old token is let in.
                let client = self.client(request);
                self.count_failure(&client, &credentials.public_part())?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let is_read = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&request.method);
        let limit = if is_read { &self.reads } else { &self.writes };
        let rate = limit.check(&caller.key())?;
        (self.check)(&caller)?;
        Ok(Admitted { caller, credentials, rate })
    }
}

/// Lets a request through once its caller is known and calls no faster than allowed.
pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    // A body cannot be shared between threads, so the guard sees the rest alone.
    let (mut parts, body) = request.into_parts();
    let Admitted { caller, credentials, rate } = match guard.admit(&parts).await {
        Ok(admitted) => admitted,
        Err(problem) => return problem.into_response(),
    };
    let is_admin = caller.is_admin();
    parts.extensions.insert(caller);
    // A stream authenticates its caller again.
    parts.extensions.insert(Arc::new(credentials));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    rate.write(response.headers_mut());
    if is_admin {
        response.extensions_mut().insert(ForAdmin);
    }
    response
}

/// Lets a request through that comes from the command line in this process.
#[cfg(all(feature = "cli", feature = "remote", feature = "sqlite"))]
pub(crate) async fn admit_operator(
    State(admission): State<Arc<(Runtime, Arc<Credentials>)>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (runtime, credentials) = &*admission;
    let caller = match credentials.authenticate(runtime).await {
        Ok(caller) => caller,
        Err(error) => return Problem::from(error).into_response(),
    };
    let extensions = request.extensions_mut();
    extensions.insert(caller);
    extensions.insert(credentials.clone());
    let mut response = next.run(request).await;
    // Whoever can read the file can read what it says.
    response.extensions_mut().insert(ForAdmin);
    response
}

/// The HTTP library refuses larger heads without a body of ours; see `ServerLimits::head_bytes`.
fn check_header_size(headers: &HeaderMap) -> Result<(), Problem> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size <= MAX_HEADER_BYTES {
        return Ok(());
    }
    let message = format!("the headers of the request take {size} bytes; at most {MAX_HEADER_BYTES} are taken");
    let error = Error::new(ErrorKind::InvalidInput, codes::HEADERS_TOO_LARGE, message);
    Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, error))
}
