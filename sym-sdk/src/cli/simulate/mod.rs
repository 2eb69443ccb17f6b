//! The command `simulate`, and the demo without a store: run requests on a virtual clock.
//!
//! Nothing real is touched. The configuration and the handlers are the program's; clients, strategies and front ends are replaced. The
//! same request always prints the same.

mod coverage;
mod driver;
mod form;
mod request;
mod scenario;
mod scripted_failures;
mod simulated_approver;

use std::io::{self, Read};
use std::path::Path;

use jiff::Timestamp;

use super::args::{ScenarioArgs, SimulateArgs};
use super::exit::CommandError;
use super::output::Output;
use super::{Common, DemoRequest, Exit, Program, read_for_simulation};
use crate::runtime::HandlerUsage;
use crate::simulation::Simulation;
#[cfg(feature = "sqlite")]
pub(super) use driver::Driver;
use form::FormRecorder;
pub(super) use request::Request;
#[cfg(feature = "sqlite")]
pub(super) use scenario::request_and_decide;
pub(super) use scenario::{Outcome, Scenario};
use scripted_failures::ScriptedFailures;

/// When a simulation starts by default. It is fixed, so that the output is always the same.
const DEFAULT_START: Timestamp = Timestamp::constant(1_709_197_200, 0);

/// Simulates the request that the command line names.
pub(super) async fn run(
    program: Program,
    common: Common,
    args: SimulateArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let Some(path) = args.request else { return simulate_all(program, common, &args.scenario, output).await };
    let name = if is_stdin(&path) { "standard input".to_owned() } else { format!("`{}`", path.display()) };
    let text = read(&path).map_err(|error| CommandError::Usage {
        message: format!("cannot read {name}: {error}"),
        help: "pass a file with a request as JSON, or `-` for standard input",
    })?;
    let request = Request::parse(&name, &text).map_err(CommandError::Request)?;
    let mut simulated = start(program, common, &args.scenario, output).await?;
    let outcome = scenario::simulate(&mut simulated, request, &args.scenario.into()).await;
    if output.json {
        output.value(&outcome)?;
    } else {
        write(&outcome, output)?;
    }
    Ok(outcome.exit())
}

/// Simulates generated requests of all flows.
async fn simulate_all(
    program: Program,
    common: Common,
    args: &ScenarioArgs,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut simulated = start(program, common, args, output).await?;
    let (domain, handlers) = (std::mem::take(&mut simulated.domain), std::mem::take(&mut simulated.handlers));
    coverage::run(simulated, &domain, &handlers, output).await
}

/// Simulates the demo requests, one after the other.
pub(super) async fn run_demo(
    mut program: Program,
    common: Common,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let requests = demo_requests(&mut program)?;
    let mut simulated = start(program, common, &ScenarioArgs::default(), output).await?;
    let mut outcomes = Vec::new();
    for (name, request) in requests {
        let outcome = scenario::simulate(&mut simulated, request, &Scenario::default()).await;
        if !output.json {
            writeln!(output.out, "{}== {name}\n", if outcomes.is_empty() { "" } else { "\n" })?;
            write(&outcome, output)?;
        }
        outcomes.push(outcome);
    }
    if output.json {
        output.value(&outcomes)?;
    }
    let failed = outcomes.iter().any(|outcome| outcome.exit() != Exit::Success);
    Ok(if failed { Exit::Failure } else { Exit::Success })
}

/// Parses the demo requests of the program, and returns them with their names.
pub(super) fn demo_requests(program: &mut Program) -> Result<Vec<(String, Request)>, CommandError> {
    let requests = program.demo.drain(..).map(|DemoRequest { name, request }| {
        let parsed = Request::parse(&format!("`{name}`"), &request).map_err(CommandError::Request)?;
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

/// A program in a simulation.
pub(super) struct SimulatedProgram {
    simulation: Simulation,
    /// The form that was opened last.
    forms: FormRecorder,
    /// The failures that are scripted.
    failures: ScriptedFailures,
    /// The e-mail domain of people who are made up.
    domain: String,
    handlers: Vec<HandlerUsage>,
}

async fn start(
    mut program: Program,
    common: Common,
    args: &ScenarioArgs,
    output: &mut Output<'_>,
) -> Result<SimulatedProgram, CommandError> {
    let config = read_for_simulation(&mut program, common, output)?;
    let builder = program.simulated_builder(config);
    let domain = builder.config().organization.domains.first().cloned().unwrap_or_else(|| "example.com".to_owned());
    let handlers = builder.handlers();
    let forms = FormRecorder::new(handlers.clone());
    let failures = ScriptedFailures::default();
    let builder = failures.install(builder.delivery(forms.clone()));
    let builder = program.install_fakes(builder);
    let simulation = Simulation::start(builder, args.at.unwrap_or(DEFAULT_START), program.outbox).await?;
    for user in program.users {
        simulation.runtime().directory().put_user(user).await?;
    }
    Ok(SimulatedProgram { simulation, forms, failures, domain, handlers })
}

fn write(outcome: &Outcome, output: &mut Output<'_>) -> io::Result<()> {
    if let Some(form) = &outcome.form {
        writeln!(output.out, "Form:")?;
        form::write(form, output.out)?;
        writeln!(output.out)?;
    }
    for note in &outcome.notes {
        writeln!(output.out, "note: {note}")?;
    }
    if !outcome.notes.is_empty() {
        writeln!(output.out)?;
    }
    write!(output.out, "{}", outcome.timeline)?;
    match &outcome.error {
        Some(error) => output.error(error),
        None => Ok(()),
    }
}
