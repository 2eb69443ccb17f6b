//! Plugins: contributions of other crates to a runtime.

use super::Builder;
#[cfg(feature = "server")]
use super::FrontEndType;
use crate::audit::LogDestinationType;
use crate::strategy::StrategyType;

/// A contribution to a runtime, such as the strategies, front ends and clients of a crate of integrations.
///
/// Closures are plugins:
///
/// ```
/// use std::time::Duration;
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{Builder, Plugin, Limits, Runtime};
///
/// let generous = |builder: Builder| builder.limits(Limits { hook: Duration::from_secs(120), ..Limits::default() });
/// let builder = generous.install(Runtime::builder(Config::default()));
/// # let _ = builder;
/// ```
pub trait Plugin {
    /// Adds the contribution to the builder.
    fn install(self, builder: Builder) -> Builder;

    /// Returns the types of front ends that it contributes, whose commands an [`App`](crate::App) then has.
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
