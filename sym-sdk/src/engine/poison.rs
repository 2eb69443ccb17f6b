//! Poison effects: an effect that keeps losing its lease fails, unless it is a revocation.
//!
//! A lease is lost if it expires before the effect has an outcome. An effect that takes the process down with it, or outlives every
//! lease, would otherwise be executed forever, and take the work of others down each time. A revocation is executed all the same:
//! access that is not taken away is worse than a process that keeps crashing.

use crate::machine::EffectKind;

/// The number of lost leases after which an effect fails.
pub(super) const MAX_LOST_LEASES: u32 = 5;

/// Reports whether an effect has lost so many leases that it fails without another attempt. Revocations never do.
pub(super) fn is_given_up(kind: &EffectKind, lost_leases: u32) -> bool {
    lost_leases >= MAX_LOST_LEASES && !matches!(kind, EffectKind::Revoke { .. })
}
