//! The block that `serve` prints at start: parts of the program that are not available, and access that cannot be revoked.

use std::io;

use super::output::{Output, count};
use crate::runtime::{BlockedAccess, Runtime, Unavailable, UnavailablePart};

/// Writes one block to standard error; nothing if everything is available.
pub(super) fn write(runtime: &Runtime, output: &mut Output<'_>) -> io::Result<()> {
    let (parts, blocked) = (runtime.unavailable(), runtime.blocked_access());
    if output.json || (parts.is_empty() && blocked.is_empty()) {
        return Ok(());
    }
    let err = &mut *output.err;
    writeln!(err, "error: started without everything that is configured")?;
    for part in &parts {
        writeln!(err, "  {}", title(part, &blocked))?;
        // Not those of a removed flow, which say how to have it back. What to do about access that cannot be revoked comes last.
        for fault in part.faults.iter().filter(|_| part.part != UnavailablePart::RemovedFlow) {
            for line in fault.to_string().lines() {
                writeln!(err, "    {line}")?;
            }
        }
    }
    if blocked.is_empty() {
        return writeln!(err, "  all access that was given can be revoked");
    }
    let now = runtime.clock().now();
    let overdue = blocked.iter().filter(|access| access.is_overdue(now)).count();
    writeln!(err, "  {} cannot be revoked, {overdue} of them overdue:", count(blocked.len(), "access"))?;
    for access in &blocked {
        let BlockedAccess { run, flow, target, identity, error, .. } = access;
        let until = match access.until {
            Some(until) if access.is_overdue(now) => format!("overdue since {until:.0}"),
            Some(until) => format!("until {until:.0}"),
            None => "without an end".to_owned(),
        };
        writeln!(err, "    Run {run} of flow `{flow}`: {identity} has {target}, {until}")?;
        writeln!(err, "      {}", error.message)?;
        if let Some(hint) = &error.hint {
            writeln!(err, "      help: {hint}")?;
        }
    }
    Ok(())
}

fn title(part: &Unavailable, blocked: &[BlockedAccess]) -> String {
    let name = &part.name;
    let (what, retried) = match part.part {
        UnavailablePart::Program if name == "program" => {
            return "no flow accepts requests until this is mended:".to_owned();
        }
        UnavailablePart::Program => (format!("no flow accepts requests without the {name}"), part.is_retried),
        UnavailablePart::Flow => (format!("flow `{name}` accepts no requests"), part.is_retried),
        UnavailablePart::RemovedFlow if blocked.iter().any(|access| access.flow == *name) => {
            return format!("flow `{name}` was removed while it gives access, and not all of that can be revoked");
        }
        UnavailablePart::RemovedFlow => {
            return format!("flow `{name}` was removed while it gives access, which is revoked at its end");
        }
        UnavailablePart::FrontEnd => (format!("front end `{name}` is not served"), part.is_retried),
        UnavailablePart::LogDestination => (format!("log destination `{name}` receives nothing"), part.is_retried),
    };
    let next = if retried { "it is tried again while the program runs" } else { "mend it and restart" };
    format!("{what}; {next}:")
}
