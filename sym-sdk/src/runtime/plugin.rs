//! What others add to a runtime.

use super::Builder;
#[cfg(feature = "server")]
use super::FrontEndType;
use crate::audit::LogDestinationType;
use crate::strategy::StrategyType;

/// Something that is handed over at start: the strategies, front ends and clients of a crate of integrations.
///
/// A closure will do:
///
/// ```
/// use std::time::Duration;
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{Builder, Plugin, Limits, Runtime};
///
/// let patient = |builder: Builder| builder.limits(Limits { hook: Duration::from_secs(120), ..Limits::default() });
/// let builder = patient.install(Runtime::builder(Config::default()));
/// # let _ = builder;
/// ```
pub trait Plugin {
    /// Adds what it brings to the builder.
    fn install(self, builder: Builder) -> Builder;

    /// The types of front ends among what it brings, if an [`App`](crate::App) is to have their commands.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    fn front_end_types(&self) -> Vec<FrontEndType> {
        Vec::new()
    }
}

impl<F: FnOnce(Builder) -> Builder> Plugin for F {
    fn install(self, builder: Builder) -> Builder {
        self(builder)
    }
}

impl Plugin for StrategyType {
    fn install(self, builder: Builder) -> Builder {
        builder.strategy_type(self)
    }
}

impl Plugin for LogDestinationType {
    fn install(self, builder: Builder) -> Builder {
        builder.log_destination_type(self)
    }
}
