//! Builds the front end from the configuration.

use std::sync::Arc;

use sym_sdk::error::{Error, ErrorKind, Result, codes};
use sym_sdk::handler::IntegrationConfig;
use sym_sdk::server::{FrontEnd, FrontEndConfig, FrontEndType};

use super::{NAME, SlackApp};
use crate::http::{BaseUrl, SecretString};
use crate::slack::Slack;
use crate::slack::signature::SigningSecret;

/// The front end for the integration of type `slack`: there is none without one. Besides the settings of [`Slack`] it takes
/// `signing_secret`. What is not configured is read from the environment: `SLACK_BOT_TOKEN` and `SLACK_SIGNING_SECRET`.
///
/// # Errors
/// `SymSDK:CONFIGURATION`: there are several such integrations, or no token or signing secret.
pub fn front_end_type() -> FrontEndType {
    FrontEndType::new(NAME, |config| {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let app = build(config, &variable)?;
        Ok(app.map(|app| Arc::new(app) as Arc<dyn FrontEnd>))
    })
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
    let signing_secret = secret(integration, "signing_secret", "SLACK_SIGNING_SECRET", variable)?;
    let mut slack = Slack::builder(integration.external_id()).token(token).directory(config.directory.clone());
    if let Some(url) = integration.integration().settings().get("base_url") {
        slack = slack.base_url(BaseUrl::parse(url)?);
    }
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
