use sym_sdk::prelude::*;

#[must_use = "a query does nothing until it is awaited"]
struct OnCallQuery;

impl IntoFuture for OnCallQuery {
    type Output = Result<bool>;
    type IntoFuture = std::future::Ready<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        std::future::ready(Ok(true))
    }
}

fn is_on_call() -> OnCallQuery {
    OnCallQuery
}

#[hook]
async fn on_request() -> Result<Option<NextEvent>> {
    Ok(is_on_call()?.then(ApprovalTemplate::approve))
}

fn main() {}
