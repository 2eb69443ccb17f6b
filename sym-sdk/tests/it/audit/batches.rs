//! The size of deliveries.

use std::sync::{Arc, Mutex};

use sym_sdk::BoxFuture;
use sym_sdk::audit::{AuditDestination, AuditLine};
use sym_sdk::engine::{MemoryStore, WorkerLimits};
use sym_sdk::error::Result;
use sym_sdk::runtime::Runtime;
use sym_sdk::strategy::StrategyType;
use sym_sdk::testing::{RecordingDelivery, RecordingStrategy};

use super::{config, fill, plain};
use crate::support::GRACE;

/// Records the numbers of lines that it receives, and says nothing about how many it wants.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<Vec<usize>>>);

impl AuditDestination for Counter {
    fn name(&self) -> &str {
        "counter"
    }

    fn deliver<'a>(&'a self, lines: &'a [AuditLine]) -> BoxFuture<'a, Result<usize>> {
        self.0.lock().unwrap().push(lines.len());
        Box::pin(async move { Ok(lines.len()) })
    }
}

#[tokio::test]
async fn a_destination_receives_256_lines_at_once_unless_it_says_otherwise() {
    let (store, counter) = (MemoryStore::new(), Counter::default());
    fill(&store, 600).await;
    let strategy = RecordingStrategy::new();
    let runtime = Runtime::builder(config().await)
        .registry(plain())
        .store(Arc::new(store))
        .delivery(RecordingDelivery::new())
        .strategy_type(StrategyType::new("test", move |_| Ok(strategy.clone())))
        .audit_destination(counter.clone())
        .build()
        .await
        .unwrap();
    let workers = runtime.start(WorkerLimits::default());
    let received = || counter.0.lock().unwrap().iter().sum::<usize>();
    while received() < 600 {
        tokio::task::yield_now().await;
    }
    workers.shutdown(GRACE).await;
    assert_eq!(counter.0.lock().unwrap()[..2], [256, 256]);
}
