//! The types that handlers use: `use sym_sdk::prelude::*;`.
//!
//! The derives of `Deserialize` and `Serialize` expand to paths in the crate `serde`, so a crate that uses them must also depend
//! on `serde`, with its feature `derive`.

pub use std::time::Duration;

pub use serde::{Deserialize, Serialize};

pub use crate::directory::{Directory, KeyValue};
pub use crate::error::{Error, ErrorCode, ErrorKind, Result};
pub use crate::forms::{FieldMap, FieldOption, FieldType, FieldValue, PromptField, PromptForm, SlackUserSelection};
pub use crate::handler::{
    Context, ExtractError, Fields, FlowsQuery, FromContext, HandlerError, IdentityQuery, State, Vars,
};
pub use crate::integration::{IntegrationClient, IntegrationConfig};
pub use crate::model::{
    AccessTarget, Channel, ChannelType, Environment, Event, Flow, Flows, Integration, Payload, Run, RunStatus, Slug,
    Srn, Step, StepOutput, Strategy, User, UserId, UserIdentity, UserRole, UserType,
};
pub use crate::routing::{
    Approvers, Destination, Fallback, Notification, PermissionLevel, PermissionScope, RequestDestination,
    RequestForwardContext, RequestPermission, SlackChannelId, SlackChannelName, SlackUser, SlackUserGroup, UserIds,
    user_ids,
};
pub use crate::template::{ApprovalTemplate, NextEvent};
pub use crate::{hook, on_change, prefetch, reducer};
