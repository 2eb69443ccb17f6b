use serde_json::{Value, json};
use sym_integrations::field_options;
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;
use sym_sdk::forms::FieldOption;

use super::vendor::{Vendor, calls, client, code, named, replayed};

#[tokio::test]
async fn lists_make_field_options() {
    let vendor = Vendor {
        schedules: vec![named("S1", "prod"), named("S2", "prod")],
        escalation_policies: vec![named("EP1", "Ops")],
        services: vec![named("SRV1", &"ü".repeat(60))],
        ..Vendor::default()
    };
    let server = vendor.start().await;
    let pagerduty = client(&server);
    let schedules = pagerduty.schedules().await.unwrap();
    let options = field_options(&schedules).unwrap();
    assert_eq!(options, [FieldOption::new("S1", "prod (S1)").unwrap(), FieldOption::new("S2", "prod (S2)").unwrap()]);
    assert_eq!(schedules[0].raw()["html_url"], "https://example.pagerduty.com/S1");

    let policies = pagerduty.escalation_policies().await.unwrap();
    assert_eq!((policies[0].id.as_str(), policies[0].name()), ("EP1", "Ops"));
    assert_eq!(FieldOption::try_from(&policies[0]).unwrap(), FieldOption::new("EP1", "Ops").unwrap());
    let services = pagerduty.services().await.unwrap();
    let option = FieldOption::try_from(&services[0]).unwrap();
    assert_eq!(option.label(), format!("{}…", "ü".repeat(54)));
    assert_eq!(calls(&server).await, ["/schedules limit=100", "/escalation_policies limit=100", "/services limit=100"]);
}

#[tokio::test]
async fn falls_back_to_the_summary_or_id() {
    let replay = Replay::new();
    let schedules = json!([{ "id": "S1", "name": null, "summary": "prod" }, { "id": "S2" }]);
    replay
        .get("/schedules")
        .reply(Reply::json(json!({ "schedules": schedules, "more": false, "offset": 0, "limit": 100 })));
    let schedules = replayed(&replay).schedules().await.unwrap();
    assert_eq!(schedules.iter().map(|schedule| schedule.name()).collect::<Vec<_>>(), ["prod", "S2"]);
    replay.check().unwrap();
}

fn many(count: usize) -> Vec<Value> {
    (0..count).map(|n| named(&format!("S{n}"), &format!("team {n}"))).collect()
}

#[tokio::test]
async fn reads_all_pages() {
    let server = Vendor { schedules: many(230), ..Vendor::default() }.start().await;
    let schedules = client(&server).schedules().await.unwrap();
    assert_eq!((schedules.len(), schedules[229].id.as_str()), (230, "S229"));
    let expected = ["/schedules limit=100", "/schedules limit=100 offset=100", "/schedules limit=100 offset=200"];
    assert_eq!(calls(&server).await, expected);
}

#[tokio::test]
async fn fails_beyond_the_maximum_offset() {
    let server = Vendor { services: many(10_000), ..Vendor::default() }.start().await;
    assert_eq!(client(&server).services().await.unwrap().len(), 10_000);

    let server = Vendor { services: many(10_001), ..Vendor::default() }.start().await;
    let mut listing = client(&server).services();
    for n in 0..9_900 {
        assert!(listing.next_item().await.unwrap().is_some(), "{n}");
    }
    let error = listing.next_item().await.unwrap_err();
    assert_eq!((code(&error).as_str(), error.kind()), ("PagerDuty:TOO_MANY_RESULTS", ErrorKind::InvalidInput));
    assert_eq!(error.message(), "there are more services than the 10,000 that PagerDuty lists");
    assert_eq!(error.hint(), Some("narrow the query down: to a shorter time, or by another filter"));
    assert_eq!(calls(&server).await.len(), 100);
}

#[tokio::test]
async fn rejects_pages_that_loop() {
    for limit in [0, 100] {
        let replay = Replay::new();
        // The server ignores the offset.
        let page = json!({ "services": [named("S1", "one")], "more": true, "offset": 0, "limit": limit });
        replay.get("/services").times(2).reply(Reply::json(page));
        assert_eq!(code(&replayed(&replay).services().await.unwrap_err()), "PagerDuty:BAD_PAGING");
        replay.check().unwrap();
    }
}

#[tokio::test]
async fn short_pages_skip_nothing() {
    // The page may or may not say so itself.
    for limit in [1, 100] {
        let replay = Replay::new();
        let page = |id: &str, offset: u64, more: bool| {
            Reply::json(json!({ "services": [named(id, id)], "more": more, "offset": offset, "limit": limit }))
        };
        replay.get("/services").without_query("offset").reply(page("S1", 0, true));
        replay.get("/services").query("offset", 1).reply(page("S2", 1, false));
        assert_eq!(replayed(&replay).services().await.unwrap().len(), 2);
        replay.check().unwrap();
    }
}
