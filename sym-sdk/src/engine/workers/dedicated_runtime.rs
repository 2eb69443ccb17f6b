//! Threads of their own for what must not wait.

use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

/// So many calls that block their thread hold up the others on these threads.
const THREAD_COUNT: usize = 4;

/// Carries out work on threads of its own, if the current runtime has several: there, handlers that block their thread can take
/// all of them. A runtime of one thread is for tests, and for programs in which nothing blocks.
pub(super) async fn run_on_dedicated(name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return work.await;
    }
    match Builder::new_multi_thread().worker_threads(THREAD_COUNT).thread_name(name).enable_all().build() {
        Ok(threads) => {
            let threads = DedicatedRuntime(Some(threads));
            if let Some(runtime) = &threads.0
                && let Err(error) = runtime.spawn(work).await
            {
                tracing::error!(%error, name, "workers have ended before their time");
            }
        }
        Err(error) => {
            tracing::error!(%error, name, "no threads can be had; the work shares those of the runtime");
            work.await;
        }
    }
}

/// A runtime that is let go of without waiting for its threads, which async code must not do.
struct DedicatedRuntime(Option<Runtime>);

impl Drop for DedicatedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
