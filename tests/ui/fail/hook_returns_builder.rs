use sym_sdk::prelude::*;

struct SendMessage;

impl IntoFuture for SendMessage {
    type Output = Result<()>;
    type IntoFuture = std::future::Ready<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        std::future::ready(Ok(()))
    }
}

#[hook]
fn after_approve() -> SendMessage {
    SendMessage
}

fn main() {}
