//! `simulate`: runs a request through its flow on a virtual clock.

mod driver;
mod form;
mod request;
mod scenario;

use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;

use super::Common;
use super::args::{How, Simulate};
use super::output::{Output, write_table};
use super::read_config;
use crate::app::{App, Demo, Exit};
use crate::config::{Config, Diagnostic, Diagnostics, SourceLocation};
use crate::error::Error;
use crate::runtime::Builder;
use crate::simulation::Simulation;
#[cfg(feature = "sqlite")]
pub(super) use driver::Driver;
use form::FormKeeper;
pub(super) use request::Request;
use request::{Decision, Verdict};
pub(super) use scenario::Direction;
use scenario::{Ending, LONGEST};
#[cfg(feature = "sqlite")]
pub(super) use scenario::{Story, act};

/// Runs the request that the command line names.
pub(super) async fn run(app: App, common: Common, args: Simulate, output: &mut Output<'_>) -> io::Result<Exit> {
    let name = if is_stdin(&args.request) { "the request".to_owned() } else { format!("`{}`", args.request.display()) };
    let text = match read(&args.request) {
        Ok(text) => text,
        Err(error) => {
            output.usage_error(
                &format!("{name} cannot be read: {error}"),
                "name a file with a request as JSON, or `-`",
            )?;
            return Ok(Exit::Usage);
        }
    };
    let request = match Request::parse(&name, &text) {
        Ok(request) => request,
        Err(error) => {
            output.error(&error)?;
            return Ok(Exit::Usage);
        }
    };
    let (mut simulation, forms) = match start(app, common, &args.how, output).await? {
        Ok(started) => started,
        Err(exit) => return Ok(exit),
    };
    let direction = Direction::from(args.how);
    let ending = scenario::play(&mut simulation, &forms, request, &direction).await;
    if output.json {
        output.value(&ending)?;
    } else {
        write(&ending, output)?;
    }
    Ok(ending.exit())
}

/// Runs the requests that the app brings along, one after the other.
pub(super) async fn demo(mut app: App, common: Common, output: &mut Output<'_>) -> io::Result<Exit> {
    let requests = match demo_requests(&mut app) {
        Ok(requests) => requests,
        Err(error) => {
            output.error(&error)?;
            return Ok(Exit::Usage);
        }
    };
    let direction = Direction::default();
    let (mut simulation, forms) = match start(app, common, &How::default(), output).await? {
        Ok(started) => started,
        Err(exit) => return Ok(exit),
    };
    let mut endings = Vec::new();
    for (name, request) in requests {
        let ending = scenario::play(&mut simulation, &forms, request, &direction).await;
        if !output.json {
            writeln!(output.out, "{}== {name}\n", if endings.is_empty() { "" } else { "\n" })?;
            write(&ending, output)?;
        }
        endings.push(ending);
    }
    if output.json {
        output.value(&endings)?;
    }
    let failed = endings.iter().any(|ending| ending.exit() != Exit::Success);
    Ok(if failed { Exit::Failure } else { Exit::Success })
}

/// The requests that the app brings along, by name.
pub(super) fn demo_requests(app: &mut App) -> Result<Vec<(String, Request)>, Error> {
    let requests = std::mem::take(&mut app.demo).into_iter().map(|Demo { name, request }| {
        let parsed = Request::parse(&format!("`{name}`"), &request)?;
        Ok((name, parsed))
    });
    requests.collect()
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn read(path: &Path) -> io::Result<String> {
    if !is_stdin(path) {
        return std::fs::read_to_string(path);
    }
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}

/// Starts the simulation, or says why it cannot start and how the command ends by that.
async fn start(
    mut app: App,
    common: Common,
    how: &How,
    output: &mut Output<'_>,
) -> io::Result<Result<(Simulation, FormKeeper), Exit>> {
    let config = match read_config(&mut app, common, output)? {
        Ok(config) => config,
        Err(exit) => return Ok(Err(exit)),
    };
    match simulation(app, config, how.at.unwrap_or(BEGINNING)).await {
        Ok(started) => Ok(Ok(started)),
        Err(faults) => {
            output.faults(&faults)?;
            Ok(Err(Exit::Failure))
        }
    }
}

/// A simulation begins at the same time whenever it is run, so that it prints the same.
const BEGINNING: Timestamp = Timestamp::constant(1_709_197_200, 0);

/// The app's runtime with nothing real in it.
async fn simulation(mut app: App, config: Config, at: Timestamp) -> Result<(Simulation, FormKeeper), Diagnostics> {
    let (users, outbox) = (std::mem::take(&mut app.users), app.outbox.clone());
    let (builder, forms) = stand_ins(app, config);
    let simulation = Simulation::start(builder.simulated(), at, outbox).await?;
    for user in users {
        simulation.runtime().directory().put_user(user).await.map_err(|error| {
            let fault = Diagnostic::error(SourceLocation::default(), error.message());
            fault.with_hint_if(error.hint())
        })?;
    }
    Ok((simulation, forms))
}

/// A builder with the app's stand-ins in place of all that is real.
pub(super) fn stand_ins(mut app: App, config: Config) -> (Builder, FormKeeper) {
    let builder = app.builder(config).cut_off();
    let forms = FormKeeper::new(builder.handlers());
    let builder = builder.delivery(forms.clone());
    (app.stand_ins.into_iter().fold(builder, |builder, install| install(builder)), forms)
}

fn write(ending: &Ending, output: &mut Output<'_>) -> io::Result<()> {
    let Ending { story, error } = ending;
    if let Some(form) = &story.form {
        writeln!(output.out, "The form:")?;
        form::write(form, output.out)?;
        writeln!(output.out)?;
    }
    for note in &story.notes {
        writeln!(output.out, "note: {note}")?;
    }
    if !story.notes.is_empty() {
        writeln!(output.out)?;
    }
    write!(output.out, "{}", story.timeline)?;
    match error {
        Some(error) => output.error(error),
        None => Ok(()),
    }
}

impl From<How> for Direction {
    fn from(how: How) -> Self {
        let decide = |verdict, by| Decision { verdict, by, message: None };
        let approvals = how.approve_as.into_iter().map(|by| decide(Verdict::Approve, by));
        let denials = how.deny_as.into_iter().map(|by| decide(Verdict::Deny, by));
        let decisions: Vec<_> = approvals.chain(denials).collect();
        Self {
            source: how.source,
            decisions: (how.no_decision || !decisions.is_empty()).then_some(decisions),
            after: how.after,
            time: how.time.unwrap_or(LONGEST),
        }
    }
}
