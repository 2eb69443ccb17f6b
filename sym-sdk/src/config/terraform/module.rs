//! One directory of Terraform files, parsed: its blocks by kind, nothing evaluated.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};

use super::json;
use super::source::Source;
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest::did_you_mean;

/// Every kind of block that may stand at the top of a file.
const TOP_LEVEL: [&str; 13] = [
    "check",
    "data",
    "ephemeral",
    "import",
    "locals",
    "module",
    "moved",
    "output",
    "provider",
    "removed",
    "resource",
    "terraform",
    "variable",
];

/// A parsed directory.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Files that could not be parsed. What they declare is missing.
    broken: Vec<Rc<Source>>,
    /// Whether a file could not even be read.
    unread: bool,
    pub(super) variables: BTreeMap<String, Rc<Declared>>,
    pub(super) locals: BTreeMap<String, Rc<Local>>,
    pub(super) resources: BTreeMap<(String, String), Rc<Declared>>,
    pub(super) data: BTreeMap<(String, String), Rc<Declared>>,
    pub(super) calls: BTreeMap<String, Rc<Declared>>,
    pub(super) outputs: BTreeMap<String, Rc<Declared>>,
    pub(super) providers: Vec<Rc<Declared>>,
}

/// A block of a file.
#[derive(Debug)]
pub(super) struct Declared {
    /// Whether it is a `data` block.
    pub(super) data: bool,
    /// The resource's type; empty for a block that has none.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) source: Rc<Source>,
    pub(super) location: SourceLocation,
    pub(super) body: Body,
}

/// One entry of a `locals` block.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) source: Rc<Source>,
    pub(super) location: SourceLocation,
    pub(super) value: Expression,
}

impl Declared {
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.body.get_attribute(name)
    }

    pub(super) fn is_sym(&self) -> bool {
        self.kind.starts_with("sym_")
    }

    /// How an expression refers to it, such as `data.sym_integration.slack`.
    pub(super) fn reference(&self) -> String {
        let data = if self.data { "data." } else { "" };
        format!("{data}{}.{}", self.kind, self.name)
    }
}

impl Module {
    /// Parses every Terraform file of a directory. Diagnostics are reported, and the rest is still read.
    pub(super) fn parse(dir: &Path, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut module = Self::default();
        let Some(paths) = files(dir, &[".tf", ".tf.json"], diagnostics) else { return module };
        if paths.is_empty() {
            let message = "there are no Terraform files (`*.tf`) in this directory";
            diagnostics.push(Diagnostic::error(whole(dir), message));
        }
        for path in paths {
            let source = match Source::read(&path) {
                Ok(source) => Rc::new(source),
                Err(diagnostic) => {
                    diagnostics.push(diagnostic);
                    module.unread = true;
                    continue;
                }
            };
            match parse_body(&source) {
                Ok(body) => module.take(&source, body, diagnostics),
                Err(diagnostic) => {
                    diagnostics.push(diagnostic);
                    module.broken.push(source);
                }
            }
        }
        module
    }

    /// Whether a name that seems missing may be declared in a file that could not be parsed.
    pub(super) fn may_declare(&self, name: &str) -> bool {
        let in_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let has_name = |source: &Rc<Source>| source.text().split(|c| !in_name(c)).any(|word| word == name);
        self.unread || self.broken.iter().any(has_name)
    }

    /// The resources and data sources of Sym, as they stand in the files.
    pub(super) fn sym_resources(&self) -> Vec<&Rc<Declared>> {
        let mut declared: Vec<_> = self.resources.values().chain(self.data.values()).collect();
        declared.retain(|declared| declared.is_sym());
        declared.sort_by(|a, b| a.location.cmp(&b.location));
        declared
    }

    fn take(&mut self, source: &Rc<Source>, body: Body, diagnostics: &mut Vec<Diagnostic>) {
        for structure in body {
            match structure {
                Structure::Block(block) => self.take_block(source, block, diagnostics),
                Structure::Attribute(attribute) => {
                    let message = format!("`{}` stands outside of any block", attribute.key.as_str());
                    diagnostics.push(Diagnostic::error(source.location(&attribute), message));
                }
            }
        }
    }

    fn take_block(&mut self, source: &Rc<Source>, block: Block, diagnostics: &mut Vec<Diagnostic>) {
        let location = source.location(&block);
        let ident = block.ident.as_str().to_owned();
        let labels = match ident.as_str() {
            "resource" | "data" => 2,
            "variable" | "module" | "output" | "provider" => 1,
            "locals" => return self.take_locals(source, block, diagnostics),
            "terraform" | "moved" | "import" | "removed" | "check" | "ephemeral" => return,
            _ => {
                let hint = did_you_mean(&ident, TOP_LEVEL);
                diagnostics.push(
                    Diagnostic::error(location, format!("`{ident}` is not a Terraform block")).with_hint_if(hint),
                );
                return;
            }
        };
        if block.labels.len() != labels {
            let form = if labels == 2 { r#""type" "name""# } else { r#""name""# };
            let message = format!("labels of `{ident}`: expected {labels}, got {}", block.labels.len());
            diagnostics.push(Diagnostic::error(location, message).with_hint(format!("write `{ident} {form} {{ … }}`")));
            return;
        }
        let mut labels = block.labels.iter().map(|label| label.as_str().to_owned());
        let kind = if block.labels.len() == 2 { labels.next().unwrap_or_default() } else { String::new() };
        let name = labels.next().unwrap_or_default();
        let data = ident == "data";
        let declared = Rc::new(Declared { data, kind, name, source: source.clone(), location, body: block.body });
        let key = (declared.kind.clone(), declared.name.clone());
        let (first, what) = match ident.as_str() {
            "resource" => (insert(&mut self.resources, key, &declared), declared.reference()),
            "data" => (insert(&mut self.data, key, &declared), declared.reference()),
            "variable" => (insert(&mut self.variables, key.1, &declared), format!("var.{}", declared.name)),
            "module" => (insert(&mut self.calls, key.1, &declared), format!("module.{}", declared.name)),
            "output" => (insert(&mut self.outputs, key.1, &declared), format!("output.{}", declared.name)),
            _ => {
                self.providers.push(declared);
                return;
            }
        };
        if let Some(first) = first {
            let message = format!("`{what}` is declared twice");
            diagnostics.push(
                Diagnostic::error(declared.location.clone(), message)
                    .with_hint(format!("the first is at {}", first.location)),
            );
        }
    }

    fn take_locals(&mut self, source: &Rc<Source>, block: Block, diagnostics: &mut Vec<Diagnostic>) {
        for structure in block.body {
            let attribute = match structure {
                Structure::Attribute(attribute) => attribute,
                Structure::Block(block) => {
                    diagnostics.push(Diagnostic::error(source.location(&block), "a `locals` block holds no blocks"));
                    continue;
                }
            };
            let location = source.location(&attribute);
            let name = attribute.key.as_str().to_owned();
            let local = Local { source: source.clone(), location: location.clone(), value: attribute.value };
            if let Some(first) = insert(&mut self.locals, name.clone(), &Rc::new(local)) {
                let message = format!("`local.{name}` is declared twice");
                diagnostics.push(
                    Diagnostic::error(location, message).with_hint(format!("the first is at {}", first.location)),
                );
            }
        }
    }
}

/// Inserts what is not there yet; what stands there otherwise.
fn insert<K: Ord, T>(map: &mut BTreeMap<K, Rc<T>>, key: K, value: &Rc<T>) -> Option<Rc<T>> {
    match map.entry(key) {
        Entry::Occupied(first) => Some(first.get().clone()),
        Entry::Vacant(vacant) => {
            vacant.insert(value.clone());
            None
        }
    }
}

/// Parses one file, or says what was expected where.
pub(super) fn parse_body(source: &Source) -> Result<Body, Diagnostic> {
    if source.is_json() {
        return json::parse_body(source);
    }
    hcl_edit::parser::parse_body(source.text()).map_err(|error| syntax_fault(source, &error))
}

/// What the parser expected, and where.
pub(super) fn syntax_fault(source: &Source, error: &hcl_edit::parser::Error) -> Diagnostic {
    let location = error.location();
    Diagnostic::error(source.at_line(location.line(), location.column()), format!("syntax error: {}", error.message()))
}

/// The files of a directory whose names end in one of the suffixes, sorted; none if it cannot be read.
pub(super) fn files(dir: &Path, suffixes: &[&str], diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            diagnostics.push(unreadable(dir, &error));
            return None;
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            !name.starts_with('.') && suffixes.iter().any(|suffix| name.ends_with(suffix))
        })
        .collect();
    paths.sort();
    Some(paths)
}

fn unreadable(dir: &Path, error: &std::io::Error) -> Diagnostic {
    if error.kind() != std::io::ErrorKind::NotFound {
        return Diagnostic::error(whole(dir), format!("the directory cannot be read: {error}"));
    }
    let diagnostic = Diagnostic::error(whole(dir), "there is no such directory");
    if dir.is_absolute() {
        return diagnostic;
    }
    diagnostic
        .with_hint("it is looked for in the current directory; `env!(\"CARGO_MANIFEST_DIR\")` is that of the crate")
}

/// A directory as a place.
fn whole(dir: &Path) -> SourceLocation {
    SourceLocation { file: Some(dir.to_owned().into()), ..SourceLocation::default() }
}
