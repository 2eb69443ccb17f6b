//! Functions of files and paths.

use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use ::regex::Regex;

use super::super::scope::Scope;
use super::super::source_file::{self, SourceFile, read_text};
use super::super::template::Form;
use super::super::types::Type;
use super::encoding::base64;
use super::{Arguments, Function, FunctionError, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abspath", 1, 1, |args| {
        let path = resolve(args.scope, &args.text(0)?);
        Ok(Value::text(clean(&std::path::absolute(&path).unwrap_or(path))))
    }),
    Function::new("basename", 1, 1, |args| Ok(Value::text(base_name(&args.text(0)?)))),
    Function::new("dirname", 1, 1, |args| {
        let path = args.text(0)?;
        let end = path.rfind('/').map_or(0, |at| at + 1);
        Ok(Value::text(clean(Path::new(path.get(..end).unwrap_or_default()))))
    }),
    Function::new("file", 1, 1, |args| Ok(Value::text(read(args)?))),
    Function::new("filebase64", 1, 1, |args| Ok(Value::text(base64(&read_bytes(args)?)))),
    Function::new("fileexists", 1, 1, |args| Ok(Value::Bool(resolve(args.scope, &args.text(0)?).is_file()))),
    Function::new("fileset", 2, 2, fileset),
    Function::new("pathexpand", 1, 1, |args| {
        let path = args.text(0)?;
        let rest = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        match (rest, std::env::home_dir()) {
            (Some(rest), Some(home)) => Ok(Value::text(format!("{}{rest}", home.display()))),
            _ => Ok(Value::Text(path)),
        }
    }),
    Function::new("templatefile", 2, 2, templatefile),
];

/// The maximal number of files and directories that `fileset` looks at.
const MAX_WALKED: usize = 10_000;

/// Resolves a path relative to the root directory.
fn resolve(scope: Scope<'_>, path: &str) -> PathBuf {
    scope.evaluator.root.join(path)
}

/// Returns the last part of a path, as Go does.
fn base_name(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" if path.is_empty() => ".",
        "" => "/",
        trimmed => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// Returns the shortest path that means the same, as Go does.
fn clean(path: &Path) -> String {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => {
                    clean.pop();
                }
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => clean.push(".."),
            },
            other => clean.push(other),
        }
    }
    if clean.as_os_str().is_empty() { ".".to_owned() } else { clean.display().to_string() }
}

fn unreadable(path: &str, why: &str) -> FunctionError {
    let problem = FunctionError::new(format!("`{path}` cannot be read: {why}")).at(0);
    problem.hint("a path is relative to the root directory; `${path.module}` is the directory of this module")
}

/// Reading a file costs steps in proportion to its size.
fn charge(args: &Arguments<'_>, path: &str, bytes: usize) -> Result<(), FunctionError> {
    match args.scope.evaluator.consume_steps(bytes / 32) {
        Ok(()) => Ok(()),
        Err(_) => Err(FunctionError::new(format!("`{path}` is read too often for its size")).at(0)),
    }
}

fn read(args: &Arguments<'_>) -> Result<String, FunctionError> {
    let path = args.text(0)?;
    let text = read_text(&resolve(args.scope, &path)).map_err(|why| unreadable(&path, &why))?;
    charge(args, &path, text.len())?;
    Ok(text)
}

/// Reads the file that the first argument names.
pub(super) fn read_bytes(args: &Arguments<'_>) -> Result<Vec<u8>, FunctionError> {
    let path = args.text(0)?;
    let bytes = source_file::read_bytes(&resolve(args.scope, &path)).map_err(|why| unreadable(&path, &why))?;
    charge(args, &path, bytes.len())?;
    Ok(bytes)
}

fn templatefile(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    // As in Terraform: a template that reads itself would never end.
    if args.scope.vars.is_some() {
        return Err(FunctionError::new("a template file cannot read another one"));
    }
    let vars = args.map(1)?;
    let Some(vars) = vars.entries() else { return args.type_mismatch(1, "a map") };
    let source = Rc::new(SourceFile::new(resolve(args.scope, &args.text(0)?), read(args)?));
    let template = match hcl_edit::parser::parse_template(source.text()) {
        Ok(template) => template,
        Err(error) => {
            args.scope.report(source.syntax_error(&error));
            return Ok(Value::invalid());
        }
    };
    Ok(args.scope.of_file(&source, vars).template(&template, Form::Lines))
}

fn fileset(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let (path, pattern) = (args.text(0)?, args.text(1)?);
    let glob = glob(&pattern).ok_or_else(|| {
        FunctionError::new("expected a pattern of paths below the directory")
            .at(1)
            .hint("`*` is any part of a name, `**` any directories, `{a,b}` one of several")
    })?;
    let root = resolve(args.scope, &path);
    let (mut found, mut walked) = (Vec::new(), 0_usize);
    let mut left = vec![(root, String::new())];
    while let Some((dir, prefix)) = left.pop() {
        let entries = match dir.read_dir() {
            Ok(entries) => entries,
            // As in Terraform, a directory that does not exist has no files.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(FunctionError::new(format!("{:?} cannot be read: {error}", dir.display())).at(0)),
        };
        for entry in entries {
            walked += 1;
            if walked > MAX_WALKED {
                return Err(FunctionError::new(format!("the directory has more than {MAX_WALKED} files")).at(0));
            }
            let entry = entry.map_err(|error| FunctionError::new(error.to_string()).at(0))?;
            let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else { continue };
            // A link to a directory might lead to a cycle.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push((entry.path(), format!("{name}/")));
            } else if entry.path().is_file() && glob.is_match(&name) {
                found.push(Value::text(name));
            }
        }
    }
    charge(args, &path, walked.saturating_mul(32))?;
    Ok(Value::set_of(Type::String, found))
}

/// Translates a pattern of paths. Returns `None` if it is not one.
fn glob(pattern: &str) -> Option<Regex> {
    if pattern.split('/').any(|part| part == "..") || pattern.starts_with('/') {
        return None;
    }
    let mut regex = String::from("^");
    let mut alternatives = 0;
    let mut rest = pattern.trim_start_matches("./");
    while let Some(c) = rest.chars().next() {
        let at_start = regex.ends_with(['^', '/']);
        if at_start && let Some(after) = rest.strip_prefix("**/") {
            regex.push_str("(?:.*/)?");
            rest = after;
            continue;
        }
        if at_start && rest == "**" {
            regex.push_str(".*");
            break;
        }
        rest = rest.get(c.len_utf8()..)?;
        match c {
            '*' => {
                rest = rest.trim_start_matches('*');
                regex.push_str("[^/]*");
            }
            '?' => regex.push_str("[^/]"),
            '{' => {
                alternatives += 1;
                regex.push_str("(?:");
            }
            '}' if alternatives > 0 => {
                alternatives -= 1;
                regex.push(')');
            }
            ',' if alternatives > 0 => regex.push('|'),
            '[' => {
                let end = rest.find(']').filter(|end| *end > 0)?;
                let (members, after) = (rest.get(..end)?, rest.get(end + 1..)?);
                let (negation, members) = match members.strip_prefix(['^', '!']) {
                    Some(members) => ("^", members),
                    None => ("", members),
                };
                let escaped: String = members
                    .chars()
                    .flat_map(|c| if matches!(c, '[' | '\\' | '&' | '~' | '^') { vec!['\\', c] } else { vec![c] })
                    .collect();
                regex.push_str(&format!("[{negation}{escaped}]"));
                rest = after;
            }
            '\\' => {
                let escaped = rest.chars().next()?;
                rest = rest.get(escaped.len_utf8()..)?;
                regex.push_str(&::regex::escape(&escaped.to_string()));
            }
            c => regex.push_str(&::regex::escape(&c.to_string())),
        }
    }
    regex.push('$');
    if alternatives > 0 { None } else { Regex::new(&regex).ok() }
}
