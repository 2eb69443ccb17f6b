//! Being told to stop.

use std::io;

/// Returns when the program is told to stop: by Ctrl-C, or as service managers do.
pub(super) async fn stop() -> io::Result<()> {
    Signals::listen()?.next().await
}

/// The signals that tell the program to stop. From when they are listened to, they no longer end the process.
#[derive(Debug)]
pub(in crate::cli) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    pub(in crate::cli) fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};

            Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Returns at the next one.
    pub(in crate::cli) async fn next(&mut self) -> io::Result<()> {
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
}
