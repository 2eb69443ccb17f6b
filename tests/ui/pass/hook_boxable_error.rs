use sym_sdk::prelude::*;

use std::error::Error as StdError;

/// Like `anyhow::Error`: converts into a boxed error, but does not implement `Error` itself.
struct Report(String);

impl From<Report> for Box<dyn StdError + Send + Sync> {
    fn from(report: Report) -> Self {
        report.0.into()
    }
}

impl<E: StdError> From<E> for Report {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

#[hook]
async fn on_request(event: &Event) -> Result<(), Report> {
    let _: u8 = event.fields().text("count")?.parse()?;
    Ok(())
}

fn main() {}
