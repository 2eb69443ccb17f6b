use flows::clients::{KnowBe4, Slack};
use flows::{knowbe4, plain};
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;

use super::{flow, sent};

#[tokio::test]
async fn approves_users_who_passed_the_training() {
    let outbox = Outbox::new();
    let enrollments = [("ana", vec!["Passed", "Failed"]), ("ben", vec!["In Progress", "Passed"]), ("cho", vec![])];
    let training = KnowBe4 {
        enrollments: enrollments
            .map(|(name, states)| (format!("{name}@example.com"), states.into_iter().map(str::to_owned).collect()))
            .into(),
    };
    let handlers = handlers![plain::get_permissions, plain::get_request_notifications, knowbe4::on_request];
    let builder = flow("knowbe4", &outbox).handlers(handlers).client(training).client(Slack { outbox: outbox.clone() });
    let mut harness = builder.build().await.unwrap();
    for (name, status) in [
        ("ana", RunStatus::Approved),
        ("ben", RunStatus::Requested),
        ("cho", RunStatus::Requested),
        ("dee", RunStatus::Requested),
    ] {
        let email = format!("{name}@example.com");
        let run = harness.request("trained").by(email).field("reason", "work").await.unwrap();
        assert_eq!(harness.status(run).await.unwrap(), status, "{name}");
    }
    let unknown = "slack to #sym-errors: dee@example.com is not a KnowBe4 user (KnowBe4:USER_NOT_FOUND)";
    assert_eq!(sent(&outbox), [unknown]);
}
