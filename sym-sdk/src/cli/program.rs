//! The program whose command line this is: everything that an [`App`](crate::App) was given.

use std::path::{Path, PathBuf};

use super::args::{Assignment, TerraformArgs};
use crate::config::{Config, Diagnostics, Terraform, TerraformReader};
#[cfg(feature = "sqlite")]
use crate::directory::Directory;
#[cfg(feature = "sqlite")]
use crate::error::Result;
use crate::handler::Registry;
use crate::integration::Outbox;
use crate::model::User;
use crate::runtime::Builder;
#[cfg(feature = "server")]
use crate::runtime::FrontEndType;

/// The parts of a program. Commands take what they need from it.
#[derive(Default)]
pub(crate) struct Program {
    pub(crate) config: ConfigSource,
    /// E-mail domains of the organization, besides those of the configuration.
    pub(crate) domains: Vec<String>,
    /// `None` for the handlers that are linked into the program.
    pub(crate) registry: Option<Registry>,
    /// Strategies, clients, front ends and everything else that is real. Simulations drop most of it.
    pub(crate) plugins: Vec<Install>,
    #[cfg(feature = "server")]
    pub(crate) front_end_types: Vec<FrontEndType>,
    /// Replacements of the real parts in simulations.
    pub(crate) fakes: Vec<Install>,
    /// Users who exist from the start of a simulation.
    pub(crate) users: Vec<User>,
    pub(crate) outbox: Outbox,
    /// Requests that are run when there is no command.
    pub(crate) demo: Vec<DemoRequest>,
}

/// A plugin, to be installed once there is a builder.
pub(crate) type Install = Box<dyn FnOnce(Builder) -> Builder + Send>;

/// A request that the program runs to demonstrate itself.
#[derive(Debug)]
pub(crate) struct DemoRequest {
    pub(crate) name: String,
    /// The request, as JSON.
    pub(crate) request: String,
}

impl Program {
    /// Reports whether neither the program nor the configuration names an e-mail domain.
    pub(super) fn has_no_domains(&self, config: &Config) -> bool {
        self.domains.is_empty() && config.organization.domains.is_empty()
    }

    /// Takes the configuration out of its source, or reads it from the directory that the arguments name. `None` if there is no source.
    pub(super) fn read_config(
        &mut self,
        args: TerraformArgs,
        unknown: UnknownValues,
    ) -> Option<std::result::Result<Terraform, Diagnostics>> {
        std::mem::take(&mut self.config).read(args, unknown)
    }

    /// Returns a builder for this configuration, with all plugins installed.
    pub(super) fn builder(&mut self, mut config: Config) -> Builder {
        config.organization.domains.append(&mut self.domains);
        let mut builder = Builder::new(config);
        if let Some(registry) = self.registry.take() {
            builder = builder.registry(registry);
        }
        self.plugins.drain(..).fold(builder, |builder, install| install(builder))
    }

    /// Returns a builder in which fakes replace the clients, strategies and front ends of the program.
    pub(super) fn simulated_builder(&mut self, config: Config) -> Builder {
        self.builder(config).cut_off().simulated().unknown_approvers().outbox(self.outbox.clone())
    }

    /// Adds the program's users to a store. Users who are there already are left as they are: they may have changed since.
    #[cfg(feature = "sqlite")]
    pub(super) async fn add_missing_users(&mut self, directory: &Directory) -> Result<()> {
        for user in self.users.drain(..) {
            if directory.user(user.id()).await?.is_none() {
                directory.put_user(user).await?;
            }
        }
        Ok(())
    }

    /// Installs the program's fakes. They come last, so that they override what else was installed.
    pub(super) fn install_fakes(&mut self, builder: Builder) -> Builder {
        self.fakes.drain(..).fold(builder, |builder, install| install(builder))
    }
}

/// The source of the configuration, unless the command line names a directory.
#[derive(Debug, Default)]
pub(crate) enum ConfigSource {
    #[default]
    None,
    /// Declared in Rust.
    Value(Box<Config>),
    /// A directory of Terraform files.
    Dir(PathBuf),
}

impl ConfigSource {
    fn read(self, args: TerraformArgs, unknown: UnknownValues) -> Option<std::result::Result<Terraform, Diagnostics>> {
        let dir = match (args.config, self) {
            (Some(dir), _) => dir,
            (None, Self::Dir(dir)) => relative(dir),
            (None, Self::Value(config)) => return Some(Ok(Terraform { config: *config, ..Terraform::default() })),
            (None, Self::None) => return None,
        };
        let reader = TerraformReader::new().environment(environment());
        let mut reader = args.assignments.into_iter().fold(reader, |reader, assignment| match assignment {
            Assignment::Variable(name, value) => reader.variable(name, value),
            Assignment::File(path) => reader.variable_file(path),
        });
        if let Some(workspace) = args.workspace {
            reader = reader.workspace(workspace);
        }
        if let Some(path) = args.known_values {
            reader = reader.known_values_file(path);
        }
        if unknown == UnknownValues::Replaced {
            reader = reader.placeholders();
        }
        Some(reader.read(dir).map(|mut read| {
            read.warnings.extend(read.unnamed_organization.take());
            read
        }))
    }
}

/// The treatment of text that only `terraform apply` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnknownValues {
    /// It stays unset.
    Unset,
    /// A placeholder stands for it, so that a simulation can run.
    Replaced,
}

/// Returns the environment of the process, for `TF_VAR_…`. Variables that are not UTF-8 are left out: Terraform has no such values.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Returns the directory relative to the current one, if it is below it. Programs name their own directory by its absolute path,
/// which makes messages hard to read.
fn relative(dir: PathBuf) -> PathBuf {
    let relative = std::env::current_dir().ok().and_then(|here| dir.strip_prefix(here).map(Path::to_owned).ok());
    match relative {
        Some(relative) if relative.as_os_str().is_empty() => PathBuf::from("."),
        Some(relative) => relative,
        None => dir,
    }
}
