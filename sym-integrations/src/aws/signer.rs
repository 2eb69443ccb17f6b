//! Request signatures, AWS Signature Version 4.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use sym_sdk::BoxFuture;
use sym_sdk::clock::Clock;
use sym_sdk::error::{BoxError, Error, ErrorCode, ErrorKind, Result};

use super::credentials::DynCredentialsSource;
use super::{Credentials, CredentialsSource, Region};
use crate::clock_offset::ClockOffset;
use crate::http::{CredentialsVersion, Signer, UnsignedRequest};

/// A signer for AWS requests: [Signature Version 4][doc], with a hash of the body. It signs the headers `host`, `content-type` and
/// those that begin with `x-amz-`.
///
/// If AWS rejects a signature because the clock of this machine is wrong, signatures get the time of AWS from then on.
///
/// ```
/// use std::sync::Arc;
/// use sym_integrations::aws::{Credentials, Region, SigV4};
/// use sym_integrations::http::{Auth, SecretString};
/// use sym_sdk::clock::SystemClock;
///
/// let keys = Credentials::new("AKIDEXAMPLE", SecretString::from("k3y"));
/// let auth = Auth::signer(SigV4::new("execute-api", Region::parse("eu-central-1")?, keys, Arc::new(SystemClock)));
/// # let _ = auth;
/// # Ok::<(), sym_sdk::Error>(())
/// ```
///
/// [doc]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
pub struct SigV4 {
    service: &'static str,
    region: Region,
    credentials: Arc<dyn DynCredentialsSource>,
    clock: Arc<dyn Clock>,
    clock_offset: Arc<ClockOffset>,
    last: Mutex<Last>,
}

/// The credentials and the clock that were used last.
#[derive(Default)]
struct Last {
    version: CredentialsVersion,
    access_key_id: String,
    clock_corrections: u64,
}

impl SigV4 {
    /// Creates a signer for a service, by its name in signatures, such as `lambda`.
    pub fn new(
        service: &'static str,
        region: Region,
        credentials: impl CredentialsSource,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::shared(service, region, Arc::new(credentials), clock, Arc::new(clock_offset()))
    }

    pub(super) fn shared(
        service: &'static str,
        region: Region,
        credentials: Arc<dyn DynCredentialsSource>,
        clock: Arc<dyn Clock>,
        clock_offset: Arc<ClockOffset>,
    ) -> Self {
        Self { service, region, credentials, clock, clock_offset, last: Mutex::default() }
    }

    /// Returns a number that differs if the credentials or the correction of the clock are not those of the last request.
    fn version(&self, credentials: &Credentials, clock_corrections: u64) -> CredentialsVersion {
        let mut last = self.lock();
        if last.access_key_id != credentials.access_key_id() || last.clock_corrections != clock_corrections {
            last.version += 1;
            last.access_key_id = credentials.access_key_id().to_owned();
            last.clock_corrections = clock_corrections;
        }
        last.version
    }

    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn headers(&self, credentials: &Credentials, request: &UnsignedRequest<'_>) -> Result<Vec<(&'static str, String)>> {
        let identity = aws_credential_types::Credentials::new(
            credentials.access_key_id(),
            credentials.secret_access_key().expose_secret(),
            credentials.session_token().map(|token| token.expose_secret().to_owned()),
            None,
            "sym-integrations",
        )
        .into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_str())
            .name(self.service)
            .time(self.clock_offset.correct(self.clock.now()).into())
            .settings(SigningSettings::default())
            .build()
            .map_err(unsigned)?
            .into();
        let headers: Vec<(&str, &str)> = request
            .headers()
            .filter(|(name, _)| *name == "content-type" || name.starts_with("x-amz-"))
            .map(|(name, value)| Ok((name, std::str::from_utf8(value)?)))
            .collect::<Result<_, std::str::Utf8Error>>()
            .map_err(unsigned)?;
        let body = SignableBody::Bytes(request.body());
        let signable =
            SignableRequest::new(request.method(), request.url(), headers.into_iter(), body).map_err(unsigned)?;
        let (instructions, _) = sign(signable, &params).map_err(unsigned)?.into_parts();
        let (headers, _) = instructions.into_parts();
        Ok(headers.into_iter().map(|header| (header.name(), header.value().to_owned())).collect())
    }
}

impl Signer for SigV4 {
    fn sign<'a>(&'a self, mut request: UnsignedRequest<'a>) -> BoxFuture<'a, Result<CredentialsVersion>> {
        Box::pin(async move {
            let credentials = self.credentials.current().await?;
            // Read before the time, so that a correction in between counts as one that this request does not have.
            let clock_corrections = self.clock_offset.corrections();
            for (name, value) in self.headers(&credentials, &request)? {
                match name {
                    "x-amz-date" => request.set_header(name, &value)?,
                    _ => request.set_secret_header(name, "", &SecretString::from(value))?,
                }
            }
            Ok(self.version(&credentials, clock_corrections))
        })
    }

    fn renew(&self, rejected: CredentialsVersion) -> bool {
        let rejected = {
            let last = self.lock();
            if last.version != rejected {
                return true;
            }
            last.access_key_id.clone()
        };
        self.credentials.reject(&rejected)
    }

    fn correct_clock(&self, rejected: CredentialsVersion, offset: SignedDuration) -> bool {
        let (version, corrections) = {
            let last = self.lock();
            (last.version, last.clock_corrections)
        };
        // Another request may have corrected the clock since this one was signed.
        version != rejected || corrections != self.clock_offset.corrections() || self.clock_offset.set(offset)
    }
}

/// A correction of the clock, of at least a minute: AWS accepts signatures from minutes away.
pub(super) fn clock_offset() -> ClockOffset {
    ClockOffset::new("aws", SignedDuration::from_mins(1))
}

impl fmt::Debug for SigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigV4").field("service", &self.service).field("region", &self.region).finish_non_exhaustive()
    }
}

fn unsigned(error: impl Into<BoxError>) -> Error {
    let code = ErrorCode::new("AWS", "NOT_SIGNED");
    Error::new(ErrorKind::Internal, code, "the request cannot be signed").with_service("aws").with_source(error)
}
