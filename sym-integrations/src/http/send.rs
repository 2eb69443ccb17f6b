//! A call with all its tries, within its time.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use sym_sdk::error::{Error, ErrorKind, Result};
use tracing::{Instrument, Span, field};

use super::Response;
use super::attempt::{Miss, attempt};
use super::client::Inner;
use super::failure::names;
use super::limits::within;
use super::plan::Plan;
use super::rate::{Held, spread};

/// The wait before the second try, if the service names none; it doubles from then on.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait that the service has not asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Carries out a call in at most `limit`.
pub(super) async fn send(client: &Inner, plan: &Plan, limit: Duration) -> Result<Response> {
    let span = tracing::info_span!(
        "call",
        service = client.service.name(),
        method = plan.method.as_str(),
        route = plan.route,
        status = field::Empty,
        tries = field::Empty,
        request = field::Empty,
        error = field::Empty,
    );
    async {
        let tries = Tries::new(client, plan, limit);
        let outcome = match client.transport.takes_time() {
            true => {
                within(&*client.clock, limit, tries.run()).await.unwrap_or_else(|| Err(timed_out(client, plan, limit)))
            }
            false => tries.run().await,
        };
        match &outcome {
            Ok(response) => note(Some(response.status()), response.request_id(), None),
            Err(error) => note(error.status(), error.request_id(), Some(error)),
        }
        outcome
    }
    .instrument(span)
    .await
}

fn note(status: Option<u16>, request: Option<&str>, error: Option<&Error>) {
    let span = Span::current();
    span.record("status", status);
    span.record("request", request);
    span.record("error", error.map(|error| field::display(error.code())));
}

fn timed_out(client: &Inner, plan: &Plan, limit: Duration) -> Error {
    let origin = plan.origin(client);
    let error = origin.error(ErrorKind::Timeout, origin.code(names::TIMED_OUT), format!("not done after {limit:?}"));
    if plan.idempotent {
        return error;
    }
    error.with_hint("the service may have carried the request out: look there before it is sent again")
}

struct Tries<'a> {
    client: &'a Inner,
    plan: &'a Plan,
    limit: Duration,
    begun: jiff::Timestamp,
}

impl<'a> Tries<'a> {
    fn new(client: &'a Inner, plan: &'a Plan, limit: Duration) -> Self {
        Self { begun: client.clock.now(), client, plan, limit }
    }

    async fn run(self) -> Result<Response> {
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_jitter()
            .without_max_times()
            .build();
        let mut renewed = false;
        let mut tries = 0;
        loop {
            self.admit().await?;
            tries += 1;
            Span::current().record("tries", tries);
            let miss = match attempt(self.client, self.plan).await {
                Ok(response) => return Ok(response),
                Err(miss) => miss,
            };
            if let Some(edition) = miss.refused
                && !renewed
                && self.client.credentials.renew(edition)
            {
                renewed = true;
                tracing::debug!("the credentials were not accepted; trying with new ones");
                continue;
            }
            let wait = self.wait(miss, tries, waits.next().unwrap_or(LONGEST_WAIT))?;
            self.client.clock.sleep(wait).await;
        }
    }

    /// Waits for the turn of the call under the client's own limits and what the service told other calls of its class.
    async fn admit(&self) -> Result<()> {
        let admitted = self.client.rates.admit(self.plan.class, || self.left()).await;
        admitted.map_err(|held| {
            let origin = self.plan.origin(self.client);
            let left = self.left();
            let (message, wait) = match held {
                Held::ByLimit(rate, wait) => (
                    format!("the client's own limit of {rate} lets it through in {wait:.1?}, and {left:.1?} are left"),
                    wait,
                ),
                Held::ByPause(wait) => (
                    format!(
                        "the service asked to be called less often, and no more for {wait:.1?}; {left:.1?} are left"
                    ),
                    wait,
                ),
            };
            origin.error(ErrorKind::RateLimited, origin.code(names::RATE_LIMITED), message).with_retry_after(wait)
        })
    }

    /// How long to wait before the next try, or the error if there is to be none.
    fn wait(&self, miss: Miss, tries: u32, own: Duration) -> Result<Duration> {
        let Miss { error, retry, wait: asked, .. } = miss;
        let error = match asked {
            Some(asked) => error.with_retry_after(asked),
            None => error,
        };
        if error.kind() == ErrorKind::RateLimited {
            // Each further call would be refused too, and be counted.
            self.client.rates.pause(self.plan.class, asked.unwrap_or(own));
        }
        if tries >= self.client.limits.tries || !self.plan.may_repeat(retry) {
            return Err(error);
        }
        let wait = asked.map_or(own, |asked| asked.saturating_add(spread()));
        let left = self.left();
        if wait >= left {
            return Err(match asked {
                Some(asked) => error
                    .with_hint(format!("the service asks to be left alone for {asked:.0?}, and {left:.1?} were left")),
                None => error,
            });
        }
        tracing::warn!(code = %error.code(), status = error.status(), tries, ?wait, "a call failed; trying again");
        Ok(wait)
    }

    /// What is left of the time. A clock that is set back does not make it more.
    fn left(&self) -> Duration {
        let passed = Duration::try_from(self.client.clock.now().duration_since(self.begun)).unwrap_or_default();
        self.limit.saturating_sub(passed)
    }
}
