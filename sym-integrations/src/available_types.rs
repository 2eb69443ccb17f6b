//! The types of strategies and log destinations of all features, also of those that are not enabled: a configuration may name one of them, and
//! its author has to learn which feature to enable.

/// The types, and the features that provide them. A test compares them with the code.
pub(crate) const AVAILABLE_TYPES: &[(&str, &str)] = &[
    ("aptible", "aptible"),
    ("aws_iam", "aws-iam"),
    ("aws_lambda", "aws-lambda"),
    ("aws_sso", "aws-sso"),
    ("boundary", "boundary"),
    ("datadog", "datadog"),
    ("github", "github"),
    ("google_group", "google"),
    ("http", "http"),
    ("kinesis_data_stream", "aws-kinesis"),
    ("kinesis_firehose", "aws-kinesis"),
    ("okta", "okta"),
    ("onelogin", "onelogin"),
    ("postgres", "postgres"),
    ("segment", "segment"),
    ("syslog", "syslog"),
    ("tailscale", "tailscale"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kit::integrations;

    /// S5. To mend it, add the type or remove it.
    #[test]
    fn types_and_features_are_those_of_the_integrations() {
        let mut found = BTreeSet::new();
        for info in integrations() {
            let strategies = info.strategies().iter().map(|strategy| strategy.strategy_type().kind().to_owned());
            let destinations = info.log_destinations().into_iter().map(|destination| destination.kind().to_owned());
            found.extend(strategies.chain(destinations).map(|kind| (kind, info.feature().to_owned())));
        }
        let listed = AVAILABLE_TYPES.iter().map(|(kind, feature)| ((*kind).to_owned(), (*feature).to_owned()));
        let listed: BTreeSet<_> = listed.collect();
        // Not every feature is enabled in every build.
        let missing: Vec<_> = found.difference(&listed).collect();
        assert!(missing.is_empty(), "{missing:?}");
        if cfg!(all(feature = "aptible", feature = "aws-kinesis", feature = "okta", feature = "tailscale")) {
            assert_eq!(listed, found);
        }
    }
}
