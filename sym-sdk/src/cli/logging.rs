//! The log of commands that keep running, on standard error.
//!
//! `RUST_LOG` filters it, in the syntax of [`EnvFilter`]; without it, everything from `info` on is logged. A program that has
//! installed a subscriber of its own keeps it.

use std::io::{self, Write};

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
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| EventLines(io::stderr()));
    // An error means that the program has installed one.
    let _ = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(subscriber.json().flatten_event(true).finish()),
    };
    Ok(())
}

/// A writer that gives each event a line of its own. The report of an error has several lines, and who reads or collects a log takes
/// each for an event. So would they take what somebody has typed, with a line break, for an event that never was.
struct EventLines<W>(W);

impl<W: Write> Write for EventLines<W> {
    /// Writes an event. The subscriber passes the whole of it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let lines: Vec<_> = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect();
        self.0.write_all(format!("{}\n", lines.join("; ")).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
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
    fn an_event_is_one_line() {
        let mut lines = EventLines(Vec::new());
        lines
            .write_all(b"2024-02-29 ERROR the store does not take writes error=the disk is full\n  help: free space\n")
            .unwrap();
        lines.write_all(b"2024-02-29 INFO reason=fix\r\n2024-02-29 INFO forged\n").unwrap();
        let expected = "2024-02-29 ERROR the store does not take writes error=the disk is full; help: free space\n\
                        2024-02-29 INFO reason=fix; 2024-02-29 INFO forged\n";
        assert_eq!(String::from_utf8(lines.0).unwrap(), expected);
    }

    #[test]
    fn filters_that_make_no_sense_are_usage_errors() {
        let Err(CommandError::Usage { message, .. }) = parse_filter("sym_sdk=loud") else { panic!("accepted") };
        assert!(message.starts_with("`RUST_LOG` is not a valid filter: "), "{message}");
    }
}
