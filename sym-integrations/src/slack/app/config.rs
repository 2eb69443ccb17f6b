//! Building the front end from the configuration.

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationConfig;
use sym_sdk::runtime::{FrontEndConfig, FrontEndType};

use super::{NAME, SlackApp, manifest};
use crate::http::{BaseUrl, SecretString};
use crate::slack::Slack;
use crate::slack::client::SUPPORT;
use crate::slack::signature::SigningSecret;

/// Returns the front end type `slack`. It is built from the integration of type `slack`, if there is one. Besides the settings of
/// [`Slack`], the integration takes `signing_secret`, and `trusted_teams` with other workspaces whose people may use the app: see
/// [`TrustedTeams`](crate::slack::TrustedTeams); and `support`, the text of `/sym support`. Secrets that are not configured are read from the environment variables
/// `SLACK_BOT_TOKEN`, `SLACK_SIGNING_SECRET` and `SLACK_APP_TOKEN`. With an app-level token, the front end uses Socket Mode and
/// needs no signing secret.
///
/// # Errors
/// Building it fails with `SymSDK:CONFIGURATION` if there are several such integrations, no bot token, or neither an app-level
/// token nor a signing secret.
pub fn front_end_type() -> FrontEndType {
    let front_end = FrontEndType::new(NAME, |config| {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        build(config, &variable)
    });
    front_end.with_manifest(manifest::from_config)
}

fn build(config: &FrontEndConfig<'_>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<SlackApp>> {
    let integration = match config.integrations {
        [] => return Ok(None),
        [only] => only,
        several => {
            let message =
                format!("the Slack front end supports one integration of type `slack`, found {}", several.len());
            return Err(invalid(message));
        }
    };
    let token = secret(integration, "bot_token_secret", "SLACK_BOT_TOKEN", variable)?;
    let mut slack = Slack::builder(integration.external_id()).token(token).directory(config.directory.clone());
    if let Some(url) = integration.integration().settings().get("base_url") {
        slack = slack.base_url(BaseUrl::parse(url)?);
    }
    let support = integration.integration().settings().get(SUPPORT).map(String::as_str).unwrap_or_default();
    if let Ok(token) = secret(integration, "app_token_secret", "SLACK_APP_TOKEN", variable) {
        let slack = slack.app_token(token).build()?.with_trusted_teams_of(integration)?;
        return Ok(Some(SlackApp::socket_mode(slack).with_support(support)));
    }
    let signing_secret = secret(integration, "signing_secret", "SLACK_SIGNING_SECRET", variable).map_err(|error| {
        let hint = "set it to the name of a secret, or set the environment variable `SLACK_SIGNING_SECRET`; Socket Mode, with \
                    `SLACK_APP_TOKEN`, needs none";
        error.with_hint(hint)
    })?;
    let slack = slack.build()?.with_trusted_teams_of(integration)?;
    Ok(Some(SlackApp::new(slack, SigningSecret::new(signing_secret)?).with_support(support)))
}

fn secret(
    integration: &IntegrationConfig<'_>,
    setting: &str,
    name: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<SecretString> {
    if let Ok(secret) = integration.secret(setting) {
        return Ok(secret.clone());
    }
    variable(name).map(SecretString::from).ok_or_else(|| {
        let message =
            format!("the Slack front end needs `{setting}` in integration `{}`", integration.integration().name());
        invalid(message).with_hint(format!("set it to the name of a secret, or set the environment variable `{name}`"))
    })
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service(NAME)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use sym_sdk::clock::{Clock, SystemClock};
    use sym_sdk::directory::{Directory, MemoryDirectory};
    use sym_sdk::model::{Integration, Slug};

    use super::super::Mode;
    use super::*;

    fn build_with(
        integrations: usize,
        secrets: &[(&str, &str)],
        variables: &'static [(&str, &str)],
    ) -> Result<Option<SlackApp>> {
        let secrets: BTreeMap<_, _> =
            secrets.iter().map(|(name, value)| ((*name).to_owned(), SecretString::from(*value))).collect();
        let integration = Integration::new(Slug::parse("main")?, "slack", "T012AB3CD");
        let integrations = vec![IntegrationConfig::new(&integration, &secrets); integrations];
        let directory = Directory::new(MemoryDirectory::new(), ["example.com"]);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let variable =
            |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        build(&FrontEndConfig::new(&integrations, &directory, &clock), &variable)
    }

    #[test]
    fn secrets_come_from_the_integration_or_the_environment() {
        const VARIABLES: &[(&str, &str)] = &[("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_SIGNING_SECRET", "8f74")];
        let secrets = [("bot_token_secret", "xoxb-2"), ("signing_secret", "9f74")];
        assert!(build_with(0, &[], VARIABLES).unwrap().is_none());
        assert_eq!(build_with(1, &[], VARIABLES).unwrap().unwrap().slack().workspace(), "T012AB3CD");
        assert!(build_with(1, &secrets, &[]).unwrap().is_some());
        assert!(build_with(1, &secrets[..1], VARIABLES).unwrap().is_some());
        let socket_mode = [("bot_token_secret", "xoxb-2"), ("app_token_secret", "xapp-1")];
        assert!(matches!(build_with(1, &socket_mode, &[]).unwrap().unwrap().0.mode, Mode::Socket));
    }

    #[test]
    fn names_missing_secrets() {
        let error = build_with(1, &[], &[]).unwrap_err();
        assert_eq!(error.message(), "the Slack front end needs `bot_token_secret` in integration `main`");
        assert!(error.hint().unwrap().contains("SLACK_BOT_TOKEN"));
        let error = build_with(1, &[("bot_token_secret", "xoxb-1")], &[]).unwrap_err();
        assert_eq!(error.message(), "the Slack front end needs `signing_secret` in integration `main`");
        let error = build_with(2, &[], &[]).unwrap_err();
        assert_eq!(error.message(), "the Slack front end supports one integration of type `slack`, found 2");
    }
}
