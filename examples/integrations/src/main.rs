//! Prints what the integrations offer: `cargo run -p integrations`, or with names, `cargo run -p integrations okta slack`.

use std::io::{self, Write};
use std::process::ExitCode;

use sym_integrations::kit::integrations;

fn main() -> io::Result<ExitCode> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |kind: &str| wanted.is_empty() || wanted.iter().any(|name| name == kind);
    let mut out = io::stdout().lock();
    let mut printed = 0;
    for info in integrations().into_iter().filter(|info| is_wanted(info.kind())) {
        writeln!(out, "{info}")?;
        printed += 1;
    }
    if printed > 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let known: Vec<_> = integrations().iter().map(|info| info.kind()).collect();
    writeln!(io::stderr(), "error: no integration is called that\n  help: there are {}", known.join(", "))?;
    Ok(ExitCode::FAILURE)
}
