//! Arguments that borrow from the context: `&Event`, `&User`, integration clients and the like.

use super::{ExtractError, FromContext};
use crate::directory::{Directory, KeyValue};
use crate::handler::{Context, FlowsQuery, IdentityQuery, IntegrationRequirement, Requires};
use crate::integration::IntegrationClient;
use crate::model::{Event, Flow, Flows, Run, User};
use crate::routing::RequestForwardContext;

/// Implements [`FromContext`] for references to values that the context holds.
macro_rules! borrowed {
    ($($ty:ident: $requires:ident => $get:expr;)*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<'cx> FromContext<'cx> for &'cx $ty {
                const REQUIRES: Requires = Requires::$requires;

                fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
                    let get: fn(&'cx Context) -> Option<&'cx $ty> = $get;
                    get(context).ok_or_else(|| ExtractError::missing(concat!("&", stringify!($ty))))
                }
            }
        )*
    };
}

borrowed! {
    Event: Event => Context::event;
    User: Nothing => Context::user;
    Flow: Flow => Context::flow;
    Run: Event => |context| context.event().map(Event::run);
    RequestForwardContext: ForwardContext => Context::forward;
    IdentityQuery: IdentityQuery => Context::identity_query;
    FlowsQuery: FlowsQuery => Context::flows_query;
    Flows: FlowsQuery => |context| context.flows_query().map(FlowsQuery::flows);
    Directory: Nothing => Context::directory;
    KeyValue: Nothing => Context::key_value;
    Context: Nothing => |context| Some(context);
}

#[diagnostic::do_not_recommend]
impl<'cx, T: IntegrationClient> FromContext<'cx> for &'cx T {
    const REQUIRES: Requires = Requires::Integration(IntegrationRequirement::of::<T>());

    fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
        context.client().ok_or_else(|| ExtractError::missing(format_args!("&{}", std::any::type_name::<T>())))
    }
}
