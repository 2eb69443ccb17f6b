//! Reconciliation: compares the access that Runs grant with what the targets list, and repairs differences.
//!
//! Access changes while targets are being read, so a difference counts only if the Runs said the same before and after the reading. A
//! repair is an input of a Run like any other: recorded, and in turn with everything else that happens to it.

mod compare;
mod recent_targets;
mod repair;
mod report;

pub(super) use recent_targets::RecentTargets;
pub use report::{ComparedTarget, ExtraAccess, MissingAccess, Reconciliation, Repair, UnknownAccess};

use std::sync::Arc;

use super::{Actor, Runtime};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::User;

/// The repairs that a reconciliation may make. The default is none.
///
/// ```
/// use sym_sdk::runtime::Reconcile;
///
/// // Lists differences, and changes nothing.
/// let look = Reconcile::new();
/// // On behalf of an administrator, who is recorded with each repair.
/// let repair = Reconcile::new().regrant_missing().revoke_extra().by("ada@example.com");
/// # let _ = (look, repair);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing happens until this is given to `Runtime::reconcile`"]
pub struct Reconcile {
    regrant_missing: bool,
    revoke: Extra,
    actor: Option<Actor>,
}

/// The owners whose extra access is revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Extra {
    #[default]
    Nobody,
    Users,
    Everybody,
}

impl Reconcile {
    /// Creates options that only list differences.
    pub fn new() -> Self {
        Self::default()
    }

    /// Grants access again that a Run grants and its target does not list. Its expiry is unchanged.
    pub fn regrant_missing(mut self) -> Self {
        self.regrant_missing = true;
        self
    }

    /// Revokes access that a target lists and no Run grants, of users whose identity the directory knows.
    ///
    /// This includes users who are meant to have permanent access.
    pub fn revoke_extra(mut self) -> Self {
        self.revoke = Extra::Users;
        self
    }

    /// Revokes extra access as [`Reconcile::revoke_extra`] does, and also that of identities that the directory does not know, such
    /// as service accounts or emergency accounts.
    pub fn revoke_extra_of_strangers(mut self) -> Self {
        self.revoke = Extra::Everybody;
        self
    }

    /// Sets the administrator on whose behalf repairs are made. The default is the platform itself.
    pub fn by(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }
}

impl Runtime {
    /// Compares the access that Runs grant with what the targets list, and makes the repairs that the options allow.
    ///
    /// All targets of all flows are compared, and those in which Runs of the last 30 days gave access: a target with settings from the form
    /// is known from Runs alone. Targets whose strategies cannot list access are [unknown](Reconciliation::unknown). Access that is being
    /// granted or revoked is left out.
    ///
    /// Once this returns, the repairs are durable and in progress.
    ///
    /// # Errors
    /// If the store or the directory fails, or the actor is not an administrator. A target that cannot be read is no error,
    /// but [unknown](Reconciliation::unknown).
    pub async fn reconcile(&self, what: Reconcile) -> Result<Reconciliation> {
        let actor = match what.actor.clone() {
            Some(actor) => self.executor.ask_directory(self.resolve_actor(actor, false)).await?,
            None => Arc::new(User::system()),
        };
        if what.actor.is_some() && !actor.is_admin() {
            let message = format!("{} is not an administrator", actor.username());
            let error = Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, message);
            return Err(error.with_hint("ask an administrator to do it"));
        }
        let found = compare::compare(self).await?;
        repair::repair(self, &what, &actor, found).await
    }
}
