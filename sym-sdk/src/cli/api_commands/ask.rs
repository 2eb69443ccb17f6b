//! Asking for what a request lacks, on the terminal, with the options of the form.
//!
//! The form is the server's: it says which fields there are, which are needed, and what they offer, after each answer anew. That an answer
//! fits is for the server to say, when the request is made.

use std::io::{self, BufRead as _};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::request::typed;
use super::session::Session;
use super::text::plain;
use crate::cli::exit::CommandError;
use crate::cli::output::Output;
use crate::client::Call;
use crate::error::{Error, ErrorKind, codes};

/// The number of options that are shown at once.
const MAX_OPTIONS: usize = 20;

/// The names of the field for the target, in forms and in requests.
const TARGET: [&str; 3] = ["target_id", "target_srn", "target"];

/// The maximum number of questions. A form could ask for something new after each answer.
const MAX_QUESTIONS: usize = 100;

/// The answers of the one who is asked.
pub(super) enum Answers {
    StandardInput,
    #[cfg(test)]
    Scripted(std::collections::VecDeque<String>),
}

impl Answers {
    /// Returns the next line, without blanks around it. `None` at the end of the input.
    async fn next(&mut self) -> io::Result<Option<String>> {
        match self {
            Self::StandardInput => {
                let reading = tokio::task::spawn_blocking(|| {
                    let mut line = String::new();
                    let length = io::stdin().lock().read_line(&mut line)?;
                    Ok((length > 0).then(|| line.trim().to_owned()))
                });
                reading.await.map_err(io::Error::other)?
            }
            #[cfg(test)]
            Self::Scripted(lines) => Ok(lines.pop_front()),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Form {
    fields: Vec<Field>,
}

/// A field of a form, as it is now.
#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    label: String,
    #[serde(rename = "type")]
    kind: String,
    required: bool,
    visible: bool,
    value: Value,
    options: Vec<FieldOption>,
    options_total: usize,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct FieldOption {
    value: Value,
    label: String,
}

impl Field {
    /// Returns whether a request lacks it.
    fn is_missing(&self, inputs: &Map<String, Value>) -> bool {
        let is_given = |name: &str| inputs.contains_key(name);
        let is_given = if self.name == TARGET[0] { TARGET.into_iter().any(is_given) } else { is_given(&self.name) };
        self.visible && self.required && !is_given && self.value.is_null()
    }

    fn is_list(&self) -> bool {
        self.kind.ends_with("_list")
    }
}

/// Asks for each needed field that has no value.
///
/// # Errors
/// If the form is not available, or the input ends before everything is answered.
pub(super) async fn ask_for_missing(
    session: &Session,
    flow: &str,
    inputs: &mut Map<String, Value>,
    answers: &mut Answers,
    output: &mut Output<'_>,
) -> Result<(), CommandError> {
    let mut changed = Vec::new();
    for _ in 0..MAX_QUESTIONS {
        let form = form(session, flow, inputs, &mut changed).await?;
        let Some(field) = form.fields.iter().find(|field| field.is_missing(inputs)) else { return Ok(()) };
        let Some(value) = ask(session, flow, field, answers, output).await? else {
            writeln!(output.err)?;
            let missing = form.fields.iter().filter(|field| field.is_missing(inputs));
            let names: Vec<_> = missing.map(|field| field.name.as_str()).collect();
            let message = format!("the input has ended, and the request lacks {}", quoted(&names));
            let error = Error::new(ErrorKind::InvalidInput, codes::MISSING_FIELD, message);
            return Err(CommandError::Request(error.with_hint(flags_hint(flow, &names))));
        };
        inputs.insert(field.name.clone(), value);
        changed.push(field.name.clone());
    }
    Ok(())
}

/// Returns the form with these values. Fields are taken for changed once they are in it and have a value.
async fn form(
    session: &Session,
    flow: &str,
    inputs: &Map<String, Value>,
    changed: &mut Vec<String>,
) -> Result<Form, CommandError> {
    let call = |path: &[&str], body: Value| Call::post([&["flows", flow][..], path].concat()).body(body);
    if changed.is_empty() {
        let form: Form = session.call(&call(&["form"], json!({ "inputs": inputs }))).await?.parse()?;
        changed.extend(form.fields.iter().map(|field| field.name.clone()).filter(|name| inputs.contains_key(name)));
        if changed.is_empty() {
            return Ok(form);
        }
    }
    let body = json!({ "inputs": inputs, "changed": changed });
    Ok(session.call(&call(&["form", "change"], body)).await?.parse()?)
}

/// Asks for a value until there is one. `None` at the end of the input.
async fn ask(
    session: &Session,
    flow: &str,
    field: &Field,
    answers: &mut Answers,
    output: &mut Output<'_>,
) -> Result<Option<Value>, CommandError> {
    let label = plain(&field.label);
    let (mut shown, mut total) = (field.options.clone(), field.options_total);
    loop {
        if field.options_total > 0 {
            show_options(&label, &shown, total, output)?;
        }
        let hint = match field.kind.as_str() {
            _ if field.options_total > 0 && field.is_list() => "numbers or texts, with commas",
            _ if field.options_total > 0 => "number or text",
            "bool" => "yes or no",
            "duration" => "such as 1h",
            kind if kind.ends_with("_list") => "values with commas",
            kind if kind.starts_with("int") => "a whole number",
            _ => "text",
        };
        write!(output.err, "{label} ({hint}): ")?;
        output.err.flush()?;
        let Some(answer) = answers.next().await? else { return Ok(None) };
        if answer.is_empty() {
            writeln!(output.err, "  the request needs it")?;
            continue;
        }
        if field.options_total == 0 {
            match typed(&field.name, &answer, &field.kind) {
                Ok(value) => return Ok(Some(value)),
                Err(CommandError::Request(error)) => writeln!(output.err, "  {}", plain(error.message()))?,
                Err(error) => return Err(error),
            }
            continue;
        }
        if let Some(value) = select(field, &shown, &answer) {
            return Ok(Some(value));
        }
        let found = find(session, flow, field, &answer).await?;
        match found.as_slice() {
            [] => {
                writeln!(output.err, "  no option matches `{}`", plain(&answer))?;
                (shown, total) = (field.options.clone(), field.options_total);
            }
            [only] if !field.is_list() => {
                writeln!(output.err, "  {}", plain(&only.label))?;
                return Ok(Some(only.value.clone()));
            }
            _ => {
                total = found.len();
                shown = found;
            }
        }
    }
}

fn show_options(label: &str, options: &[FieldOption], total: usize, output: &mut Output<'_>) -> io::Result<()> {
    writeln!(output.err, "{label}:")?;
    for (number, option) in (1_usize..).zip(options.iter().take(MAX_OPTIONS)) {
        writeln!(output.err, "  {number:>2}  {}", plain(&option.label))?;
    }
    if total > MAX_OPTIONS {
        writeln!(output.err, "      and {} more: type a part of one", total - MAX_OPTIONS.min(options.len()))?;
    }
    Ok(())
}

/// Returns the value that an answer names: by the number of an option that is shown, or by its label or value. Of a field that takes
/// several, each of the parts has to.
fn select(field: &Field, shown: &[FieldOption], answer: &str) -> Option<Value> {
    let one = |part: &str| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let is_named = |option: &&FieldOption| {
            option.label.eq_ignore_ascii_case(part) || text(&option.value).eq_ignore_ascii_case(part)
        };
        // A number can be the label of another option than the one in that place.
        let named = shown.iter().find(is_named).or_else(|| field.options.iter().find(is_named));
        let numbered = || {
            let number = part.parse::<usize>().ok()?.checked_sub(1)?;
            shown.iter().take(MAX_OPTIONS).nth(number)
        };
        named.or_else(numbered).map(|option| option.value.clone())
    };
    if !field.is_list() {
        return one(answer);
    }
    let parts = answer.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(one).collect::<Option<Vec<_>>>().map(Value::from)
}

/// Finds options by a part of their label. Those that are not in the form are found by the server.
async fn find(session: &Session, flow: &str, field: &Field, text: &str) -> Result<Vec<FieldOption>, CommandError> {
    if field.options_total <= field.options.len() {
        let text = text.to_lowercase();
        let matches = field.options.iter().filter(|option| option.label.to_lowercase().contains(&text));
        return Ok(matches.cloned().collect());
    }
    let call =
        Call::get(["flows", flow, "fields", &field.name, "options"]).query("q", text).query("limit", MAX_OPTIONS);
    Ok(session.call(&call).await?.parse_member("options")?)
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{}`", plain(name))).collect();
    names.join(", ")
}

/// Returns a hint that names the flag of each field.
pub(super) fn flags_hint(flow: &str, fields: &[&str]) -> String {
    let flags = fields.iter().map(|field| match *field {
        field if TARGET.contains(&field) => "`--to TARGET`".to_owned(),
        "duration" => "`--for DURATION`".to_owned(),
        "reason" => "`--reason TEXT`".to_owned(),
        field => format!("`{}=VALUE`", plain(field)),
    });
    let flags: Vec<_> = flags.collect();
    format!("pass {}; `flows {}` shows what the flow takes", flags.join(", "), plain(flow))
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use futures_util::stream;
    use reqwest::StatusCode;

    use super::*;
    use crate::client::{Client, Incoming, Transport};
    use crate::future::BoxFuture;

    /// A server with a form of five fields, one of which is shown once another one is urgent.
    #[derive(Clone, Default)]
    struct Forms {
        calls: Arc<Mutex<Vec<String>>>,
    }

    impl Forms {
        fn answer(&self, call: &Call) -> Value {
            let body: Value = call.body_text().map_or(Value::Null, |body| serde_json::from_str(&body).unwrap());
            let changed = body["changed"].as_array().map_or(0, Vec::len);
            self.calls.lock().unwrap().push(format!("{} {changed}", call.path_and_query()));
            if call.path_and_query().contains("/options") {
                return json!({ "options": [{ "value": "db-77", "label": "Orders EU" }, { "value": "db-78", "label": "Orders US" }] });
            }
            let field = |name: &str, kind: &str, options: Value, total: usize| {
                json!({
                    "name": name, "label": name.to_uppercase(), "type": kind, "required": true, "visible": true,
                    "value": body["inputs"][name], "options": options, "options_total": total,
                })
            };
            let option = |value: Value, label: &str| json!({ "value": value, "label": label });
            let targets = json!([option("t-1".into(), "Production"), option("t-2".into(), "Staging")]);
            let databases = json!([option("db-1".into(), "Accounts")]);
            let tags = json!([option("a".into(), "2"), option("b".into(), "Beta"), option("c".into(), "Gamma")]);
            let mut incident = field("incident", "int", json!([]), 0);
            incident["visible"] = (body["inputs"]["urgency"] == "urgent").into();
            json!({ "flow": {}, "errors": [], "fields": [
                field("target_id", "string", targets, 2),
                field("urgency", "string", json!([]), 0),
                incident,
                field("database", "string", databases, 4_210),
                field("tags", "string_list", tags, 3),
                field("duration", "duration", json!([option(3600.into(), "1h"), option(1800.into(), "30m")]), 2),
            ] })
        }
    }

    impl Transport for Forms {
        fn send<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, crate::error::Result<Incoming>> {
            let body = self.answer(call).to_string().into_bytes();
            let body = Box::pin(stream::iter([Ok::<_, Error>(body)]));
            Box::pin(std::future::ready(Ok(Incoming { status: StatusCode::OK, headers: Default::default(), body })))
        }
    }

    impl fmt::Debug for Forms {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Forms")
        }
    }

    struct Asked {
        inputs: Value,
        shown: String,
        calls: Vec<String>,
        error: Option<CommandError>,
    }

    async fn asked(inputs: Value, answers: &[&str]) -> Asked {
        let forms = Forms::default();
        let session = Session::of_client(Client::over(forms.clone()));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output::new(&mut out, &mut err, false);
        let Value::Object(mut inputs) = inputs else { panic!("no object") };
        let mut answers = Answers::Scripted(answers.iter().map(|answer| (*answer).to_owned()).collect());
        let done = ask_for_missing(&session, "form", &mut inputs, &mut answers, &mut output).await;
        let calls = forms.calls.lock().unwrap().clone();
        Asked { inputs: inputs.into(), shown: String::from_utf8(err).unwrap(), calls, error: done.err() }
    }

    #[tokio::test]
    async fn what_is_missing_is_asked_with_the_options_of_the_form() {
        let answers = ["staging", "urgent", "many", "7", "orders", "1", "beta, 2", "", "2"];
        let Asked { inputs, shown, error, .. } = asked(json!({}), &answers).await;
        assert!(error.is_none(), "{shown}");
        assert_eq!(
            inputs,
            json!({
                "target_id": "t-2", "urgency": "urgent", "incident": 7, "database": "db-77", "tags": ["b", "a"],
                "duration": 1800,
            })
        );
        assert!(shown.contains("TARGET_ID:\n   1  Production\n   2  Staging\nTARGET_ID (number or text): "), "{shown}");
        assert!(shown.contains("  field `incident` takes a whole number, got `many`\n"), "{shown}");
        assert!(shown.contains("and 4209 more: type a part of one\n"), "{shown}");
        assert!(shown.contains("   2  Orders US\n"), "{shown}");
        assert!(shown.contains("  the request needs it\n"), "{shown}");
    }

    #[tokio::test]
    async fn what_is_given_is_not_asked() {
        let given = json!({ "target_srn": "srn", "urgency": "low", "tags": ["a"], "duration": "1h" });
        let Asked { inputs, shown, calls, error } = asked(given, &["Accounts"]).await;
        assert!(error.is_none(), "{shown}");
        assert_eq!((&inputs["database"], shown.matches("): ").count()), (&json!("db-1"), 1), "{shown}");
        // The handlers of what was given are called once the form has it, and then after each answer.
        let change = "/api/v1/flows/form/form/change";
        assert_eq!(calls, ["/api/v1/flows/form/form 0".to_owned(), format!("{change} 3"), format!("{change} 4")]);
    }

    #[tokio::test]
    async fn the_end_of_the_input_names_what_is_missing() {
        let Asked { error, .. } = asked(json!({ "urgency": "low" }), &["1"]).await;
        let Some(CommandError::Request(error)) = error else { panic!("another error") };
        assert_eq!(error.message(), "the input has ended, and the request lacks `database`, `tags`, `duration`");
        assert_eq!(
            error.hint(),
            Some("pass `database=VALUE`, `tags=VALUE`, `--for DURATION`; `flows form` shows what the flow takes")
        );
        assert!(flags_hint("f", &["target_id", "reason"]).starts_with("pass `--to TARGET`, `--reason TEXT`; "));
    }
}
