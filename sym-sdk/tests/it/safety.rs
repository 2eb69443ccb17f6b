//! Properties that the runtime guarantees, whatever front ends send and services do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::expect;
use sym_sdk::audit::AuditKind;
use sym_sdk::clock::{Clock, VirtualClock};
use sym_sdk::config::{self, Config};
use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::engine::{InputKey, MemoryStore};
use sym_sdk::forms::PromptForm;
use sym_sdk::handler::Registry;
use sym_sdk::handlers;
use sym_sdk::machine::{EffectError, EffectKind, MessageRef, Notice, RunState};
use sym_sdk::model::{Channel, ChannelType, RunId, RunStatus, StepOutput};
use sym_sdk::prelude::*;
use sym_sdk::routing::Destination;
use sym_sdk::runtime::{Builder, Limits, Runtime, Submission};
use sym_sdk::strategy::{AccessRequest, AccessStrategy, GrantResult, RevocationScope, StrategyType};

const HOUR: Duration = Duration::from_secs(3600);

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

fn plain() -> Registry {
    handlers![get_permissions]
}

/// One access flow with one target, and a destination for errors.
fn config() -> Config {
    let reference = |name: &str| config::Reference::named(name);
    let mut config = Config::default();
    config.organization.domains = vec!["example.com".to_owned()];
    config.error_loggers.push(config::ErrorLogger {
        name: "errors".to_owned(),
        destination: "#errors".to_owned(),
        ..Default::default()
    });
    config.environments.push(config::Environment {
        name: "main".to_owned(),
        error_logger: Some("errors".to_owned()),
        ..Default::default()
    });
    config.integrations.push(config::Integration {
        kind: "vault".to_owned(),
        name: "vault".to_owned(),
        external_id: "vault-1".to_owned(),
        ..Default::default()
    });
    config.targets.push(target("admins"));
    config.strategies.push(config::Strategy {
        kind: "vault".to_owned(),
        name: "vault".to_owned(),
        integration: Some(reference("vault")),
        targets: vec![reference("admins")],
        ..Default::default()
    });
    config.flows.push(config::Flow {
        name: "prod".to_owned(),
        environment: "main".to_owned(),
        params: config::FlowParams { strategy: Some(reference("vault")), ..Default::default() },
        ..Default::default()
    });
    config
}

fn target(name: &str) -> config::Target {
    config::Target {
        kind: "vault_role".to_owned(),
        name: name.to_owned(),
        settings: [("role".to_owned(), name.to_owned())].into(),
        ..Default::default()
    }
}

/// Counts what it is asked, and panics where it is told to.
#[derive(Clone, Default)]
struct Vault {
    granted: Arc<AtomicUsize>,
    revoked: Arc<AtomicUsize>,
    panics: Arc<AtomicUsize>,
}

impl Vault {
    fn panicking(times: usize) -> Self {
        Self { panics: Arc::new(AtomicUsize::new(times)), ..Self::default() }
    }

    fn perhaps_panic(&self) {
        let left = self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        assert!(left.is_err(), "the vault panics before it returns a future");
    }

    fn strategy_type(&self) -> StrategyType {
        self.strategy_of("vault")
    }

    fn strategy_of(&self, kind: &str) -> StrategyType {
        let vault = self.clone();
        StrategyType::new(kind, move |_| Ok(vault.clone()))
    }
}

impl AccessStrategy for Vault {
    async fn fetch_remote_identity(&self, user: &User) -> Result<Option<String>> {
        Ok(Some(user.username().to_owned()))
    }

    async fn escalate(&self, _: &AccessRequest<'_>) -> Result<GrantResult> {
        self.perhaps_panic();
        self.granted.fetch_add(1, Ordering::SeqCst);
        Ok(GrantResult::granted())
    }

    async fn deescalate(&self, _: &AccessRequest<'_>) -> Result<Option<StepOutput>> {
        self.perhaps_panic();
        self.revoked.fetch_add(1, Ordering::SeqCst);
        Ok(None)
    }

    fn revocation_scope(&self) -> RevocationScope {
        RevocationScope::AllSessions
    }
}

/// Keeps the alerts that it is given, fails to send them, or declines them.
#[derive(Clone, Default)]
struct Alerts {
    fails: bool,
    declines: bool,
    sent: Arc<Mutex<Vec<String>>>,
}

impl Delivery for Alerts {
    fn name(&self) -> &str {
        "alerts"
    }

    fn reaches(&self, _: &Destination) -> bool {
        false
    }

    async fn deliver(&self, _: &RequestView, _: &Destination) -> Result<DeliveryReceipt> {
        Ok(DeliveryReceipt::OptedOut)
    }

    async fn update(&self, _: &RequestView, _: &MessageRef) -> Result<()> {
        Ok(())
    }

    fn reaches_user(&self, _: &User) -> bool {
        false
    }

    async fn message(&self, _: &RequestView, _: &User, _: &Notice) -> Result<()> {
        Ok(())
    }

    fn reaches_error_destination(&self, _: &str) -> bool {
        !self.declines
    }

    async fn alert(&self, _: &RequestView, _: &str, error: &EffectError) -> Result<()> {
        if self.fails {
            return Err(Error::handler("it is down"));
        }
        self.sent.lock().unwrap().push(error.message.clone());
        Ok(())
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        false
    }

    async fn open_form(&self, _: &RequestView, _: &PromptForm) -> Result<()> {
        Ok(())
    }
}

struct World {
    runtime: Runtime,
    clock: Arc<VirtualClock>,
}

fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::at("2024-02-29T12:00:00Z".parse().unwrap()))
}

impl World {
    async fn new(config: Config, change: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = clock();
        let builder = change(Runtime::builder(config).registry(plain()).clock(clock.clone()));
        Self { runtime: builder.simulated().build().await.unwrap(), clock }
    }

    async fn settle(&self) {
        self.runtime.run_until_idle().await.unwrap();
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.settle().await;
    }

    async fn request(&self, who: &str) -> RunId {
        let request = Submission::request("prod", who).input("duration", "1h");
        let run = self.runtime.submit(request).await.unwrap().run;
        self.settle().await;
        run
    }

    async fn approve(&self, run: RunId) {
        self.runtime.directory().contact("ben@example.com").await.unwrap();
        self.runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
        self.settle().await;
    }

    /// Requested by Ana and approved by Ben.
    async fn approved(&self) -> RunId {
        let run = self.request("ana@example.com").await;
        self.approve(run).await;
        run
    }

    async fn status(&self, run: RunId) -> RunStatus {
        self.runtime.run(run).await.unwrap().state.run.status()
    }

    async fn refusal(&self, submission: impl Into<Submission>) -> String {
        self.runtime.submit(submission).await.unwrap_err().to_string()
    }
}

#[tokio::test]
async fn submission_keys_cannot_collide_with_timers_or_effects() {
    let world = World::new(config(), |builder| builder).await;
    let run = world.approved().await;
    for key in [format!("timer:{run}:Expire:1"), format!("effect:{run}:9"), format!("effect:{run}:10")] {
        let spoiler = Submission::request("prod", "ana@example.com").input("duration", "1h").key(InputKey::new(key));
        world.runtime.submit(spoiler).await.unwrap();
    }
    world.advance(HOUR).await;
    assert_eq!(world.status(run).await, RunStatus::Deescalated);
}

#[tokio::test]
async fn a_repeated_key_is_one_submission() {
    let world = World::new(config(), |builder| builder).await;
    let request =
        || Submission::request("prod", "ana@example.com").input("duration", "1h").key(InputKey::new("api:42"));
    let first = world.runtime.submit(request()).await.unwrap();
    world.settle().await;
    let second = world.runtime.submit(request()).await.unwrap();
    assert_eq!((first.run, first.event), (second.run, second.event));
}

#[tokio::test]
async fn a_panic_before_the_first_await_fails_only_the_run() {
    let vault = Vault::panicking(1);
    let world = World::new(config(), |builder| builder.strategy_type(vault.strategy_type())).await;
    let run = world.approved().await;
    assert_eq!(world.status(run).await, RunStatus::Errored);
    let error = world.runtime.run(run).await.unwrap().state.error.clone().unwrap();
    expect!["the strategy panicked: the vault panics before it returns a future"].assert_eq(&error.message);
    assert_eq!(vault.revoked.load(Ordering::SeqCst), 1, "nothing is left behind");
}

#[tokio::test]
async fn revocations_are_retried_after_a_panic() {
    let vault = Vault::default();
    let alerts = Alerts::default();
    let world =
        World::new(config(), |builder| builder.strategy_type(vault.strategy_type()).delivery(alerts.clone())).await;
    let run = world.approved().await;
    vault.panics.store(3, Ordering::SeqCst);
    world.advance(HOUR).await;
    for _ in 0..3 {
        assert_eq!(vault.revoked.load(Ordering::SeqCst), 0);
        world.advance(Duration::from_secs(10)).await;
    }
    assert_eq!(world.status(run).await, RunStatus::Deescalated);
    assert_eq!(alerts.sent.lock().unwrap().len(), 1, "the first failure is told");
}

#[tokio::test]
async fn alerts_reach_all_front_ends_even_if_one_fails() {
    let vault = Vault::panicking(1);
    let (down, up) = (Alerts { fails: true, ..Alerts::default() }, Alerts::default());
    let world = World::new(config(), |builder| {
        builder.strategy_type(vault.strategy_type()).delivery(down).delivery(up.clone())
    })
    .await;
    world.approved().await;
    assert_eq!(up.sent.lock().unwrap().len(), 1);
}

/// Has an alert raised in a runtime with these front ends alone, and returns what was recorded about it.
async fn recorded_alert(config: Config, front_ends: &[Alerts]) -> Vec<AuditKind> {
    let vault = Vault::panicking(1);
    let builder = Runtime::builder(config).registry(plain()).clock(clock()).strategy_type(vault.strategy_type());
    let builder = front_ends.iter().cloned().fold(builder, Builder::delivery);
    let runtime = builder.build().await.unwrap();
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let run = runtime.submit(request).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    runtime.run_until_idle().await.unwrap();
    let entries = runtime.audit(Some(run), usize::MAX).await.unwrap().into_iter();
    let is_about_alert = |kind: &AuditKind| {
        matches!(kind, AuditKind::Alerted { .. } | AuditKind::AlertUndelivered { .. } | AuditKind::Reported { .. })
    };
    // Nor can these front ends reach people.
    let is_message = |kind: &AuditKind| matches!(kind, AuditKind::Reported { error } if error.message.contains('@'));
    entries.map(|entry| entry.kind).filter(is_about_alert).filter(|kind| !is_message(kind)).collect()
}

/// Safety finding 6.
#[tokio::test]
async fn an_alert_is_recorded_as_delivered_only_if_a_front_end_confirmed_it() {
    let (up, down) = (Alerts::default(), Alerts { fails: true, ..Alerts::default() });
    let elsewhere = Alerts { declines: true, ..Alerts::default() };
    let mut unconfigured = config();
    unconfigured.environments[0].error_logger = None;

    for front_ends in [vec![up.clone()], vec![down.clone(), up.clone()], vec![elsewhere.clone(), up.clone()]] {
        let recorded = recorded_alert(config(), &front_ends).await;
        assert!(matches!(&recorded[..], [AuditKind::Alerted { .. }]), "{recorded:?}");
    }
    for (config, front_ends, expected) in [
        (config(), vec![down], "it is down"),
        (config(), vec![], "no front end can reach the error destination #errors"),
        (config(), vec![elsewhere.clone()], "no front end can reach the error destination #errors"),
        (unconfigured, vec![up], "environment `main` has no error logger"),
    ] {
        let recorded = recorded_alert(config, &front_ends).await;
        match &recorded[..] {
            [AuditKind::AlertUndelivered { error, reason }] => {
                assert_eq!(reason.message, expected);
                assert!(error.message.contains("the vault panics"), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(elsewhere.sent.lock().unwrap().is_empty(), "a front end that declines is not called");
}

#[tokio::test]
async fn revocations_do_not_run_at_another_account() {
    let mut moved = config();
    moved.integrations[0].external_id = "vault-2".to_owned();
    check_out_of_reach("vault", config(), moved).await;
}

/// The type of such a strategy does not determine which function it calls.
#[tokio::test]
async fn revocations_do_not_run_by_another_function() {
    for kind in ["custom", "http"] {
        let mut before = config();
        before.strategies[0].kind = kind.to_owned();
        let mut moved = before.clone();
        moved.strategies[0].name = "other".to_owned();
        moved.flows[0].params.strategy = Some(config::Reference::named("other"));
        check_out_of_reach(kind, before, moved).await;
    }
}

async fn check_out_of_reach(kind: &str, config: Config, moved: Config) {
    let store = Arc::new(MemoryStore::new());
    let (before, after) = (Vault::default(), Vault::default());
    let world =
        World::new(config, |builder| builder.strategy_type(before.strategy_of(kind)).store(store.clone())).await;
    let run = world.approved().await;
    assert_eq!(before.granted.load(Ordering::SeqCst), 1);

    let alerts = Alerts::default();
    let builder = Runtime::builder(moved).registry(plain()).clock(world.clock.clone()).store(store);
    let builder = builder.strategy_type(after.strategy_of(kind)).delivery(alerts.clone()).simulated();
    let world = World { runtime: builder.build().await.unwrap(), clock: world.clock };
    world.advance(HOUR).await;
    assert_eq!(after.revoked.load(Ordering::SeqCst), 0, "the access is not there");
    let state = world.runtime.run(run).await.unwrap().state;
    assert!(state.may_hold_access());
    expect!["flow `prod` no longer reaches what access to `admins` was granted in: its strategy has changed since"]
        .assert_eq(&alerts.sent.lock().unwrap()[0]);
}

#[tokio::test]
async fn a_flow_cannot_be_removed_while_its_runs_hold_access() {
    let store = Arc::new(MemoryStore::new());
    let world = World::new(config(), |builder| builder.store(store.clone())).await;
    world.approved().await;
    let renamed = || {
        let mut config = config();
        config.flows[0].name = "staging".to_owned();
        Runtime::builder(config).registry(plain()).clock(world.clock.clone()).store(store.clone()).simulated()
    };
    let faults = renamed().build().await.unwrap_err().to_string();
    assert!(faults.contains("flow `prod` is no longer declared, but 1 Run of it may still hold access"), "{faults}");
    world.advance(HOUR).await;
    renamed().build().await.unwrap();
}

#[tokio::test]
async fn an_empty_identity_counts_as_missing() {
    mod blank {
        use sym_sdk::prelude::*;

        #[reducer]
        fn get_permissions() -> RequestPermission {
            RequestPermission::admins_only()
        }

        #[reducer]
        fn get_identity() -> Option<String> {
            Some(" ".to_owned())
        }

        #[hook]
        fn on_request() -> Option<NextEvent> {
            Some(ApprovalTemplate::approve())
        }

        pub(super) fn handlers() -> sym_sdk::handler::Registry {
            sym_sdk::handlers![get_permissions, get_identity, on_request]
        }
    }
    let vault = Vault::default();
    let world =
        World::new(config(), |builder| builder.registry(blank::handlers()).strategy_type(vault.strategy_type())).await;
    let run = world.request("ana@example.com").await;
    assert_eq!(world.status(run).await, RunStatus::Errored);
    assert_eq!(vault.granted.load(Ordering::SeqCst), 0);
    let error = world.runtime.run(run).await.unwrap().state.error.clone().unwrap();
    expect!["reducer `get_identity` gave an empty id for ana@example.com in vault `vault-1`"]
        .assert_eq(error.message.split_once(" failed: ").unwrap().1);
}

#[tokio::test]
async fn rejects_contradictory_inputs() {
    let mut config = config();
    config.targets.push(target("readers"));
    config.strategies[0].targets.push(config::Reference::named("readers"));
    let world = World::new(config, |builder| builder).await;
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    let request = request.input("target_srn", "admins").input("target_id", "readers");
    expect![[
        "the request names two targets, `admins` in `target_srn` and `readers` in `target_id` (SymSDK:UNKNOWN_TARGET)"
    ]]
    .assert_eq(&world.refusal(request).await);
}

#[tokio::test]
async fn rejects_a_duration_for_access_without_expiry() {
    let mut config = config();
    config.flows[0].params.schedule_deescalation = false;
    let world = World::new(config, |builder| builder).await;
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    expect!["flow `prod` takes no duration: its access lasts until it is revoked (SymSDK:INVALID_DURATION)"]
        .assert_eq(&world.refusal(request).await);
}

#[tokio::test]
async fn an_empty_duration_takes_the_default_of_its_field() {
    let mut config = config();
    config.flows[0].params.prompt_fields.push(config::PromptField {
        name: "duration".to_owned(),
        field_type: "duration".to_owned(),
        allowed_values: Some(vec!["30m".to_owned(), "1h".to_owned()]),
        default: Some("30m".to_owned()),
        ..Default::default()
    });
    let world = World::new(config, |builder| builder).await;
    let run = world.runtime.submit(Submission::request("prod", "ana@example.com")).await.unwrap().run;
    let duration = world.runtime.run(run).await.unwrap().state.request.as_ref().map(|request| request.duration);
    assert_eq!(duration, Some(Some(HOUR / 2)));
}

#[tokio::test]
async fn a_decision_message_has_a_limit() {
    let world = World::new(config(), |builder| builder).await;
    let run = world.request("ana@example.com").await;
    let deny = Submission::deny(run, "ben@example.com").message("x".repeat(65 * 1024));
    expect!["the decision message has 66560 bytes; the limit is 65536 (SymSDK:TOO_LARGE)"]
        .assert_eq(&world.refusal(deny).await);
}

#[tokio::test]
async fn accepts_maximal_time_limits() {
    let limits = Limits { reducer: Duration::MAX, strategy: Duration::MAX, ..Limits::default() };
    let world = World::new(config(), |builder| builder.limits(limits)).await;
    let run = world.approved().await;
    assert_eq!(world.status(run).await, RunStatus::Escalated);
}

#[tokio::test]
async fn rejects_channels_reserved_for_the_runtime() {
    let world = World::new(config(), |builder| builder).await;
    for kind in [ChannelType::Sdk, ChannelType::Scheduler] {
        let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
        let refusal = world.refusal(request.channel(Channel::new(kind))).await;
        let expected = format!("channel `{kind}` is reserved for events that code fires (SymSDK:INVALID_EVENT)");
        assert_eq!(refusal, expected);
    }
}

#[tokio::test]
async fn does_not_show_the_form_of_a_hidden_flow() {
    mod hidden {
        use std::sync::Arc;

        use sym_sdk::prelude::*;

        #[reducer]
        fn get_permissions() -> RequestPermission {
            RequestPermission::admins_only()
        }

        #[reducer]
        fn get_flows() -> Vec<Arc<Flow>> {
            Vec::new()
        }

        pub(super) fn handlers() -> sym_sdk::handler::Registry {
            sym_sdk::handlers![get_permissions, get_flows]
        }
    }
    let mut config = config();
    config.flows_filter = Some(config::FlowsFilter::default());
    let world = World::new(config, |builder| builder.registry(hidden::handlers())).await;
    let ana = world.runtime.directory().get_or_create_user_by_email("ana@example.com").await.unwrap();
    let refusal = world.runtime.preview_form("prod", &ana).await.unwrap_err().to_string();
    expect!["flow `prod` is not open to ana@example.com (SymSDK:NOT_PERMITTED)"].assert_eq(&refusal);
    let form = world.runtime.flow("prod").unwrap().prompt_form();
    let refusal = world.runtime.change_form("prod", &ana, "reason", form).await.unwrap_err().to_string();
    expect!["flow `prod` is not open to ana@example.com (SymSDK:NOT_PERMITTED)"].assert_eq(&refusal);
}

/// A Run whose grant is about to be carried out.
async fn about_to_be_granted(world: &World) -> RunId {
    let run = world.request("ana@example.com").await;
    world.runtime.directory().contact("ben@example.com").await.unwrap();
    world.runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    let is_asked = |state: &RunState| {
        let mut pending = state.pending.values();
        pending.any(|effect| matches!(effect.kind, EffectKind::Grant { .. }))
    };
    while !is_asked(&world.runtime.run(run).await.unwrap().state) {
        assert!(world.runtime.run_one().await.unwrap());
    }
    run
}

/// Finding 15: the process stands still between the approval and the grant, for longer than the access was to last.
#[tokio::test]
async fn a_grant_that_comes_too_late_is_not_made_and_both_are_told() {
    let vault = Vault::default();
    let world = World::new(config(), |builder| builder.strategy_type(vault.strategy_type())).await;
    let run = about_to_be_granted(&world).await;
    world.advance(2 * HOUR).await;
    assert_eq!(vault.granted.load(Ordering::SeqCst), 0);
    assert_eq!(world.status(run).await, RunStatus::Errored);
    let audit = world.runtime.audit(Some(run), usize::MAX).await.unwrap();
    let told: Vec<_> = audit
        .iter()
        .filter_map(|entry| match &entry.kind {
            AuditKind::Messaged { to, text } if entry.at > audit[0].at + HOUR => Some(format!("{to}: {text}")),
            _ => None,
        })
        .collect();
    expect![[r#"
        [
            "ana@example.com: ben@example.com approved your request for prod",
            "ana@example.com: Your request for prod was closed without access: its time had passed before access could be granted. Make a new request if you still need it",
            "ben@example.com: this request is closed, and the request has failed: its time had passed before access could be granted",
        ]
    "#]]
    .assert_debug_eq(&told);
}

/// Finding 15: the clock was ahead until after the approval. The end was corrected by another process, and the clock went ahead again:
/// the end on record has passed, but not that of the state which this process has cached.
#[tokio::test]
async fn the_end_on_record_is_looked_at_right_before_the_grant() {
    let (vault, store, clock) = (Vault::default(), Arc::new(MemoryStore::new()), clock());
    let start = || async {
        let builder = Runtime::builder(config()).registry(plain()).clock(clock.clone()).simulated();
        builder.strategy_type(vault.strategy_type()).store(store.clone()).build().await.unwrap()
    };
    let world = World { runtime: start().await, clock: clock.clone() };
    let noon = clock.now();
    let run = about_to_be_granted(&world).await;
    clock.set(noon - 6 * HOUR);
    // It corrects what was computed while the clock was ahead.
    let other = start().await;
    let end = other.run(run).await.unwrap().state.access_until();
    assert_eq!(end, Some(noon - 5 * HOUR));
    clock.set(noon - 4 * HOUR);
    world.settle().await;
    assert_eq!(vault.granted.load(Ordering::SeqCst), 0);
    assert_eq!(world.status(run).await, RunStatus::Errored);
}
