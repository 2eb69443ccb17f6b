//! Fakes of the services behind front ends, for trying a program out without an account there.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::clock::Clock;
use crate::directory::Directory;
use crate::model::{Integration, User};
use crate::runtime::{Builder, Plugin};

/// The settings that a fake of a service is started with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FakeConfig {
    /// The address that the fake listens on.
    pub listen: SocketAddr,
    /// The address that the program listens on. The front end's routes are below its name there.
    pub server: SocketAddr,
    /// The integrations of the front end's type in the flows' environments, possibly none.
    pub integrations: Vec<Integration>,
    /// The people who have accounts in the fake.
    pub people: Vec<User>,
    /// The user directory.
    pub directory: Directory,
    /// The runtime's clock.
    pub clock: Arc<dyn Clock>,
}

impl FakeConfig {
    /// Creates settings without integrations and people.
    pub fn new(listen: SocketAddr, server: SocketAddr, directory: Directory, clock: Arc<dyn Clock>) -> Self {
        Self { listen, server, integrations: Vec::new(), people: Vec::new(), directory, clock }
    }
}

/// A running fake of a service. It runs until the plugin that it provides is dropped.
#[must_use = "install it, or the program does not use the fake"]
pub struct FakeService {
    instructions: String,
    plugin: Box<dyn FnOnce(Builder) -> Builder + Send>,
}

impl FakeService {
    /// Creates a fake from the plugin that installs the front end and the clients connected to it.
    ///
    /// `instructions` tells people in a sentence or two where the fake is and how to use it.
    pub fn new(instructions: impl Into<String>, plugin: impl Plugin + Send + 'static) -> Self {
        Self { instructions: instructions.into(), plugin: Box::new(move |builder| plugin.install(builder)) }
    }

    /// Returns where the fake is and how to use it.
    pub fn instructions(&self) -> &str {
        &self.instructions
    }
}

impl Plugin for FakeService {
    fn install(self, builder: Builder) -> Builder {
        (self.plugin)(builder)
    }
}

impl fmt::Debug for FakeService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeService").field("instructions", &self.instructions).finish_non_exhaustive()
    }
}
