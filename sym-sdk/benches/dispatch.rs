//! The cost of calling a handler, and of a whole Run from its request to the end of its access.
//!
//! divan's table has the times. After it comes one line for each way of calling, with its time, its allocations and how
//! many times the boxed call it takes, and one for a Run on the engine in memory.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic, and prints")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::{Duration, Instant};

use sym_sdk::BoxFuture;
use sym_sdk::clock::VirtualClock;
use sym_sdk::config::{self, Config};
use sym_sdk::handler::{HandlerFn, Services};
use sym_sdk::integration::IntegrationConfig;
use sym_sdk::model::{Environment, RunStatus};
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};

struct PagerDuty {
    on_call: String,
}

impl IntegrationClient for PagerDuty {
    const TYPE: &'static str = "pagerduty";

    fn from_config(config: &IntegrationConfig<'_>) -> Result<Self> {
        Ok(Self { on_call: config.external_id().to_owned() })
    }
}

#[derive(Deserialize)]
struct Form<'a> {
    urgency: &'a str,
    reason: &'a str,
}

#[hook]
async fn on_request(event: &Event, form: Fields<Form<'_>>, pagerduty: &PagerDuty) -> Result<Option<NextEvent>> {
    let on_call = event.user().username() == pagerduty.on_call;
    if on_call && form.urgency == "Urgent" && form.reason.len() > 200 {
        return Ok(Some(ApprovalTemplate::approve()));
    }
    Ok(None)
}

/// Everything that the calls need, made once.
struct Setup {
    event: Arc<Event>,
    pagerduty: PagerDuty,
    context: Context,
    handler: HandlerFn<Option<NextEvent>>,
}

impl Setup {
    fn new() -> Self {
        let on_call = "ada@sym.test".to_owned();
        let flow = Flow::builder("prod".parse().unwrap(), "sym")
            .environment(Environment::new("main".parse().unwrap()))
            .build();
        let user = User::person(UserId::from_uuid(uuid::Uuid::nil()), &on_call).unwrap();
        let event =
            Event::builder(flow, Step::Request, user).field("urgency", "Urgent").field("reason", "deploy").build();
        let event = Arc::new(event);
        let services = Services::builder().client(PagerDuty { on_call: on_call.clone() }).build();
        let context = Context::builder().event(Arc::clone(&event)).services(services).build();
        let handler = sym_sdk::handlers![on_request].select(None).unwrap().on(Step::Request).unwrap();
        Self { event, pagerduty: PagerDuty { on_call }, context, handler }
    }

    fn form(&self) -> Result<Fields<Form<'_>>> {
        self.event.fields().deserialize().map(Fields)
    }

    /// The function, with arguments that are there already.
    fn direct(&self) -> Result<Option<NextEvent>> {
        let form = Fields(Form { urgency: "Urgent", reason: "deploy" });
        now(on_request(&self.event, form, &self.pagerduty))
    }

    /// The same in a box, as any dynamic call of an `async fn` must be.
    fn boxed(&self) -> Result<Option<NextEvent>> {
        let form = Fields(Form { urgency: "Urgent", reason: "deploy" });
        let future: BoxFuture<'_, _> = Box::pin(on_request(&self.event, form, &self.pagerduty));
        now(black_box(future))
    }

    /// In a box and with the form read, by hand.
    fn by_hand(&self) -> Result<Option<NextEvent>> {
        let future: BoxFuture<'_, _> = Box::pin(async { on_request(&self.event, self.form()?, &self.pagerduty).await });
        now(black_box(future))
    }

    /// As the runtime calls it: by its typed function, with three extractors.
    fn dispatch(&self) -> Result<Option<NextEvent>, HandlerError> {
        now(black_box(self.handler).call(&self.context))
    }
}

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

#[hook]
fn after_approve(_event: &Event) {}

/// A runtime with one access flow and four handlers, on the engine in memory.
struct WholeRun {
    runtime: Runtime,
    clock: Arc<VirtualClock>,
    ana: Arc<User>,
    ben: Arc<User>,
}

impl WholeRun {
    fn new() -> Self {
        let clock = Arc::new(VirtualClock::at(jiff::Timestamp::UNIX_EPOCH));
        let pagerduty = PagerDuty { on_call: "nobody".to_owned() };
        let handlers = sym_sdk::handlers![get_permissions, get_request_notifications, on_request, after_approve];
        let builder = Runtime::builder(config()).registry(handlers).client(pagerduty).clock(clock.clone()).simulated();
        let runtime = now(builder.build()).unwrap();
        let user = |email: &str| now(runtime.directory().get_or_create_user_by_email(email)).unwrap();
        let (ana, ben) = (user("ana@example.com"), user("ben@example.com"));
        Self { runtime, clock, ana, ben }
    }

    /// Request, approval, grant, an hour, revocation. Says how many effects and timers that took.
    fn play(&self) -> usize {
        let request = Submission::request("prod", self.ana.clone()).input("urgency", "Low").input("reason", "deploy");
        let run = now(self.runtime.submit(request.input("duration", "1h"))).unwrap().run;
        let routed = self.settle();
        now(self.runtime.submit(Submission::approve(run, self.ben.clone()))).unwrap();
        let granted = self.settle();
        self.clock.advance(Duration::from_secs(3600));
        let ended = self.settle();
        let status = now(self.runtime.run(run)).unwrap().state.run.status();
        assert_eq!(status, RunStatus::Deescalated);
        routed + granted + ended
    }

    fn settle(&self) -> usize {
        now(self.runtime.run_until_idle()).unwrap()
    }
}

fn config() -> Config {
    let reference = |name: &str| config::Reference::named(name);
    let field = |name: &str| config::PromptField {
        name: name.to_owned(),
        field_type: "string".to_owned(),
        ..config::PromptField::default()
    };
    let mut config = Config::default();
    config.organization.domains = vec!["example.com".to_owned()];
    config.environments.push(config::Environment { name: "main".to_owned(), ..Default::default() });
    config.integrations.push(config::Integration {
        kind: "okta".to_owned(),
        name: "okta".to_owned(),
        external_id: "example.okta.com".to_owned(),
        settings: [("api_token_secret".to_owned(), "token".to_owned())].into(),
        ..Default::default()
    });
    config.secret_sources.push(config::SecretSource {
        kind: "environment".to_owned(),
        name: "env".to_owned(),
        ..Default::default()
    });
    config.secrets.push(config::Secret {
        name: "token".to_owned(),
        path: "OKTA_TOKEN".to_owned(),
        source: reference("env"),
        ..Default::default()
    });
    config.targets.push(config::Target {
        kind: "okta_group".to_owned(),
        name: "admins".to_owned(),
        settings: [("group_id".to_owned(), "g1".to_owned())].into(),
        ..Default::default()
    });
    config.strategies.push(config::Strategy {
        kind: "okta".to_owned(),
        name: "okta".to_owned(),
        integration: Some(reference("okta")),
        targets: vec![reference("admins")],
        ..Default::default()
    });
    config.flows.push(config::Flow {
        name: "prod".to_owned(),
        environment: "main".to_owned(),
        params: config::FlowParams {
            strategy: Some(reference("okta")),
            prompt_fields: vec![field("urgency"), field("reason")],
            ..Default::default()
        },
        ..Default::default()
    });
    config
}

/// The value of a future that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

#[divan::bench]
fn direct(bencher: divan::Bencher<'_, '_>) {
    let setup = Setup::new();
    bencher.bench_local(|| setup.direct());
}

#[divan::bench]
fn boxed(bencher: divan::Bencher<'_, '_>) {
    let setup = Setup::new();
    bencher.bench_local(|| setup.boxed());
}

#[divan::bench]
fn by_hand(bencher: divan::Bencher<'_, '_>) {
    let setup = Setup::new();
    bencher.bench_local(|| setup.by_hand());
}

#[divan::bench]
fn whole_run(bencher: divan::Bencher<'_, '_>) {
    let run = WholeRun::new();
    bencher.bench_local(|| run.play());
}

#[divan::bench]
fn dispatch(bencher: divan::Bencher<'_, '_>) {
    let setup = Setup::new();
    bencher.bench_local(|| setup.dispatch());
}

/// One line of the summary.
struct Cost {
    name: &'static str,
    time: Duration,
    allocations: u64,
}

impl Cost {
    /// The median of many rounds, and what one call allocates.
    fn of<T>(name: &'static str, call: impl Fn() -> T) -> Self {
        Self::of_calls(name, 10_000, call)
    }

    fn of_calls<T>(name: &'static str, calls: u32, call: impl Fn() -> T) -> Self {
        let allocations = allocation_counter::measure(|| drop(black_box(call()))).count_total;
        let mut rounds: Vec<Duration> = (0..101)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..calls {
                    black_box(call());
                }
                start.elapsed() / calls
            })
            .collect();
        rounds.sort();
        Self { name, time: rounds[rounds.len() / 2], allocations }
    }
}

fn main() {
    divan::main();

    let setup = Setup::new();
    let costs = [
        Cost::of("direct call", || setup.direct()),
        Cost::of("boxed call", || setup.boxed()),
        Cost::of("boxed call, form read by hand", || setup.by_hand()),
        Cost::of("dispatch with three extractors", || setup.dispatch()),
    ];
    let boxed = costs[1].time.as_nanos().max(1);
    println!();
    for Cost { name, time, allocations } in costs {
        let ratio = time.as_nanos() as f64 / boxed as f64;
        println!("{name:<32} {time:>10.0?} {allocations:>3} allocations {ratio:>6.1} x boxed");
    }
    let run = WholeRun::new();
    let effects = run.play();
    let Cost { name, time, allocations } = Cost::of_calls("request to de-escalation", 50, || run.play());
    let ratio = time.as_nanos() as f64 / boxed as f64;
    println!(
        "{name:<32} {time:>10.0?} {allocations:>3} allocations {ratio:>6.0} x boxed, for {effects} effects and timers"
    );
}
