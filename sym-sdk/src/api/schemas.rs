//! Schemas of types of the model, which have their own form in JSON.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::audit::EventStatus;
use crate::directory::WorkloadProvider;
use crate::model::{EventId, RunId, RunStatus, Step, TokenId, TrustId, UserId, UserRole, UserType};

macro_rules! id_schema {
    ($($id:ident: $description:literal),+) => {$(
        impl PartialSchema for $id {
            fn schema() -> RefOr<Schema> {
                let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
                ObjectBuilder::new().schema_type(Type::String).format(Some(format)).description(Some($description)).into()
            }
        }

        impl ToSchema for $id {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($id))
            }
        }
    )+};
}

id_schema! {
    RunId: "The id of a Run.",
    EventId: "The id of an event.",
    UserId: "The id of a user.",
    TokenId: "The id of a token.",
    TrustId: "The id of a trust."
}

macro_rules! names_schema {
    ($($kind:ident: $description:literal, $names:expr);+) => {$(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                let names = $names;
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).description(Some($description)).into()
            }
        }

        impl ToSchema for $kind {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($kind))
            }
        }
    )+};
}

names_schema! {
    RunStatus: "The status of a Run: its last successful event, or `errored`.", RunStatus::ALL.map(RunStatus::as_str);
    Step: "The name of an event.", Step::ALL.map(Step::as_str);
    WorkloadProvider: "A CI service whose jobs can be trusted.", WorkloadProvider::ALL.map(WorkloadProvider::as_str);
    UserRole: "The role of a user.", ["admin", "member", "guest"];
    UserType: "The type of a user: a person, a bot, or the platform itself.", ["normal", "bot", "system"];
    EventStatus: "The status of an event. `success` and `error` are final.", ["processing", "success", "error"]
}
