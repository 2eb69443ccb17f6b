//! The serialized forms of the model.

use std::time::Duration;

use serde_json::json;
use sym_sdk::model::{
    AccessTarget, Channel, ChannelType, DeescalateType, Environment, Event, Flow, Integration, Payload, Secret,
    SecretSource, Slug, Step, Strategy, User,
};

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

#[test]
fn serializes_channel_types_as_sym_does() {
    let names = [ChannelType::Slack, ChannelType::Api, ChannelType::Web, ChannelType::Sdk, ChannelType::Scheduler];
    assert_eq!(serde_json::to_value(names).unwrap(), json!(["slack", "sym", "web", "sdk", "internal"]));
    assert_eq!(names.map(|name| name.to_string()), ["slack", "sym", "web", "sdk", "internal"]);
    assert!(serde_json::from_value::<ChannelType>(json!("api")).is_err());
    let channel = Channel::new(ChannelType::Slack).with_identifier("#general");
    assert_eq!(serde_json::to_value(&channel).unwrap(), json!({ "type": "slack", "identifier": "#general" }));
    assert_eq!(serde_json::from_value::<Channel>(json!({ "type": "sdk" })).unwrap(), Channel::new(ChannelType::Sdk));
}

#[test]
fn targets_round_trip() {
    let target = AccessTarget::new("acme", "okta_group", slug("admins"))
        .with_setting("group_id", "00g1")
        .with_field_binding("level");
    let json = serde_json::to_value(&target).unwrap();
    assert_eq!(json["type"], "okta_group");
    assert_eq!(serde_json::from_value::<AccessTarget>(json).unwrap(), target);
}

#[test]
fn payloads_round_trip() {
    let target = AccessTarget::new("acme", "okta_group", slug("admins"));
    let ann = User::from_email("a@b.c").unwrap();
    let event = Event::builder(Flow::builder(slug("x"), "acme").build(), Step::Deescalate, ann)
        .field("reason", "because")
        .target(target)
        .duration(Duration::from_secs(90))
        .decision_message("fine")
        .deescalate_type(DeescalateType::Revoked)
        .build();
    let payload = event.payload();
    let json = serde_json::to_value(payload).unwrap();
    assert_eq!(json["duration"], 90);
    assert_eq!(json["deescalate_type"], "revoked");
    assert_eq!(serde_json::from_value::<Payload>(json).unwrap(), *payload);
    let fields = payload.to_json();
    assert_eq!(fields["target"]["name"], "admins");
    assert_eq!(fields["target_id"], json!(payload.target().unwrap().id()));
    assert_eq!(fields["decision_message"], "fine");
    assert!(serde_json::from_value::<Payload>(json!({ "timestamp": "yesterday" })).is_err());
}

#[test]
fn environments_and_strategies_round_trip() {
    let source = SecretSource::AwsSecretsManager { context: Some("main".to_owned()) };
    let secret = Secret::new(slug("token"), source, "prod/okta").with_json_key("token");
    let okta = Integration::new(slug("okta"), "okta", "acme.okta.com")
        .with_secret("api_token_secret", secret.clone())
        .with_listed_secret(secret)
        .with_setting("region", "eu");
    let strategy = Strategy::new(slug("okta"), "okta").with_integration(okta.clone()).with_setting("k", "v");
    let json = serde_json::to_value(&strategy).unwrap();
    assert_eq!(serde_json::from_value::<Strategy>(json).unwrap(), strategy);
    let environment = Environment::new(slug("main")).with_integration("okta", okta).with_error_logger("#errors");
    let json = serde_json::to_value(&environment).unwrap();
    assert_eq!(serde_json::from_value::<Environment>(json).unwrap(), environment);
}
