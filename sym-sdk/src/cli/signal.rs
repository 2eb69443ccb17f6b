//! Shutdown signals. The first one lets work in flight finish; a second one ends a running server at once.

use std::io;

/// Waits for a shutdown signal.
pub(super) async fn shutdown() -> io::Result<()> {
    Signals::listen()?.recv().await
}

/// A listener for SIGINT and SIGTERM, or for Ctrl-C where there are no such signals. While it exists, they do not end the process.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// SIGXFSZ, which ends a process that writes beyond the limit of file sizes (`ulimit -f`). While it is listened for, such a write
    /// fails instead, like one on a full disk.
    #[cfg(all(unix, feature = "sqlite"))]
    _file_too_large: tokio::signal::unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            Ok(Self {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
                #[cfg(feature = "sqlite")]
                _file_too_large: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the next signal.
    pub(super) async fn recv(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        {
            tokio::select! {
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
            }
            Ok(())
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await
    }

    /// Waits for work in flight to finish, after a first signal. Returns `None` immediately when a second signal
    /// comes before that.
    #[cfg(feature = "server")]
    pub(super) async fn finish<T>(&mut self, work: impl Future<Output = T>) -> io::Result<Option<T>> {
        tokio::select! {
            biased;
            done = work => Ok(Some(done)),
            signal = self.recv() => signal.map(|()| None),
        }
    }
}
