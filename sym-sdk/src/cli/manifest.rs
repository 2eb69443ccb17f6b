//! `slack manifest` and the like: what a service is to be told of the app that a front end needs there.

use std::io;

use super::Common;
use super::args::Manifest;
use super::output::Output;
use crate::app::{App, Exit};
use crate::runtime::ManifestConfig;

pub(super) fn run(mut app: App, common: Common, args: Manifest, output: &mut Output<'_>) -> io::Result<Exit> {
    let config = match super::read_config(&mut app, common, output)? {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    let types = std::mem::take(&mut app.front_end_types);
    let builder = app.builder(config);
    let flows = match builder.check() {
        Ok(flows) => flows,
        Err(faults) => return output.faults(&faults).map(|()| Exit::Failure),
    };
    let handlers = builder.handlers();
    let address = args.url.map(|url| format!("{url}/{}", args.kind));
    let config = ManifestConfig { name: &args.name, address: address.as_deref(), flows: &flows, handlers: &handlers };
    let manifest = types.iter().find(|kind| kind.kind() == args.kind).and_then(|kind| kind.manifest(&config));
    match manifest {
        Some(Ok(manifest)) => output.value(&manifest).map(|()| Exit::Success),
        Some(Err(error)) => output.error(&error).map(|()| Exit::Failure),
        // Only types that have one have the command.
        None => Ok(Exit::Usage),
    }
}
