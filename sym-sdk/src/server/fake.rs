//! A stand-in for a front end's service, for trying a program out without an account there.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::clock::Clock;
use crate::directory::Directory;
use crate::model::{Integration, User};
use crate::runtime::{Builder, Extension};

/// What a stand-in for a service is started with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FakeConfig {
    /// Where it is to listen.
    pub listen: SocketAddr,
    /// Where the program listens, which has the front end's routes below its name.
    pub server: SocketAddr,
    /// The integrations of its type in the flows' environments. There may be none.
    pub integrations: Vec<Integration>,
    /// The people who are there.
    pub people: Vec<User>,
    /// The users' directory.
    pub directory: Directory,
    /// The runtime's clock.
    pub clock: Arc<dyn Clock>,
}

impl FakeConfig {
    /// What a stand-in is started with: nobody is there yet.
    pub fn new(listen: SocketAddr, server: SocketAddr, directory: Directory, clock: Arc<dyn Clock>) -> Self {
        Self { listen, server, integrations: Vec::new(), people: Vec::new(), directory, clock }
    }
}

/// A stand-in for a service that is running, and goes on for as long as what it brings is there.
#[must_use = "it has what makes the program use it"]
pub struct FakeService {
    how_to: String,
    extension: Box<dyn FnOnce(Builder) -> Builder + Send>,
}

impl FakeService {
    /// `extension` has the front end and the clients that use the stand-in. `how_to` tells people in a sentence or two how to use it,
    /// and where.
    pub fn new(how_to: impl Into<String>, extension: impl Extension + Send + 'static) -> Self {
        Self { how_to: how_to.into(), extension: Box::new(move |builder| extension.install(builder)) }
    }

    /// How to use it, and where.
    pub fn how_to(&self) -> &str {
        &self.how_to
    }
}

impl Extension for FakeService {
    fn install(self, builder: Builder) -> Builder {
        (self.extension)(builder)
    }
}

impl fmt::Debug for FakeService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeService").field("how_to", &self.how_to).finish_non_exhaustive()
    }
}
