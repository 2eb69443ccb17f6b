//! The tools that agents are offered.
//!
//! They are few and fixed, and do not depend on the configuration. Their schemas keep to what all clients take: a plain object, without
//! references, alternatives or lists of types. The fields of flows are a list of names and values, so that no name of a flow becomes the name
//! of a property.

use std::sync::Arc;

use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ToolName {
    ListFlows,
    DescribeFlow,
    FindOptions,
    PreviewRequest,
    RequestAccess,
    WaitForRequest,
    ListRequests,
    ListAccess,
    GiveBack,
}

impl ToolName {
    pub(super) const ALL: [Self; 9] = [
        Self::ListFlows,
        Self::DescribeFlow,
        Self::FindOptions,
        Self::PreviewRequest,
        Self::RequestAccess,
        Self::WaitForRequest,
        Self::ListRequests,
        Self::ListAccess,
        Self::GiveBack,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ListFlows => "list_flows",
            Self::DescribeFlow => "describe_flow",
            Self::FindOptions => "find_options",
            Self::PreviewRequest => "preview_request",
            Self::RequestAccess => "request_access",
            Self::WaitForRequest => "wait_for_request",
            Self::ListRequests => "list_requests",
            Self::ListAccess => "list_access",
            Self::GiveBack => "give_back",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.as_str() == name)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::ListFlows => "List flows",
            Self::DescribeFlow => "Describe a flow",
            Self::FindOptions => "Find options of a field",
            Self::PreviewRequest => "Preview a request",
            Self::RequestAccess => "Request access",
            Self::WaitForRequest => "Wait for a request",
            Self::ListRequests => "List requests",
            Self::ListAccess => "List access",
            Self::GiveBack => "Give access back",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::ListFlows => "Lists the flows in which you can request access for yourself.",
            Self::DescribeFlow => {
                "Describes what a request to a flow consists of: its targets, its durations and its fields. Call it before a request."
            }
            Self::FindOptions => {
                "Finds the options of a field of a flow that match a text. Fields with `has_options` take no other values."
            }
            Self::PreviewRequest => {
                "Tells what would become of a request: the errors of its fields, and who would decide. Nothing is requested and nobody is told."
            }
            Self::RequestAccess => {
                "Requests access for yourself. It returns at once, and usually a person has to decide, which can take minutes or hours: then call `wait_for_request`. State truthfully why you need it, in the field for the reason. Repeating the same request returns the first one."
            }
            Self::WaitForRequest => {
                "Waits until a request is decided and its access is there, for at most 45 seconds. If it returns `still_waiting`, call it again."
            }
            Self::ListRequests => "Lists your latest requests, newest first.",
            Self::ListAccess => "Lists the access that you have now, and until when.",
            Self::GiveBack => {
                "Gives access back before it ends, or withdraws a request that is still open. Call it as soon as the task is done."
            }
        }
    }

    const fn is_read_only(self) -> bool {
        !matches!(self, Self::RequestAccess | Self::GiveBack)
    }

    fn schema(self) -> Value {
        let text = |description: &str| json!({ "type": "string", "description": description });
        let flow = || text("The name of the flow, from `list_flows`.");
        let request = || {
            json!({
                "flow": flow(),
                "target": text("The name of the target, from `describe_flow`. Not needed if the flow has only one."),
                "duration": text("How long the access is needed, such as `30m` or `1h`: one of those that `describe_flow` lists."),
                "fields": {
                    "type": "array",
                    "description": "The values of the flow's fields.",
                    "items": {
                        "type": "object",
                        "properties": {
                            "name": text("The name of the field."),
                            "value": text("The value. Numbers as digits, `true` or `false`, several values as a JSON array."),
                        },
                        "required": ["name", "value"],
                    },
                },
            })
        };
        let (properties, required) = match self {
            Self::ListFlows | Self::ListAccess => (json!({}), json!([])),
            Self::DescribeFlow => (json!({ "flow": flow() }), json!(["flow"])),
            Self::FindOptions => (
                json!({
                    "flow": flow(),
                    "field": text("The name of the field."),
                    "text": text("A part of the option. Without it, the first options are returned."),
                }),
                json!(["flow", "field"]),
            ),
            Self::PreviewRequest => (request(), json!(["flow"])),
            Self::RequestAccess => {
                let mut properties = request();
                properties["key"] = text(
                    "A name of your own for this request, at most 100 letters and digits. Repeated with it, the request is made once.",
                );
                (properties, json!(["flow"]))
            }
            Self::WaitForRequest => (
                json!({
                    "run_id": text("The `run_id` of the request."),
                    "seconds": { "type": "integer", "description": "The longest wait, at most 45, which is the default." },
                }),
                json!(["run_id"]),
            ),
            Self::ListRequests => (
                json!({ "open_only": { "type": "boolean", "description": "Whether to list only requests that are not decided." } }),
                json!([]),
            ),
            Self::GiveBack => (
                json!({
                    "run_id": text("The `run_id` of the request."),
                    "everything": { "type": "boolean", "description": "Instead of `run_id`: `true` gives back all access that you have." },
                }),
                json!([]),
            ),
        };
        json!({ "type": "object", "properties": properties, "required": required })
    }

    pub(super) fn tool(self) -> Tool {
        let schema = match self.schema() {
            Value::Object(schema) => schema,
            _ => Map::new(),
        };
        let annotations = ToolAnnotations::with_title(self.title())
            .read_only(self.is_read_only())
            .destructive(false)
            .idempotent(true)
            .open_world(false);
        Tool::new(self.as_str(), self.description(), Arc::new(schema))
            .with_title(self.title())
            .with_annotations(annotations)
    }
}
