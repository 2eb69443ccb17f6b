//! The command `users import`: adds the people in a CSV file.
//!
//! All lines are checked before anybody is added, and all errors are reported at once. Somebody who is known stays as they are, so that a
//! command that was cut off is run again and goes on.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::people::{AllUsers, all_users};
use super::progress::Progress;
use super::session::Session;
use super::text::plain;
use super::times::elapsed;
use crate::cli::Exit;
use crate::cli::exit::CommandError;
use crate::cli::output::{Output, count, error_json};
use crate::client::{Call, Method};
use crate::clock::{Clock as _, SystemClock};
use crate::error::{Error, ErrorKind, codes};
use crate::model::{User, UserId, UserRole};
use crate::normalize::fold_email;

/// The maximum size of a file, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The maximum number of errors that are shown.
const MAX_ERRORS: usize = 100;

/// The delay after a call that was refused because there were too many, unless the server names one.
const RATE_LIMIT_DELAY: Duration = Duration::from_secs(1);

/// The longest time for which one call waits for its turn.
const RATE_LIMIT_TIMEOUT: Duration = Duration::from_secs(300);

const COLUMNS: [&str; 5] = ["email", "role", "first_name", "last_name", "reason"];

/// The values of lines that name none.
#[derive(Debug)]
pub(super) struct Defaults {
    pub(super) role: UserRole,
    pub(super) reason: String,
}

/// A person in the file.
#[derive(Debug, PartialEq, Eq)]
struct Person {
    line: u64,
    email: String,
    role: UserRole,
    first_name: String,
    last_name: String,
    reason: String,
}

/// An error in the file.
#[derive(Debug, PartialEq, Eq)]
struct LineError {
    line: u64,
    message: String,
}

pub(super) async fn import(
    session: &Session,
    file: &Path,
    defaults: &Defaults,
    dry_run: bool,
    output: &mut Output<'_>,
) -> Result<Exit, CommandError> {
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let (path, of_error) = (file.to_owned(), name.clone());
    let reading = tokio::task::spawn_blocking(move || read(&path));
    let text = reading.await.map_err(io::Error::other).flatten().map_err(|error| {
        let error =
            Error::invalid(codes::CONFIGURATION, format!("cannot read `{of_error}`: {error}")).with_source(error);
        CommandError::Request(error)
    })?;
    let (people, mut errors) = parse(&text, defaults);
    let known = Known::of(all_users(session, None).await?);
    errors.extend(people.iter().filter(|person| known.is_deleted(person)).map(|person| LineError {
        line: person.line,
        message: format!(
            "`{}` was deleted: `users restore` brings them back, and `users add` adds somebody else with their address",
            plain(&person.email)
        ),
    }));
    if !errors.is_empty() {
        errors.sort_by_key(|error| error.line);
        report_errors(&name, &errors, output)?;
        return Ok(Exit::Usage);
    }
    let (new, existing): (Vec<_>, Vec<_>) = people.iter().partition(|person| known.role_of(person).is_none());
    let mut report = Report::default();
    for person in existing {
        let role = known.role_of(person).unwrap_or_default();
        report.exists(person, role, output)?;
    }
    let mut progress = Progress::new(session.terminal);
    for (done, person) in new.iter().enumerate() {
        if output.json {
            // Otherwise each person has a line.
            progress.show("adding people", output)?;
        }
        if dry_run {
            report.done(person, "would be added", output)?;
            continue;
        }
        if let Err(error) = add(session, person).await {
            progress.clear(output)?;
            let error = session.with_hint(error);
            let left = new.len() - done;
            return report.stop(person, left, error, output);
        }
        report.done(person, "added", output)?;
    }
    progress.clear(output)?;
    report.finish(dry_run, output)?;
    Ok(Exit::Success)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// Reads the people in a file, and all errors in it.
fn parse(text: &[u8], defaults: &Defaults) -> (Vec<Person>, Vec<LineError>) {
    // A byte order mark is removed by the reader.
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return (Vec::new(), vec![LineError { line: 1, message: message_of(&error) }]),
    };
    let errors = check_header(&header);
    if !errors.is_empty() {
        return (Vec::new(), errors);
    }
    let column = |name: &str| header.iter().position(|known| known.eq_ignore_ascii_case(name));
    let columns = COLUMNS.map(column);
    let (mut people, mut errors, mut lines) = (Vec::new(), Vec::new(), HashMap::new());
    let mut counter = LineCounter::new(text);
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                errors.push(LineError { line: counter.line(error.position()), message: message_of(&error) });
                continue;
            }
        };
        let line = counter.line(record.position());
        let of = |index: usize| columns[index].and_then(|column| record.get(column)).filter(|cell| !cell.is_empty());
        let mut wrong = |message: String| errors.push(LineError { line, message });
        let email = of(0).unwrap_or_default();
        if email.is_empty() {
            wrong("there is no e-mail address".to_owned());
            continue;
        }
        if let Err(error) = User::from_email(email) {
            wrong(error.message().to_owned());
            continue;
        }
        if let Some(first) = lines.insert(fold_email(email), line) {
            wrong(format!("`{}` is on line {first}, too", plain(email)));
            continue;
        }
        let role = match of(1).map(|role| role.to_ascii_lowercase().parse::<UserRole>()) {
            None => defaults.role,
            Some(Ok(role)) => role,
            Some(Err(_)) => {
                let roles = UserRole::ALL.map(|role| format!("`{role}`")).join(", ");
                wrong(format!("the role is one of {roles}, got `{}`", plain(of(1).unwrap_or_default())));
                continue;
            }
        };
        let text = |index: usize| of(index).unwrap_or_default().to_owned();
        let reason = of(4).unwrap_or(&defaults.reason).to_owned();
        let (first_name, last_name) = (text(2), text(3));
        people.push(Person { line, email: email.to_owned(), role, first_name, last_name, reason });
    }
    (people, errors)
}

fn check_header(header: &csv::StringRecord) -> Vec<LineError> {
    let known = COLUMNS.map(|name| format!("`{name}`")).join(", ");
    let mut messages = Vec::new();
    let mut names = HashSet::new();
    for name in header {
        let folded = name.to_ascii_lowercase();
        if !COLUMNS.contains(&folded.as_str()) {
            let separator = if name.contains([';', '\t']) { "; the columns are separated by commas" } else { "" };
            messages.push(format!("there is no column `{}`: the columns are {known}{separator}", plain(name)));
        } else if !names.insert(folded) {
            messages.push(format!("the column `{}` is there twice", plain(name)));
        }
    }
    if messages.is_empty() && !names.contains(COLUMNS[0]) {
        messages.push(format!("the first line has no column `email`: it names the columns, which are {known}"));
    }
    messages.into_iter().map(|message| LineError { line: 1, message }).collect()
}

/// The lines on which records begin. The reader's own numbers are those of the lines before, if these are blank or end with CR LF.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// Returns the line of the record that begins after this position, which lies behind the last one.
    fn line(&mut self, position: Option<&csv::Position>) -> u64 {
        let begin = position.map_or(self.at, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
        let breaks = |byte: &&u8| matches!(byte, b'\r' | b'\n');
        let blank = self.text.get(begin..).unwrap_or_default().iter().take_while(breaks).count();
        let end = begin.saturating_add(blank);
        let passed = self.text.get(self.at..end).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = end.max(self.at);
        self.line
    }
}

/// Returns the error of a line that is no record.
fn message_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("expected {}, got {len}", count(usize::try_from(*expected_len).unwrap_or_default(), "field"))
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8: save the file as “CSV UTF-8”".to_owned(),
        _ => error.to_string(),
    }
}

/// The people whom the program knows, by their folded addresses.
struct Known {
    roles: HashMap<String, String>,
    deleted: HashSet<String>,
}

impl Known {
    fn of(all: AllUsers) -> Self {
        let name = |user: &Value| fold_email(user["username"].as_str().unwrap_or_default());
        let role = |user: &Value| user["role"].as_str().unwrap_or_default().to_owned();
        Self {
            roles: all.users.iter().map(|user| (name(user), role(user))).collect(),
            deleted: all.deleted.iter().map(name).collect(),
        }
    }

    fn role_of(&self, person: &Person) -> Option<&str> {
        self.roles.get(&fold_email(&person.email)).map(String::as_str)
    }

    /// Returns whether a person was deleted, and nobody has their address now.
    fn is_deleted(&self, person: &Person) -> bool {
        self.role_of(person).is_none() && self.deleted.contains(&fold_email(&person.email))
    }
}

fn report_errors(name: &str, errors: &[LineError], output: &mut Output<'_>) -> io::Result<()> {
    let summary = format!("{} in `{name}`; nobody was added", count(errors.len(), "error"));
    let hint = "mend the lines, and run the command again";
    if output.json {
        let lines = errors.iter().map(|LineError { line, message }| json!({ "line": line, "message": message }));
        let lines: Vec<_> = lines.collect();
        return output.value(&json!({ "error": { "message": summary, "hint": hint, "errors": lines } }));
    }
    for LineError { line, message } in errors.iter().take(MAX_ERRORS) {
        writeln!(output.err, "error: {name}:{line}: {message}")?;
    }
    output.error_without_code(&summary, hint)
}

/// Adds a person. A server that has had too many calls is waited for.
async fn add(session: &Session, person: &Person) -> Result<(), Error> {
    let Person { email, role, first_name, last_name, reason, .. } = person;
    let call = Call::post(["users"]).body(json!({ "email": email, "role": role, "reason": reason }));
    let added = patiently(session, &call).await?;
    if first_name.is_empty() && last_name.is_empty() {
        return Ok(());
    }
    let id: UserId = serde_json::from_value(added["id"].clone()).map_err(|_| {
        Error::new(ErrorKind::Decode, codes::INVALID_JSON, "the server's answer has no id of the person who was added")
    })?;
    let names = json!({ "first_name": first_name, "last_name": last_name });
    patiently(session, &Call::new(Method::PATCH, ["users".to_owned(), id.to_string()]).body(names)).await?;
    Ok(())
}

async fn patiently(session: &Session, call: &Call) -> Result<Value, Error> {
    let began = elapsed();
    loop {
        match session.client.call(call).await {
            Ok(answer) => return Ok(answer.into_json()),
            Err(error)
                if error.kind() == ErrorKind::RateLimited && elapsed().saturating_sub(began) < RATE_LIMIT_TIMEOUT =>
            {
                let delay = error.retry_after().unwrap_or(RATE_LIMIT_DELAY).clamp(RATE_LIMIT_DELAY, RATE_LIMIT_TIMEOUT);
                SystemClock.sleep(delay).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The report of an import.
#[derive(Debug, Default)]
struct Report {
    results: Vec<Value>,
    added: usize,
    existing: usize,
}

impl Report {
    fn done(&mut self, person: &Person, what: &str, output: &mut Output<'_>) -> io::Result<()> {
        let Person { line, email, role, .. } = person;
        self.added += 1;
        let result = what.replace(' ', "_");
        self.results.push(json!({ "line": line, "email": email, "role": role, "result": result }));
        if !output.json {
            writeln!(output.out, "{}: {what} as {role}", plain(email))?;
        }
        Ok(())
    }

    fn exists(&mut self, person: &Person, role: &str, output: &mut Output<'_>) -> io::Result<()> {
        let Person { line, email, .. } = person;
        self.existing += 1;
        self.results.push(json!({ "line": line, "email": email, "role": role, "result": "exists" }));
        if !output.json {
            let differs = if role == person.role.as_str() {
                String::new()
            } else {
                format!("; the file says {}, and `users role` sets it", person.role)
            };
            writeln!(output.out, "{}: known already, as {}{differs}", plain(email), plain(role))?;
        }
        Ok(())
    }

    fn json(&self, dry_run: bool) -> Value {
        json!({ "results": self.results, "added": if dry_run { 0 } else { self.added }, "existing": self.existing })
    }

    fn finish(&self, dry_run: bool, output: &mut Output<'_>) -> io::Result<()> {
        if output.json {
            return output.value(&self.json(dry_run));
        }
        let people = if self.added == 1 { "1 person".to_owned() } else { format!("{} people", self.added) };
        let done = if dry_run { "would be added; nothing was done" } else { "added" };
        writeln!(output.out, "{people} {done}, {} known already", self.existing)
    }

    /// Reports an error that ends the import, and what was done before.
    fn stop(&self, person: &Person, left: usize, error: Error, output: &mut Output<'_>) -> Result<Exit, CommandError> {
        let exit = crate::cli::exit::exit_of(&error);
        if output.json {
            let mut json = self.json(false);
            json["error"] = error_json(&error);
            json["error"]["line"] = person.line.into();
            output.value(&json)?;
        } else {
            writeln!(output.err, "error: line {}: {}", person.line, error.report())?;
            writeln!(output.err, "note: {} added, {left} not; run the command again to go on", self.added)?;
        }
        Ok(exit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> (Vec<Person>, Vec<(u64, String)>) {
        let defaults = Defaults { role: UserRole::Member, reason: "import".to_owned() };
        let (people, errors) = parse(text, &defaults);
        (people, errors.into_iter().map(|LineError { line, message }| (line, message)).collect())
    }

    #[test]
    fn files_of_spreadsheets_are_read() {
        let text = "\u{feff}Email,first_name,last_name,role,reason\r\n\
            ana@example.com,Ana,\"Núñez, MSc\",Admin,\"hired \"\"again\"\"\"\r\n\
            \r\n\
            zoë@example.com,Zoë,名前,,\"two\nlines\"\r\n\
            \"ben@example.com\", , ,guest,\r\n";
        let (people, errors) = parsed(text.as_bytes());
        assert_eq!(errors, []);
        let rows: Vec<_> = people
            .iter()
            .map(|person| {
                (person.line, person.email.as_str(), person.role, person.last_name.as_str(), person.reason.as_str())
            })
            .collect();
        assert_eq!(
            rows,
            [
                (2, "ana@example.com", UserRole::Admin, "Núñez, MSc", "hired \"again\""),
                (4, "zoë@example.com", UserRole::Member, "名前", "two\nlines"),
                (6, "ben@example.com", UserRole::Guest, "", "import"),
            ]
        );
    }

    #[test]
    fn all_errors_are_reported_by_line() {
        let text = b"email,role\nana@example.com,member\nno address,member\nben@example.com,owner\n,member\n\
            ANA@example.com,guest\ncleo@example.com\ndee@example.com,member\n\xff@example.com,member\n";
        let (people, errors) = parsed(text);
        let emails: Vec<_> = people.iter().map(|person| person.email.as_str()).collect();
        assert_eq!(emails, ["ana@example.com", "dee@example.com"]);
        let lines: Vec<_> = errors.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 9], "{errors:?}");
        assert_eq!(errors[1].1, "the role is one of `admin`, `member`, `guest`, got `owner`");
        assert_eq!(errors[3].1, "`ANA@example.com` is on line 2, too");
        assert_eq!(errors[4].1, "expected 2 fields, got 1");
        assert!(errors[5].1.contains("UTF-8"), "{errors:?}");
    }

    #[test]
    fn the_first_line_names_the_columns() {
        for (text, error) in [
            ("ana@example.com,member\n", "there is no column `ana@example.com`: the columns are `email`, `role`, "),
            ("email;role\na@b.c;member\n", "; the columns are separated by commas"),
            ("role\nmember\n", "has no column `email`"),
            ("email,Email\na@b.c,a@b.c\n", "is there twice"),
            ("", "has no column `email`"),
        ] {
            let (people, errors) = parsed(text.as_bytes());
            assert!(
                people.is_empty() && errors.iter().any(|(line, message)| *line == 1 && message.contains(error)),
                "{errors:?}"
            );
        }
    }
}
