#![deny(unused_must_use)]

use sym_sdk::prelude::*;

#[must_use = "nothing is sent until it is awaited"]
struct SendMessage;

impl IntoFuture for SendMessage {
    type Output = Result<()>;
    type IntoFuture = std::future::Ready<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        std::future::ready(Ok(()))
    }
}

fn send_message() -> SendMessage {
    SendMessage
}

#[hook]
async fn after_approve() -> Result<()> {
    send_message();
    Ok(())
}

fn main() {}
