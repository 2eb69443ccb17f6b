//! The command `access`: who has what now, and until when.

use serde_json::{Value, json};

use super::list::{Column, Columns, or_dash};
use super::session::Session;
use crate::cli::Exit;
use crate::cli::args::AccessArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::client::{Call, HeldAccess, MAX_PAGE};

const COLUMNS: &[Column<HeldAccess>] = &[
    Column::new("user", |_, held| or_dash(held.user.as_ref().map(|user| user.username.as_str()))),
    Column::new("flow", |_, held| held.flow.name.clone()),
    Column::new("target", |_, held| or_dash(held.target.as_ref().map(|target| target.label.as_str()))),
    Column::new("state", |_, held| {
        let state = held.state.replace('_', " ");
        match (&held.blocked, held.is_stuck) {
            (Some(code), _) => format!("{state}, blocked: {code}"),
            (None, true) => format!("{state}, stuck"),
            (None, false) => state,
        }
    }),
    Column::new("until", |times, held| match held.until {
        Some(until) => times.show_with_distance(until),
        None => "revoked".to_owned(),
    }),
    Column::new("run", |_, held| held.run_id.to_string()),
    Column::extra("since", |times, held| times.show(held.since)),
    Column::extra("account", |_, held| or_dash(held.identity.as_deref())),
];

pub(super) async fn run(session: &Session, args: AccessArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let AccessArgs { user, flow, target, columns, .. } = args;
    let columns = Columns::choose(COLUMNS, &columns, output)?;
    let call = Call::get(["access"]).query_if("username", user).query_if("flow", flow).query_if("target", target);
    let (mut access, mut json, mut after): (Vec<HeldAccess>, Vec<Value>, Option<String>) = Default::default();
    loop {
        let page = call.clone().query("limit", MAX_PAGE).query_if("after", after.as_deref());
        let answer = session.call(&page).await?;
        access.extend(answer.parse_member::<Vec<HeldAccess>>("access")?);
        after = answer.parse_member("next")?;
        if let Value::Array(found) = answer.into_json()["access"].take() {
            json.extend(found);
        }
        if after.is_none() {
            break;
        }
    }
    session.write(&json!({ "access": json }), output, |output| {
        if access.is_empty() {
            return writeln!(output.out, "No access found");
        }
        columns.write(&access, &session.times, session.terminal, output)
    })?;
    Ok(Exit::Success)
}
