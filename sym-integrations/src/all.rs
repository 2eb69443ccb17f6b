use sym_sdk::runtime::{Builder, Extension};

/// The access strategies and front ends of all services whose features are on. See [`all`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct All;

/// The access strategies and front ends of all services whose features are on, to be handed over at start. No service has
/// any yet.
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
        builder
    }
}
