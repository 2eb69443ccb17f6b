//! The command `flows`: what the caller may request.

use super::list::{Column, Columns};
use super::session::Session;
use super::text::plain;
use super::times::duration_name;
use crate::cli::Exit;
use crate::cli::args::FlowsArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::cli::table::write_table;
use crate::client::{Call, FlowDetails, FlowSummary};

const COLUMNS: &[Column<FlowSummary>] = &[
    Column::new("flow", |_, flow| flow.name.clone()),
    Column::new("label", |_, flow| flow.label.clone()),
    Column::new("gives", |_, flow| if flow.gives_access { "access" } else { "an approval" }.to_owned()),
    Column::extra("srn", |_, flow| flow.srn.clone()),
];

pub(super) async fn run(session: &Session, args: FlowsArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let Some(name) = args.flow else {
        let columns = Columns::choose(COLUMNS, &args.columns, output)?;
        let answer = session.call(&Call::get(["flows"])).await?;
        let flows: Vec<FlowSummary> = answer.parse_member("flows")?;
        session.write(answer.json(), output, |output| {
            if flows.is_empty() {
                return writeln!(output.out, "No flows found");
            }
            columns.write(&flows, &session.times, session.terminal, output)
        })?;
        return Ok(Exit::Success);
    };
    let answer = session.call(&Call::get(["flows", &name])).await?;
    let flow: FlowDetails = answer.parse()?;
    session.write(answer.json(), output, |output| show(session, &flow, output))?;
    Ok(Exit::Success)
}

fn show(session: &Session, flow: &FlowDetails, output: &mut Output<'_>) -> std::io::Result<()> {
    writeln!(output.out, "{}  {}", plain(&flow.name), plain(&flow.label))?;
    if !flow.targets.is_empty() {
        let targets: Vec<_> = flow.targets.iter().map(|target| plain(&target.name)).collect();
        writeln!(output.out, "  --to   {}", targets.join(", "))?;
    }
    if !flow.durations.is_empty() {
        let durations: Vec<_> = flow.durations.iter().map(|seconds| duration_name(*seconds)).collect();
        writeln!(output.out, "  --for  {}", durations.join(", "))?;
    }
    let fields: Vec<_> = flow.fields.iter().filter(|field| field.visible).collect();
    if fields.is_empty() {
        return Ok(());
    }
    writeln!(output.out)?;
    let rows = fields.into_iter().map(|field| {
        let values: Vec<_> = field
            .allowed_values
            .iter()
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .collect();
        let values = if field.has_options { "looked up".to_owned() } else { values.join(", ") };
        let required = if field.required { "required" } else { "optional" };
        [&field.name, &field.label, &field.kind, required, &values].map(|cell: &str| plain(cell))
    });
    write_table(output.out, ["FIELD", "LABEL", "TYPE", "NEEDED", "VALUES"], rows, session.terminal.columns)
}
