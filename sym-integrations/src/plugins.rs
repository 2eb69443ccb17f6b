//! Everything that the enabled features contribute to an `App`.
//!
//! A module registers what it contributes where it is defined, with `inventory::submit!`, so that this file names no service and a
//! new one needs no edit here.

use sym_sdk::audit::LogDestinationType;
#[cfg(feature = "slack-app")]
use sym_sdk::runtime::FrontEndType;
use sym_sdk::runtime::{Builder, Plugin};
use sym_sdk::strategy::StrategyType;

use crate::available_types::AVAILABLE_TYPES;

/// The access strategies, front ends, log destinations and secret readers of all enabled features. See [`all`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct All;

/// Returns the access strategies, front ends, log destinations and secret readers of all enabled features, for an
/// `App` or a runtime.
///
/// ```
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{Plugin, Runtime};
///
/// let builder = sym_integrations::all().install(Runtime::builder(Config::default()));
/// # let _ = builder;
/// ```
pub fn all() -> All {
    All
}

/// A contribution to [`all`].
#[allow(dead_code, reason = "which variants are used depends on the features")]
pub(crate) enum Registration {
    /// A type of access strategies.
    Strategy(fn() -> StrategyType),
    /// A type of log destinations.
    LogDestination(fn() -> LogDestinationType),
    /// A type of front ends.
    #[cfg(feature = "slack-app")]
    FrontEnd(fn() -> FrontEndType),
    /// Anything else that a builder takes.
    Other(fn(Builder) -> Builder),
}

inventory::collect!(Registration);

impl Plugin for All {
    fn install(self, mut builder: Builder) -> Builder {
        for (kind, feature) in AVAILABLE_TYPES {
            builder = builder.available_type(*kind, format!("feature `{feature}` of the crate `sym-integrations`"));
        }
        for registration in inventory::iter::<Registration> {
            builder = match registration {
                Registration::Strategy(make) => builder.strategy_type(make()),
                Registration::LogDestination(make) => builder.log_destination_type(make()),
                #[cfg(feature = "slack-app")]
                Registration::FrontEnd(make) => builder.front_end_type(make()),
                Registration::Other(install) => install(builder),
            };
        }
        builder
    }

    #[cfg(feature = "slack-app")]
    fn front_end_types(&self) -> Vec<FrontEndType> {
        inventory::iter::<Registration>
            .into_iter()
            .filter_map(|registration| match registration {
                Registration::FrontEnd(make) => Some(make()),
                _ => None,
            })
            .collect()
    }
}
