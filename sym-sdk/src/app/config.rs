//! Where the configuration of an app comes from.

use std::path::{Path, PathBuf};

use crate::config::{Config, Diagnostics, Terraform, TerraformReader};

/// Where the configuration comes from, if the command line does not say.
#[derive(Debug, Default)]
pub(crate) enum ConfigSource {
    /// The app has none.
    #[default]
    None,
    Given(Box<Config>),
    Dir(PathBuf),
}

impl ConfigSource {
    /// The configuration, from `dir` if there is one. `None` if nobody said where to find it.
    pub(crate) fn read(
        self,
        dir: Option<PathBuf>,
        variables: Vec<(String, String)>,
    ) -> Option<Result<Terraform, Diagnostics>> {
        let dir = match (dir, self) {
            (Some(dir), _) => dir,
            (None, Self::Dir(dir)) => shown(dir),
            (None, Self::Given(config)) => return Some(Ok(Terraform { config: *config, warnings: Vec::new() })),
            (None, Self::None) => return None,
        };
        let reader =
            variables.into_iter().fold(TerraformReader::new(), |reader, (name, value)| reader.variable(name, value));
        Some(reader.environment(environment()).read(dir))
    }
}

/// The program's environment; what is not text cannot be a variable of Terraform.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// The directory as it is shown in messages: a program names its own by its full path, which says little to people who stand
/// above it.
fn shown(dir: PathBuf) -> PathBuf {
    let relative = std::env::current_dir().ok().and_then(|here| dir.strip_prefix(here).map(Path::to_owned).ok());
    match relative {
        Some(relative) if relative.as_os_str().is_empty() => PathBuf::from("."),
        Some(relative) => relative,
        None => dir,
    }
}
