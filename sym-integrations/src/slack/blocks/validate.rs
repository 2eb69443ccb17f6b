//! Checks of counts and uniqueness.

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;
use std::num::NonZeroU32;

use sym_sdk::error::{Error, ErrorCode, ErrorKind, Result};

use super::limits;

/// `Slack:INVALID_BLOCKS`: a value exceeds one of Slack's limits, and truncating it would change its meaning.
pub const INVALID_BLOCKS: ErrorCode = ErrorCode::new("Slack", "INVALID_BLOCKS");

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, INVALID_BLOCKS, message)
}

/// Checks that there are between `min` and `max` items. `items` is their name in the plural.
pub(super) fn check_count(items: &str, count: usize, min: usize, max: usize) -> Result<()> {
    if count < min {
        return Err(invalid(format!("Slack needs at least {min} {items}, got {count}")));
    }
    if count > max {
        return Err(invalid(format!("Slack accepts at most {max} {items}, got {count}")));
    }
    Ok(())
}

/// Checks the number of initially selected options, of a menu that may have its own maximum.
pub(super) fn check_initial_count(count: usize, max: Option<NonZeroU32>) -> Result<()> {
    check_count("initial options", count, 0, limits::OPTIONS)?;
    match max {
        Some(max) if count > max.get() as usize => {
            Err(invalid(format!("{count} items are selected initially, but at most {max} can be selected")))
        }
        _ => Ok(()),
    }
}

/// Checks that no item occurs twice. `item` is its name in the singular.
pub(super) fn check_unique<'a, T>(item: &str, all: impl IntoIterator<Item = &'a T>) -> Result<()>
where
    T: Display + Eq + Hash + 'a,
{
    let mut seen = HashSet::new();
    match all.into_iter().find(|one| !seen.insert(*one)) {
        Some(duplicate) => Err(invalid(format!("duplicate {item} `{duplicate}`"))),
        None => Ok(()),
    }
}
