//! A parsed directory of Terraform files: its blocks by kind, not evaluated.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};

use super::json_syntax;
use super::source_file::SourceFile;
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest::did_you_mean;

/// The kinds of blocks at the top level of a file.
const TOP_LEVEL_BLOCKS: [&str; 13] = [
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
    /// Files that could not be parsed. Their declarations are missing.
    broken: Vec<Rc<SourceFile>>,
    /// Whether a file could not be read.
    unread: bool,
    pub(super) variables: BTreeMap<String, Rc<BlockDecl>>,
    pub(super) locals: BTreeMap<String, Rc<LocalDecl>>,
    pub(super) resources: BTreeMap<(String, String), Rc<BlockDecl>>,
    pub(super) data: BTreeMap<(String, String), Rc<BlockDecl>>,
    pub(super) calls: BTreeMap<String, Rc<BlockDecl>>,
    pub(super) outputs: BTreeMap<String, Rc<BlockDecl>>,
    pub(super) providers: Vec<Rc<BlockDecl>>,
}

/// A block of a file.
#[derive(Debug)]
pub(super) struct BlockDecl {
    /// Whether it is a `data` block.
    pub(super) data: bool,
    /// The resource's type; empty for a block that has none.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) source: Rc<SourceFile>,
    pub(super) location: SourceLocation,
    pub(super) body: Body,
}

/// One entry of a `locals` block.
#[derive(Debug)]
pub(super) struct LocalDecl {
    pub(super) source: Rc<SourceFile>,
    pub(super) location: SourceLocation,
    pub(super) value: Expression,
}

impl BlockDecl {
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.body.get_attribute(name)
    }

    pub(super) fn is_sym(&self) -> bool {
        self.kind.starts_with("sym_")
    }

    /// Returns the reference to the block in expressions, such as `data.sym_integration.slack`.
    pub(super) fn reference(&self) -> String {
        let data = if self.data { "data." } else { "" };
        format!("{data}{}.{}", self.kind, self.name)
    }
}

impl Module {
    /// Parses every Terraform file of a directory. Files with errors are reported and skipped.
    pub(super) fn parse(dir: &Path, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut module = Self::default();
        let Some(paths) = files(dir, &[".tf", ".tf.json"], diagnostics) else { return module };
        if paths.is_empty() {
            let message = "there are no Terraform files (`*.tf`) in this directory";
            diagnostics.push(Diagnostic::error(dir_location(dir), message));
        }
        for path in paths {
            let source = match SourceFile::read(&path) {
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

    /// Returns `true` if a name that seems missing may be declared in a file that could not be parsed.
    pub(super) fn may_declare(&self, name: &str) -> bool {
        let in_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let has_name = |source: &Rc<SourceFile>| source.text().split(|c| !in_name(c)).any(|word| word == name);
        self.unread || self.broken.iter().any(has_name)
    }

    /// Returns the resources and data sources of Sym in the order of the files.
    pub(super) fn sym_resources(&self) -> Vec<&Rc<BlockDecl>> {
        let mut declared: Vec<_> = self.resources.values().chain(self.data.values()).collect();
        declared.retain(|declared| declared.is_sym());
        declared.sort_by(|a, b| a.location.cmp(&b.location));
        declared
    }

    fn take(&mut self, source: &Rc<SourceFile>, body: Body, diagnostics: &mut Vec<Diagnostic>) {
        for structure in body {
            match structure {
                Structure::Block(block) => self.take_block(source, block, diagnostics),
                Structure::Attribute(attribute) => {
                    let message = format!("`{}` is outside of any block", attribute.key.as_str());
                    diagnostics.push(Diagnostic::error(source.location(&attribute), message));
                }
            }
        }
    }

    fn take_block(&mut self, source: &Rc<SourceFile>, block: Block, diagnostics: &mut Vec<Diagnostic>) {
        let location = source.location(&block);
        let ident = block.ident.as_str().to_owned();
        let labels = match ident.as_str() {
            "resource" | "data" => 2,
            "variable" | "module" | "output" | "provider" => 1,
            "locals" => return self.take_locals(source, block, diagnostics),
            "terraform" | "moved" | "import" | "removed" | "check" | "ephemeral" => return,
            _ => {
                let hint = did_you_mean(&ident, TOP_LEVEL_BLOCKS);
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
        let declared = Rc::new(BlockDecl { data, kind, name, source: source.clone(), location, body: block.body });
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
                    .with_hint(format!("the first one is at {}", first.location)),
            );
        }
    }

    fn take_locals(&mut self, source: &Rc<SourceFile>, block: Block, diagnostics: &mut Vec<Diagnostic>) {
        for structure in block.body {
            let attribute = match structure {
                Structure::Attribute(attribute) => attribute,
                Structure::Block(block) => {
                    diagnostics
                        .push(Diagnostic::error(source.location(&block), "a `locals` block cannot contain blocks"));
                    continue;
                }
            };
            let location = source.location(&attribute);
            let name = attribute.key.as_str().to_owned();
            let local = LocalDecl { source: source.clone(), location: location.clone(), value: attribute.value };
            if let Some(first) = insert(&mut self.locals, name.clone(), &Rc::new(local)) {
                let message = format!("`local.{name}` is declared twice");
                diagnostics.push(
                    Diagnostic::error(location, message).with_hint(format!("the first one is at {}", first.location)),
                );
            }
        }
    }
}

/// Inserts a value under a new key. Returns the present value if the key exists.
fn insert<K: Ord, T>(map: &mut BTreeMap<K, Rc<T>>, key: K, value: &Rc<T>) -> Option<Rc<T>> {
    match map.entry(key) {
        Entry::Occupied(first) => Some(first.get().clone()),
        Entry::Vacant(vacant) => {
            vacant.insert(value.clone());
            None
        }
    }
}

/// Parses one file.
pub(super) fn parse_body(source: &SourceFile) -> Result<Body, Diagnostic> {
    if source.is_json() {
        return json_syntax::parse_body(source);
    }
    hcl_edit::parser::parse_body(source.text()).map_err(|error| syntax_error(source, &error))
}

/// Converts a syntax error to a diagnostic.
pub(super) fn syntax_error(source: &SourceFile, error: &hcl_edit::parser::Error) -> Diagnostic {
    let location = error.location();
    Diagnostic::error(source.at_line(location.line(), location.column()), format!("syntax error: {}", error.message()))
}

/// Returns the files of a directory whose names end in one of the suffixes, sorted; `None` if the directory cannot be read.
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
        return Diagnostic::error(dir_location(dir), format!("the directory cannot be read: {error}"));
    }
    let diagnostic = Diagnostic::error(dir_location(dir), "there is no such directory");
    if dir.is_absolute() {
        return diagnostic;
    }
    diagnostic
        .with_hint("a relative path starts at the current directory; use `env!(\"CARGO_MANIFEST_DIR\")` for the directory of the crate")
}

/// Returns the location of a directory.
fn dir_location(dir: &Path) -> SourceLocation {
    SourceLocation { file: Some(dir.to_owned().into()), ..SourceLocation::default() }
}
