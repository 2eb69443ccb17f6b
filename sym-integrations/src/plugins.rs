use sym_sdk::runtime::{Builder, Extension};

/// The access strategies, front ends and log destinations of all services whose features are on. See [`all`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct All;

/// The access strategies, front ends and log destinations of all services whose features are on, to be handed over at start.
/// With the feature `http`, there are strategies and log destinations of type `http`; with `aws-lambda` and `okta`, strategies of
/// these services; with `aws`, secrets are read from AWS Secrets Manager; with `slack-app`, there is the front end `slack`.
///
/// ```
/// use sym_sdk::config::Config;
/// use sym_sdk::runtime::{Extension, Runtime};
///
/// let builder = sym_integrations::all().install(Runtime::builder(Config::default()));
/// # let _ = builder;
/// ```
pub fn all() -> All {
    All
}

impl Extension for All {
    fn install(self, builder: Builder) -> Builder {
        #[cfg(feature = "aws")]
        let builder = crate::aws::secrets_manager().install(builder);
        #[cfg(feature = "aws-lambda")]
        let builder = builder.strategy_type(crate::aws_lambda::strategy_type());
        #[cfg(feature = "http")]
        let builder = builder
            .strategy_type(crate::http::strategy::strategy_type())
            .log_destination_type(crate::http::log_destination::log_destination_type());
        #[cfg(feature = "pagerduty")]
        let builder = builder.integration_type::<crate::pagerduty::PagerDuty>();
        #[cfg(feature = "slack")]
        let builder = builder.integration_type::<crate::slack::Slack>();
        #[cfg(feature = "okta")]
        let builder = builder.strategy_type(crate::okta::strategy_type());
        #[cfg(feature = "slack-app")]
        let builder = builder.front_end_type(slack_front_end());
        builder
    }

    #[cfg(feature = "slack-app")]
    fn front_end_types(&self) -> Vec<sym_sdk::server::FrontEndType> {
        vec![slack_front_end()]
    }
}

/// Returns the Slack front end, together with its fake if that feature is enabled.
#[cfg(feature = "slack-app")]
fn slack_front_end() -> sym_sdk::server::FrontEndType {
    let front_end = crate::slack::app::front_end_type();
    #[cfg(feature = "slack-fake")]
    let front_end = front_end.with_fake(|config| Box::pin(crate::slack::fake::start(config)));
    front_end
}
