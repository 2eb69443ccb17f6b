//! The people of the organization as its directory has them, and how that changes.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use sym_sdk::directory::{Directory, MemoryDirectory};
use sym_sdk::model::{User, UserId, UserIdentity, UserRole};
use sym_sdk::runtime::{Actor, Runtime};

use crate::disk::at_once;
use crate::people::{ADMIN, ALIAS, GUEST, MEMBERS, NAMESAKE, OUTSIDER, ROOT};
use crate::process::Process;
use crate::world::World;

/// The people who change.
const CHANGING: [&str; 7] = [MEMBERS[0], MEMBERS[1], MEMBERS[2], MEMBERS[3], ADMIN, GUEST, ALIAS];

/// The way in which somebody is named in a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Address,
    Id,
}

/// The moves after which each user may act or may not, in order.
type History = BTreeMap<UserId, Vec<(u64, bool)>>;

/// The people, with the times at which they may act. Clones share them.
#[derive(Clone)]
pub(crate) struct Staff {
    world: World,
    pub(crate) directory: Directory,
    history: Arc<Mutex<History>>,
}

impl Staff {
    pub(crate) async fn new(world: World) -> Self {
        let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
        let members = MEMBERS.into_iter().chain([ALIAS]).map(|email| (email, UserRole::Member));
        for (email, role) in
            members.chain([(ADMIN, UserRole::Admin), (ROOT, UserRole::Admin), (GUEST, UserRole::Guest)])
        {
            directory.put_user(User::person(id(email), email).unwrap().with_role(role)).await.unwrap();
        }
        directory.put_user(User::outsider(id(OUTSIDER), outside_account())).await.unwrap();
        let staff = Self { world, directory, history: Arc::default() };
        staff.note();
        staff
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns somebody as the directory has them now.
    pub(crate) fn user(&self, id: UserId) -> Option<Arc<User>> {
        at_once(self.directory.user(id)).unwrap()
    }

    /// Returns the actor of a submission.
    pub(crate) fn actor(&self, who: &str, by: By) -> Actor {
        if who == OUTSIDER {
            return outside_account().into();
        }
        match self.user(id(who)) {
            Some(user) if by == By::Address => user.username().into(),
            _ => id(who).into(),
        }
    }

    // Who may act.

    /// Returns whether somebody may be granted access and approve, as the directory has them now.
    pub(crate) fn may_act(&self, id: UserId) -> bool {
        let may = |user: Arc<User>| !user.is_locked() && user.role() != UserRole::Guest && !user.is_outsider();
        self.user(id).is_some_and(may)
    }

    /// Records who may act now. To be called at each move.
    pub(crate) fn note(&self) {
        let now = self.world.moves();
        let mut history = self.lock();
        for (_, id) in IDS.iter() {
            let may = self.may_act(*id);
            let known = history.entry(*id).or_default();
            if known.last().is_none_or(|(_, last)| *last != may) {
                known.push((now, may));
            }
        }
    }

    /// Returns whether somebody could act at some time since a move.
    pub(crate) fn could_act_since(&self, id: UserId, since: u64) -> bool {
        let history = self.lock();
        let known = history.get(&id).map_or(&[][..], Vec::as_slice);
        let before = known.iter().rev().find(|(at, _)| *at < since).is_some_and(|(_, may)| *may);
        before || known.iter().any(|(at, may)| *at >= since && *may)
    }

    // Changes.

    /// Something changes about somebody, half of the time about one of the `approvers`: those whose approvals of open requests are to
    /// count. Locks are set by a process, which may crash over it.
    pub(crate) fn change(&self, process: &mut Process, approvers: &[&'static str]) {
        let world = self.world.clone();
        if world.once_in(2) && self.change_approver(process, approvers) {
            return;
        }
        // Half of the changes concern somebody who cannot act, so that there remain people who can.
        let idle: Vec<_> = CHANGING.into_iter().filter(|who| *who != GUEST && !self.may_act(id(who))).collect();
        let who = if !idle.is_empty() && world.once_in(2) { world.one_of(&idle) } else { world.one_of(&CHANGING) };
        self.change_somebody(who, process);
    }

    /// Something changes about one of the `approvers` who may act. Returns whether there is one.
    pub(crate) fn change_approver(&self, process: &mut Process, approvers: &[&'static str]) -> bool {
        let changing = |who: &&str| CHANGING.contains(who) && self.may_act(id(who));
        let approvers: Vec<_> = approvers.iter().copied().filter(changing).collect();
        if approvers.is_empty() {
            return false;
        }
        self.world.count("an approver changes while a request is open");
        self.change_somebody(self.world.one_of(&approvers), process);
        true
    }

    fn change_somebody(&self, who: &'static str, process: &mut Process) {
        let world = self.world.clone();
        let Some(user) = self.user(id(who)) else { return self.bring_back(who, process) };
        let how = match world.below(12) {
            0..4 => self.change_role(who, &user),
            4..7 => {
                let (lock, staff) = (!user.is_locked(), self.clone());
                let Some(runtime) = process.runtime() else { return };
                process.spawn(async move { staff.lock_or_unlock(&runtime, user.id(), lock).await });
                if lock { "locked" } else { "unlocked" }
            }
            7..9 => {
                let (staff, runtime) = (self.clone(), process.runtime().filter(|_| world.once_in(2)));
                process.spawn(async move { staff.delete(runtime, user.id()).await });
                "deleted"
            }
            _ => self.change_address(who, &user),
        };
        self.happened(who, how);
    }

    fn happened(&self, who: &str, how: &str) {
        self.world.count(format!("somebody {how}"));
        self.world.log(format_args!("{who}: {how}"));
    }

    fn change_role(&self, who: &str, user: &User) -> &'static str {
        let (role, how) = match (user.role(), who) {
            (UserRole::Guest, ADMIN) => (UserRole::Admin, "promoted"),
            (UserRole::Guest, _) => (UserRole::Member, "promoted"),
            _ => (UserRole::Guest, "demoted"),
        };
        at_once(self.directory.set_role(user.id(), role)).unwrap();
        how
    }

    /// Gives somebody another address, and the former address to somebody else, who is new.
    fn change_address(&self, who: &str, user: &User) -> &'static str {
        let is_own = user.username() == who;
        let address = if is_own { other_address(who) } else { who.to_owned() };
        let Ok(named) = User::person(user.id(), &address) else { return "not renamed" };
        let named = user.identities().iter().cloned().fold(named.with_role(user.role()), User::with_identity);
        if at_once(self.directory.put_user(named)).is_err() {
            // Somebody else has the address by now.
            return "not renamed";
        }
        let namesake = User::person(id(NAMESAKE), who).unwrap().with_role(UserRole::Member);
        if is_own && self.user(id(NAMESAKE)).is_none() && at_once(self.directory.put_user(namesake)).is_ok() {
            self.happened(NAMESAKE, "new at the address of another");
        }
        "with another address"
    }

    fn bring_back(&self, who: &'static str, process: &mut Process) {
        let runtime = process.runtime().filter(|_| self.world.once_in(2));
        let Some(runtime) = runtime else {
            let restored = at_once(self.directory.restore_user(id(who)));
            return self.happened(who, if restored.is_ok() { "restored" } else { "not restored" });
        };
        self.happened(who, "restored by an administrator");
        let is_new = self.world.once_in(4) && self.user(id(NAMESAKE)).is_none();
        process.spawn(async move {
            let _ = match is_new {
                true => runtime.admit_user(who, UserRole::Member, id(ROOT), "she begins today").await,
                false => runtime.restore_user(id(who), id(ROOT), "she is back").await,
            };
        });
    }

    async fn lock_or_unlock(&self, runtime: &Runtime, user: UserId, lock: bool) {
        // What fails or is cut off is finished by the sweep.
        let result = match lock {
            true => runtime.lock_user(user, id(ROOT), "a lost laptop").await.map(drop),
            false => runtime.unlock_user(user, id(ROOT), "it was found").await.map(drop),
        };
        self.world.log(format_args!("the lock of {user} is done: {}", result.is_ok()));
    }

    async fn delete(&self, runtime: Option<Runtime>, user: UserId) {
        let result = match runtime {
            Some(runtime) => runtime.delete_user(user, id(ROOT), "they left").await.map(drop),
            None => self.directory.delete_user(user).await.map(drop),
        };
        self.world.log(format_args!("the deletion of {user} is done: {}", result.is_ok()));
    }

    /// Makes everybody again what they were, except for locks, so that the world can come to rest.
    pub(crate) fn restore(&self) {
        for who in CHANGING {
            let _ = at_once(self.directory.restore_user(id(who)));
        }
    }
}

/// Returns the id of somebody, which stays the same whatever becomes of them.
pub(crate) fn id(who: &str) -> UserId {
    IDS.iter().find(|(known, _)| *known == who).map_or_else(|| UserId::from_email(who), |(_, id)| *id)
}

/// The ids of everybody. They are asked for at each move.
static IDS: LazyLock<Vec<(&'static str, UserId)>> =
    LazyLock::new(|| everybody().map(|who| (who, UserId::from_email(who))).collect());

fn everybody() -> impl Iterator<Item = &'static str> {
    CHANGING.into_iter().chain([ROOT, OUTSIDER, NAMESAKE])
}

/// Returns who has the id.
pub(crate) fn who(user: UserId) -> Option<&'static str> {
    IDS.iter().find(|(_, id)| *id == user).map(|(who, _)| *who)
}

fn outside_account() -> UserIdentity {
    UserIdentity::new("slack", "T-ELSEWHERE", "U-EVE")
}

/// Returns the address that somebody has at times in place of their own.
pub(crate) fn other_address(who: &str) -> String {
    format!("new-{who}")
}
