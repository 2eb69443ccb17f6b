//! Threads of their own for work that must not wait for handlers.

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

/// The number of threads, and so of calls that block their thread before others on these threads are delayed.
const THREAD_COUNT: usize = 4;

/// Runs work on a tokio runtime of its own if the current one is multi-threaded: handlers that block can take up all threads
/// there. A current-thread runtime is for tests, and for programs in which nothing blocks.
pub(super) async fn run_on_dedicated(name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return work.await;
    }
    match Builder::new_multi_thread().worker_threads(THREAD_COUNT).thread_name(name).enable_all().build() {
        Ok(runtime) => {
            let runtime = DedicatedRuntime(Some(runtime));
            if let Some(runtime) = &runtime.0
                && let Err(error) = runtime.spawn(work).await
            {
                tracing::error!(%error, name, "workers have ended unexpectedly");
            }
        }
        Err(error) => {
            tracing::error!(%error, name, "could not start dedicated threads; sharing those of the runtime");
            work.await;
        }
    }
}

/// A runtime that is dropped without waiting for its threads, which async code must not do.
struct DedicatedRuntime(Option<Runtime>);

impl Drop for DedicatedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
