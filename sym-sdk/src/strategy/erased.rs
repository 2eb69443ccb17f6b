//! The object-safe form of [`AccessStrategy`], so that a runtime can hold strategies of many types while their authors write
//! `async fn`.

use std::time::Duration;

use super::{AccessRequest, AccessStrategy, GrantResult, PriorAccess};
use crate::error::Result;
use crate::future::BoxFuture;
use crate::model::{AccessTarget, StepOutput, User};

/// An [`AccessStrategy`] whose type is erased, with the methods that the runtime calls. Implemented for every strategy.
pub(crate) trait DynAccessStrategy: Send + Sync + 'static {
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>>;
    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<GrantResult>>;
    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>>;
    fn resource(&self, target: &AccessTarget) -> String;
    fn settle_time(&self) -> Duration;
    fn list_current<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Vec<String>>>>;
    fn level(&self, target: &AccessTarget) -> Option<String>;
    fn enforces_end(&self) -> bool;
    fn check<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<()>>;
    fn session_duration<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Duration>>>;
    fn prior_access<'a>(&'a self, target: &'a AccessTarget, identity: &'a str) -> BoxFuture<'a, Result<PriorAccess>>;
}

impl<S: AccessStrategy> DynAccessStrategy for S {
    fn fetch_remote_identity<'a>(&'a self, user: &'a User) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(AccessStrategy::fetch_remote_identity(self, user))
    }

    fn escalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<GrantResult>> {
        Box::pin(AccessStrategy::escalate(self, request))
    }

    fn deescalate<'a>(&'a self, request: &'a AccessRequest<'_>) -> BoxFuture<'a, Result<Option<StepOutput>>> {
        Box::pin(AccessStrategy::deescalate(self, request))
    }

    fn resource(&self, target: &AccessTarget) -> String {
        AccessStrategy::resource(self, target)
    }

    fn settle_time(&self) -> Duration {
        AccessStrategy::settle_time(self)
    }

    fn list_current<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Vec<String>>>> {
        Box::pin(AccessStrategy::list_current(self, target))
    }

    fn level(&self, target: &AccessTarget) -> Option<String> {
        AccessStrategy::level(self, target)
    }

    fn enforces_end(&self) -> bool {
        AccessStrategy::enforces_end(self)
    }

    fn check<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<()>> {
        Box::pin(AccessStrategy::check(self, target))
    }

    fn session_duration<'a>(&'a self, target: &'a AccessTarget) -> BoxFuture<'a, Result<Option<Duration>>> {
        Box::pin(AccessStrategy::session_duration(self, target))
    }

    fn prior_access<'a>(&'a self, target: &'a AccessTarget, identity: &'a str) -> BoxFuture<'a, Result<PriorAccess>> {
        Box::pin(AccessStrategy::prior_access(self, target, identity))
    }
}
