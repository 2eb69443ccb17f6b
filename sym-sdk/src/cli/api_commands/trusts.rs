//! The commands `trusts`: the CI jobs that get tokens of bots.

use std::collections::BTreeMap;
use std::io;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::list::{Column, Columns};
use super::people::{find_bot, find_bots, unexpected};
use super::session::Session;
use super::text::plain;
use crate::cli::Exit;
use crate::cli::args::TrustsCommand;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::client::{Call, Method};
use crate::error::{Error, ErrorKind, codes};
use crate::model::TrustId;

/// A trust, as a table shows it.
#[derive(Debug, Deserialize)]
struct Trust {
    id: TrustId,
    bot: BotName,
    provider: String,
    issuer: String,
    audience: String,
    claims: BTreeMap<String, String>,
    created_at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct BotName {
    username: String,
}

const COLUMNS: &[Column<Trust>] = &[
    Column::new("bot", |_, trust| trust.bot.username.clone()),
    Column::new("provider", |_, trust| trust.provider.clone()),
    Column::new("claims", |_, trust| claims(trust)),
    Column::new("id", |_, trust| trust.id.to_string()),
    Column::extra("issuer", |_, trust| trust.issuer.clone()),
    Column::extra("audience", |_, trust| trust.audience.clone()),
    Column::extra("added", |times, trust| times.show(trust.created_at)),
];

pub(super) async fn run(
    session: &Session,
    command: TrustsCommand,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    match command {
        TrustsCommand::List { bot, columns, .. } => {
            let columns = Columns::choose(COLUMNS, &columns, output)?;
            let json = trusts(session, bot.as_deref()).await?;
            let trusts = parse(&json)?;
            session.write(&json!({ "trusts": json }), output, |output| {
                if trusts.is_empty() {
                    return writeln!(output.out, "No trusts found");
                }
                columns.write(&trusts, &session.times, session.terminal, output)
            })?;
        }
        TrustsCommand::Show { trust: id, .. } => {
            let json = trusts(session, None).await?;
            let found = json.into_iter().find(|trust| trust["id"].as_str() == Some(&id.to_string()));
            let json = found.ok_or_else(|| {
                let error = Error::new(ErrorKind::NotFound, codes::UNKNOWN_TRUST, format!("there is no trust {id}"));
                CommandError::Failed(error.with_hint("`trusts list` lists them"))
            })?;
            let trust = Trust::deserialize(&json).map_err(unexpected)?;
            session.write(&json, output, |output| show(session, &trust, output))?;
        }
        TrustsCommand::Add { bot, provider, audience, claims, issuer, .. } => {
            let mut by_name = BTreeMap::new();
            for (name, value) in claims {
                if by_name.insert(name.clone(), value).is_some() {
                    return Err(CommandError::Usage {
                        message: format!("the claim `{name}` has two values"),
                        help: "give each claim once; a job has to have all of them",
                    });
                }
            }
            let mut body = json!({ "provider": provider, "audience": audience, "claims": by_name });
            if let Some(issuer) = issuer {
                body["issuer"] = issuer.into();
            }
            let bot = find_bot(session, &bot).await?;
            let answer = session.call(&Call::post(path_of(bot.id)).body(body)).await?;
            let id = answer.json()["id"].as_str().unwrap_or_default();
            session.write(answer.json(), output, |output| {
                writeln!(output.out, "trust {id}: added for {}", plain(&bot.username))
            })?;
        }
        TrustsCommand::Remove { trust, .. } => {
            let call = Call::new(Method::DELETE, ["trusts".to_owned(), trust.to_string()]);
            let answer = session.call(&call).await?;
            session.write(answer.json(), output, |output| {
                writeln!(output.out, "trust {trust}: removed")?;
                writeln!(output.err, "note: tokens that were issued by it are good for 15 minutes at most")
            })?;
        }
    }
    Ok(Exit::Success)
}

fn path_of(bot: impl ToString) -> [String; 3] {
    ["bots".to_owned(), bot.to_string(), "trusts".to_owned()]
}

/// Returns the trusts of all bots, or of the one that is named, each with its bot.
async fn trusts(session: &Session, bot: Option<&str>) -> Result<Vec<Value>, CommandError> {
    let mut all = Vec::new();
    for bot in find_bots(session, bot).await? {
        let answer = session.call(&Call::get(path_of(bot.id))).await?;
        if let Value::Array(trusts) = answer.into_json()["trusts"].take() {
            all.extend(trusts.into_iter().map(|mut trust| {
                trust["bot"] = json!({ "id": bot.id, "username": bot.username });
                trust
            }));
        }
    }
    Ok(all)
}

fn parse(json: &[Value]) -> Result<Vec<Trust>, CommandError> {
    json.iter().map(|trust| Trust::deserialize(trust).map_err(unexpected)).collect()
}

fn claims(trust: &Trust) -> String {
    let claims: Vec<_> = trust.claims.iter().map(|(name, value)| format!("{name}={value}")).collect();
    claims.join(" ")
}

fn show(session: &Session, trust: &Trust, output: &mut Output<'_>) -> io::Result<()> {
    writeln!(output.out, "trust {}  {}", trust.id, plain(&trust.bot.username))?;
    writeln!(output.out, "  provider   {}", plain(&trust.provider))?;
    writeln!(output.out, "  issuer     {}", plain(&trust.issuer))?;
    writeln!(output.out, "  audience   {}", plain(&trust.audience))?;
    writeln!(output.out, "  added      {}", session.times.show(trust.created_at))?;
    for (name, value) in &trust.claims {
        writeln!(output.out, "  claim      {}={}", plain(name), plain(value))?;
    }
    Ok(())
}
