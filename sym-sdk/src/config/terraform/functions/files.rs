//! Functions that read files, and those of their paths.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::module::syntax_fault;
use super::super::scope::Scope;
use super::super::source::{Source, read_text};
use super::encoding::base64;
use super::{Arguments, Function, Problem, Value};

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

/// Where a path leads: relative ones start at the root directory.
fn resolve(scope: Scope<'_>, path: &str) -> PathBuf {
    scope.world.root.join(path)
}

fn read(args: &Arguments<'_>) -> Result<String, Problem> {
    let path = args.text(0)?;
    let text = read_text(&resolve(args.scope, &path)).map_err(|why| {
        let problem = Problem::new(format!("`{path}` cannot be read: {why}")).at(0);
        problem.hint("a path is relative to the root directory; `${path.module}` is the directory of this module")
    })?;
    // A large file costs as many steps as it weighs.
    match args.scope.world.spend(super::text_weight(&text)) {
        Ok(()) => Ok(text),
        Err(_) => Err(Problem::new(format!("`{path}` is too large to be read as often as that")).at(0)),
    }
}

fn templatefile(args: &Arguments<'_>) -> Result<Value, Problem> {
    // As in Terraform. A template that reads itself would never end.
    if args.scope.vars.is_some() {
        return Err(Problem::new("a template file cannot read another one"));
    }
    let vars = args.entries(1)?;
    let source = Rc::new(Source::new(resolve(args.scope, &args.text(0)?), read(args)?));
    let template = match hcl_edit::parser::parse_template(source.text()) {
        Ok(template) => template,
        Err(error) => {
            args.scope.report(syntax_fault(&source, &error));
            return Ok(Value::faulty());
        }
    };
    Ok(args.scope.of_file(&source, &vars).template(&template))
}
