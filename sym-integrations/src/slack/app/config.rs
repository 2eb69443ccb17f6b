//! Builds the front end from the configuration.

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::integration::IntegrationConfig;
use sym_sdk::runtime::{FrontEndConfig, FrontEndType};

use super::{NAME, SlackApp, manifest};
use crate::http::{BaseUrl, SecretString};
use crate::slack::Slack;
use crate::slack::signature::SigningSecret;

/// The front end for the integration of type `slack`: there is none without one. Besides the settings of [`Slack`] it takes
/// `signing_secret`. What is not configured is read from the environment: `SLACK_BOT_TOKEN`, `SLACK_SIGNING_SECRET` and
/// `SLACK_APP_TOKEN`. With an app-level token it listens on a socket, and needs no signing secret.
///
/// # Errors
/// `SymSDK:CONFIGURATION`: there are several such integrations, or no bot token, or neither app-level token nor signing secret.
pub fn front_end_type() -> FrontEndType {
    let front_end = FrontEndType::new(NAME, |config| {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let app = build(config, &variable)?;
        Ok(app)
    });
    let front_end = front_end.with_manifest(manifest::of_config);
    #[cfg(feature = "slack-fake")]
    let front_end = front_end.with_fake(crate::slack::fake::start);
    front_end
}

fn build(config: &FrontEndConfig<'_>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<SlackApp>> {
    let integration = match config.integrations {
        [] => return Ok(None),
        [only] => only,
        several => {
            let message = format!("there are {} integrations with Slack, and the front end is for one", several.len());
            return Err(faulty(message));
        }
    };
    let token = secret(integration, "bot_token_secret", "SLACK_BOT_TOKEN", variable)?;
    let mut slack = Slack::builder(integration.external_id()).token(token).directory(config.directory.clone());
    if let Some(url) = integration.integration().settings().get("base_url") {
        slack = slack.base_url(BaseUrl::parse(url)?);
    }
    if let Ok(token) = secret(integration, "app_token_secret", "SLACK_APP_TOKEN", variable) {
        return Ok(Some(SlackApp::on_socket(slack.app_token(token).build()?)));
    }
    let signing_secret = secret(integration, "signing_secret", "SLACK_SIGNING_SECRET", variable).map_err(|error| {
        let hint = "name a secret there, or set the environment variable `SLACK_SIGNING_SECRET`; with `SLACK_APP_TOKEN` the program \
                    opens the connection itself, and needs none";
        error.with_hint(hint)
    })?;
    Ok(Some(SlackApp::new(slack.build()?, SigningSecret::new(signing_secret)?)))
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
            format!("the Slack front end needs `{setting}` of integration `{}`", integration.integration().name());
        faulty(message).with_hint(format!("name a secret there, or set the environment variable `{name}`"))
    })
}

fn faulty(message: String) -> Error {
    Error::new(ErrorKind::Configuration, codes::CONFIGURATION, message).with_service(NAME)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use std::collections::BTreeMap;

    use sym_sdk::clock::{Clock, SystemClock};
    use sym_sdk::directory::{Directory, MemoryDirectory};
    use sym_sdk::model::{Integration, Slug};

    use super::super::ReachedBy;
    use super::*;

    fn built(
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
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        build(&FrontEndConfig::new(&integrations, &directory, &clock), &variable)
    }

    #[test]
    fn secrets_are_those_of_the_integration_or_of_the_environment() {
        const VARIABLES: &[(&str, &str)] = &[("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_SIGNING_SECRET", "8f74")];
        let secrets = [("bot_token_secret", "xoxb-2"), ("signing_secret", "9f74")];
        assert!(built(0, &[], VARIABLES).unwrap().is_none());
        assert_eq!(built(1, &[], VARIABLES).unwrap().unwrap().slack().workspace(), "T012AB3CD");
        assert!(built(1, &secrets, &[]).unwrap().is_some());
        assert!(built(1, &secrets[..1], VARIABLES).unwrap().is_some());
        let on_socket = [("bot_token_secret", "xoxb-2"), ("app_token_secret", "xapp-1")];
        assert!(matches!(built(1, &on_socket, &[]).unwrap().unwrap().0.reached_by, ReachedBy::Socket));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = built(1, &[], &[]).unwrap_err();
        assert_eq!(error.message(), "the Slack front end needs `bot_token_secret` of integration `main`");
        assert!(error.hint().unwrap().contains("SLACK_BOT_TOKEN"));
        let error = built(1, &[("bot_token_secret", "xoxb-1")], &[]).unwrap_err();
        assert_eq!(error.message(), "the Slack front end needs `signing_secret` of integration `main`");
        let error = built(2, &[], &[]).unwrap_err();
        assert_eq!(error.message(), "there are 2 integrations with Slack, and the front end is for one");
    }
}
