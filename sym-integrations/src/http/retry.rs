//! The retry policy: a call with all its attempts and the delays between them, within one deadline.
//!
//! An attempt is repeated only if that is safe ([`Retry`](super::Retry)) and there is time left. The service's own delay takes
//! precedence over the exponential backoff; if it exceeds the time left, the call fails immediately instead of waiting in vain.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use sym_sdk::error::{Error, ErrorKind, Result};
use sym_sdk::integration::check_unrecorded;
use tracing::{Instrument, Span, field};

use super::Response;
use super::attempt::{AttemptError, attempt};
use super::client::Inner;
use super::failure::{Retry, error_names};
use super::limits::with_timeout;
use super::lost_attempts::LostAttempts;
use super::rate_limit::{Throttled, jitter};
use super::request_spec::RequestSpec;

/// Backoff before the second attempt. It doubles with each further one.
const MIN_BACKOFF: Duration = Duration::from_millis(500);

/// Longest backoff. Delays that the service asks for may be longer.
const MAX_BACKOFF: Duration = Duration::from_secs(20);

/// Carries out a call within `timeout`.
pub(super) async fn send(client: &Inner, spec: &RequestSpec, timeout: Duration) -> Result<Response> {
    if spec.reads {
        check_unrecorded(client.service.name(), || format!("{} {}", spec.method, spec.route))?;
    }
    let span = tracing::info_span!(
        "call",
        service = client.service.name(),
        method = spec.method.as_str(),
        route = spec.route,
        status = field::Empty,
        attempts = field::Empty,
        request = field::Empty,
        error = field::Empty,
    );
    async {
        // Known even if the call is cut off.
        let attempts = AtomicU32::new(0);
        let calls = RetryLoop::new(client, spec, timeout, &attempts);
        let outcome = match client.transport.is_network() {
            true => with_timeout(&*client.clock, timeout, calls.run())
                .await
                .unwrap_or_else(|| Err(timed_out(client, spec, timeout))),
            false => calls.run().await,
        };
        // Once: a field that is recorded again is shown twice by some subscribers.
        Span::current().record("attempts", attempts.load(Ordering::Relaxed));
        match &outcome {
            Ok(response) => record(Some(response.status()), response.request_id(), None),
            Err(error) => record(error.status(), error.request_id(), Some(error)),
        }
        outcome
    }
    .instrument(span)
    .await
}

fn record(status: Option<u16>, request: Option<&str>, error: Option<&Error>) {
    let span = Span::current();
    span.record("status", status);
    span.record("request", request);
    span.record("error", error.map(|error| field::display(error.code())));
}

fn timed_out(client: &Inner, spec: &RequestSpec, timeout: Duration) -> Error {
    let info = spec.call_info(client);
    let code = info.code(error_names::TIMED_OUT);
    spec.with_repetition_hint(info.error(ErrorKind::Timeout, code, format!("timed out after {timeout:?}")))
}

struct RetryLoop<'a> {
    client: &'a Inner,
    spec: &'a RequestSpec,
    timeout: Duration,
    started: jiff::Timestamp,
    lost: LostAttempts,
    /// The number of attempts so far.
    attempts: &'a AtomicU32,
}

impl<'a> RetryLoop<'a> {
    fn new(client: &'a Inner, spec: &'a RequestSpec, timeout: Duration, attempts: &'a AtomicU32) -> Self {
        Self { started: client.clock.now(), client, spec, timeout, lost: LostAttempts::default(), attempts }
    }

    /// Makes attempts until one succeeds or none is left. A refusal of the last one says nothing about those before it.
    async fn run(mut self) -> Result<Response> {
        let result = self.run_attempts().await;
        self.lost.then(result.map(|response| response.following(self.lost)))
    }

    async fn run_attempts(&mut self) -> Result<Response> {
        let mut backoff = ExponentialBuilder::new()
            .with_min_delay(MIN_BACKOFF)
            .with_max_delay(MAX_BACKOFF)
            .with_jitter()
            .without_max_times()
            .build();
        let (mut renewed, mut clock_corrected) = (false, false);
        loop {
            self.acquire().await?;
            let attempts = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
            let error = match attempt(self.client, self.spec).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            // A rejected time is corrected once, before the credentials are suspected.
            if let (Some(version), Some(offset)) = (error.rejected_credentials, error.clock_offset)
                && !clock_corrected
                && self.client.credentials.correct_clock(version, offset)
            {
                clock_corrected = true;
                continue;
            }
            // Expired credentials are renewed once; that attempt does not count as a retry of the policy.
            if let Some(version) = error.rejected_credentials
                && !renewed
                && self.client.credentials.renew(version)
            {
                renewed = true;
                tracing::debug!("the credentials were rejected; retrying with renewed ones");
                continue;
            }
            self.lost.note(error.retry == Retry::IfIdempotent);
            let delay = self.delay(error, attempts, backoff.next().unwrap_or(MAX_BACKOFF))?;
            self.client.clock.sleep(delay).await;
        }
    }

    /// Waits until the client's rate limits, and any throttling by the service, allow the call.
    async fn acquire(&self) -> Result<()> {
        let limits = &self.client.rate_limits;
        let acquired = limits.acquire(self.spec.rate_group, self.spec.key.as_ref(), || self.left()).await;
        acquired.map_err(|throttled| {
            let info = self.spec.call_info(self.client);
            let left = self.left();
            let (message, delay) = match throttled {
                Throttled::ByLimit(limit, delay) => (
                    format!("the client's rate limit of {limit} delays it by {delay:.1?}, with {left:.1?} left"),
                    delay,
                ),
                Throttled::ByService(delay) => {
                    (format!("the service throttles these calls for another {delay:.1?}, with {left:.1?} left"), delay)
                }
            };
            let code = info.code(error_names::RATE_LIMITED);
            info.error(ErrorKind::RateLimited, code, message).with_retry_after(delay)
        })
    }

    /// Returns the delay before the next attempt, or the error if there is none.
    fn delay(&self, failed: AttemptError, attempts: u32, backoff: Duration) -> Result<Duration> {
        let AttemptError { error, retry, retry_after, .. } = failed;
        let error = match retry_after {
            Some(delay) => error.with_retry_after(delay),
            None => error,
        };
        if error.kind() == ErrorKind::RateLimited {
            // Further calls would be refused as well, and would count against the limit.
            self.client.rate_limits.pause(self.spec.rate_group, self.spec.key.as_ref(), retry_after.unwrap_or(backoff));
        }
        if attempts >= self.client.limits.attempts || !self.spec.may_retry(retry) {
            return Err(error);
        }
        let delay = retry_after.map_or(backoff, |delay| delay.saturating_add(jitter()));
        let left = self.left();
        if delay >= left {
            return Err(match retry_after {
                Some(delay) => {
                    error.with_hint(format!("the service asks to retry after {delay:.0?}, with {left:.1?} left"))
                }
                None => error,
            });
        }
        tracing::warn!(code = %error.code(), status = error.status(), attempts, ?delay, "a call failed and is retried");
        Ok(delay)
    }

    /// The time left until the deadline. A clock that is set back does not extend it.
    fn left(&self) -> Duration {
        let elapsed = Duration::try_from(self.client.clock.now().duration_since(self.started)).unwrap_or_default();
        self.timeout.saturating_sub(elapsed)
    }
}
