//! Calls one function of one client of sym-integrations, and prints the result.
//!
//! Standard input is a JSON object: `vendor`, `base_url`, `settings` (token or keys), `call` and `arguments`. Standard output is
//! `{"result": ...}`, reduced to ids and e-mail addresses, or `{"error": ...}`. The script `run` in the folder of this crate drives it.

mod aws;
mod github;
mod google;
mod jira;
mod kinesis;
mod okta;
mod onelogin;
mod pagerduty;
mod request;
mod slack;

use std::io::Write;

use request::{Fault, Request, Vendor};
use serde_json::{Value, json};
use sym_sdk::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let request: Request = serde_json::from_reader(std::io::stdin())?;
    let outcome = match request.vendor {
        Vendor::Aws => aws::call(&request).await,
        Vendor::Github => github::call(&request).await,
        Vendor::Jira => jira::call(&request).await,
        Vendor::Google => google::call(&request).await,
        Vendor::Okta => okta::call(&request).await,
        Vendor::Onelogin => onelogin::call(&request).await,
        Vendor::Pagerduty => pagerduty::call(&request).await,
        Vendor::Slack => slack::call(&request).await,
    };
    let line = match outcome {
        Ok(result) => json!({ "result": result }),
        Err(Fault::Call(error)) => json!({ "error": described(&error) }),
        Err(Fault::Delivery { error, lines }) => json!({ "error": described(&error), "lines": lines }),
        Err(Fault::Request(fault)) => return Err(fault.into()),
    };
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

fn described(error: &Error) -> Value {
    json!({
        "kind": format!("{:?}", error.kind()),
        "code": error.code(),
        "status": error.status(),
        "message": error.message(),
    })
}
