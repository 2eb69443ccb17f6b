//! The projection of a Run: the columns and rows by which Runs are searched and listed for those who may see them.
//!
//! The rules are those of `RunQuery::matches`, which `testing::check_store` compares with what is found here. A commit writes the
//! projection only if it has changed: most commits of a Run do not.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rusqlite::{Connection, params};

use super::rows::{Id, nanoseconds};
use super::to_stored_run;
use crate::machine::{Access, RunState};
use crate::model::UserId;
use crate::routing::{PermissionLevel, PermissionScope};

/// The user may see the Run.
pub(super) const VIEW: i64 = 1;
/// The user may decide what waits for a decision.
pub(super) const DECIDE: i64 = 2;
/// The user has approved or denied.
pub(super) const DECIDED: i64 = 4;

/// The columns of a Run that are searched, and the users whom its permissions name.
#[derive(Hash)]
pub(super) struct Projection {
    pub(super) flow: String,
    pub(super) status: &'static str,
    pub(super) created_at: i64,
    pub(super) requester: Option<Id>,
    pub(super) requester_names: Option<String>,
    pub(super) opener: Option<Id>,
    pub(super) bot: Option<String>,
    pub(super) target: Option<String>,
    pub(super) source: &'static str,
    pub(super) is_open: bool,
    pub(super) view_level: Option<i64>,
    pub(super) decide_level: Option<i64>,
    pub(super) self_approval: bool,
    /// The entitlement that the Run gives or gave last. Empty if its access has ended and is not known any more.
    pub(super) entitlement: Option<String>,
    pub(super) level: Option<String>,
    /// The flags of users.
    pub(super) users: BTreeMap<Id, i64>,
}

impl Projection {
    pub(super) fn of(state: &RunState) -> Self {
        let of_extension = state.extension.as_deref().and_then(|extension| extension.routing.as_ref());
        let mut users = BTreeMap::new();
        let mut view_level = 0;
        for routing in state.routing.iter().chain(of_extension) {
            for scope in [routing.permission.webapp_view(), routing.permission.approve_deny()] {
                view_level = view_level.max(add(&mut users, scope, VIEW));
            }
        }
        if let Some(owner) = state.owner_id() {
            *users.entry(bytes(owner)).or_default() |= VIEW;
        }
        let open = state.open_permission();
        let decide_level = open.map(|permission| add(&mut users, permission.approve_deny(), DECIDE));
        for decider in state.deciders() {
            *users.entry(bytes(decider)).or_default() |= DECIDED;
        }
        let source = state.run.source_channel();
        Self {
            flow: state.flow.slug().to_owned(),
            status: state.run.status().as_str(),
            created_at: nanoseconds(state.created_at),
            requester: state.requester_id().map(bytes),
            requester_names: state.requester_names(),
            opener: state.opener_id().map(bytes),
            bot: source.bot().map(str::to_owned),
            target: state.target_name().map(str::to_owned),
            source: source.kind().as_str(),
            is_open: state.is_open() || state.open_extension().is_some(),
            view_level: Some(view_level).filter(|level| *level > 0),
            decide_level,
            self_approval: open.is_some_and(|permission| permission.self_approval_allowed()),
            entitlement: match state.last_grant() {
                Some(grant) => Some(grant.entitlement.as_str().to_owned()),
                None => (state.access == Access::Ended).then(String::new),
            },
            level: state.last_level().map(str::to_owned),
            users,
        }
    }

    /// Returns a hash by which a changed projection is noticed. That of another version of the program may differ: then it is written
    /// again.
    pub(super) fn hash_value(&self) -> i64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish().cast_signed()
    }

    /// Replaces the rows of the users.
    pub(super) fn write_users(&self, db: &Connection, run: Id) -> rusqlite::Result<()> {
        db.prepare_cached("DELETE FROM run_permissions WHERE run = ?1")?.execute([run])?;
        let mut insert =
            db.prepare_cached("INSERT INTO run_permissions (user, created_at, run, flags) VALUES (?1, ?2, ?3, ?4)")?;
        for (user, flags) in &self.users {
            insert.execute(params![user, self.created_at, run, flags])?;
        }
        Ok(())
    }
}

/// Fills the projections of all Runs, in the migration that adds them. Columns of later migrations are filled by these.
pub(super) fn fill(db: &Connection) -> rusqlite::Result<()> {
    let ids: Vec<Id> =
        db.prepare("SELECT id FROM runs")?.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut read = db.prepare("SELECT state FROM runs WHERE id = ?1")?;
    let mut write = db.prepare(
        "UPDATE runs SET projection = ?2, requester = ?3, opener = ?4, bot = ?5, target = ?6, source = ?7, is_open = ?8,
            view_level = ?9, decide_level = ?10, self_approval = ?11 WHERE id = ?1",
    )?;
    for run in ids {
        let state: String = read.query_row([run], |row| row.get(0))?;
        // One that cannot be read is reported when it is loaded. Nobody but administrators is shown it.
        let Ok(state) = serde_json::from_str::<RunState>(&state) else { continue };
        let new = Projection::of(&state);
        write.execute(params![
            run,
            new.hash_value(),
            new.requester,
            new.opener,
            new.bot,
            new.target,
            new.source,
            new.is_open,
            new.view_level,
            new.decide_level,
            new.self_approval,
        ])?;
        new.write_users(db, run)?;
    }
    Ok(())
}

/// Fills the names of requesters, in the migration that adds them.
pub(super) fn fill_requester_names(db: &Connection) -> rusqlite::Result<()> {
    let ids: Vec<Id> =
        db.prepare("SELECT id FROM runs")?.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut read = db.prepare("SELECT id, version, state, packed FROM runs WHERE id = ?1")?;
    let mut write = db.prepare("UPDATE runs SET requester_names = ?2 WHERE id = ?1")?;
    for run in ids {
        // One that cannot be read is reported when it is loaded.
        let Ok(stored) = to_stored_run(read.query_row([run], |row| row.try_into())?) else { continue };
        write.execute(params![run, stored.state.requester_names()])?;
    }
    Ok(())
}

/// Adds the users whom a scope names. Returns its level, as it is stored; 0 if it admits users of no level but administrators.
fn add(users: &mut BTreeMap<Id, i64>, scope: &PermissionScope, flag: i64) -> i64 {
    match scope {
        PermissionScope::Level(level) => stored_level(*level),
        PermissionScope::Users(named) => {
            for user in named.as_user_ids().iter() {
                *users.entry(bytes(user)).or_default() |= flag;
            }
            0
        }
    }
}

pub(super) fn stored_level(level: PermissionLevel) -> i64 {
    match level {
        PermissionLevel::Admin => 0,
        PermissionLevel::Member => 2,
        PermissionLevel::AllUsers => 3,
    }
}

pub(super) fn bytes(user: UserId) -> Id {
    user.as_uuid().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserRole;

    /// The arms of a query rest on it.
    #[test]
    fn levels_are_stored_in_the_order_in_which_they_admit() {
        for level in PermissionLevel::ALL {
            let admits = |role: UserRole| PermissionScope::Level(level).admits(&user(role));
            assert_eq!(admits(UserRole::Member), stored_level(level) >= 2, "{level}");
            assert_eq!(admits(UserRole::Guest), stored_level(level) >= 3, "{level}");
        }
    }

    fn user(role: UserRole) -> crate::model::User {
        crate::model::User::from_email("ana@example.com").unwrap().with_role(role)
    }
}
