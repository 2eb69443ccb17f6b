//! The record of what handlers ask services.

use std::sync::Arc;

use sym_sdk::audit::{AuditKind, lines};
use sym_sdk::integration::{look_up, look_up_users};
use sym_sdk::model::{LookUp, LookUpAnswer};
use sym_sdk::testing::Harness;

use super::*;

mod asking {
    use super::*;

    #[hook]
    pub(super) async fn on_request(event: &Event) -> Result<Option<NextEvent>> {
        let clear: bool = look_up("weather", "is_clear `Zürich`", async { Ok(true) }).await?;
        let failed: Result<bool> =
            look_up("weather", "is_clear `nowhere`", async { Err(Error::handler("no station")) }).await;
        // Larger than is recorded.
        let report: String = look_up("weather", "report", async { Ok("☀".repeat(2_000)) }).await?;
        let users = look_up_users("weather", "observers", async { Ok(vec![Arc::new(event.user().clone())]) }).await?;
        assert!(clear && failed.is_err() && report.len() == 6_000 && users.len() == 1);
        Ok(None)
    }

    #[hook]
    pub(super) async fn after_approve() -> Result<()> {
        look_up("weather", "afterwards", async { Ok(1) }).await.map(drop)
    }
}

mod many {
    use super::*;

    #[hook]
    pub(super) async fn on_request() -> Result<()> {
        for number in 0..100 {
            look_up("numbers", format!("number {number}"), async { Ok("x".repeat(1_000)) }).await?;
        }
        Ok(())
    }
}

mod large {
    use super::*;

    #[hook]
    pub(super) async fn on_request() -> Result<()> {
        look_up("numbers", "digits", async { Ok("1".repeat(100_000)) }).await?;
        look_up("numbers", "?".repeat(2_000), async { Ok(1) }).await?;
        let failed: Result<u8> = look_up("numbers", "odd", async { Err(Error::handler("1".repeat(100_000))) }).await;
        look_up("numbers", "even", async { Ok(failed.is_err()) }).await.map(drop)
    }
}

fn looked_up(entries: &[sym_sdk::audit::AuditEntry]) -> Vec<(String, Vec<LookUp>)> {
    let found = entries.iter().filter_map(|entry| match &entry.kind {
        AuditKind::LookedUp { handler, answers } => Some((handler.name().to_owned(), answers.clone())),
        _ => None,
    });
    found.collect()
}

#[tokio::test]
async fn answers_are_on_record_before_the_call() {
    let handlers = plain().merge(handlers![asking::on_request, asking::after_approve]);
    let mut harness = Harness::builder().approval_flow("deploy").handlers(handlers).build().await.unwrap();
    let run = harness.request("deploy").await.unwrap();
    harness.approve_as(run, "ben@example.com").await.unwrap();
    let entries = harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    let place = entries.iter().position(|entry| matches!(entry.kind, AuditKind::LookedUp { .. })).unwrap();
    assert!(
        matches!(&entries[place + 1].kind, AuditKind::HandlerCalled { handler, .. } if handler.name() == "on_request")
    );

    let looked_up = looked_up(&entries);
    assert_eq!(looked_up.len(), 1, "what comes after an event is not asked for a decision: {looked_up:?}");
    let (handler, answers) = &looked_up[0];
    assert_eq!(handler, "on_request");
    let requester = entries[0].event.actor.id();
    let questions: Vec<_> = answers.iter().map(|asked| (asked.question.as_str(), &asked.answer)).collect();
    let [clear, failed, report, observers] = questions[..] else { panic!("{questions:?}") };
    assert_eq!(clear, ("is_clear `Zürich`", &LookUpAnswer::Returned(true.into())));
    assert!(matches!(failed.1, LookUpAnswer::Failed { message, .. } if message == "no station"));
    assert_eq!(report, ("report", &LookUpAnswer::Omitted));
    assert_eq!(observers.1, &LookUpAnswer::Returned(serde_json::json!([requester])));
}

/// However much a handler asks, an entry stays small.
#[tokio::test]
async fn the_record_of_a_call_is_bounded() {
    let handlers = plain().merge(handlers![many::on_request]);
    let mut harness = Harness::builder().approval_flow("deploy").handlers(handlers).build().await.unwrap();
    let run = harness.request("deploy").await.unwrap();
    let entries = harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    let (_, answers) = &looked_up(&entries)[0];
    let recorded = answers.iter().filter(|asked| matches!(asked.answer, LookUpAnswer::Returned(_))).count();
    assert_eq!((answers.len(), recorded), (64, 16));
}

/// Answers that are too large leave room for those that follow.
#[tokio::test]
async fn questions_and_messages_are_bounded_and_omitted_answers_take_no_room() {
    let handlers = plain().merge(handlers![large::on_request]);
    let mut harness = Harness::builder().approval_flow("deploy").handlers(handlers).build().await.unwrap();
    let run = harness.request("deploy").await.unwrap();
    let entries = harness.runtime().audit(Some(run), usize::MAX).await.unwrap();
    let (_, answers) = &looked_up(&entries)[0];
    let questions: Vec<_> = answers.iter().map(|asked| (asked.question.as_str(), &asked.answer)).collect();
    let [digits, odd, even] = questions[..] else { panic!("{questions:?}") };
    assert_eq!(digits, ("digits", &LookUpAnswer::Omitted));
    assert!(matches!(odd.1, LookUpAnswer::Failed { message, .. } if message.len() == 500), "{odd:?}");
    assert_eq!(even, ("even", &LookUpAnswer::Returned(true.into())));
}

/// A destination receives the answers as an entry of its own, whose event goes on.
#[tokio::test]
async fn lines_contain_answers() {
    let handlers = plain().merge(handlers![asking::on_request]);
    let mut harness = Harness::builder().approval_flow("deploy").handlers(handlers).build().await.unwrap();
    harness.request("deploy").await.unwrap();
    let lines = lines(&**harness.runtime().engine(), 0, 100).await.unwrap();
    let lines: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line.as_str()).unwrap()).collect();
    let found: Vec<_> = lines.iter().filter(|line| line["audit"]["entry"]["kind"]["looked_up"].is_object()).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["state"]["status"], "processing");
    let answer = &found[0]["audit"]["entry"]["kind"]["looked_up"]["answers"][0];
    assert_eq!(answer["answer"]["returned"], true);
}
