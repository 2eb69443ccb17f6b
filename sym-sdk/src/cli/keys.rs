//! Keys that the command line names: files and environment variables.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind, Result, codes};

/// Reads keys from files, and then the one from an environment variable. Line breaks at the end of either are not part of the key. `what`
/// names the keys.
pub(super) fn read(what: &str, files: &[PathBuf], variable: Option<&str>) -> Result<Vec<SecretString>> {
    let mut keys = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("cannot read {what} from `{}`: {error}", path.display());
            Error::new(ErrorKind::InvalidInput, codes::CONFIGURATION, message).with_source(error)
        });
        keys.push(trimmed(&SecretString::from(text?)));
    }
    if let Some(name) = variable {
        let text = std::env::var(name).map_err(|_| {
            let message = format!("environment variable `{name}` is to contain {what}, and is not set");
            Error::new(ErrorKind::InvalidInput, codes::CONFIGURATION, message)
        });
        keys.push(trimmed(&SecretString::from(text?)));
    }
    Ok(keys)
}

fn trimmed(text: &SecretString) -> SecretString {
    SecretString::from(text.expose_secret().trim_end_matches(['\n', '\r']))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A variable that a shell has filled from a file ends as the file does. It was another key than the file's.
    #[test]
    fn line_breaks_at_the_end_are_not_part_of_a_key() {
        for text in ["key", "key\n", "key\r\n"] {
            assert_eq!(trimmed(&SecretString::from(text)).expose_secret(), "key");
        }
    }
}
