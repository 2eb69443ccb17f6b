//! The simulated workspace.

use std::collections::BTreeMap;

use sym_integrations::slack::{self, Slack};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig, Outbox};
use sym_sdk::model::Integration;

use super::{WORKSPACE, code, directory, user};

#[tokio::test]
async fn messages_are_recorded_with_their_recipients() {
    let integration = Integration::new("slack".parse().unwrap(), "slack", WORKSPACE);
    let (secrets, outbox, directory) = (BTreeMap::new(), Outbox::new(), directory());
    let config = IntegrationConfig::new(&integration, &secrets).with_outbox(&outbox).with_directory(&directory);
    let slack = Slack::simulated(&config).unwrap();

    let (ana, ben) = (user("ana@example.com"), user("ben@example.com"));
    let message = slack.send_message(slack::channel("#audit").unwrap(), "one").await.unwrap();
    slack.send_thread_message(&message, "two").await.unwrap();
    slack.send_message(&ana, "three").await.unwrap();
    let accounts = [slack.resolve(&ana).await.unwrap(), slack.resolve(&ben).await.unwrap()];
    slack.send_message(slack::group(&accounts).unwrap(), "four").await.unwrap();
    slack.api().post_ephemeral("#audit", accounts[1].user_id()).text("five").await.unwrap();
    slack.api().update_message(&message).text("not recorded").await.unwrap();
    let response_url = "https://hooks.slack.com/actions/T012AB3CD/39770/S3CRETpath".into();
    slack.api().respond(&response_url).text("not recorded").await.unwrap();

    let sent: Vec<_> = outbox.sent().into_iter().map(|sent| (sent.service, sent.to, sent.text)).collect();
    let expected = [
        ("#audit", "one"),
        ("#audit", "two"),
        ("ana@example.com", "three"),
        ("ana@example.com, ben@example.com", "four"),
        ("ben@example.com", "five"),
    ];
    assert_eq!(sent, expected.map(|(to, text)| ("slack".to_owned(), to.to_owned(), text.to_owned())));
}

#[tokio::test]
async fn channels_and_groups_are_empty() {
    let integration = Integration::new("slack".parse().unwrap(), "slack", WORKSPACE);
    let secrets = BTreeMap::new();
    let slack = Slack::simulated(&IntegrationConfig::new(&integration, &secrets)).unwrap();
    assert!(slack.users_in_channel("#approvers").await.unwrap().is_empty());
    assert!(!slack.is_user_in_group(&user("ana@example.com"), "S1").await.unwrap());
    assert!(slack.list_users().await.unwrap().is_empty());
    assert_eq!(code(&slack.get_user_info("U1").await.unwrap_err()), "Slack:USER_NOT_FOUND");

    let malformed = Integration::new("slack".parse().unwrap(), "slack", "acme.slack.com");
    assert!(Slack::simulated(&IntegrationConfig::new(&malformed, &secrets)).is_none());
}
