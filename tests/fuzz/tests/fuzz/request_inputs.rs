//! The fields of requests, as a program sends them to the API.

use std::cell::RefCell;

use serde_json::Value;
use sym_sdk::config;
use sym_sdk::error::ErrorKind;
use sym_sdk::model::RunStatus;
use sym_sdk::prelude::*;
use sym_sdk::runtime::Limits;
use sym_sdk::testing::Harness;

use crate::target::fuzz;

#[reducer]
fn get_permissions() -> RequestPermission {
    RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
}

fn field(name: &str, kind: &str) -> config::PromptField {
    config::PromptField { name: name.into(), field_type: kind.into(), ..config::PromptField::default() }
}

#[test]
fn fields_of_a_request_are_accepted_or_refused_as_invalid() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let harness = Harness::builder().access_flow("prod", ["admins", "readers"]).declare(|config| {
        config.flows[0].params.prompt_fields =
            vec![field("reason", "string"), field("days", "int"), field("urgent", "bool")];
    });
    let limits = Limits {
        requests_per_minute: usize::MAX,
        requests_per_hour: usize::MAX,
        open_requests: usize::MAX,
        ..Limits::default()
    };
    let harness = harness.handlers(sym_sdk::handlers![get_permissions]).limits(limits);
    let harness = RefCell::new(runtime.block_on(harness.build()).unwrap());
    fuzz("request_inputs", |input| {
        let Ok(Value::Object(fields)) = serde_json::from_slice(input) else { return };
        let mut harness = harness.borrow_mut();
        runtime.block_on(async {
            let mut request = harness.request("prod").by("ana@example.com");
            for (name, value) in fields {
                request = request.field(name, value);
            }
            match request.await {
                Ok(run) => assert_eq!(harness.status(run).await.unwrap(), RunStatus::Requested),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
                    assert!(!error.to_string().contains('\n'), "{error}");
                }
            }
        });
    });
}
