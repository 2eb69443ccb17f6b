use jiff::Timestamp;
use serde_json::{Value, json};
use sym_integrations::field_options;
use sym_integrations::kit::Resource;
use sym_integrations::pagerduty::{Incident, IncidentQuery, IncidentStatus, PagerDuty, Urgency};
use sym_integrations::testing::{Replay, Reply};
use sym_sdk::error::ErrorKind;
use sym_sdk::model::UserIdentity;
use wiremock::MockServer;

use super::vendor::{Vendor, calls, client, code, person, reference, replayed, user};

fn incident(id: &str, status: &str, urgency: &str, created_at: &str) -> Value {
    json!({
        "id": id,
        "type": "incident",
        "incident_number": 1234,
        "title": format!("the server {id} is on fire"),
        "status": status,
        "urgency": urgency,
        "created_at": created_at,
        "service": reference("SRV1"),
        "assignments": [{ "at": created_at, "assignee": reference("PANA") }],
        "html_url": "https://example.pagerduty.com/incidents/1234",
        "priority": { "summary": "P2" },
    })
}

fn vendor() -> Vendor {
    let mut other = incident("IOTHER", "triggered", "high", "2024-02-29T10:00:00Z");
    other["service"] = reference("SRV2");
    other["assignments"] = json!([{ "assignee": reference("PBEN") }]);
    Vendor {
        users: vec![user("PANA", "ana@example.com"), user("PBEN", "ben@example.com"), user("PCEM", "cem@example.com")],
        incidents: vec![
            incident("IOLD", "triggered", "high", "2024-02-28T17:59:59Z"),
            incident("IFIRST", "triggered", "high", "2024-02-28T18:00:00Z"),
            incident("ILOW", "triggered", "low", "2024-02-29T09:00:00Z"),
            incident("IDONE", "resolved", "high", "2024-02-29T11:00:00Z"),
            other,
            incident("ILAST", "acknowledged", "high", "2024-02-29T12:00:00Z"),
        ],
        ..Vendor::default()
    }
}

async fn ids(query: IncidentQuery<Vec<Resource<Incident>>>) -> Vec<String> {
    query.await.unwrap().iter().map(|incident| incident.id.clone()).collect()
}

async fn last_call(server: &MockServer) -> String {
    calls(server).await.pop().unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test]
async fn the_default_is_open_urgent_incidents_of_a_day() {
    let server = vendor().start().await;
    let pagerduty = client(&server);
    assert_eq!(ids(pagerduty.get_incidents()).await, ["ILAST", "IOTHER", "IFIRST"]);
    assert_eq!(
        last_call(&server).await,
        "/incidents statuses[]=triggered statuses[]=acknowledged urgencies[]=high since=2024-02-28T18:00:00Z \
         until=2024-03-28T18:00:00Z sort_by=created_at:desc limit=100"
    );
    assert!(pagerduty.has_incident().await.unwrap());
    assert!(last_call(&server).await.ends_with(" limit=1"));
    let mut incidents = pagerduty.get_incidents().paginator().await.unwrap();
    assert_eq!(incidents.next_item().await.unwrap().unwrap().id, "ILAST");
}

#[tokio::test]
async fn each_filter_narrows_the_query() {
    let server = vendor().start().await;
    let pagerduty = client(&server);
    let (ana, ben, cem) = (person("ana@example.com"), person("ben@example.com"), person("cem@example.com"));
    let ask = || pagerduty.get_incidents();
    assert_eq!(ids(ask().assignees([&ana])).await, ["ILAST", "IFIRST"]);
    assert_eq!(ids(ask().assignees([&ana, &ben])).await, ["ILAST", "IOTHER", "IFIRST"]);
    assert!(last_call(&server).await.contains(" user_ids[]=PANA user_ids[]=PBEN "));
    assert_eq!(ids(ask().service_ids(["SRV2", "SRV3"])).await, ["IOTHER"]);
    assert!(last_call(&server).await.contains(" service_ids[]=SRV2 service_ids[]=SRV3 "));
    assert_eq!(ids(ask().statuses([IncidentStatus::Resolved])).await, ["IDONE"]);
    assert_eq!(ids(ask().statuses(["acknowledged".to_owned().into()])).await, ["ILAST"]);
    assert_eq!(ids(ask().statuses([IncidentStatus::Other("acknowledged".to_owned())])).await, ["ILAST"]);
    assert_eq!(ids(ask().urgencies([Urgency::Low])).await, ["ILOW"]);
    assert_eq!(ids(ask().urgencies([Urgency::Other("low".to_owned())])).await, ["ILOW"]);
    assert_eq!(ids(ask().any_urgency().service_ids(["SRV1"])).await, ["ILAST", "ILOW", "IFIRST"]);
    assert!(!last_call(&server).await.contains("urgencies"));
    assert_eq!(ids(ask().since(at("2024-02-28T00:00:00Z"))).await.last().unwrap(), "IOLD");
    assert_eq!(ids(ask().since(at("2024-02-28T00:00:00+14:00")).until(at("2024-02-28T18:00:00Z"))).await, ["IOLD"]);
    assert!(last_call(&server).await.contains(" since=2024-02-27T10:00:00Z until=2024-02-28T18:00:00Z "));

    assert!(pagerduty.has_incident().assignees([&ben]).await.unwrap());
    assert!(!pagerduty.has_incident().assignees([&cem]).await.unwrap());
    assert!(!pagerduty.has_incident().service_ids(["SRV9"]).await.unwrap());
    let error = pagerduty.has_incident().assignees([&person("nobody@example.com")]).await.unwrap_err();
    assert_eq!(code(&error), "PagerDuty:USER_NOT_FOUND");
}

#[tokio::test]
async fn months_are_calendar_months() {
    let server = vendor().start().await;
    for (since, until) in [
        ("2024-01-31T23:30:00Z", "2024-02-29T23:30:00Z"),
        ("2023-01-31T23:30:00Z", "2023-02-28T23:30:00Z"),
        ("2023-12-15T00:00:00.5Z", "2024-01-15T00:00:00.5Z"),
    ] {
        client(&server).get_incidents().since(at(since)).await.unwrap();
        let call = last_call(&server).await;
        assert!(call.contains(&format!(" since={since} until={until} ")), "{call}");
    }
}

#[tokio::test]
async fn rejects_filters_that_admit_nothing() {
    let replay = Replay::new();
    let pagerduty = replayed(&replay);
    let ana = person("ana@example.com");
    let now = at("2024-02-29T12:00:00Z");
    let ask = || pagerduty.has_incident();
    for (query, message) in [
        (ask().assignees([]), "`assignees` is empty, so no incident can match"),
        (ask().service_ids::<&str>([]), "`service_ids` is empty, so no incident can match"),
        (ask().service_ids(["SRV1", ""]), "one of the `service_ids` is empty"),
        (ask().statuses([]), "`statuses` is empty, so no incident can match"),
        (ask().urgencies([]), "`urgencies` is empty, so no incident can match"),
        (
            ask().assignees([&ana]).statuses([IncidentStatus::Triggered, IncidentStatus::Resolved]),
            "resolved incidents have no assignees",
        ),
        (
            ask().statuses([IncidentStatus::Other("resolved".to_owned())]).assignees([&ana]),
            "resolved incidents have no assignees",
        ),
        (
            ask().since(now).until(at("2024-02-29T11:59:59Z")),
            "`until` (2024-02-29T11:59:59Z) is before `since` (2024-02-29T12:00:00Z)",
        ),
        (
            ask().since(now).until(at("2024-08-29T12:00:01Z")),
            "the period from `since` (2024-02-29T12:00:00Z) to `until` (2024-08-29T12:00:01Z) is longer than 6 months",
        ),
        (ask().since(Timestamp::MAX), "`since` is out of range"),
    ] {
        let error = query.await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("PagerDuty:INVALID_FILTER", ErrorKind::InvalidInput));
        assert_eq!(error.message(), message);
    }
    assert!(replay.calls().is_empty());
}

#[tokio::test]
async fn malformed_responses_are_errors() {
    let replay = Replay::new();
    let pagerduty: PagerDuty = replayed(&replay);
    let whole = json!({ "incidents": [incident("I1", "triggered", "high", "2024-02-29T12:00:00Z")], "more": false, "offset": 0, "limit": 1 });
    for reply in [
        Reply::json(&whole).with_status(402),
        Reply::json(&whole).with_status(400),
        Reply::json(json!({ "error": { "message": "no" } })),
        Reply::json(json!({ "incidents": ["I1"], "more": false, "offset": 0, "limit": 1 })),
        Reply::text("{\"incidents\": [{\"id\":"),
    ] {
        replay.get("/incidents").reply(reply);
        code(&pagerduty.has_incident().await.unwrap_err());
    }
    let empty = json!({ "incidents": [], "more": false, "offset": 0, "limit": 1 });
    replay.get("/incidents").reply(Reply::json(empty));
    assert!(!pagerduty.has_incident().await.unwrap());
    replay.check().unwrap();
}

#[tokio::test]
async fn rejects_incidents_that_do_not_match() {
    let own = || incident("I1", "triggered", "high", "2024-02-29T12:00:00Z");
    let with = |name: &str, value: Value| {
        let mut incident = own();
        incident[name] = value;
        incident
    };
    let ana = person("ana@example.com").with_identity(UserIdentity::new("pagerduty", "example", "PANA"));
    let ask = async |incident: &Value| {
        let replay = Replay::new();
        let page = json!({ "incidents": [incident], "more": false, "offset": 0, "limit": 1 });
        replay.get("/incidents").reply(Reply::json(page));
        replayed(&replay).has_incident().assignees([&ana]).service_ids(["SRV1"]).await
    };
    assert!(ask(&own()).await.unwrap());
    for other in [
        with("status", json!("resolved")),
        with("status", Value::Null),
        with("urgency", json!("low")),
        with("urgency", Value::Null),
        with("service", reference("SRV2")),
        with("service", Value::Null),
        with("assignments", json!([{ "assignee": reference("PBEN") }])),
        with("assignments", json!([])),
    ] {
        let error = ask(&other).await.unwrap_err();
        assert_eq!((code(&error).as_str(), error.kind()), ("PagerDuty:INVALID_RESPONSE", ErrorKind::Decode), "{other}");
        assert_eq!(error.message(), "PagerDuty returned incident `I1`, which does not match the filters");
    }
}

#[tokio::test]
async fn keeps_the_raw_incident() {
    let replay = Replay::new();
    let mut raw = incident("I1", "snoozed", "medium", "2024-02-29T12:00:00Z");
    let page = json!({ "incidents": [raw], "more": false, "offset": 0, "limit": 100 });
    replay.get("/incidents").reply(Reply::json(page));
    let query = replayed(&replay).get_incidents().statuses([IncidentStatus::Other("snoozed".to_owned())]).any_urgency();
    let incidents = query.await.unwrap();
    let incident = &incidents[0];
    assert_eq!(incident.raw()["priority"]["summary"], "P2");
    assert_eq!(incident.status, Some(IncidentStatus::Other("snoozed".to_owned())));
    assert_eq!(incident.urgency.as_ref().unwrap().as_str(), "medium");
    assert_eq!((incident.number, incident.service_id()), (Some(1234), Some("SRV1")));
    assert_eq!(incident.created_at, Some(at("2024-02-29T12:00:00Z")));
    assert_eq!(incident.html_url.as_deref(), Some("https://example.pagerduty.com/incidents/1234"));
    assert_eq!(incident.assignee_ids().collect::<Vec<_>>(), ["PANA"]);
    assert_eq!(incident.title(), "the server I1 is on fire");
    assert_eq!(field_options(&incidents).unwrap()[0].label(), "the server I1 is on fire");
    raw["priority"] = Value::Null;
    assert_ne!(incident.raw(), &raw);
    replay.check().unwrap();
}
