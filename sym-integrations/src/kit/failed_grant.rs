//! Revocations after a grant that has failed.
//!
//! The runtime revokes after each grant that fails, whatever the error: the service may have carried it out. What it finds then can also be
//! somebody else's, who gave it after the strategy had looked, or before, if the strategy could not look. The rule for both:
//!
//! - What the grant may have given is taken, since access that nobody revokes would stay.
//! - What it cannot have given stays. A grant gives exactly what its target says, so a user who has less was given that by somebody else. The
//!   grant may even have been refused because of it, and a refusal must not be followed by its removal.
//!
//! A strategy whose service knows only members and others cannot tell the two apart, and takes the membership.

use sym_sdk::model::Step;
use sym_sdk::strategy::AccessRequest;

/// Whether a revocation follows a grant that has failed, as far as is known: the grant has no output. The strategy must return one for each
/// grant.
///
/// ```
/// use std::sync::Arc;
/// use sym_integrations::kit::follows_failed_grant;
/// use sym_sdk::prelude::*;
/// use sym_sdk::strategy::AccessRequest;
///
/// # fn main() -> Result<()> {
/// let flow = Arc::new(Flow::builder(Slug::parse("prod")?, "acme").build());
/// let target = AccessTarget::new("acme", "wiki_space", Slug::parse("ops")?);
/// let event = Event::builder(flow, Step::Deescalate, User::from_email("ann@example.com")?);
/// let (failed, granted) = (event.clone().build(), event.step_output(Step::Escalate, "role=editor").build());
///
/// let key = "0190f5a4-0000-7000-8000-000000000000:7".parse()?;
/// assert!(follows_failed_grant(&AccessRequest::new(&failed, &target, "ann", key)));
/// assert!(!follows_failed_grant(&AccessRequest::new(&granted, &target, "ann", key)));
/// # Ok(())
/// # }
/// ```
pub fn follows_failed_grant(request: &AccessRequest<'_>) -> bool {
    request.event().step_output(Step::Escalate).is_none()
}
