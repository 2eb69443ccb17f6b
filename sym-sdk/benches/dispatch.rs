//! What it costs to call a handler.
//!
//! divan's table has the times. After it comes one line for each way of calling, with its time, its allocations and how
//! many times the boxed call it takes.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

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
    fn new() -> Result<Self> {
        let on_call = "ada@sym.test".to_owned();
        let flow = Flow::builder("prod".parse()?, "sym").environment(Environment::new("main".parse()?)).build();
        let user = User::person(UserId::from_uuid(uuid::Uuid::nil()), &on_call)?;
        let event = Event::builder(flow, Step::Request, user).field("urgency", "Urgent").field("reason", "deploy").build();
        let event = Arc::new(event);
        let services = Services::builder().client(PagerDuty { on_call: on_call.clone() }).build();
        let context = Context::builder().event(Arc::clone(&event)).services(services).build();
        let registry = sym_sdk::handlers![on_request];
        let record = registry.iter().next().ok_or_else(|| Error::handler("no handler"))?;
        Ok(Self { event, pagerduty: PagerDuty { on_call }, context, record })
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
        let future: BoxFuture<'_, _> =
            Box::pin(async { on_request(&self.event, self.form()?, &self.pagerduty).await });
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
