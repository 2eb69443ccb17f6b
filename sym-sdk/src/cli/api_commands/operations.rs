//! The commands `operations`, `reconcile` and `whoami`.

use std::io;

use serde::Deserialize;
use serde_json::{Value, json};

use super::session::Session;
use super::text::plain;
use crate::cli::Exit;
use crate::cli::args::ReconcileArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, count};
use crate::cli::signal::Signals;
use crate::cli::table::write_table;
use crate::client::{Call, Me};

pub(super) async fn overview(session: &Session, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let answer = session.call(&Call::get(["operations"])).await?;
    session.write(answer.json(), output, |output| show_overview(session, answer.json(), output))?;
    Ok(Exit::Success)
}

fn show_overview(session: &Session, json: &Value, output: &mut Output<'_>) -> io::Result<()> {
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let access = &json["access"];
    let holding = access["holding"].as_object().into_iter().flatten();
    let holding: Vec<_> = holding.map(|(flow, runs)| format!("{} {}", plain(flow), number(runs))).collect();
    let holding = if holding.is_empty() { "none".to_owned() } else { holding.join(", ") };
    writeln!(output.out, "access       {holding}")?;
    let (late, stuck, missing) = (&access["late"], &access["stuck"], &access["missing_expiry"]);
    writeln!(
        output.out,
        "             late {}, stuck {}, without end {}",
        number(late),
        number(stuck),
        number(missing)
    )?;
    if let Some(backlog) = json["backlog"].as_object() {
        let of = |name: &str| backlog.get(name).map_or(0, number);
        writeln!(output.out, "backlog      due {}, late {}", of("due"), of("late"))?;
    }
    for destination in json["destinations"].as_array().into_iter().flatten() {
        let name = text(&destination["name"]);
        writeln!(output.out, "destination  {name}: {} behind", number(&destination["behind"]))?;
    }
    let front_ends: Vec<_> =
        json["front_ends"].as_array().into_iter().flatten().filter_map(Value::as_str).map(plain).collect();
    if !front_ends.is_empty() {
        writeln!(output.out, "front ends   {}", front_ends.join(", "))?;
    }
    for part in json["unavailable"].as_array().into_iter().flatten() {
        let faults = part["faults"].as_array().into_iter().flatten();
        let faults: Vec<_> = faults.map(|fault| text(&fault["message"])).collect();
        let kind = text(&part["part"]).replace('_', " ");
        writeln!(output.out, "unavailable  {kind} {}: {}", text(&part["name"]), faults.join("; "))?;
    }
    for access in json["blocked_access"].as_array().into_iter().flatten() {
        let of = |name: &str| text(&access[name]);
        let until = access["until"].as_str().and_then(|until| until.parse().ok());
        let until = until.map_or_else(|| "revoked".to_owned(), |until| session.times.show_with_distance(until));
        writeln!(output.out, "blocked      Run {}: {} has {} until {until}", of("run"), of("identity"), of("target"))?;
        let (message, code) = (text(&access["error"]["message"]), text(&access["error"]["code"]));
        writeln!(output.out, "             {message} ({code})")?;
    }
    for flow in json["flows"].as_array().into_iter().flatten() {
        let handlers = flow["handlers"].as_array().into_iter().flatten();
        let handlers: Vec<_> = handlers.map(|handler| text(&handler["handler"])).collect();
        let handlers = if handlers.is_empty() { "no handlers".to_owned() } else { handlers.join(", ") };
        writeln!(output.out, "flow         {}: {handlers}", text(&flow["name"]))?;
    }
    for failed in json["handler_errors"].as_array().into_iter().flatten() {
        let times = count(usize::try_from(number(&failed["count"])).unwrap_or(usize::MAX), "failure");
        let last = failed["last_at"].as_str().and_then(|at| at.parse().ok());
        let last = last.map_or_else(|| text(&failed["last_at"]), |at| session.times.show_with_distance(at));
        writeln!(output.out, "failed       {}: {times}, last {last}", text(&failed["handler"]))?;
        let (run, message, code) = (text(&failed["last_run_id"]), text(&failed["message"]), text(&failed["code"]));
        writeln!(output.out, "             Run {run}: {message} ({code})")?;
    }
    writeln!(output.out, "audit log    {} entries", number(&json["audit_head"]))
}

fn text(value: &Value) -> String {
    plain(value.as_str().unwrap_or_default())
}

#[derive(Debug, Deserialize)]
struct Reconciliation {
    compared: usize,
    missing: Vec<Difference>,
    extra: Vec<Difference>,
    unknown: Vec<Unknown>,
    #[serde(default)]
    targets: Vec<Compared>,
}

#[derive(Debug, Deserialize)]
struct Difference {
    #[serde(default)]
    run_id: Option<String>,
    flow: String,
    target: String,
    identity: String,
    #[serde(default)]
    user: Option<Value>,
    repair: Value,
}

#[derive(Debug, Deserialize)]
struct Unknown {
    flow: String,
    target: String,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Compared {
    flow: String,
    target: String,
    identities: usize,
}

pub(super) async fn reconcile(
    session: &Session,
    args: ReconcileArgs,
    signals: Option<Signals>,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let mut body = json!({});
    if args.regrant_missing {
        body["regrant_missing"] = true.into();
    }
    if args.revoke_extra {
        body["revoke_extra"] = true.into();
    }
    let mut signals = match signals {
        Some(signals) => signals,
        None => Signals::listen()?,
    };
    let call = Call::post(["operations", "reconcile"]).body(body);
    let answer = tokio::select! {
        biased;
        signal = signals.recv() => {
            signal?;
            output.error_without_code("interrupted before the comparison was complete", "run the command again")?;
            return Ok(Exit::Interrupted);
        }
        answer = session.call(&call) => answer?,
    };
    let found: Reconciliation = answer.parse()?;
    let agrees = found.extra.is_empty() && found.missing.is_empty();
    session.write(answer.json(), output, |output| show_reconciliation(session, found, output))?;
    Ok(if agrees { Exit::Success } else { Exit::Failure })
}

fn show_reconciliation(session: &Session, found: Reconciliation, output: &mut Output<'_>) -> io::Result<()> {
    let none = || "-".to_owned();
    let (extra, missing, unseen) = (found.extra.len(), found.missing.len(), found.unknown.len());
    let mut rows = Vec::new();
    for Compared { flow, target, identities } in found.targets {
        rows.push(vec![flow, target, none(), none(), format!("compared, {identities} listed")]);
    }
    for one in found.extra {
        let repair = repair(&one.repair);
        let user = one.user.as_ref().and_then(|user| user["username"].as_str()).map_or_else(none, str::to_owned);
        rows.push(vec![one.flow, one.target, one.identity, user, format!("listed, and no Run gives it{repair}")]);
    }
    for one in found.missing {
        let repair = repair(&one.repair);
        let status = format!("not listed, and Run {} gives it{repair}", one.run_id.unwrap_or_default());
        rows.push(vec![one.flow, one.target, one.identity, none(), status]);
    }
    for Unknown { flow, target, message } in found.unknown {
        let reason = message.unwrap_or_else(|| "its strategy cannot list access".to_owned());
        rows.push(vec![flow, target, none(), none(), format!("not seen: {reason}")]);
    }
    if !rows.is_empty() {
        let rows = rows.iter().map(|row: &Vec<String>| row.iter().map(|cell| plain(cell)).collect::<Vec<_>>());
        write_table(output.out, ["FLOW", "TARGET", "IDENTITY", "USER", "STATUS"], rows, session.terminal.columns)?;
        writeln!(output.out)?;
    }
    let (compared, unseen) = (count(found.compared, "target"), count(unseen, "target"));
    writeln!(output.out, "{compared} compared: {extra} without a Run, {missing} missing; {unseen} not seen")
}

fn repair(repair: &Value) -> String {
    match repair["result"].as_str() {
        Some("begun") => "; being repaired".to_owned(),
        Some("refused") => format!("; not repaired: {}", repair["message"].as_str().unwrap_or_default()),
        _ => String::new(),
    }
}

pub(super) async fn whoami(session: &Session, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let answer = session.call(&Call::get(["me"])).await?;
    let me: Me = answer.parse()?;
    session.write(answer.json(), output, |output| {
        writeln!(output.out, "{}  {}", plain(&me.user.username), me.user.role)?;
        let mut rights = Vec::new();
        if me.can_request {
            rights.push("request");
        }
        if me.can_request_for_others {
            rights.push("request for others");
        }
        if me.is_admin {
            rights.push("administer");
        }
        let rights = if rights.is_empty() { "nothing".to_owned() } else { rights.join(", ") };
        writeln!(output.out, "  may        {rights}\n  server     sym-sdk {}", plain(&me.server_version))
    })?;
    Ok(Exit::Success)
}
