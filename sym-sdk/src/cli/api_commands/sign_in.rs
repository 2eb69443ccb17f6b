//! The commands `sign-in` and `sign-out`: a person lets this command line in, in the console, and it keeps the session among the profiles.
//!
//! The command line shows a code, and the person enters it on a page where they have signed in. The token never passes through the browser or
//! an address: the command line fetches it with a secret that only it has. Where the token goes is known before anybody is asked, so that nobody
//! signs in for nothing.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Context;
use super::open::{open_page, page, web_page};
use super::place::variable;
use super::profile_files::ProfileFiles;
use super::profiles::Profiles;
use super::session::builder;
use super::text::plain;
use super::times::{Times, elapsed};
use crate::cli::Exit;
use crate::cli::args::{SignInArgs, SignOutArgs};
use crate::cli::exit::CommandError;
use crate::cli::operator;
use crate::cli::output::Output;
use crate::client::{Call, Client, Person};
use crate::clock::{Clock as _, SystemClock};
use crate::directory::SessionKind;
use crate::error::{Error, ErrorKind, Result, codes};

/// The longest interval that a server can ask for.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(60);

/// A sign-in that the server has begun.
#[derive(Deserialize)]
struct Begun {
    secret: SecretString,
    code: String,
    path: String,
    #[serde(default)]
    url: Option<String>,
    expires_in: u64,
    interval: u64,
}

/// The session that the server has handed out.
#[derive(Deserialize)]
struct SignedIn {
    token: SecretString,
    user: Person,
    expires_at: Timestamp,
}

pub(super) async fn sign_in(
    args: SignInArgs,
    context: &Context,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let files = ProfileFiles::of_user().map_err(CommandError::Failed)?;
    let profiles = files.read().map_err(CommandError::Failed)?;
    let server = args.server.or_else(|| variable("SYM_SERVER").filter(|_| args.profile.is_none()));
    let named = args.profile.or_else(|| variable("SYM_PROFILE").filter(|_| server.is_none()));
    let target = profiles.target(server.as_deref(), named.as_deref())?;
    let ca_cert = ca_file(args.ca_cert).or_else(|| target.ca_cert.clone());
    let client = builder(&target.server, ca_cert.as_deref()).await?.without_token().map_err(CommandError::Request)?;
    let machine = operator::name();
    let began = Call::post(["command-line", "sign-ins"]).body(json!({ "machine": machine }));
    let begun: Begun = client.call(&began).await.map_err(CommandError::Call)?.parse()?;
    let url = begun.url.as_deref().and_then(web_page).unwrap_or_else(|| page(&target.server, &begun.path));
    if !output.json {
        let code = plain(&begun.code);
        writeln!(output.err, "Open {url} and enter the code\n\n    {code}\n")?;
        writeln!(output.err, "waiting for {} minutes at most", begun.expires_in.div_ceil(60))?;
    } else {
        writeln!(output.err, "{}", json!({ "url": url, "code": begun.code, "expires_in": begun.expires_in }))?;
    }
    output.err.flush()?;
    if context.terminal.columns.is_some() && !output.json && !args.print {
        open_page(url, output).await?;
    }
    let signed_in = wait(&client, &begun).await?;
    if let Err(error) = files.keep(&target, ca_cert.as_deref(), &signed_in.token) {
        // A session that nobody can use is better ended.
        if let Ok(client) = builder(&target.server, ca_cert.as_deref()).await?.token(signed_in.token) {
            let _ = client.call(&Call::post(["me", "sign-out"])).await;
        }
        return Err(CommandError::Failed(error));
    }
    let SignedIn { user, expires_at, .. } = signed_in;
    if output.json {
        output.value(&json!({ "profile": target.name, "server": target.server, "user": user.username, "expires_at": expires_at }))?;
        return Ok(Exit::Success);
    }
    let until = Times::new(false).show(expires_at);
    writeln!(output.out, "Signed in as {} until {until}, as profile `{}`", plain(&user.username), target.name)?;
    Ok(Exit::Success)
}

/// Returns the file with the authorities that the arguments or the environment name.
fn ca_file(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| variable("SYM_CA_CERT").map(PathBuf::from))
}

/// Waits until the person has answered.
async fn wait(client: &Client, begun: &Begun) -> Result<SignedIn, CommandError> {
    let (start, limit) = (elapsed(), Duration::from_secs(begun.expires_in));
    let interval = Duration::from_secs(begun.interval.max(1)).min(MAX_POLL_INTERVAL);
    let mut delay = interval;
    loop {
        SystemClock.sleep(delay).await;
        delay = interval;
        let body = json!({ "secret": begun.secret.expose_secret() });
        match client.call(&Call::post(["command-line", "sessions"]).body(body)).await {
            Ok(answer) => match answer.json()["state"].as_str() {
                Some("signed_in") => return Ok(answer.parse()?),
                Some("waiting") => {}
                _ => return Err(CommandError::Failed(unexpected(answer.json()))),
            },
            // It may be up again in a moment, and the person has not lost the page.
            Err(error) if is_passing(&error) => {
                delay = error.retry_after().unwrap_or(interval).clamp(interval, MAX_POLL_INTERVAL);
            }
            Err(error) => return Err(CommandError::Call(error)),
        }
        if elapsed().saturating_sub(start) > limit {
            let message = "nobody has let this command line in within the time";
            let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_SIGN_IN_EXPIRED, message);
            return Err(CommandError::Call(error.with_hint("sign in again")));
        }
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::Timeout)
}

fn unexpected(json: &Value) -> Error {
    let state = plain(json["state"].as_str().unwrap_or_default());
    let message = format!("the server answers with the state `{state}`, which this program does not know");
    Error::new(ErrorKind::Decode, codes::INVALID_JSON, message).with_hint("the server may be newer than this program")
}

pub(super) async fn sign_out(args: SignOutArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let files = ProfileFiles::of_user().map_err(CommandError::Failed)?;
    let profiles: Profiles = files.read().map_err(CommandError::Failed)?;
    let server = args.server.or_else(|| variable("SYM_SERVER").filter(|_| args.profile.is_none()));
    let named = args.profile.or_else(|| variable("SYM_PROFILE").filter(|_| server.is_none()));
    let profile = profiles.known(server.as_deref(), named.as_deref())?;
    let name = profile.name().to_owned();
    let token = profile.stored_token().filter(|token| SessionKind::CommandLine.is_kind_of(token));
    let Some(token) = token else {
        let message = format!("nobody has signed in as profile `{name}`");
        let error = Error::new(ErrorKind::Unauthorized, codes::AUTHENTICATION_MISSING, message);
        return Err(CommandError::Call(error.with_hint("a token of a bot is no session: `tokens revoke` ends it")));
    };
    let ca_cert = ca_file(args.ca_cert).or_else(|| profile.ca_cert.clone());
    let client =
        builder(&profile.server, ca_cert.as_deref()).await?.token(token.clone()).map_err(CommandError::Request)?;
    let had_ended = match client.call(&Call::post(["me", "sign-out"])).await {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::Unauthorized => true,
        Err(error) => {
            let hint =
                "the session goes on, and the profile keeps it: run `sign-out` again, or have an administrator end it";
            return Err(CommandError::Call(error.with_hint(hint)));
        }
    };
    files.forget(&name).map_err(CommandError::Failed)?;
    if output.json {
        output.value(&json!({ "profile": name, "had_ended": had_ended }))?;
    } else if had_ended {
        writeln!(output.out, "The session of profile `{name}` had ended before, and is forgotten")?;
    } else {
        writeln!(output.out, "Signed out of profile `{name}`")?;
    }
    Ok(Exit::Success)
}
