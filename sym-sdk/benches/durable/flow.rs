//! The measured flow and its users.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sym_sdk::config::{Config, Environment, Flow, FlowParams, Integration, Reference, Strategy, Target};
use sym_sdk::delivery::{Delivery, DeliveryReceipt, RequestView};
use sym_sdk::engine::SqliteStore;
use sym_sdk::handlers;
use sym_sdk::machine::{EffectError, MessageRef, Notice};
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{Runtime, Submission};
use sym_sdk::strategy::{AccessStrategy, StrategyType};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

#[reducer]
fn get_request_notifications() -> Result<Vec<Notification>> {
    Ok(vec![Notification::to(SlackChannelName::new("#requests")?)])
}

#[hook]
fn on_request(event: &Event) -> Option<NextEvent> {
    event.fields().text("reason").is_ok_and(str::is_empty).then(ApprovalTemplate::ignore)
}

#[hook]
fn after_approve(_event: &Event) {}

/// The state of a Run as the front end sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The request can be decided.
    Asked,
    /// Access was granted.
    Granted,
    /// Access has ended.
    Ended,
}

/// A front end that notifies waiting tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Desk(Arc<Mutex<HashMap<RunId, Line>>>);

/// A channel. Either side may create it.
#[derive(Debug)]
struct Line {
    tell: UnboundedSender<Seen>,
    hear: Option<UnboundedReceiver<Seen>>,
}

impl Desk {
    fn tell(&self, view: &RequestView, seen: Seen) {
        let _ = self.line(view.event().run().id(), |line| line.tell.send(seen));
    }

    fn hear(&self, run: RunId) -> UnboundedReceiver<Seen> {
        self.line(run, |line| line.hear.take()).unwrap()
    }

    fn line<T>(&self, run: RunId, with: impl FnOnce(&mut Line) -> T) -> T {
        with(self.0.lock().unwrap().entry(run).or_insert_with(|| {
            let (tell, hear) = unbounded_channel();
            Line { tell, hear: Some(hear) }
        }))
    }

    fn forget(&self, run: RunId) {
        self.0.lock().unwrap().remove(&run);
    }
}

impl Delivery for Desk {
    fn name(&self) -> &str {
        "desk"
    }

    fn reaches(&self, _: &Destination) -> bool {
        true
    }

    async fn deliver(&self, view: &RequestView, _: &Destination) -> Result<DeliveryReceipt> {
        self.tell(view, Seen::Asked);
        Ok(DeliveryReceipt::Delivered(MessageRef::new(self.name(), "1709208000.000100")))
    }

    async fn update(&self, _: &RequestView, _: &MessageRef) -> Result<()> {
        Ok(())
    }

    fn reaches_user(&self, _: &User) -> bool {
        true
    }

    async fn message(&self, view: &RequestView, _: &User, notice: &Notice) -> Result<()> {
        match notice {
            Notice::Granted { .. } => self.tell(view, Seen::Granted),
            Notice::Ended { .. } => self.tell(view, Seen::Ended),
            _ => {}
        }
        Ok(())
    }

    async fn alert(&self, _: &RequestView, _: &str, error: &EffectError) -> Result<()> {
        panic!("{error}");
    }

    fn opens_forms_for(&self, _: ChannelType) -> bool {
        true
    }

    async fn open_form(&self, _: &RequestView, _: &PromptForm) -> Result<()> {
        Ok(())
    }
}

/// Builds a runtime on this store, with this strategy.
pub(crate) async fn runtime<S: AccessStrategy>(store: &Arc<SqliteStore>, desk: &Desk, strategy: Arc<S>) -> Runtime {
    Runtime::builder(config())
        .registry(handlers![get_permissions, get_request_notifications, on_request, after_approve])
        .delivery(desk.clone())
        .strategy_type(StrategyType::new("bench", move |_| Ok(strategy.clone())))
        .sqlite(store.clone())
        .build()
        .await
        .unwrap()
}

pub(crate) async fn open(path: &Path) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path).await.unwrap())
}

/// Returns a requester by number. Each has access of their own: shared access is changed one Run at a time.
pub(crate) fn person(number: usize) -> String {
    format!("person-{number}@example.com")
}

/// Makes a request that is approved and granted. Returns a receiver of its later states.
pub(crate) async fn granted(runtime: &Runtime, desk: &Desk, who: usize) -> (RunId, UnboundedReceiver<Seen>) {
    let request =
        Submission::request("prod", person(who).as_str()).input("duration", "1h").input("reason", "incident 42");
    let run = runtime.submit(request).await.unwrap().run;
    let mut seen = desk.hear(run);
    assert_eq!(seen.recv().await, Some(Seen::Asked));
    runtime.directory().contact("ben@example.com").await.unwrap();
    runtime.submit(Submission::approve(run, "ben@example.com")).await.unwrap();
    assert_eq!(seen.recv().await, Some(Seen::Granted));
    (run, seen)
}

/// Makes a request that is approved, granted and revoked.
pub(crate) async fn whole(runtime: &Runtime, desk: &Desk, who: usize) {
    let (run, mut seen) = granted(runtime, desk, who).await;
    runtime.submit(Submission::revoke(run, "ben@example.com")).await.unwrap();
    assert_eq!(seen.recv().await, Some(Seen::Ended));
    desk.forget(run);
}

fn config() -> Config {
    let reference = Reference::typed("bench", "bench");
    let field = |name: &str, field_type: &str, allowed: Option<&str>| sym_sdk::config::PromptField {
        name: name.to_owned(),
        field_type: field_type.to_owned(),
        allowed_values: allowed.map(|value| vec![value.to_owned()]),
        ..Default::default()
    };
    let mut config = Config::default();
    config.organization.domains.push("example.com".to_owned());
    config.environments.push(Environment { name: "main".to_owned(), ..Default::default() });
    config.integrations.push(Integration {
        kind: "bench".to_owned(),
        name: "bench".to_owned(),
        external_id: "example".to_owned(),
        ..Default::default()
    });
    config.targets.push(Target { kind: "bench".to_owned(), name: "bench".to_owned(), ..Default::default() });
    config.strategies.push(Strategy {
        kind: "bench".to_owned(),
        name: "bench".to_owned(),
        integration: Some(reference.clone()),
        targets: vec![reference.clone()],
        ..Default::default()
    });
    config.flows.push(Flow {
        name: "prod".to_owned(),
        environment: "main".to_owned(),
        params: FlowParams {
            strategy: Some(reference),
            prompt_fields: vec![field("reason", "string", None), field("duration", "duration", Some("1h"))],
            ..Default::default()
        },
        ..Default::default()
    });
    config
}
