//! The files of a directory: which are read, and in what order.

use std::path::{Path, PathBuf};

use crate::config::{Diagnostic, SourceLocation};

/// The ends of names of configuration files, each with the one that OpenTofu prefers to it.
const CONFIGURATION: [(&str, &str); 2] = [(".tf", ".tofu"), (".tf.json", ".tofu.json")];

/// The configuration files of a directory, each list in alphabetical order.
#[derive(Debug, Default)]
pub(super) struct ConfigurationFiles {
    pub(super) primary: Vec<PathBuf>,
    /// The files whose blocks change blocks of the others: `override.tf` and `*_override.tf`.
    pub(super) overrides: Vec<PathBuf>,
}

/// Returns the configuration files of a directory; `None` if it cannot be read. A `.tofu` file replaces the `.tf` file of the same name.
pub(super) fn configuration(dir: &Path, diagnostics: &mut Vec<Diagnostic>) -> Option<ConfigurationFiles> {
    let mut found = ConfigurationFiles::default();
    let all = names(dir, diagnostics)?;
    for name in &all {
        let is_replaced = CONFIGURATION.iter().any(|(common, preferred)| {
            name.strip_suffix(common).is_some_and(|stem| all.contains(&format!("{stem}{preferred}")))
        });
        let ends = CONFIGURATION.iter().flat_map(|(common, preferred)| [common, preferred]);
        let Some(stem) = ends.filter_map(|end| name.strip_suffix(end)).next().filter(|_| !is_replaced) else {
            continue;
        };
        let into =
            if stem == "override" || stem.ends_with("_override") { &mut found.overrides } else { &mut found.primary };
        into.push(dir.join(name));
    }
    Some(found)
}

/// Returns the files of variables that are read without being asked for, in ascending precedence.
pub(super) fn variables(dir: &Path) -> Vec<PathBuf> {
    let all = names(dir, &mut Vec::new()).unwrap_or_default();
    let is_own = |name: &str| matches!(name, "terraform.tfvars" | "terraform.tfvars.json");
    let is_auto = |name: &str| name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json");
    let own = all.iter().filter(|name| is_own(name));
    own.chain(all.iter().filter(|name| is_auto(name))).map(|name| dir.join(name)).collect()
}

/// Returns the names of the files of a directory, sorted, without hidden ones; `None` if the directory cannot be read.
fn names(dir: &Path, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<String>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            diagnostics.push(unreadable(dir, &error));
            return None;
        }
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    Some(names)
}

fn unreadable(dir: &Path, error: &std::io::Error) -> Diagnostic {
    if error.kind() != std::io::ErrorKind::NotFound {
        return Diagnostic::error(dir_location(dir), format!("the directory cannot be read: {error}"));
    }
    let diagnostic = Diagnostic::error(dir_location(dir), "there is no such directory");
    if dir.is_absolute() {
        return diagnostic;
    }
    diagnostic
        .with_hint("a relative path starts at the current directory; use `env!(\"CARGO_MANIFEST_DIR\")` for the directory of the crate")
}

/// Returns the location of a directory.
pub(super) fn dir_location(dir: &Path) -> SourceLocation {
    SourceLocation { file: Some(dir.to_owned().into()), ..SourceLocation::default() }
}
