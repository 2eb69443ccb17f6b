//! The command `access`: who has what now, and until when.

use super::session::Session;
use super::table::write_table;
use crate::cli::Exit;
use crate::cli::args::AccessArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::client::{Call, HeldAccess};

pub(super) async fn run(session: &Session, args: AccessArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let AccessArgs { user, flow, target, .. } = args;
    let call = Call::get(["access"]).query_if("username", user).query_if("flow", flow).query_if("target", target);
    let answer = session.call(&call).await?;
    let access: Vec<HeldAccess> = answer.parse_member("access")?;
    session.write(answer.json(), output, |output| {
        if access.is_empty() {
            return writeln!(output.out, "No access found");
        }
        let head = ["USER", "FLOW", "TARGET", "STATE", "UNTIL", "RUN"];
        let rows = access.into_iter().map(|held| {
            let none = || "-".to_owned();
            let until = match held.until {
                Some(until) => session.times.show_with_distance(until),
                None => "revoked".to_owned(),
            };
            let state = match (&held.blocked, held.is_stuck) {
                (Some(code), _) => format!("{}, blocked: {code}", held.state),
                (None, true) => format!("{}, stuck", held.state),
                (None, false) => held.state,
            };
            vec![
                held.user.map_or_else(none, |user| user.username),
                held.flow.name,
                held.target.map_or_else(none, |target| target.label),
                state.replace('_', " "),
                until,
                held.run_id.to_string(),
            ]
        });
        write_table(output.out, &head, rows, session.terminal.columns)
    })?;
    Ok(Exit::Success)
}
