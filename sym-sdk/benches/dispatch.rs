//! What it costs to call a handler.
//!
//! divan's table has the times. After it comes one line for each way of calling, with its time, its allocations and how
//! many times the boxed call it takes.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic, and prints")]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::{Duration, Instant};

use sym_sdk::BoxFuture;
use sym_sdk::handler::{HandlerOutput, HandlerRecord, IntegrationConfig, Services};
use sym_sdk::model::Environment;
use sym_sdk::prelude::*;

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
    record: &'static HandlerRecord,
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
        let registry = sym_sdk::handlers![on_request];
        let record = registry.iter().next().unwrap();
        Self { event, pagerduty: PagerDuty { on_call }, context, record }
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

    /// As the runtime calls it: by its record, with three extractors.
    fn dispatch(&self) -> Result<HandlerOutput, HandlerError> {
        now(black_box(self.record).call(&self.context))
    }
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
    const CALLS: u32 = 10_000;

    /// The median of many rounds, and what one call allocates.
    fn of<T>(name: &'static str, call: impl Fn() -> T) -> Self {
        let allocations = allocation_counter::measure(|| drop(black_box(call()))).count_total;
        let mut rounds: Vec<Duration> = (0..101)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..Self::CALLS {
                    black_box(call());
                }
                start.elapsed() / Self::CALLS
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
}
