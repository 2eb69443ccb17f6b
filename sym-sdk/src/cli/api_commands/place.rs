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
        credential: Credential,
        /// File with the certificate authorities to trust, instead of those of the system.
        ca_cert: Option<PathBuf>,
    },
    File {
        db: PathBuf,
        /// The user in whose name the file is changed.
        actor: Option<String>,
    },
}

/// The proof of who calls a server.
#[derive(Debug)]
pub(super) enum Credential {
    Token(SecretString),
    /// The token of a CI job, to be exchanged for one of a bot.
    Job {
        token: SecretString,
        /// The bot, if the job is trusted by several.
        bot: Option<String>,
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
    let secret = |name: &str| variable(name).map(|token| SecretString::from(token.trim()));
    let job = || Some(Credential::Job { token: secret("SYM_JWT")?, bot: variable("SYM_BOT") });
    let credential = secret("SYM_TOKEN").map(Credential::Token).or_else(job);
    let ca_cert = args.ca_cert.clone().or_else(|| variable("SYM_CA_CERT").map(PathBuf::from));
    let (server, credential) = match (server, credential) {
        (Some(url), Some(credential)) => return Ok(Place::Server { url, credential, ca_cert }),
        others => others,
    };
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
    let credential = match credential {
        Some(credential) => credential,
        None => Credential::Token(profiles.token(profile).await?),
    };
    Ok(Place::Server { url, credential, ca_cert: ca_cert.or_else(|| profile.ca_cert.clone()) })
}

pub(super) fn no_place() -> CommandError {
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
        ca_cert = "/etc/staging-ca.pem"
    "#;

    const CREDENTIALS: &str = "[prod]\ntoken = \"symbot_prod\"\n";

    async fn resolved(args: ConnectionArgs, environment: &[(&str, &str)]) -> Result<String, String> {
        let variable =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let profiles = || Ok(Profiles::parse(PROFILES, Some(CREDENTIALS)).unwrap());
        match resolve(&args, profiles, variable).await {
            Ok(Place::Server { url, credential, ca_cert }) => {
                let shown = match credential {
                    Credential::Token(token) => token.expose_secret().to_owned(),
                    Credential::Job { token, bot } => format!("job {} {bot:?}", token.expose_secret()),
                };
                let ca_cert = ca_cert.map_or_else(String::new, |path| format!(" {}", path.display()));
                Ok(format!("{url} {shown}{ca_cert}"))
            }
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
        let of_staging = "https://staging.example.com symbot_staging /etc/staging-ca.pem";
        assert_eq!(resolved(staging(), &both[..1]).await.unwrap(), of_staging);
        assert_eq!(resolved(none(), &[("SYM_PROFILE", "staging")]).await.unwrap(), of_staging);
        let with_ca = ConnectionArgs { ca_cert: Some("ca.pem".into()), ..staging() };
        assert_eq!(resolved(with_ca, &[]).await.unwrap(), "https://staging.example.com symbot_staging ca.pem");
        let file = ConnectionArgs { db: Some("sym.db".into()), actor: Some("ada@example.com".to_owned()), ..none() };
        assert_eq!(resolved(file, &both).await.unwrap(), "sym.db ada@example.com");
    }

    #[tokio::test]
    async fn the_token_of_a_job_is_exchanged_unless_there_is_one_of_a_bot() {
        let job = [("SYM_SERVER", "https://env.example.com"), ("SYM_JWT", " ey.j.w\n"), ("SYM_BOT", "ci")];
        let none = ConnectionArgs::default;
        assert_eq!(resolved(none(), &job).await.unwrap(), "https://env.example.com job ey.j.w Some(\"ci\")");
        assert_eq!(resolved(none(), &job[1..2]).await.unwrap(), "https://prod.example.com job ey.j.w None");
        let both = [job.as_slice(), &[("SYM_TOKEN", "symbot_env"), ("SYM_CA_CERT", "ca.pem")]].concat();
        assert_eq!(resolved(none(), &both).await.unwrap(), "https://env.example.com symbot_env ca.pem");
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
