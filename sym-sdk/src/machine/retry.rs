//! Retry policy: how often grants, deliveries and revocations are attempted, and the delays in between.

use std::time::Duration;

/// The maximum number of attempts to grant access before the Run fails.
pub const MAX_GRANT_ATTEMPTS: u32 = 3;

/// The delay before access whose expiry was ignored by an `on_deescalate` hook expires again. A hook can delay a revocation; it
/// cannot prevent it.
pub const IGNORED_EXPIRY_RETRY_DELAY: Duration = Duration::from_secs(15 * 60);

/// The number of times in a row that hooks can defer the end of access, or the forward or the expiry of a request, by ignoring it.
/// After that the hook is not called. Access ends at most an hour after its time because of hooks.
pub const MAX_DEFERRALS: u32 = 4;

/// The maximum number of attempts to deliver a notification that another one follows.
pub(super) const MAX_DELIVERY_ATTEMPTS: u32 = 3;

/// The maximum number of attempts to deliver the last notification. With [`retry_delay`] they take about a day: a front end can be down
/// for hours, or not admit the program until an operator has seen to it.
pub(super) const MAX_FINAL_DELIVERY_ATTEMPTS: u32 = 342;

/// The maximum number of attempts at what nothing waits for: notices, updates of messages, receipts, reminders and alerts. They take as
/// long as those of the last notification.
pub(super) const MAX_MESSAGE_ATTEMPTS: u32 = MAX_FINAL_DELIVERY_ATTEMPTS;

/// The maximum number of messages of a Run that are sent again because they are gone. Somebody may delete each of them.
pub(super) const MAX_RESENT: u32 = 10;

/// The maximum number of attempts to show a form. With [`retry_delay`] they take a minute and a half: somebody is looking at a view that
/// waits for it.
pub(super) const MAX_FORM_ATTEMPTS: u32 = 5;

/// The interval between alerts about a revocation that keeps failing.
pub(super) const REVOCATION_ALERT_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The maximum delay between two attempts at a revocation, and the longest time for which any effect is deferred.
pub const MAX_REVOKE_DELAY: Duration = Duration::from_secs(15 * 60);

/// Returns the delay after the failed attempt number `attempt` at a revocation, from 1: one second, doubling up to
/// [`MAX_REVOKE_DELAY`].
pub fn revoke_delay(attempt: u32) -> Duration {
    let exponent = attempt.saturating_sub(1).min(10);
    Duration::from_secs(1 << exponent).min(MAX_REVOKE_DELAY)
}

/// Returns the delay after the failed attempt number `attempt` at a grant or a delivery, from 1: one second, quadrupling up to
/// 256 seconds.
pub(super) fn retry_delay(attempt: u32) -> Duration {
    Duration::from_secs(1 << (2 * attempt.saturating_sub(1).min(4)))
}
