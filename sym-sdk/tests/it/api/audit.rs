//! The audit log.

use serde_json::json;
use sym_sdk::audit::verify_lines;

use super::TestApi;

#[tokio::test]
async fn entries_are_found_by_what_they_are_about() {
    let mut api = TestApi::start().await;
    let (first, second) = (api.request().await, api.request().await);
    api.approve(&first).await;
    let count = async |query: &str| {
        let (mut after, mut found) = (0, Vec::new());
        loop {
            let page = api.get(&api.ops, &format!("/audit?order=oldest&limit=7&after={after}{query}")).await.ok();
            found.extend(page["entries"].as_array().unwrap().clone());
            match page["next"].as_u64() {
                Some(next) => after = next,
                None => return found,
            }
        }
    };
    let all = count("").await;
    let of_first = count(&format!("&run={first}")).await;
    let of_second = count(&format!("&run={second}")).await;
    assert_eq!(of_first.len() + of_second.len(), all.len());
    assert!(all.windows(2).all(|pair| pair[0]["seq"].as_u64() < pair[1]["seq"].as_u64()));
    assert_eq!(count("&kind=granted").await.len(), 1);
    assert_eq!(count("&handler=get_permissions").await.len(), 2);
    assert!(
        count("&actor=BEN@example.com")
            .await
            .iter()
            .all(|entry| entry["event"]["actor"]["username"] == "ben@example.com")
    );
    assert_eq!(count("&actor=nobody@example.com").await.len(), 0);
    let event = of_first[0]["event"]["id"].as_str().unwrap();
    let of_event = count(&format!("&event={event}")).await;
    assert!(!of_event.is_empty() && of_event.iter().all(|entry| entry["event"]["id"] == event));
    let newest = api.get(&api.ops, "/audit?limit=1").await.ok();
    assert_eq!(newest["entries"][0]["seq"], all.last().unwrap()["seq"]);
    assert_eq!(count("&flow=secret").await.len(), 0);
    assert_eq!(count("&until=2024-02-29T12:00:00Z").await.len(), 0);
    assert_eq!(count("&since=2024-02-29T12:00:00Z").await.len(), all.len());
}

#[tokio::test]
async fn an_export_can_be_verified() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    api.approve(&run).await;
    let export = api.get(&api.ops, "/audit/export?format=jsonl").await;
    assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
    let head = api.get(&api.ops, "/audit/head").await.ok();
    assert_eq!(export.text.lines().count() as u64, head["seq"].as_u64().unwrap());
    let verified = verify_lines(export.text.as_bytes()).unwrap();
    assert_eq!(format!("{}:{}", verified.head.seq, verified.head.hash), head["head"]);
}

/// Texts that people have written become no formulas.
#[tokio::test]
async fn a_table_for_people_has_no_formulas() {
    let mut api = TestApi::start().await;
    let run = api.request().await;
    let path = format!("/runs/{run}/deny");
    api.post(&api.deployer, &path, json!({ "message": "=HYPERLINK(\"http://evil\"),\nand more" })).await.ok();
    api.settle().await;
    let export = api.get(&api.ops, "/audit/export?format=csv&actor=deployer").await;
    let mut lines = export.text.split("\r\n");
    assert!(lines.next().unwrap().starts_with("seq,at,run_id,flow,event,kind,actor"));
    assert!(export.text.contains("\"'=HYPERLINK(\"\"http://evil\"\"),"), "{}", export.text);
    assert!(!export.text.contains(",=") && !export.text.contains("\"="), "{}", export.text);
    assert_eq!(api.get(&api.ops, "/audit/export?format=xml").await.problem().0, 400);
}
