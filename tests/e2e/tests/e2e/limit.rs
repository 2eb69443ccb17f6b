//! The time limit of tests. A test has a thread and a runtime of its own, so that it counts as failed even if it never yields.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;

/// The real time after which a test counts as hanging. It takes some seconds, but the machine may be busy.
const TEST_TIMEOUT: Duration = Duration::from_secs(180);

/// The stack of a test, in bytes: unoptimized futures are large.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Runs a test, and fails if it takes too long.
pub(crate) fn within_limit(test: impl Future<Output = ()> + Send + 'static) {
    let (sender, ended) = channel::<Result<(), Box<dyn Any + Send>>>();
    let name = thread::current().name().unwrap_or("a test").to_owned();
    let run = move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_stack_size(STACK_BYTES).enable_all().build();
        let runtime = runtime.unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test)));
        runtime.shutdown_background();
        // After the limit, nobody is there to be told.
        let _ = sender.send(outcome);
    };
    thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(run).unwrap();
    match ended.recv_timeout(TEST_TIMEOUT) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => resume_unwind(panic),
        Err(RecvTimeoutError::Timeout) => panic!("the test has not ended within {TEST_TIMEOUT:?}"),
        Err(RecvTimeoutError::Disconnected) => panic!("the thread of the test has ended without an outcome"),
    }
}
