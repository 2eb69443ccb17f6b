//! The feed of changes: nothing is missed, told twice or out of order, by those who lag and across restarts.

use futures_util::{FutureExt, StreamExt};
use sym_sdk::engine::Change;
use sym_sdk::error::codes;
use sym_sdk::model::RunId;
use sym_sdk::prelude::*;
use sym_sdk::runtime::{ChangeCursor, Changes, Runtime, Submission};

use super::restart::{RestartFixture, approved};

async fn request(runtime: &Runtime) -> RunId {
    let request = Submission::request("prod", "ana@example.com").input("duration", "1h");
    runtime.submit(request).await.unwrap().run
}

/// Returns what is told until the end of the record.
async fn until_now(runtime: &Runtime, changes: &mut Changes) -> Vec<Change> {
    let head = runtime.engine().head().await.unwrap().seq;
    let mut told = Vec::new();
    while changes.cursor().seq() < head {
        told.push(changes.next().await.unwrap());
    }
    told
}

/// Checks that the changes are in order, and that each Run of the record after a place is told up to its last entry.
async fn check(runtime: &Runtime, after: u64, told: &[Change]) {
    let records = runtime.engine().records_after(after, 10_000).await.unwrap();
    assert!(told.is_sorted_by(|one, next| one.seq < next.seq), "{told:?}");
    for change in told {
        let record = &records[usize::try_from(change.seq - after - 1).unwrap()];
        assert_eq!((record.seq, record.hash.tag(), record.entry().unwrap().run), (change.seq, change.tag, change.run));
    }
    for record in &records {
        let run = record.entry().unwrap().run;
        assert!(
            told.iter().any(|change| change.run == run && change.seq >= record.seq),
            "record {} is missed",
            record.seq
        );
    }
}

#[tokio::test]
async fn changes_are_told_as_they_are_committed() {
    let fixture = RestartFixture::new();
    let runtime = fixture.start().await;
    let mut changes = runtime.changes(None).await.unwrap();
    let after = changes.cursor().seq();
    assert!(changes.next().now_or_never().is_none(), "nothing has changed");
    let run = request(&runtime).await;
    let change = changes.next().await.unwrap();
    assert_eq!((change.run, change.at), (run, runtime.run(run).await.unwrap().state.updated_at));
    let mut told = vec![change];
    approved(&runtime).await;
    runtime.run_until_idle().await.unwrap();
    told.extend(until_now(&runtime, &mut changes).await);
    check(&runtime, after, &told).await;
    // Those who come later hear the same.
    let mut later = runtime.changes(Some(ChangeCursor::at(after))).await.unwrap();
    check(&runtime, after, &until_now(&runtime, &mut later).await).await;
    let mut stream = std::pin::pin!(later.into_stream());
    let run = request(&runtime).await;
    assert_eq!(stream.next().await.unwrap().unwrap().run, run);
}

#[tokio::test]
async fn whoever_lags_reads_on_from_their_own_place() {
    let fixture = RestartFixture::new();
    let runtime = fixture.start().await;
    let (mut slow, mut fast) = (runtime.changes(None).await.unwrap(), runtime.changes(None).await.unwrap());
    let after = slow.cursor().seq();
    let first = request(&runtime).await;
    assert_eq!(slow.next().await.unwrap().run, first);
    let mut told = Vec::new();
    // Users whom administrators change fill the record quickly: more than are kept for those who lag.
    runtime.directory().contact("ada@example.com").await.unwrap();
    for _ in 0..2_100 {
        let refused = Submission::approve(first, "ana@example.com");
        let error = sym_sdk::error::Error::new(ErrorKind::Forbidden, codes::NOT_PERMITTED, "no");
        runtime.record_refusal(refused, &error).await;
        fixture.clock.advance(std::time::Duration::from_secs(3_600));
        told.extend(fast.next().now_or_never().transpose().unwrap());
    }
    let last = request(&runtime).await;
    told.extend(until_now(&runtime, &mut fast).await);
    check(&runtime, after, &told).await;
    let lagged = until_now(&runtime, &mut slow).await;
    assert_eq!(lagged.last().unwrap().run, last);
    check(&runtime, slow.cursor().seq() - 1, &lagged[lagged.len() - 1..]).await;
    assert!(lagged.iter().all(|change| change.run == first || change.run == last));
}

#[tokio::test]
async fn a_place_resumes_exactly_after_a_restart() {
    let fixture = RestartFixture::new();
    let runtime = fixture.start().await;
    let mut changes = runtime.changes(None).await.unwrap();
    let after = changes.cursor().seq();
    request(&runtime).await;
    let mut told = vec![changes.next().await.unwrap()];
    let place: ChangeCursor = changes.cursor().to_string().parse().unwrap();
    assert_eq!(place, changes.cursor());
    runtime.run_until_idle().await.unwrap();
    drop((changes, runtime));
    // The reader has nobody left to tell, and lets go of the store.
    tokio::task::yield_now().await;

    let runtime = fixture.start().await;
    approved(&runtime).await;
    let mut changes = runtime.changes(Some(place)).await.unwrap();
    told.extend(until_now(&runtime, &mut changes).await);
    check(&runtime, after, &told).await;
}

#[tokio::test]
async fn places_of_another_record_are_refused() {
    let fixture = RestartFixture::new();
    let runtime = fixture.start().await;
    request(&runtime).await;
    let head = runtime.engine().head().await.unwrap().seq;
    let refused = async |place: &str| {
        let error = runtime.changes(Some(place.parse().unwrap())).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidInput, &codes::INVALID_CURSOR), "{place}");
    };
    refused(&format!("{}", head + 1)).await;
    refused(&format!("{}", u64::MAX)).await;
    refused(&format!("{head}-00000000")).await;
    assert!(runtime.changes(Some(ChangeCursor::at(head))).await.is_ok());
    assert!(runtime.changes(Some("0".parse().unwrap())).await.is_ok());
    for malformed in ["", "-", "x", "1-", "1-12", "1-xxxxxxxx", "+1", "1-+1234567", "18446744073709551616", "-1", "1 "]
    {
        assert_eq!(*malformed.parse::<ChangeCursor>().unwrap_err().code(), codes::INVALID_CURSOR, "{malformed}");
    }
}
