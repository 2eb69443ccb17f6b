//! The log of commands that keep running, on standard error.
//!
//! `RUST_LOG` filters it, in the syntax of [`EnvFilter`]; without it, everything from `info` on is logged. A program that has
//! installed a subscriber of its own keeps it.

use std::io;

use tracing_subscriber::EnvFilter;

use super::args::LogFormat;
use super::exit::CommandError;

/// The environment variable with the filter.
const FILTER_VARIABLE: &str = "RUST_LOG";

/// The filter without that variable. Warnings about the configuration are printed by the commands themselves.
const DEFAULT_FILTER: &str = "sym_sdk::runtime::builder=error,info";

/// Installs a subscriber for the process, unless there is one.
pub(super) fn install(format: LogFormat) -> Result<(), CommandError> {
    let directives = std::env::var(FILTER_VARIABLE).ok().filter(|directives| !directives.trim().is_empty());
    let filter = parse_filter(directives.as_deref().unwrap_or(DEFAULT_FILTER))?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // An error means that the program has installed one.
    let _ = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(subscriber.json().flatten_event(true).finish()),
    };
    Ok(())
}

fn parse_filter(directives: &str) -> Result<EnvFilter, CommandError> {
    EnvFilter::builder().parse(directives).map_err(|error| CommandError::Usage {
        message: format!("`{FILTER_VARIABLE}` is not a valid filter: {error}"),
        help: "use a level, such as `debug`, or levels by crate, such as `warn,sym_sdk=debug`",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_levels_and_levels_by_module() {
        for directives in [DEFAULT_FILTER, "sym_sdk=debug", "error"] {
            assert_eq!(parse_filter(directives).ok().unwrap().to_string(), directives);
        }
    }

    #[test]
    fn filters_that_make_no_sense_are_usage_errors() {
        let Err(CommandError::Usage { message, .. }) = parse_filter("sym_sdk=loud") else { panic!("accepted") };
        assert!(message.starts_with("`RUST_LOG` is not a valid filter: "), "{message}");
    }
}
