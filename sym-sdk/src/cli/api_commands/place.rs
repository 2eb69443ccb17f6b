//! The place that a command works on: a server, or a file. It is never both, and never a guess.

use std::path::PathBuf;

use secrecy::SecretString;

use super::profiles::{Profiles, no_token};
use crate::cli::args::ConnectionArgs;
use crate::cli::exit::CommandError;

/// The place that a command works on.
#[derive(Debug)]
pub(super) enum Place {
    Server {
        url: String,
        token: SecretString,
    },
    File {
        db: PathBuf,
        /// The user in whose name the file is changed.
        actor: Option<String>,
    },
}

/// Reads a variable of the environment. One that is empty is as good as none.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Returns the place that the arguments name, or else the environment, or else a profile.
///
/// # Errors
/// If none of them does, or there is no token for the server.
pub(super) async fn resolve(
    args: &ConnectionArgs,
    profiles: impl FnOnce() -> Result<Profiles, CommandError>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Place, CommandError> {
    if let Some(db) = &args.db {
        return Ok(Place::File { db: db.clone(), actor: args.actor.clone() });
    }
    if args.actor.is_some() {
        return Err(CommandError::Usage {
            message: "`--as` names a user of a store, and there is no `--db`".to_owned(),
            help: "pass `--db FILE` too; on a server, you are the one whose token it is",
        });
    }
    let server = args.server.clone().or_else(|| variable("SYM_SERVER").filter(|_| args.profile.is_none()));
    let token = variable("SYM_TOKEN").map(|token| SecretString::from(token.trim()));
    if let (Some(url), Some(token)) = (&server, &token) {
        return Ok(Place::Server { url: url.clone(), token: token.clone() });
    }
    let profiles = profiles()?;
    let profile = match &server {
        // The token of a profile is for its server alone.
        Some(url) => profiles.of_server(url).ok_or_else(|| no_token(url))?,
        None => match args.profile.clone().or_else(|| variable("SYM_PROFILE")) {
            Some(name) => profiles.named(&name)?,
            None => profiles.default_profile()?.ok_or_else(no_place)?,
        },
    };
    let url = profile.server.clone();
    let token = match token {
        Some(token) => token,
        None => profiles.token(profile).await?,
    };
    Ok(Place::Server { url, token })
}

fn no_place() -> CommandError {
    CommandError::Usage {
        message: "no server and no store are named".to_owned(),
        help: "pass `--server URL` (or set SYM_SERVER, or a profile) to call a running program, or `--db FILE` to work on its file",
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const PROFILES: &str = r#"
        default = "prod"
        [profiles.prod]
        server = "https://prod.example.com"
        [profiles.staging]
        server = "https://staging.example.com"
        token_command = ["printf", "symbot_staging\n"]
    "#;

    const CREDENTIALS: &str = "[prod]\ntoken = \"symbot_prod\"\n";

    async fn resolved(args: ConnectionArgs, environment: &[(&str, &str)]) -> Result<String, String> {
        let variable =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let profiles = || Ok(Profiles::parse(PROFILES, Some(CREDENTIALS)).unwrap());
        match resolve(&args, profiles, variable).await {
            Ok(Place::Server { url, token }) => Ok(format!("{url} {}", token.expose_secret())),
            Ok(Place::File { db, actor }) => Ok(format!("{} {}", db.display(), actor.unwrap_or_default())),
            Err(CommandError::Usage { message, .. }) => Err(message),
            Err(CommandError::Call(error) | CommandError::Failed(error) | CommandError::Request(error)) => {
                Err(error.message().to_owned())
            }
            Err(_) => Err("another error".to_owned()),
        }
    }

    fn server(url: &str) -> ConnectionArgs {
        ConnectionArgs { server: Some(url.to_owned()), ..ConnectionArgs::default() }
    }

    #[tokio::test]
    async fn flags_precede_the_environment_and_that_precedes_profiles() {
        let none = ConnectionArgs::default;
        let both = [("SYM_SERVER", "https://env.example.com"), ("SYM_TOKEN", "symbot_env")];
        assert_eq!(resolved(none(), &[]).await.unwrap(), "https://prod.example.com symbot_prod");
        assert_eq!(resolved(none(), &both).await.unwrap(), "https://env.example.com symbot_env");
        assert_eq!(resolved(server("https://x"), &both).await.unwrap(), "https://x symbot_env");
        let staging = || ConnectionArgs { profile: Some("staging".to_owned()), ..none() };
        assert_eq!(resolved(staging(), &both[..1]).await.unwrap(), "https://staging.example.com symbot_staging");
        assert_eq!(
            resolved(none(), &[("SYM_PROFILE", "staging")]).await.unwrap(),
            "https://staging.example.com symbot_staging"
        );
        let file = ConnectionArgs { db: Some("sym.db".into()), actor: Some("ada@example.com".to_owned()), ..none() };
        assert_eq!(resolved(file, &both).await.unwrap(), "sym.db ada@example.com");
    }

    /// A token is never sent to a server that it is not for.
    #[tokio::test]
    async fn tokens_of_profiles_are_for_their_servers_alone() {
        assert_eq!(
            resolved(server("https://prod.example.com/"), &[]).await.unwrap(),
            "https://prod.example.com symbot_prod"
        );
        let error = resolved(server("https://evil.example.com"), &[]).await.unwrap_err();
        assert!(error.contains("no token for https://evil.example.com"), "{error}");
        let error =
            resolved(ConnectionArgs { profile: Some("prd".to_owned()), ..ConnectionArgs::default() }, &[]).await;
        assert!(error.unwrap_err().contains("no profile `prd`"));
    }
}
