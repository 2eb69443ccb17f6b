//! The commands `users`, `bots` and `tokens`.

use std::io;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::import::{Defaults, import};
use super::list::{Column, Columns};
use super::session::Session;
use super::text::plain;
use crate::cli::Exit;
use crate::cli::args::{BotsCommand, TokensCommand, UserArgs, UsersCommand};
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, count};
use crate::client::{Call, Method};
use crate::error::{Error, ErrorKind, codes};
use crate::model::{TokenId, UserId};

/// The largest page of users that the API returns.
const MAX_PAGE: usize = 200;

/// A user, as a table shows them.
#[derive(Debug, Deserialize)]
struct Row {
    id: UserId,
    username: String,
    role: String,
    is_locked: bool,
    identities: Vec<Value>,
    #[serde(default)]
    deleted_at: Option<Timestamp>,
}

/// A token, as a table shows it.
#[derive(Debug, Deserialize)]
struct Token {
    id: TokenId,
    label: String,
    expires_at: Timestamp,
    #[serde(default)]
    revoked_at: Option<Timestamp>,
    #[serde(default)]
    last_used_on: Option<Date>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Bot {
    pub(super) id: UserId,
    pub(super) username: String,
    role: String,
    tokens: Vec<Token>,
}

impl Bot {
    fn is_named(&self, name: &str) -> bool {
        self.username == name || self.id.to_string() == name
    }
}

pub(super) async fn users(
    session: &Session,
    command: UsersCommand,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    match command {
        UsersCommand::List { prefix, columns, .. } => {
            let columns = Columns::choose(USER_COLUMNS, &columns, output)?;
            list_users(session, prefix.as_deref(), &columns, output).await
        }
        UsersCommand::Import { file, role, reason, dry_run, .. } => {
            import(session, &file, &Defaults { role, reason }, dry_run, output).await
        }
        UsersCommand::Show { user, .. } => {
            let id = user_id(session, &user).await?;
            let answer = session.call(&Call::get(["users".to_owned(), id.to_string()])).await?;
            let row: Row = answer.parse()?;
            session.write(answer.json(), output, |output| show_user(&row, output))?;
            Ok(Exit::Success)
        }
        UsersCommand::Admit { args, role } => {
            let body = json!({ "email": args.user, "role": role, "reason": args.reason });
            let answer = session.call(&Call::post(["users"]).body(body)).await?;
            let user = &args.user;
            session.write(answer.json(), output, |output| writeln!(output.out, "{}: admitted", plain(user)))?;
            Ok(Exit::Success)
        }
        UsersCommand::Role { user, role, reason, .. } => {
            let id = user_id(session, &user).await?;
            let call = change(id, json!({ "role": role, "reason": reason.unwrap_or_default() }));
            let answer = session.call(&call).await?;
            session.write(answer.json(), output, |output| writeln!(output.out, "{}: {role}", plain(&user)))?;
            Ok(Exit::Success)
        }
        UsersCommand::Lock(args) => set_lock(session, &args, true, output).await,
        UsersCommand::Unlock(args) => set_lock(session, &args, false, output).await,
        UsersCommand::Delete(args) => {
            let id = user_id(session, &args.user).await?;
            delete(session, ["users".to_owned(), id.to_string()], &args.user, &args.reason, output).await
        }
        UsersCommand::Restore(args) => {
            let id = deleted_id(session, &args.user).await?;
            let path = ["users".to_owned(), id.to_string(), "restore".to_owned()];
            let answer = session.call(&Call::post(path).body(json!({ "reason": args.reason }))).await?;
            let user = &args.user;
            session.write(answer.json(), output, |output| writeln!(output.out, "{}: restored", plain(user)))?;
            Ok(Exit::Success)
        }
    }
}

fn change(id: UserId, body: Value) -> Call {
    Call::new(Method::PATCH, ["users".to_owned(), id.to_string()]).body(body)
}

/// The users with a prefix, and those who were deleted, as the API returns them.
pub(super) struct AllUsers {
    pub(super) users: Vec<Value>,
    pub(super) deleted: Vec<Value>,
}

/// Reads all pages of users.
pub(super) async fn all_users(session: &Session, prefix: Option<&str>) -> Result<AllUsers, CommandError> {
    let (mut users, mut deleted, mut after) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let call = Call::get(["users"]).query("deleted", true).query("limit", MAX_PAGE);
        let call = call.query_if("prefix", prefix).query_if("after", after.as_deref());
        let mut json = session.call(&call).await?.into_json();
        for (name, all) in [("users", &mut users), ("deleted", &mut deleted)] {
            if let Value::Array(found) = json[name].take() {
                all.extend(found);
            }
        }
        after = json["next"].as_str().map(str::to_owned);
        if after.is_none() {
            return Ok(AllUsers { users, deleted });
        }
    }
}

const USER_COLUMNS: &[Column<Row>] = &[
    Column::new("user", |_, row| row.username.clone()),
    Column::new("role", |_, row| row.role.clone()),
    Column::new("state", |times, row| match row.deleted_at {
        Some(at) => format!("deleted {}", times.show(at)),
        None if row.is_locked => "locked".to_owned(),
        None => "-".to_owned(),
    }),
    Column::new("accounts", |_, row| count(row.identities.len(), "account")),
    Column::new("id", |_, row| row.id.to_string()),
];

async fn list_users(
    session: &Session,
    prefix: Option<&str>,
    columns: &Columns<Row>,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let AllUsers { users, deleted } = all_users(session, prefix).await?;
    let rows = users.iter().chain(&deleted).map(Row::deserialize).collect::<Result<Vec<_>, _>>();
    let rows = rows.map_err(unexpected)?;
    session.write(&json!({ "users": users, "deleted": deleted }), output, |output| {
        if rows.is_empty() {
            return writeln!(output.out, "No users found");
        }
        columns.write(&rows, &session.times, session.terminal, output)
    })?;
    Ok(Exit::Success)
}

fn show_user(row: &Row, output: &mut Output<'_>) -> io::Result<()> {
    let lock = if row.is_locked { ", locked" } else { "" };
    writeln!(output.out, "{}  {}{lock}  {}", plain(&row.username), plain(&row.role), row.id)?;
    for account in &row.identities {
        let part = |name: &str| plain(account[name].as_str().unwrap_or_default());
        writeln!(output.out, "  {} {}: {}", part("service"), part("service_id"), part("user_id"))?;
    }
    Ok(())
}

async fn set_lock(
    session: &Session,
    args: &UserArgs,
    is_locked: bool,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let id = user_id(session, &args.user).await?;
    let call = change(id, json!({ "is_locked": is_locked, "reason": args.reason }));
    let answer = session.call(&call).await?;
    session.write(answer.json(), output, |output| {
        writeln!(output.out, "{}: {}", plain(&args.user), if is_locked { "locked" } else { "unlocked" })?;
        show_ended(session, &answer.json()["ended"], output)
    })?;
    Ok(Exit::Success)
}

async fn delete(
    session: &Session,
    path: [String; 2],
    name: &str,
    reason: &str,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let answer = session.call(&Call::new(Method::DELETE, path).body(json!({ "reason": reason }))).await?;
    session.write(answer.json(), output, |output| {
        writeln!(output.out, "{}: deleted", plain(name))?;
        show_ended(session, answer.json(), output)
    })?;
    Ok(Exit::Success)
}

/// Writes what has ended with a user.
fn show_ended(session: &Session, ended: &Value, output: &mut Output<'_>) -> io::Result<()> {
    let runs = |name: &str| ended[name].as_array().cloned().unwrap_or_default();
    let when = if session.is_on_file() { "will be revoked when the program next runs" } else { "is being revoked" };
    for run in runs("revoking") {
        writeln!(output.out, "Run {}: access {when}", run.as_str().unwrap_or_default())?;
    }
    for run in runs("denied") {
        writeln!(output.out, "Run {}: request denied", run.as_str().unwrap_or_default())?;
    }
    for failed in runs("failed") {
        let text = |name: &str| plain(failed[name].as_str().unwrap_or_default());
        writeln!(output.err, "warning: Run {}: {}", text("run_id"), text("message"))?;
    }
    Ok(())
}

/// Returns the id of a user, who is named by it or by their e-mail address.
async fn user_id(session: &Session, user: &str) -> Result<UserId, CommandError> {
    if let Ok(id) = user.parse() {
        return Ok(id);
    }
    let call = Call::get(["users"]).query("email", user);
    let found: Vec<Row> = session.call(&call).await?.parse_member("users")?;
    found.first().map(|found| found.id).ok_or_else(|| unknown("user", user, "`users list` lists them"))
}

/// Returns the id of the deleted user whom the command names by id, or by the name that they had. The last one of that name counts.
async fn deleted_id(session: &Session, user: &str) -> Result<UserId, CommandError> {
    if let Ok(id) = user.parse() {
        return Ok(id);
    }
    let call = Call::get(["users"]).query("email", user).query("deleted", true);
    let found: Vec<Row> = session.call(&call).await?.parse_member("deleted")?;
    let hint = "`users list` lists deleted users too";
    found.last().map(|found| found.id).ok_or_else(|| unknown("deleted user", user, hint))
}

pub(super) fn unknown(what: &str, name: &str, hint: &str) -> CommandError {
    let error = Error::new(ErrorKind::NotFound, codes::UNKNOWN_USER, format!("no {what} is named `{name}`"));
    CommandError::Failed(error.with_hint(hint))
}

pub(super) fn unexpected(error: serde_json::Error) -> CommandError {
    let message = format!("the server's answer is not as expected: {error}");
    CommandError::Failed(Error::new(ErrorKind::Decode, codes::INVALID_JSON, message))
}

const BOT_COLUMNS: &[Column<Bot>] = &[
    Column::new("bot", |_, bot| bot.username.clone()),
    Column::new("role", |_, bot| bot.role.clone()),
    Column::new("tokens", |_, bot| {
        count(bot.tokens.iter().filter(|token| token.revoked_at.is_none()).count(), "token")
    }),
    Column::new("id", |_, bot| bot.id.to_string()),
];

pub(super) async fn bots(
    session: &Session,
    command: BotsCommand,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    match command {
        BotsCommand::List { columns, .. } => {
            let columns = Columns::choose(BOT_COLUMNS, &columns, output)?;
            let answer = session.call(&Call::get(["bots"])).await?;
            let bots: Vec<Bot> = answer.parse_member("bots")?;
            session.write(answer.json(), output, |output| {
                if bots.is_empty() {
                    return writeln!(output.out, "No bots found");
                }
                columns.write(&bots, &session.times, session.terminal, output)
            })?;
            Ok(Exit::Success)
        }
        BotsCommand::Add { name, role, .. } => {
            let call = Call::post(["bots"]).body(json!({ "name": name, "role": role }));
            let answer = session.call(&call).await?;
            session.write(answer.json(), output, |output| writeln!(output.out, "{}: added as {role}", plain(&name)))?;
            Ok(Exit::Success)
        }
        BotsCommand::Delete { bot, reason, .. } => {
            let id = find_bot(session, &bot).await?.id;
            delete(session, ["bots".to_owned(), id.to_string()], &bot, &reason, output).await
        }
    }
}

/// Returns all bots, or the one that is named by its id or its name.
pub(super) async fn find_bots(session: &Session, named: Option<&str>) -> Result<Vec<Bot>, CommandError> {
    let mut bots: Vec<Bot> = session.call(&Call::get(["bots"])).await?.parse_member("bots")?;
    if let Some(name) = named {
        bots.retain(|known| known.is_named(name));
        if bots.is_empty() {
            return Err(unknown("bot", name, "`bots list` lists them"));
        }
    }
    Ok(bots)
}

pub(super) async fn find_bot(session: &Session, name: &str) -> Result<Bot, CommandError> {
    let found = find_bots(session, Some(name)).await?.into_iter().next();
    found.ok_or_else(|| unknown("bot", name, "`bots list` lists them"))
}

pub(super) async fn tokens(
    session: &Session,
    command: TokensCommand,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    match command {
        TokensCommand::List { bot, columns, .. } => {
            let columns = Columns::choose(TOKEN_COLUMNS, &columns, output)?;
            list_tokens(session, bot.as_deref(), &columns, output).await
        }
        TokensCommand::Issue { bot, valid_for, label, .. } => {
            let bot = find_bot(session, &bot).await?;
            let path = ["bots".to_owned(), bot.id.to_string(), "tokens".to_owned()];
            let answer = session.call(&Call::post(path).body(json!({ "label": label, "for": valid_for }))).await?;
            let json = answer.json();
            let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
            session.write(json, output, |output| {
                // Alone on standard output, to be piped to where it is kept.
                writeln!(output.out, "{}", text("token"))?;
                let until = text("expires_at").parse().map_or_else(|_| text("expires_at"), |at| session.times.show(at));
                writeln!(
                    output.err,
                    "token {} of {}, good until {until}; it is shown this once",
                    text("id"),
                    plain(&bot.username)
                )
            })?;
            Ok(Exit::Success)
        }
        TokensCommand::Revoke { token, .. } => {
            let call = Call::new(Method::DELETE, ["tokens".to_owned(), token.to_string()]);
            let answer = session.call(&call).await?;
            session.write(answer.json(), output, |output| writeln!(output.out, "token {token}: revoked"))?;
            Ok(Exit::Success)
        }
    }
}

/// A token, with the name of its bot.
struct ListedToken {
    bot: String,
    token: Token,
}

const TOKEN_COLUMNS: &[Column<ListedToken>] = &[
    Column::new("bot", |_, listed| listed.bot.clone()),
    Column::new("label", |_, listed| listed.token.label.clone()),
    Column::new("state", |times, listed| match listed.token.revoked_at {
        Some(at) => format!("revoked {}", times.show(at)),
        None => format!("until {}", times.show_with_distance(listed.token.expires_at)),
    }),
    Column::new("used", |_, listed| {
        listed.token.last_used_on.map_or_else(|| "never".to_owned(), |day| day.to_string())
    }),
    Column::new("id", |_, listed| listed.token.id.to_string()),
];

async fn list_tokens(
    session: &Session,
    bot: Option<&str>,
    columns: &Columns<ListedToken>,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let answer = session.call(&Call::get(["bots"])).await?;
    let bots: Vec<Bot> = answer.parse_member("bots")?;
    let is_asked_for = |known: &Bot| bot.is_none_or(|name| known.is_named(name));
    if let Some(bot) = bot.filter(|_| !bots.iter().any(is_asked_for)) {
        return Err(unknown("bot", bot, "`bots list` lists them"));
    }
    let json: Vec<Value> = answer.json()["bots"]
        .as_array()
        .into_iter()
        .flatten()
        .zip(&bots)
        .filter(|(_, known)| is_asked_for(known))
        .flat_map(|(json, known)| {
            let tokens = json["tokens"].as_array().cloned().unwrap_or_default();
            tokens.into_iter().map(|mut token| {
                token["bot"] = json!({ "id": known.id, "username": known.username });
                token
            })
        })
        .collect();
    session.write(&json!({ "tokens": json }), output, |output| {
        let asked_for = bots.into_iter().filter(|known| is_asked_for(known));
        let listed = asked_for.flat_map(|Bot { username, tokens, .. }| {
            tokens.into_iter().map(move |token| ListedToken { bot: username.clone(), token })
        });
        let listed: Vec<_> = listed.collect();
        if listed.is_empty() {
            return writeln!(output.out, "No tokens found");
        }
        columns.write(&listed, &session.times, session.terminal, output)
    })?;
    Ok(Exit::Success)
}
