//! The command `slack manifest`, and its like for other front ends: describes the app that a front end needs at its service.

use super::args::ManifestArgs;
use super::exit::CommandError;
use super::output::Output;
use super::{Common, Exit, Program};
use crate::runtime::ManifestConfig;

pub(super) fn run(
    mut program: Program,
    common: Common,
    args: ManifestArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let config = super::read_config(&mut program, common, output)?;
    let types = std::mem::take(&mut program.front_end_types);
    let builder = program.builder(config);
    let flows = builder.check()?;
    let handlers = builder.handlers();
    let address = args.url.map(|url| format!("{url}/{}", args.kind));
    let config = ManifestConfig { name: &args.name, address: address.as_deref(), flows: &flows, handlers: &handlers };
    match types.iter().find(|kind| kind.kind() == args.kind).and_then(|kind| kind.manifest(&config)) {
        Some(manifest) => output.value(&manifest?)?,
        // Unreachable: only types with a manifest have the command.
        None => return Ok(Exit::Usage),
    }
    Ok(Exit::Success)
}
