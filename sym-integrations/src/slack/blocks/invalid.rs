use std::collections::HashSet;
use std::fmt::Display;
use std::num::NonZeroU32;

use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};

use super::limits;

/// `Slack:INVALID_BLOCKS`: Slack would refuse this, and to cut it would change what it means.
pub const INVALID_BLOCKS: ErrorCode = ErrorCode::new("Slack", "INVALID_BLOCKS");

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, INVALID_BLOCKS, message)
}

/// `what` is the plural of what is counted.
pub(super) fn counted(what: &str, count: usize, least: usize, most: usize) -> Result<()> {
    if count < least {
        return Err(invalid(format!("Slack needs at least {least} {what}, here are {count}")));
    }
    if count > most {
        return Err(invalid(format!("Slack takes at most {most} {what}, here are {count}")));
    }
    Ok(())
}

/// What is picked from the start, of a menu that may have a limit of its own.
pub(super) fn pickable(picked: usize, most: Option<NonZeroU32>) -> Result<()> {
    counted("initial options", picked, 0, limits::OPTIONS)?;
    match most {
        Some(most) if picked > most.get() as usize => {
            Err(invalid(format!("{picked} are picked from the start, at most {most} can be")))
        }
        _ => Ok(()),
    }
}

pub(super) fn unique<'a, T>(what: &str, all: impl IntoIterator<Item = &'a T>) -> Result<()>
where
    T: Display + Eq + std::hash::Hash + 'a,
{
    let mut seen = HashSet::new();
    match all.into_iter().find(|one| !seen.insert(*one)) {
        Some(twice) => Err(invalid(format!("{what} `{twice}` is given twice"))),
        None => Ok(()),
    }
}
