//! The object-safe form of [`FrontEnd`], so that a runtime can hold front ends of many types while their authors write
//! `async fn`.

use std::sync::Arc;

use axum::Router;
use tokio_util::sync::CancellationToken;

use super::{FrontEnd, RouterContext};
use crate::delivery::DynDelivery;
use crate::error::Result;
use crate::future::BoxFuture;
use crate::runtime::Runtime;

/// A [`FrontEnd`] whose type is erased. Implemented for every front end.
pub(crate) trait DynFrontEnd: Send + Sync + 'static {
    fn name(&self) -> &str;
    fn delivery(self: Arc<Self>) -> Option<Arc<dyn DynDelivery>>;
    fn router(&self, context: RouterContext) -> Router;
    fn limits_requests(&self) -> bool;
    fn run(&self, runtime: Runtime, stop: CancellationToken) -> BoxFuture<'_, Result<()>>;
    fn check(&self) -> BoxFuture<'_, Result<()>>;
}

impl<F: FrontEnd> DynFrontEnd for F {
    fn name(&self) -> &str {
        FrontEnd::name(self)
    }

    fn delivery(self: Arc<Self>) -> Option<Arc<dyn DynDelivery>> {
        FrontEnd::delivery(self).map(|delivery| Arc::new(delivery) as Arc<dyn DynDelivery>)
    }

    fn router(&self, context: RouterContext) -> Router {
        FrontEnd::router(self, context)
    }

    fn limits_requests(&self) -> bool {
        FrontEnd::limits_requests(self)
    }

    fn run(&self, runtime: Runtime, stop: CancellationToken) -> BoxFuture<'_, Result<()>> {
        Box::pin(FrontEnd::run(self, runtime, stop))
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(FrontEnd::check(self))
    }
}
