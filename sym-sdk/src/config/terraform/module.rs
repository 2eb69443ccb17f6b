//! A parsed directory of Terraform files: its blocks by kind, not evaluated.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::rc::Rc;

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Attribute, Block, Body, Structure};

use super::files::{self, dir_location};
use super::parsing::parse_body;
use super::source_file::SourceFile;
use crate::config::{Diagnostic, SourceLocation};
use crate::suggest::did_you_mean;

/// The kinds of blocks at the top level of a file that are read.
const READ_BLOCKS: [&str; 8] = ["check", "data", "locals", "module", "output", "provider", "resource", "variable"];

/// The kinds of blocks that have no meaning here: settings of Terraform, moves in its state, actions of providers.
const IGNORED_BLOCKS: [&str; 6] = ["action", "ephemeral", "import", "moved", "removed", "terraform"];

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
    pub(super) checks: Vec<Rc<BlockDecl>>,
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
        let Some(found) = files::configuration(dir, diagnostics) else { return module };
        if found.primary.is_empty() && found.overrides.is_empty() {
            let message = "there are no Terraform files (`*.tf`) in this directory";
            diagnostics.push(Diagnostic::error(dir_location(dir), message));
        }
        for path in found.primary {
            if let Some((source, body)) = module.parse_file(&path, diagnostics) {
                module.take(&source, body, diagnostics);
            }
        }
        for path in found.overrides {
            if let Some((source, body)) = module.parse_file(&path, diagnostics) {
                module.override_with(&source, body, diagnostics);
            }
        }
        module
    }

    fn parse_file(&mut self, path: &Path, diagnostics: &mut Vec<Diagnostic>) -> Option<(Rc<SourceFile>, Body)> {
        let source = match SourceFile::read(path) {
            Ok(source) => Rc::new(source),
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                self.unread = true;
                return None;
            }
        };
        match parse_body(&source) {
            Ok(parsed) => Some(parsed),
            Err(errors) => {
                diagnostics.extend(errors);
                self.broken.push(source);
                None
            }
        }
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
        if block.ident.as_str() == "locals" {
            return self.take_locals(source, block, diagnostics);
        }
        let Some((kind, declared)) = BlockDecl::read(source, block, diagnostics) else { return };
        let declared = Rc::new(declared);
        let first = match kind {
            BlockKind::Check => {
                self.take_check_data(&declared, diagnostics);
                let first = self.checks.iter().find(|check| check.name == declared.name).cloned();
                self.checks.push(declared.clone());
                first
            }
            BlockKind::Provider => {
                let first = self.providers.iter().find(|provider| provider.is_same_provider(&declared)).cloned();
                self.providers.push(declared.clone());
                first
            }
            BlockKind::Resource => insert(&mut self.resources, declared.key(), &declared),
            BlockKind::Data => insert(&mut self.data, declared.key(), &declared),
            BlockKind::Variable => insert(&mut self.variables, declared.name.clone(), &declared),
            BlockKind::Module => insert(&mut self.calls, declared.name.clone(), &declared),
            BlockKind::Output => insert(&mut self.outputs, declared.name.clone(), &declared),
        };
        if let Some(first) = first {
            let message = format!("`{}` is declared twice", declared.name_in_messages(kind));
            diagnostics.push(
                Diagnostic::error(declared.location.clone(), message)
                    .with_hint(format!("the first one is at {}", first.location)),
            );
        }
    }

    /// Takes the data source that a `check` block may contain.
    fn take_check_data(&mut self, check: &BlockDecl, diagnostics: &mut Vec<Diagnostic>) {
        for block in check.body.get_blocks("data") {
            self.take_block(&check.source, block.clone(), diagnostics);
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

/// The kinds of blocks that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    Check,
    Data,
    Module,
    Output,
    Provider,
    Resource,
    Variable,
}

impl BlockKind {
    fn parse(ident: &str) -> Option<Self> {
        Some(match ident {
            "check" => Self::Check,
            "data" => Self::Data,
            "module" => Self::Module,
            "output" => Self::Output,
            "provider" => Self::Provider,
            "resource" => Self::Resource,
            "variable" => Self::Variable,
            _ => return None,
        })
    }
}

impl BlockDecl {
    /// Reads a block of the top level. `None` if it has no meaning here, or is reported.
    pub(super) fn read(
        source: &Rc<SourceFile>,
        block: Block,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<(BlockKind, Self)> {
        let location = source.location(&block);
        let ident = block.ident.as_str();
        let Some(kind) = BlockKind::parse(ident) else {
            diagnostics.extend(unknown_block(ident, location));
            return None;
        };
        let labels = if matches!(kind, BlockKind::Data | BlockKind::Resource) { 2 } else { 1 };
        if block.labels.len() != labels {
            let form = if labels == 2 { r#""type" "name""# } else { r#""name""# };
            let message = format!("labels of `{ident}`: expected {labels}, got {}", block.labels.len());
            diagnostics.push(Diagnostic::error(location, message).with_hint(format!("write `{ident} {form} {{ … }}`")));
            return None;
        }
        let mut labels = block.labels.iter().map(|label| label.as_str().to_owned());
        let type_name = if block.labels.len() == 2 { labels.next().unwrap_or_default() } else { String::new() };
        let name = labels.next().unwrap_or_default();
        let data = kind == BlockKind::Data;
        Some((kind, Self { data, kind: type_name, name, source: source.clone(), location, body: block.body }))
    }

    /// Returns the key of a resource or data source.
    pub(super) fn key(&self) -> (String, String) {
        (self.kind.clone(), self.name.clone())
    }

    /// Returns the name of the block in messages.
    pub(super) fn name_in_messages(&self, kind: BlockKind) -> String {
        match kind {
            BlockKind::Data | BlockKind::Resource => self.reference(),
            BlockKind::Check => format!("check.{}", self.name),
            BlockKind::Module => format!("module.{}", self.name),
            BlockKind::Output => format!("output.{}", self.name),
            BlockKind::Variable => format!("var.{}", self.name),
            BlockKind::Provider => match self.alias() {
                Some(alias) => format!("provider.{}.{alias}", self.name),
                None => format!("provider.{}", self.name),
            },
        }
    }

    /// Returns the alias of a provider's configuration. The default one has none.
    pub(super) fn alias(&self) -> Option<&str> {
        match &self.attribute("alias")?.value {
            Expression::String(alias) => Some(alias.as_str()),
            _ => None,
        }
    }

    pub(super) fn is_same_provider(&self, other: &Self) -> bool {
        self.name == other.name && self.alias() == other.alias()
    }
}

/// Reports a block that is not read, unless it is one of those that have no meaning here. A block that a later version of Terraform adds
/// is passed over with a warning; one whose name is nearly that of another is an error.
pub(super) fn unknown_block(ident: &str, location: SourceLocation) -> Option<Diagnostic> {
    if IGNORED_BLOCKS.contains(&ident) {
        return None;
    }
    let hint = did_you_mean(ident, READ_BLOCKS.iter().chain(&IGNORED_BLOCKS));
    Some(match hint {
        Some(hint) => Diagnostic::error(location, format!("`{ident}` is not a Terraform block")).with_hint(hint),
        None => Diagnostic::warning(location, format!("the block `{ident}` is not known, so it is not read")),
    })
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
