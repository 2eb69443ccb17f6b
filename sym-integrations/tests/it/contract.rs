//! The contract of access strategies: all of them go through the same situations.
//!
//! A strategy takes part with a [`ContractWorld`] in a file of its own in `contract/`: a fake of its service that keeps state, a target, a
//! user, and [switches](Switch) for what can happen to them. The file registers the world, and compares its [`table()`] with the expected one. What must hold for every strategy is asserted here; where services differ, the table says how.

use std::cell::Cell;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sym_sdk::clock::VirtualClock;
use sym_sdk::error::{Error, Result};
use sym_sdk::machine::EffectKey;
use sym_sdk::model::{AccessTarget, Event, Flow, Step, User};
use sym_integrations::kit::integrations;
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, PriorAccess, PriorState, RevocationScope};

use crate::http::support::leap;

automod::dir!("tests/it/contract");

/// A service with a strategy on it. At the start the user exists and is active, the target exists, and nobody has access.
pub(crate) trait ContractWorld: Sized {
    type Strategy: AccessStrategy;

    /// The type of the strategy.
    const NAME: &'static str;

    /// Whether this machine has what the world needs. One without it leaves all situations out.
    fn is_available() -> bool {
        true
    }

    /// Awaits the table, with what its worlds share.
    async fn with_shared<T>(work: impl Future<Output = T>) -> T {
        work.await
    }

    async fn start() -> Self;

    fn strategy(&self) -> &Self::Strategy;

    fn target(&self) -> AccessTarget;

    /// The e-mail address of the user.
    const EMAIL: &'static str = "ana@example.com";

    /// The user's id in the service.
    fn identity(&self) -> String;

    /// The access of the user according to the service's own state, and not to the strategy.
    async fn held(&self) -> Held;

    /// The number of requests so far that change something in the service, or try to.
    async fn writes(&self) -> usize;

    /// Changes the world. Returns whether it has this switch; one without it leaves situations out.
    async fn set(&mut self, switch: Switch, on: bool) -> bool;

    /// Whether what somebody else has changed at the same time, with [`Switch::ChangedMeanwhile`], is still there.
    async fn keeps_other_changes(&self) -> bool {
        true
    }

    /// The longest wait that the clock leaps over. Time limits of calls are longer: a server is given real time to respond.
    const MAX_WAIT: Duration = Duration::from_secs(9);

    /// The clock of the strategy, if it waits.
    fn clock(&self) -> Option<Arc<VirtualClock>> {
        None
    }
}

/// The access of the user to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Nothing,
    /// Less than the target grants.
    Lesser,
    /// At least what the target grants.
    Access,
}

/// Something that can happen in a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// An administrator, or another request, has given the user what the target grants. Off: an administrator has taken all access away.
    Standing,
    /// An administrator has given the user less than the target grants.
    Lesser,
    UserGone,
    UserSuspended,
    TargetGone,
    /// Changes are made, and their responses are lost.
    ResponsesLost,
    /// Changes are made when this is switched off again, and their responses are lost.
    ChangesLate,
    /// Somebody else puts back each change right after it was made.
    PutBack,
    /// Somebody else changes the resource, but not the user's access, between the strategy's next read and the write that follows it.
    ChangedMeanwhile,
    /// The service does not accept the credentials.
    WrongCredentials,
}

/// The rows of a world's table, to be awaited.
type Rows = Pin<Box<dyn Future<Output = Vec<Row>>>>;

/// A world that takes part.
pub(crate) struct Participant {
    pub(crate) name: &'static str,
    pub(crate) table: fn() -> Rows,
}

impl Participant {
    pub(crate) const fn new<W: ContractWorld + 'static>() -> Self {
        Self { name: W::NAME, table: || Box::pin(rows::<W>()) }
    }
}

inventory::collect!(Participant);

/// A situation, and what came of it.
pub(crate) type Row = (&'static str, String);

/// Returns the table of a world, after all assertions.
pub(crate) async fn table<W: ContractWorld>() -> String {
    let mut text = String::new();
    for (situation, result) in rows::<W>().await {
        writeln!(text, "{situation:<28} {result}").unwrap();
    }
    text
}

/// Prints the table of all strategies: `cargo test -p sym-integrations --all-features --test it contract -- --nocapture`.
#[tokio::test]
async fn every_strategy_keeps_the_contract() {
    let mut participants: Vec<_> = inventory::iter::<Participant>.into_iter().collect();
    participants.sort_by_key(|participant| participant.name);
    assert!(participants.len() >= 3, "no worlds are registered");
    for participant in participants {
        println!("\n{}", participant.name);
        for (situation, result) in (participant.table)().await {
            println!("  {situation:<28} {result}");
        }
    }
}

/// The result of a call.
#[derive(Debug)]
enum Attempt {
    Done,
    /// The strategy has returned errors in its result.
    Rejected,
    Failed(Error),
}

impl Attempt {
    fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// Whether the call may have had its effect.
    fn is_unknown(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_outcome_unknown())
    }

    fn cell(&self) -> String {
        match self {
            Self::Done => "done".to_owned(),
            Self::Rejected => "rejected".to_owned(),
            Self::Failed(error) if error.is_outcome_unknown() => format!("{}, outcome unknown", error.code()),
            Self::Failed(error) => error.code().to_string(),
        }
    }
}

/// A world in one situation.
struct Case<W> {
    world: W,
    situation: &'static str,
    seq: Cell<u64>,
}

impl<W: ContractWorld> Case<W> {
    async fn start(situation: &'static str) -> Self {
        Self { world: W::start().await, situation, seq: Cell::new(0) }
    }

    /// Starts a world with these switches. `None` if it has not all of them.
    async fn with(situation: &'static str, switches: &[Switch]) -> Option<Self> {
        let mut case = Self::start(situation).await;
        for switch in switches {
            if !case.world.set(*switch, true).await {
                return None;
            }
        }
        Some(case)
    }

    /// Starts a world in which access was granted.
    async fn granted(situation: &'static str) -> Self {
        let case = Self::start(situation).await;
        let granted = case.grant().await;
        case.expect(granted.is_done(), "the grant succeeds", &granted);
        case.expect_held(Held::Access).await;
        case
    }

    async fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        match self.world.clock() {
            Some(clock) => leap(&clock, |wait| wait <= W::MAX_WAIT, work).await,
            None => work.await,
        }
    }

    fn event(&self, step: Step) -> Event {
        let flow = Arc::new(Flow::builder("prod".parse().unwrap(), "acme").build());
        let user = User::from_email(W::EMAIL).unwrap();
        let event = Event::builder(flow, step, user.clone()).actor(Step::Request, user);
        event.target(self.world.target()).build()
    }

    fn key(&self) -> EffectKey {
        self.seq.set(self.seq.get() + 1);
        EffectKey { run: "0190a0a0-0000-7000-8000-000000000001".parse().unwrap(), seq: self.seq.get() }
    }

    async fn grant(&self) -> Attempt {
        self.grant_with(None).await
    }

    async fn grant_with(&self, prior: Option<&PriorState>) -> Attempt {
        let (event, target, identity) = (self.event(Step::Escalate), self.world.target(), self.world.identity());
        let ends_at = "2099-01-01T00:00:00Z".parse().unwrap();
        let request = AccessRequest::new(&event, &target, &identity, self.key());
        let request = request.with_prior(prior).with_ends_at(Some(ends_at));
        match self.wait(Box::pin(self.world.strategy().escalate(&request))).await {
            Ok(granted) if granted.errors().is_empty() => Attempt::Done,
            Ok(GrantResult { .. }) => Attempt::Rejected,
            Err(error) => Attempt::Failed(error),
        }
    }

    async fn revoke(&self) -> Attempt {
        self.revoke_with(None).await
    }

    async fn revoke_with(&self, prior: Option<&PriorState>) -> Attempt {
        let (event, target, identity) = (self.event(Step::Deescalate), self.world.target(), self.world.identity());
        let request = AccessRequest::new(&event, &target, &identity, self.key()).with_prior(prior);
        match self.wait(Box::pin(self.world.strategy().deescalate(&request))).await {
            Ok(_) => Attempt::Done,
            Err(error) => Attempt::Failed(error),
        }
    }

    async fn check(&self) -> Attempt {
        let target = self.world.target();
        match self.wait(Box::pin(self.world.strategy().check(&target))).await {
            Ok(()) => Attempt::Done,
            Err(error) => Attempt::Failed(error),
        }
    }

    async fn prior(&self) -> Result<PriorAccess> {
        let (target, identity) = (self.world.target(), self.world.identity());
        self.wait(Box::pin(self.world.strategy().prior_access(&target, &identity))).await
    }

    /// Whether the strategy lists the user. `None` if it cannot list.
    async fn lists_user(&self) -> Option<bool> {
        let target = self.world.target();
        let listed = self.wait(Box::pin(self.world.strategy().list_current(&target))).await;
        let listed = listed.unwrap_or_else(|error| panic!("{}: {}: {error}", W::NAME, self.situation));
        listed.map(|listed| listed.contains(&self.world.identity()))
    }

    fn expect(&self, holds: bool, rule: &str, found: &dyn std::fmt::Debug) {
        assert!(holds, "{}: {}: {rule}, but: {found:?}", W::NAME, self.situation);
    }

    async fn expect_held(&self, expected: Held) {
        assert_eq!(self.world.held().await, expected, "{}: {}: what the user has", W::NAME, self.situation);
    }

    /// A grant that fails says truly whether it may have had its effect.
    async fn expect_told(&self, granted: &Attempt) {
        let has_access = self.world.held().await == Held::Access;
        self.expect(granted.is_done() || granted.is_unknown() || !has_access, "a failed grant gives nothing", granted);
    }

    fn row(&self, result: impl Into<String>) -> Row {
        (self.situation, result.into())
    }
}

fn left_out(situation: &'static str) -> Row {
    (situation, "–".to_owned())
}

async fn rows<W: ContractWorld>() -> Vec<Row> {
    if !W::is_available() {
        return Vec::new();
    }
    // Boxed: the calls of a strategy are large, and a test has a small stack.
    W::with_shared(async {
        let mut rows = vec![Box::pin(properties::<W>()).await];
        rows.extend(Box::pin(grants::<W>()).await);
        rows.extend(Box::pin(revocations::<W>()).await);
        rows.extend(Box::pin(prior_access::<W>()).await);
        rows.push(Box::pin(unrecorded_access::<W>()).await);
        rows.extend(Box::pin(accounts_and_targets::<W>()).await);
        rows.extend(Box::pin(unknown_outcomes::<W>()).await);
        rows.extend(Box::pin(checks::<W>()).await);
        rows
    })
    .await
}

async fn properties<W: ContractWorld>() -> Row {
    let case = Case::<W>::start("ends").await;
    let (strategy, target) = (case.world.strategy(), case.world.target());
    let scope = match strategy.revocation_scope() {
        RevocationScope::AllSessions => "all sessions",
        RevocationScope::NewSessions => "new sessions only",
        _ => "unknown sessions",
    };
    let resource = (strategy.resource(&target), strategy.level(&target));
    case.expect(resource == (strategy.resource(&target), strategy.level(&target)), "a target is one resource", &resource);
    let described = integrations().into_iter().flat_map(|info| info.strategies());
    for info in described.filter(|info| info.strategy_type().kind() == W::NAME) {
        let described = (info.revocation_scope(), info.settle_time(), info.enforces_end());
        let found = (strategy.revocation_scope(), strategy.settle_time(), strategy.enforces_end());
        case.expect(described == found, "its description says what it does", &(described, found));
    }
    let enforced = if strategy.enforces_end() { ", also by the service" } else { "" };
    case.row(format!("{scope}{enforced}; settles in {} min", strategy.settle_time().as_secs() / 60))
}

async fn grants<W: ContractWorld>() -> Vec<Row> {
    let mut rows = Vec::new();
    let case = Case::<W>::granted("grant").await;
    let listed = case.lists_user().await;
    case.expect(listed != Some(false), "the user is listed", &listed);
    rows.push(case.row(if listed.is_some() { "done, listed" } else { "done, cannot list" }));

    let case = Case::<W>::granted("grant twice").await;
    let again = case.grant().await;
    case.expect(again.is_done(), "access that exists can be granted", &again);
    case.expect_held(Held::Access).await;
    rows.push(case.row(again.cell()));

    rows.push(match Case::<W>::with("grant, changed meanwhile", &[Switch::ChangedMeanwhile]).await {
        None => left_out("grant, changed meanwhile"),
        Some(case) => {
            let attempt = case.grant().await;
            case.expect_told(&attempt).await;
            case.expect(case.world.keeps_other_changes().await, "the other change is kept", &attempt);
            case.row(attempt.cell())
        }
    });
    rows
}

async fn revocations<W: ContractWorld>() -> Vec<Row> {
    let mut rows = Vec::new();
    for (situation, times) in [("revoke", 1), ("revoke twice", 2)] {
        let case = Case::<W>::granted(situation).await;
        for _ in 0..times {
            let revoked = case.revoke().await;
            case.expect(revoked.is_done(), "the revocation succeeds", &revoked);
            case.expect_held(Held::Nothing).await;
        }
        let listed = case.lists_user().await;
        case.expect(listed != Some(true), "the user is not listed", &listed);
        rows.push(case.row("done"));
    }

    let case = Case::<W>::start("revoke what was not granted").await;
    let revoked = case.revoke().await;
    case.expect(revoked.is_done(), "access that does not exist can be revoked", &revoked);
    case.expect_held(Held::Nothing).await;
    rows.push(case.row(revoked.cell()));

    rows.push(match Case::<W>::with("revoke, put back", &[Switch::Standing, Switch::PutBack]).await {
        None => left_out("revoke, put back"),
        Some(case) => {
            let revoked = case.revoke().await;
            let noticed = !revoked.is_done() || case.lists_user().await == Some(true);
            case.expect(noticed, "a revocation that was undone is noticed", &revoked);
            case.row(revoked.cell())
        }
    });

    let mut case = Case::<W>::granted("revoke, changed meanwhile").await;
    rows.push(match case.world.set(Switch::ChangedMeanwhile, true).await {
        false => left_out("revoke, changed meanwhile"),
        true => {
            let attempt = case.revoke().await;
            case.expect(!attempt.is_done() || case.world.held().await == Held::Nothing, "done is done", &attempt);
            case.expect(case.world.keeps_other_changes().await, "the other change is kept", &attempt);
            case.row(attempt.cell())
        }
    });
    rows
}

async fn prior_access<W: ContractWorld>() -> Vec<Row> {
    let mut rows = Vec::new();
    let case = Case::<W>::start("prior access: none").await;
    let prior = case.prior().await.unwrap();
    case.expect(matches!(prior, PriorAccess::None | PriorAccess::Unknown), "there is none", &prior);
    rows.push(case.row(named(&prior)));

    rows.push(match Case::<W>::with("prior access: all of it", &[Switch::Standing]).await {
        None => left_out("prior access: all of it"),
        Some(case) => {
            let prior = case.prior().await.unwrap();
            case.expect(matches!(prior, PriorAccess::Sufficient | PriorAccess::Unknown), "it is sufficient", &prior);
            case.expect(case.world.writes().await == 0, "nothing was changed", &prior);
            case.row(named(&prior))
        }
    });

    rows.push(match Case::<W>::with("prior access: less", &[Switch::Lesser]).await {
        None => left_out("prior access: less"),
        Some(case) => {
            case.expect_held(Held::Lesser).await;
            let prior = case.prior().await.unwrap();
            let PriorAccess::Lesser(state) = &prior else { panic!("{}: it is less: {prior:?}", W::NAME) };
            case.expect(case.lists_user().await != Some(true), "only those with all of it are listed", &prior);
            let granted = case.grant_with(Some(state)).await;
            case.expect(granted.is_done(), "it can be raised", &granted);
            case.expect_held(Held::Access).await;
            let again = case.grant_with(Some(state)).await;
            case.expect(again.is_done(), "access that exists can be granted", &again);
            for _ in 0..2 {
                let revoked = case.revoke_with(Some(state)).await;
                case.expect(revoked.is_done(), "it can be restored", &revoked);
                case.expect_held(Held::Lesser).await;
            }
            let after = case.prior().await.unwrap();
            case.expect(after == prior, "it is as before", &after);
            case.row("raised and restored")
        }
    });

    rows.push(match Case::<W>::with("restore, removed meanwhile", &[Switch::Lesser]).await {
        None => left_out("restore, removed meanwhile"),
        Some(mut case) => {
            let prior = case.prior().await.unwrap();
            let PriorAccess::Lesser(state) = &prior else { panic!("{}: it is less: {prior:?}", W::NAME) };
            let granted = case.grant_with(Some(state)).await;
            case.expect(granted.is_done(), "it can be raised", &granted);
            let removed = case.world.set(Switch::Standing, false).await;
            case.expect(removed, "an administrator can take it away", &removed);
            case.expect_held(Held::Nothing).await;
            let revoked = case.revoke_with(Some(state)).await;
            case.expect(revoked.is_done() && case.world.held().await != Held::Access, "it is revoked", &revoked);
            case.row(if case.world.held().await == Held::Nothing { "left alone" } else { "put back" })
        }
    });
    rows
}

/// Grants without the record of what there was before, as if it had been given after that was read.
async fn unrecorded_access<W: ContractWorld>() -> Row {
    let situation = "grant, less unrecorded";
    let Some(case) = Case::<W>::with(situation, &[Switch::Lesser]).await else { return left_out(situation) };
    let granted = case.grant().await;
    let is_refused = !granted.is_done() && !granted.is_unknown();
    case.expect(is_refused, "what could not be put back is not replaced", &granted);
    case.expect_held(Held::Lesser).await;
    for _ in 0..2 {
        let revoked = case.revoke().await;
        case.expect(revoked.is_done(), "the revocation succeeds", &revoked);
        case.expect_held(Held::Lesser).await;
    }
    case.row(format!("{}, left alone", granted.cell()))
}

async fn accounts_and_targets<W: ContractWorld>() -> Vec<Row> {
    let mut rows = Vec::new();
    for (granted, revoked, switch) in [
        ("grant, user gone", "revoke, user gone", Switch::UserGone),
        ("grant, user suspended", "revoke, user suspended", Switch::UserSuspended),
        ("grant, target gone", "revoke, target gone", Switch::TargetGone),
    ] {
        rows.push(match Case::<W>::with(granted, &[switch]).await {
            None => left_out(granted),
            Some(case) => {
                let attempt = case.grant().await;
                // What a suspended user is granted is of no use until somebody reinstates them.
                let must_fail = switch != Switch::UserSuspended;
                case.expect(!(must_fail && attempt.is_done()), "nothing is granted", &attempt);
                case.expect_told(&attempt).await;
                case.row(attempt.cell())
            }
        });
        let mut case = Case::<W>::granted(revoked).await;
        rows.push(match case.world.set(switch, true).await {
            false => left_out(revoked),
            true => {
                let attempt = case.revoke().await;
                case.expect(!attempt.is_done() || case.world.held().await == Held::Nothing, "done is done", &attempt);
                if switch == Switch::UserSuspended {
                    case.expect(attempt.is_done(), "a suspended user loses the access", &attempt);
                }
                case.row(attempt.cell())
            }
        });
    }
    rows.push(match Case::<W>::with("grant, wrong credentials", &[Switch::WrongCredentials]).await {
        None => left_out("grant, wrong credentials"),
        Some(case) => {
            let attempt = case.grant().await;
            case.expect(!attempt.is_done() && !attempt.is_unknown(), "nothing is granted", &attempt);
            case.expect_held(Held::Nothing).await;
            case.row(attempt.cell())
        }
    });
    let mut case = Case::<W>::granted("revoke, wrong credentials").await;
    rows.push(match case.world.set(Switch::WrongCredentials, true).await {
        false => left_out("revoke, wrong credentials"),
        true => {
            let attempt = case.revoke().await;
            case.expect(!attempt.is_done(), "nothing is revoked", &attempt);
            case.expect_held(Held::Access).await;
            case.row(attempt.cell())
        }
    });
    rows
}

async fn unknown_outcomes<W: ContractWorld>() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.push(match Case::<W>::with("grant, response lost", &[Switch::ResponsesLost]).await {
        None => left_out("grant, response lost"),
        Some(mut case) => {
            let attempt = case.grant().await;
            case.expect_told(&attempt).await;
            case.world.set(Switch::ResponsesLost, false).await;
            let revoked = case.revoke().await;
            case.expect(revoked.is_done(), "what was granted is revoked", &revoked);
            case.expect_held(Held::Nothing).await;
            case.row(attempt.cell())
        }
    });

    rows.push(match Case::<W>::with("grant, lands late", &[Switch::ChangesLate]).await {
        None => left_out("grant, lands late"),
        Some(mut case) => {
            let attempt = case.grant().await;
            case.expect(attempt.is_unknown(), "the outcome is unknown", &attempt);
            case.world.set(Switch::ChangesLate, false).await;
            case.expect_held(Held::Access).await;
            let revoked = case.revoke().await;
            case.expect(revoked.is_done(), "what has landed is revoked", &revoked);
            case.expect_held(Held::Nothing).await;
            case.row(attempt.cell())
        }
    });

    let mut case = Case::<W>::granted("revoke, response lost").await;
    rows.push(match case.world.set(Switch::ResponsesLost, true).await {
        false => left_out("revoke, response lost"),
        true => {
            let attempt = case.revoke().await;
            case.world.set(Switch::ResponsesLost, false).await;
            let again = case.revoke().await;
            case.expect(again.is_done(), "the revocation can be repeated", &again);
            case.expect_held(Held::Nothing).await;
            case.row(attempt.cell())
        }
    });
    rows
}

async fn checks<W: ContractWorld>() -> Vec<Row> {
    let mut rows = Vec::new();
    let case = Case::<W>::start("check").await;
    let checked = case.check().await;
    case.expect(checked.is_done(), "there is nothing wrong", &checked);
    case.expect(case.world.writes().await == 0, "nothing is changed", &case.world.writes().await);
    case.expect_held(Held::Nothing).await;
    rows.push(case.row(checked.cell()));
    for (situation, switch) in
        [("check, target gone", Switch::TargetGone), ("check, wrong credentials", Switch::WrongCredentials)]
    {
        rows.push(match Case::<W>::with(situation, &[switch]).await {
            None => left_out(situation),
            Some(case) => case.row(case.check().await.cell()),
        });
    }
    rows
}

fn named(prior: &PriorAccess) -> &'static str {
    match prior {
        PriorAccess::None => "none",
        PriorAccess::Sufficient => "sufficient",
        PriorAccess::Lesser(_) => "less",
        _ => "unknown",
    }
}
