use flows::clients::VictorOps;
use flows::{plain, victorops};
use sym_sdk::handlers;
use sym_sdk::integration::Outbox;
use sym_sdk::prelude::*;
use sym_sdk::testing::Harness;

use super::{flow, sent};

async fn harness(outbox: &Outbox) -> Harness {
    let handlers = handlers![plain::get_permissions, plain::get_request_notifications, victorops::on_request];
    let client = VictorOps {
        users: [("ana@example.com", "ana-o"), ("ben@example.com", "ben-o")]
            .map(|(email, name)| (email.to_owned(), name.to_owned()))
            .into(),
        on_call: vec!["ana-o".to_owned()],
        outbox: outbox.clone(),
    };
    flow("victorops", outbox).handlers(handlers).client(client).build().await.unwrap()
}

#[tokio::test]
async fn approves_users_on_call_and_looks_them_up_once() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox).await;
    for _ in 0..2 {
        let run = harness.request("incident").by("ana@example.com").field("reason", "fire").await.unwrap();
        assert_eq!(harness.status(run).await.unwrap(), RunStatus::Approved);
    }
    assert_eq!(
        sent(&outbox),
        [
            "victorops to users: ana@example.com",
            "victorops to on-call: platform",
            // The username is in the directory now.
            "victorops to on-call: platform",
        ]
    );
    let ana = harness.runtime().directory().user_by_email("ana@example.com").await.unwrap().unwrap();
    assert_eq!(ana.identity("victorops", Some("acme-victorops")).unwrap().user_id(), "ana-o");
}

#[tokio::test]
async fn other_requests_wait_for_an_approver() {
    let outbox = Outbox::new();
    let mut harness = harness(&outbox).await;
    let known = harness.request("incident").by("ben@example.com").field("reason", "curious").await.unwrap();
    assert_eq!(harness.status(known).await.unwrap(), RunStatus::Requested);

    let unknown = harness.request("incident").by("cho@example.com").field("reason", "new here").await.unwrap();
    assert_eq!(harness.status(unknown).await.unwrap(), RunStatus::Requested);
    let log = "log to error channel: cho@example.com is not a VictorOps user (Identity:NOT_FOUND)";
    assert_eq!(sent(&outbox).last().unwrap(), log);
}
