//! The options and durations that the form of a flow offers, which can change while a request waits.

use sym_sdk::config::{Config, PromptField};
use sym_sdk::error::codes;
use sym_sdk::handlers;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Submission;

use super::*;

/// The flow `prod`, whose access lasts until it is revoked.
fn endless() -> Config {
    let mut config = config();
    config.flows[0].params.prompt_fields.clear();
    config.flows[0].params.schedule_deescalation = false;
    config
}

/// Ana requests access without a duration, and the program is started again with another configuration.
async fn requested_without_duration(world: &World, changed: Config) -> (Runtime, RunId) {
    let runtime = world.start(endless()).await;
    let run = runtime.submit(Submission::request("prod", "ana@example.com")).await.unwrap().run;
    runtime.run_until_idle().await.unwrap();
    (world.start(changed).await, run)
}

/// Access that nobody has asked an end for would never end, in a flow in which it has to.
#[tokio::test]
async fn approval_is_refused_after_a_duration_has_become_necessary() {
    let world = World::new();
    let (runtime, run) = requested_without_duration(&world, config()).await;
    try_approve(&runtime, run, "ben").await.unwrap_err();
    let reason = "flow `prod` now needs a duration, and the request has none";
    assert_closed(&world, &runtime, run, codes::INVALID_DURATION, reason).await;
}

/// The access does not end by itself whatever the duration, so a request without one loses nothing.
#[tokio::test]
async fn a_duration_that_ends_nothing_is_not_necessary() {
    let world = World::new();
    let mut changed = endless();
    set_durations(&mut changed, &["1h"]);
    let (runtime, run) = requested_without_duration(&world, changed).await;
    approve(&runtime, run, "ben").await;
    assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
}

mod listed {
    use sym_sdk::prelude::*;

    #[prefetch(field = "region")]
    pub(super) fn regions() -> Result<Vec<FieldOption>> {
        ["eu", "us"].into_iter().map(|region| FieldOption::new(region, region)).collect()
    }
}

/// Declared options bind always, also where a handler supplies those that users see.
#[tokio::test]
async fn approval_is_refused_after_a_declared_option_of_a_prefetched_field_was_removed() {
    for (left, is_offered) in [(&["eu", "us"][..], true), (&["eu"], false), (&[], true)] {
        let with_regions = |regions: &[&str]| {
            let mut config = config();
            config.flows[0].params.prompt_fields.push(PromptField {
                name: "region".into(),
                field_type: "string".into(),
                prefetch: true,
                allowed_values: Some(regions.iter().map(|region| (*region).to_owned()).collect()),
                ..PromptField::default()
            });
            config
        };
        let world = World::new();
        let start = async |regions| {
            let handlers = plain().merge(handlers![listed::regions]);
            world.builder(with_regions(regions)).registry(handlers).build().await.unwrap()
        };
        let runtime = start(&["eu", "us"]).await;
        let request = Submission::request("prod", "ana@example.com").input("duration", "1h").input("region", "us");
        let run = runtime.submit(request).await.unwrap().run;
        runtime.run_until_idle().await.unwrap();
        let runtime = start(left).await;
        let approved = try_approve(&runtime, run, "ben").await;
        if is_offered {
            approved.unwrap();
            assert_eq!(status(&runtime, run).await, RunStatus::Escalated);
        } else {
            let reason = "field `region` does not allow `us`, as it did when it was requested";
            assert_closed(&world, &runtime, run, codes::OPTION_NOT_ALLOWED, reason).await;
        }
    }
}
