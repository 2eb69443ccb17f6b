//! Functions of files and paths.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::scope::Scope;
use super::super::source_file::{SourceFile, read_text};
use super::encoding::base64;
use super::{Arguments, Function, FunctionError, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abspath", 1, 1, |args| {
        let path = resolve(args.scope, &args.text(0)?);
        Ok(Value::text(std::path::absolute(&path).unwrap_or(path).display().to_string()))
    }),
    Function::new("basename", 1, 1, |args| {
        let path = args.text(0)?;
        Ok(Value::text(Path::new(&*path).file_name().map(|name| name.to_string_lossy()).unwrap_or_default()))
    }),
    Function::new("dirname", 1, 1, |args| {
        let path = args.text(0)?;
        let parent = Path::new(&*path).parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok(Value::text(parent.unwrap_or(Path::new(".")).display().to_string()))
    }),
    Function::new("file", 1, 1, |args| Ok(Value::text(read(args)?))),
    Function::new("filebase64", 1, 1, |args| Ok(Value::text(base64(read(args)?.as_bytes())))),
    Function::new("fileexists", 1, 1, |args| Ok(Value::Bool(resolve(args.scope, &args.text(0)?).is_file()))),
    Function::new("pathexpand", 1, 1, |args| Ok(Value::Text(args.text(0)?))),
    Function::new("templatefile", 2, 2, templatefile),
];

/// Resolves a path relative to the root directory.
fn resolve(scope: Scope<'_>, path: &str) -> PathBuf {
    scope.evaluator.root.join(path)
}

fn read(args: &Arguments<'_>) -> Result<String, FunctionError> {
    let path = args.text(0)?;
    let text = read_text(&resolve(args.scope, &path)).map_err(|why| {
        let problem = FunctionError::new(format!("`{path}` cannot be read: {why}")).at(0);
        problem.hint("a path is relative to the root directory; `${path.module}` is the directory of this module")
    })?;
    // Reading a file costs steps in proportion to its size.
    match args.scope.evaluator.consume_steps(super::text_weight(&text)) {
        Ok(()) => Ok(text),
        Err(_) => Err(FunctionError::new(format!("`{path}` is read too often for its size")).at(0)),
    }
}

fn templatefile(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    // As in Terraform: a template that reads itself would never end.
    if args.scope.vars.is_some() {
        return Err(FunctionError::new("a template file cannot read another one"));
    }
    let vars = args.entries(1)?;
    let source = Rc::new(SourceFile::new(resolve(args.scope, &args.text(0)?), read(args)?));
    let template = match hcl_edit::parser::parse_template(source.text()) {
        Ok(template) => template,
        Err(error) => {
            args.scope.report(source.syntax_error(&error));
            return Ok(Value::invalid());
        }
    };
    Ok(args.scope.of_file(&source, &vars).template(&template))
}
