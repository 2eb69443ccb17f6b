//! The command `request`: asks for access, looks at what would become of it, or waits for the decision.

use std::io;

use serde_json::{Map, Value};

use super::ask::{Answers, ask_for_missing, flags_hint};
use super::session::Session;
use super::text::plain;
use super::times::duration_name;
use super::wait::{Interruption, wait_for_outcome};
use crate::cli::Exit;
use crate::cli::args::RequestArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::client::{Call, FieldFailure, FlowDetails, NewRequest, Preview, Receipt};
use crate::error::{Error, ErrorKind, codes};
use crate::suggest;

pub(super) async fn run(session: &Session, args: RequestArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    if args.wait.is_some() && session.is_on_file() {
        return Err(CommandError::Usage {
            message: "`--wait` waits for what a running program does, and with `--db` none runs".to_owned(),
            help: "call the program with `--server URL`",
        });
    }
    let flow: FlowDetails = session.call(&Call::get(["flows", &args.flow])).await?.parse()?;
    let mut request = NewRequest::new(&flow.name);
    let mut inputs = inputs(&flow, &args)?;
    if session.can_ask() {
        ask_for_missing(session, &flow.name, &mut inputs, &mut Answers::StandardInput, output).await?;
    }
    for (field, value) in inputs {
        request = request.input(field, value);
    }
    if let Some(user) = &args.user {
        request = request.for_user(user);
    }
    if args.dry_run {
        return preview(session, &request, output).await;
    }
    if let Some(key) = &args.key {
        request = request.key(key);
    }
    let answer = match session.client.call(&request.call()).await {
        Ok(answer) => answer,
        Err(error) => return Err(refusal(session, &flow, &request, error).await),
    };
    let receipt: Receipt = answer.parse()?;
    let Some(limit) = args.wait else {
        session.write(answer.json(), output, |output| writeln!(output.out, "Run {}: requested", receipt.run_id))?;
        if !output.json {
            writeln!(output.err, "  next: {} run {}", session.command, receipt.run_id)?;
        }
        return Ok(Exit::Success);
    };
    let what = describe(&flow, &args);
    writeln!(output.err, "Run {}  {what}", receipt.run_id)?;
    let interruption = if args.withdraw_on_interrupt { Interruption::Withdraws } else { Interruption::LeavesOpen };
    wait_for_outcome(session, receipt.run_id, flow.gives_access, limit, interruption, output).await
}

/// Returns the error of a request that was refused. If fields are missing, the hint names the flags for them.
async fn refusal(session: &Session, flow: &FlowDetails, request: &NewRequest, error: Error) -> CommandError {
    let error = session.with_hint(error);
    if error.kind() != ErrorKind::InvalidInput {
        return CommandError::Call(error);
    }
    // The error of the request says it in words; the preview has it by field.
    let preview = session.client.preview(request).await;
    let failures = preview.map(|preview| preview.errors).unwrap_or_default();
    let missing = failures.iter().filter(|failure| failure.code == codes::MISSING_FIELD.to_string());
    let missing: Vec<_> = missing.filter_map(|failure| failure.field.as_deref()).collect();
    if missing.is_empty() {
        return CommandError::Call(error);
    }
    CommandError::Request(error.with_hint(flags_hint(&flow.name, &missing)))
}

/// Returns the label of the flow, with the target and the duration.
fn describe(flow: &FlowDetails, args: &RequestArgs) -> String {
    let parts = [Some(flow.label.clone()), args.to.clone(), args.duration.clone()];
    let parts: Vec<_> = parts.into_iter().flatten().map(|part| plain(&part)).collect();
    parts.join(" · ")
}

/// Returns the values of the request's fields.
fn inputs(flow: &FlowDetails, args: &RequestArgs) -> Result<Map<String, Value>, CommandError> {
    let mut inputs = Map::new();
    if let Some(target) = target(flow, args.to.as_deref())? {
        inputs.insert("target_srn".to_owned(), target.into());
    }
    if let Some(duration) = &args.duration {
        inputs.insert("duration".to_owned(), duration.as_str().into());
    }
    if let Some(reason) = &args.reason {
        inputs.insert("reason".to_owned(), reason.as_str().into());
    }
    for (name, value) in &args.fields {
        let kind = flow.fields.iter().find(|field| field.name == *name).map_or("string", |field| field.kind.as_str());
        if inputs.insert(name.clone(), typed(name, value, kind)?).is_some() {
            let message = format!("`{name}` has two values");
            let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, message);
            return Err(CommandError::Request(error.with_hint("give it once")));
        }
    }
    Ok(inputs)
}

/// Returns the resource name of the target that is named; of the only one, if none is.
fn target(flow: &FlowDetails, named: Option<&str>) -> Result<Option<String>, CommandError> {
    let Some(named) = named else {
        return Ok(flow.targets.first().filter(|_| flow.targets.len() == 1).map(|target| target.srn.clone()));
    };
    let is_named = |name: &str| name.eq_ignore_ascii_case(named.trim());
    let found = flow.targets.iter().find(|target| is_named(&target.name));
    let found = found
        .or_else(|| flow.targets.iter().find(|target| is_named(&target.label)))
        .or_else(|| flow.targets.iter().find(|target| target.srn == named));
    match found {
        Some(target) => Ok(Some(target.srn.clone())),
        None => {
            let names = flow.targets.iter().map(|target| target.name.as_str());
            let noun = format!("targets of flow `{}`", flow.name);
            let message = format!("flow `{}` has no target `{named}`", flow.name);
            let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, message);
            Err(CommandError::Request(error.with_hint(suggest::hint(named, &noun, names))))
        }
    }
}

/// Converts what was typed into a value of the field's type.
pub(super) fn typed(name: &str, value: &str, kind: &str) -> Result<Value, CommandError> {
    let invalid = |expected: &str| {
        let message = format!("field `{name}` takes {expected}, got `{value}`");
        CommandError::Request(Error::new(ErrorKind::InvalidInput, codes::INVALID_FIELD_VALUE, message))
    };
    let number = |text: &str| text.trim().parse::<i64>().map(Value::from).map_err(|_| invalid("a whole number"));
    let items = || value.split(',').map(str::trim).filter(|item| !item.is_empty());
    match kind {
        "int" => number(value),
        "bool" => match value.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" => Ok(true.into()),
            "false" | "no" => Ok(false.into()),
            _ => Err(invalid("`true` or `false`")),
        },
        "int_list" => items().map(number).collect::<Result<Vec<_>, _>>().map(Value::from),
        kind if kind.ends_with("_list") => Ok(items().map(Value::from).collect::<Vec<_>>().into()),
        _ => Ok(value.into()),
    }
}

async fn preview(session: &Session, request: &NewRequest, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let answer = session.call(&request.preview_call()).await?;
    let preview: Preview = answer.parse()?;
    session.write(answer.json(), output, |output| show_preview(&preview, output))?;
    Ok(if preview.is_valid { Exit::Success } else { Exit::Failure })
}

fn show_preview(preview: &Preview, output: &mut Output<'_>) -> io::Result<()> {
    let failures = preview.errors.iter().chain(&preview.failure);
    for FieldFailure { field, message, code, hint, .. } in failures {
        let field = field.as_ref().map_or_else(String::new, |field| format!("{}: ", plain(field)));
        writeln!(output.err, "error: {field}{} ({})", plain(message), plain(code))?;
        if let Some(hint) = hint {
            writeln!(output.err, "  help: {}", plain(hint))?;
        }
    }
    writeln!(
        output.out,
        "{}",
        if preview.is_valid { "The request is valid; nothing was requested" } else { "The request would be refused" }
    )?;
    if let Some(deciders) = &preview.deciders {
        let by = deciders.reducer.as_ref().map_or_else(String::new, |reducer| format!(" per {}", plain(reducer)));
        writeln!(output.out, "  decided by  {}{by}", plain(&deciders.names().join(", ")))?;
        if deciders.approvals_needed > 1 {
            writeln!(output.out, "  approvals   {}", deciders.approvals_needed)?;
        }
        for barred in &deciders.barred {
            writeln!(output.out, "  not by      {}: {}", plain(&barred.user.username), plain(&barred.message))?;
        }
    }
    for notification in &preview.notifications {
        let to: Vec<_> =
            notification.destinations.iter().filter_map(|to| to["destination"].as_str()).map(plain).collect();
        let timeout =
            notification.timeout.map_or_else(String::new, |seconds| format!(", for {}", duration_name(seconds)));
        writeln!(output.out, "  told        {}{timeout}", to.join(", "))?;
    }
    if let Some(hook) = &preview.hook {
        writeln!(output.out, "  first       {} may decide it", plain(hook))?;
    }
    Ok(())
}
