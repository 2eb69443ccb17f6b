//! The simulated workspace.

use std::collections::BTreeMap;

use sym_integrations::slack::{self, SimulatedSlack, Slack};
use sym_sdk::integration::{IntegrationClient, IntegrationConfig, Outbox};
use sym_sdk::model::Integration;

use super::{WORKSPACE, code, directory, user};

#[tokio::test]
async fn messages_are_recorded_with_their_recipients() {
    let integration = Integration::new("slack".parse().unwrap(), "slack", WORKSPACE);
    let (secrets, outbox, directory) = (BTreeMap::new(), Outbox::new(), directory());
    let config = IntegrationConfig::new(&integration, &secrets).with_outbox(&outbox).with_directory(&directory);
    let slack = Slack::simulated(&config).unwrap().unwrap();

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
    let slack = Slack::simulated(&IntegrationConfig::new(&integration, &secrets)).unwrap().unwrap();
    assert!(slack.users_in_channel("#approvers").await.unwrap().is_empty());
    assert!(!slack.is_user_in_group(&user("ana@example.com"), "S1").await.unwrap());
    assert!(slack.list_users().await.unwrap().is_empty());
    assert_eq!(code(&slack.get_user_info("U1").await.unwrap_err()), "Slack:USER_NOT_FOUND");

    let malformed = Integration::new("slack".parse().unwrap(), "slack", "acme.slack.com");
    let refused = Slack::simulated(&IntegrationConfig::new(&malformed, &secrets)).unwrap_err();
    assert_eq!(refused.message(), "`acme.slack.com` is not a Slack workspace id");
}

#[tokio::test]
async fn members_are_those_that_are_set() {
    let slack = SimulatedSlack::new()
        .user("cleo@example.com", "Cleo Curie")
        .channel_member("#Approvers", "Ana@example.com")
        .group_member("S1", "ben@example.com")
        .build()
        .unwrap();
    let approvers = slack.users_in_channel("#approvers").await.unwrap();
    assert_eq!(approvers.iter().map(|user| user.username()).collect::<Vec<_>>(), ["ana@example.com"]);
    assert!(slack.users_in_channel("#other").await.unwrap().is_empty());
    assert!(slack.is_user_in_group(&user("ben@example.com"), "S1").await.unwrap());
    assert!(!slack.is_user_in_group(&user("ben@example.com"), "S2").await.unwrap());
    let listed = slack.list_users().await.unwrap();
    let names: Vec<_> = listed.iter().map(|user| user.label()).collect();
    assert_eq!(names, ["ana@example.com", "ben@example.com", "Cleo Curie"]);
    assert_eq!(slack.get_user_info("cleo@example.com").await.unwrap().label(), "Cleo Curie");
    assert_eq!(slack.list_channels().await.unwrap()[0].name(), Some("approvers"));
}
