use sym_sdk::runtime::{Builder, Extension};

/// The access strategies, front ends and log destinations of all services whose features are on. See [`all`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct All;

/// The access strategies, front ends and log destinations of all services whose features are on, to be handed over at start.
/// With the feature `http`, there are strategies and log destinations of type `http`.
///
/// ```
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{Extension, Runtime};
///
/// let builder = sym_integrations::all().install(Runtime::builder(Config::default()));
/// # let _ = builder;
/// ```
pub fn all() -> All {
    All
}

impl Extension for All {
    fn install(self, builder: Builder) -> Builder {
        #[cfg(feature = "http")]
        let builder = builder
            .strategy_type(crate::http::strategy::strategy_type())
            .log_destination_type(crate::http::log_destination::log_destination_type());
        builder
    }
}
