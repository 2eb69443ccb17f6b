//! Compares the access that Runs give with what the targets list, and puts right what it may.

mod compare;
mod periodic;
mod repair;
mod report;

pub(super) use periodic::{Periodic, periodically};
pub use report::{ExtraAccess, MissingAccess, Reconciliation, Repair, UnknownAccess};

use std::sync::Arc;

use super::{Actor, Runtime};
use crate::error::{Error, ErrorKind, Result, codes};
use crate::model::User;

/// What a reconciliation may put right. Nothing, unless this says so.
///
/// ```
/// use sym_sdk::runtime::Reconcile;
///
/// // Lists what differs, and changes nothing.
/// let look = Reconcile::new();
/// // On behalf of an administrator, who stands in the audit log with each repair.
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

/// Whose extra access is taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Extra {
    #[default]
    Nobodys,
    Users,
    Everybodys,
}

impl Reconcile {
    /// One that only looks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has access granted again that a Run gives and its target does not list. It ends when it was to end.
    pub fn regrant_missing(mut self) -> Self {
        self.regrant_missing = true;
        self
    }

    /// Has access taken away that a target lists and no Run gives, from people whose identity the directory knows.
    ///
    /// Who is meant to have such access for good loses it as well.
    pub fn revoke_extra(mut self) -> Self {
        self.revoke = Extra::Users;
        self
    }

    /// As [`Reconcile::revoke_extra`], also from identities that the directory does not know: accounts of programs, say, or
    /// those that are kept for emergencies.
    pub fn revoke_extra_of_strangers(mut self) -> Self {
        self.revoke = Extra::Everybodys;
        self
    }

    /// On whose behalf: an administrator. Without this, the platform's own.
    pub fn by(mut self, actor: impl Into<Actor>) -> Self {
        self.actor = Some(actor.into());
        self
    }
}

impl Runtime {
    /// Compares the access that Runs give with what the targets list, and puts right what it may.
    ///
    /// It looks at the targets of all flows. Of a target whose settings the form fills in, it knows those that a Run gives
    /// access to. Access that is being granted or taken away just now is left out, so nothing that is put right here can get
    /// in the way of a Run: repairs are steps of Runs like any other, on the record, and take turns with them.
    ///
    /// Once this returns, repairs are durable and under way.
    ///
    /// # Errors
    /// If the store or the directory fails, or the actor is not an administrator. A target that cannot be read is no error,
    /// but [unknown](Reconciliation::unknown).
    pub async fn reconcile(&self, what: Reconcile) -> Result<Reconciliation> {
        let actor = match what.actor.clone() {
            Some(actor) => self.executor.ask_directory(self.actor(actor, false)).await?,
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
