//! The command `api`: any call of the API.

use reqwest::Url;
use serde_json::{Map, Value};

use super::session::Session;
use crate::cli::Exit;
use crate::cli::args::ApiArgs;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::client::{Call, Method};
use crate::error::{Error, ErrorKind, codes};

pub(super) async fn run(session: &Session, args: ApiArgs, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let call = call(&args).map_err(CommandError::Request)?;
    let answer = session.call(&call).await?;
    output.value(answer.json())?;
    Ok(Exit::Success)
}

/// Returns the call that the arguments name.
fn call(args: &ApiArgs) -> Result<Call, Error> {
    let invalid = |what: &str| {
        let error = Error::new(ErrorKind::InvalidInput, codes::INVALID_PARAMETER, what);
        error.with_hint("`api GET /openapi.json` describes all calls")
    };
    let path = args.path.trim();
    if !path.starts_with('/') || path.starts_with("//") {
        return Err(invalid("the path begins with one slash, such as `/runs`"));
    }
    // The host is not part of the call.
    let url = Url::parse("http://localhost")
        .and_then(|base| base.join(path))
        .map_err(|_| invalid("the path is malformed"))?;
    let segments: Vec<String> = url.path_segments().into_iter().flatten().map(decoded).collect();
    let segments = match segments.as_slice() {
        [api, v1, rest @ ..] if api == "api" && v1 == "v1" => rest.to_vec(),
        _ => segments,
    };
    let method = match args.method.to_ascii_uppercase().as_str() {
        "POST" => Method::POST,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => Method::GET,
    };
    let is_read = method == Method::GET;
    let mut call = Call::new(method, segments);
    for (name, value) in url.query_pairs() {
        call = call.query(&name, value);
    }
    if is_read {
        for (name, value) in &args.fields {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            call = call.query(name, text);
        }
    } else if !args.fields.is_empty() {
        let body: Map<String, Value> = args.fields.iter().cloned().collect();
        call = call.body(body.into());
    }
    Ok(call)
}

/// Decodes a segment of a path, which is encoded again.
fn decoded(segment: &str) -> String {
    let bytes = segment.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = (*byte == b'%').then(|| segment.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::ConnectionArgs;

    fn path_of(method: &str, path: &str, fields: &[(&str, Value)]) -> Option<(String, Option<String>)> {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let args =
            ApiArgs { method: method.to_owned(), path: path.to_owned(), fields, connection: ConnectionArgs::default() };
        let call = call(&args).ok()?;
        Some((call.path_and_query(), call.body_text()))
    }

    #[test]
    fn calls_stay_below_the_api() {
        let of = |path| path_of("get", path, &[("limit", 5.into())]).map(|(path, _)| path);
        assert_eq!(of("/runs").unwrap(), "/api/v1/runs?limit=5");
        assert_eq!(of("/api/v1/runs?open=true").unwrap(), "/api/v1/runs?open=true&limit=5");
        assert_eq!(of("/flows/a%2Fb").unwrap(), "/api/v1/flows/a%2Fb?limit=5");
        assert_eq!(of("/../../health").unwrap(), "/api/v1/health?limit=5");
        assert_eq!((of("runs"), of("//evil.example.com/runs"), of("https://evil.example.com")), (None, None, None));
        let (path, body) = path_of("POST", "/users", &[("email", "a@b.c".into()), ("n", 1.into())]).unwrap();
        assert_eq!((path.as_str(), body.as_deref()), ("/api/v1/users", Some(r#"{"email":"a@b.c","n":1}"#)));
    }
}
