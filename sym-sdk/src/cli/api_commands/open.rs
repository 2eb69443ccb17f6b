//! The command `open`: the page of a Run, or the first page of the console, in the browser.
//!
//! The address is printed whether or not a browser can be opened: that one was started does not mean that anybody sees it.

use reqwest::Url;
use serde_json::{Value, json};

use super::session::Session;
use crate::cli::Exit;
use crate::cli::args::OpenArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::client::Call;

pub(super) async fn run(session: &Session, args: OpenArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let Some(server) = &session.server else {
        return Err(CommandError::Usage {
            message: "a file has no pages".to_owned(),
            help: "name the running program with `--server URL`, or a profile",
        });
    };
    let url = match args.run {
        Some(run) => {
            // So that a wrong id is told here, and not in the browser.
            let answer = session.call(&Call::run(run)).await?;
            linked_page(answer.json()).unwrap_or_else(|| page(server, &format!("/r/{run}")))
        }
        None => page(server, "/console"),
    };
    session.write(&json!({ "url": url }), output, |output| writeln!(output.out, "{url}"))?;
    output.out.flush()?;
    let is_for_people = session.terminal.columns.is_some() && !output.json;
    if is_for_people && !args.print {
        open_page(url, output).await?;
    }
    Ok(Exit::Success)
}

/// Opens an address in the browser.
pub(super) async fn open_page(url: String, output: &mut Output<'_>) -> Result<(), CommandError> {
    // It waits for what it starts, for a second or so.
    let opening = tokio::task::spawn_blocking(move || open::that_detached(url));
    let opened = opening.await.map_err(std::io::Error::other).flatten();
    if let Err(error) = opened {
        writeln!(output.err, "note: no browser could be opened ({error}): use the address above")?;
    }
    Ok(())
}

/// Returns the page of a Run that the server names.
fn linked_page(run: &Value) -> Option<String> {
    web_page(run["links"]["console"].as_str()?)
}

/// Returns an address that a server names, if it is one of HTTP: a browser would obey others, too.
pub(super) fn web_page(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let is_page = ["http", "https"].contains(&url.scheme()) && url.username().is_empty() && url.password().is_none();
    is_page.then(|| url.to_string())
}

/// Returns the address of a path on a server.
pub(super) fn page(server: &str, path: &str) -> String {
    format!("{}{path}", server.trim().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_those_of_the_web() {
        assert_eq!(page("https://sym.example.com/", "/console"), "https://sym.example.com/console");
        let linked = |url: &str| linked_page(&json!({ "links": { "console": url } }));
        assert_eq!(linked("https://sym.example.com/r/1").unwrap(), "https://sym.example.com/r/1");
        let others =
            ["file:///etc/passwd", "javascript:alert(1)", "-x", "https://a:b@sym.example.com/r/1", "ms-office:x"];
        assert_eq!(others.map(linked), [None, None, None, None, None]);
        assert_eq!(linked_page(&json!({ "links": {} })), None);
    }
}
