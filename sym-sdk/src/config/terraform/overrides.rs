//! Override files: their blocks change blocks of the other files instead of adding to them.
//!
//! As in Terraform, an attribute replaces the one of its name, blocks replace all blocks of their type, and the arguments of `lifecycle`
//! are merged one by one. Conditions cannot be overridden.

use std::collections::BTreeSet;
use std::rc::Rc;

use hcl_edit::Span;
use hcl_edit::structure::{Attribute, Block, Body, Structure};

use super::module::{BlockDecl, BlockKind, LocalDecl, Module, unknown_block};
use super::parsing::parse_native;
use super::source_file::{SourceBuilder, SourceFile};
use crate::config::Diagnostic;
use crate::suggest::did_you_mean;

/// The blocks that an override file cannot contain.
const CONDITIONS: [&str; 3] = ["postcondition", "precondition", "validation"];

impl Module {
    /// Merges the blocks of an override file into those that they override.
    pub(super) fn override_with(&mut self, source: &Rc<SourceFile>, body: Body, diagnostics: &mut Vec<Diagnostic>) {
        for structure in body {
            match structure {
                Structure::Block(block) if block.ident.as_str() == "locals" => {
                    self.override_locals(source, block, diagnostics);
                }
                Structure::Block(block) if block.ident.as_str() == "check" => {
                    let message = "a `check` block cannot be overridden";
                    diagnostics.push(Diagnostic::error(source.location(&block), message));
                }
                Structure::Block(block) => self.override_block(source, block, diagnostics),
                Structure::Attribute(attribute) => {
                    let message = format!("`{}` is outside of any block", attribute.key.as_str());
                    diagnostics.push(Diagnostic::error(source.location(&attribute), message));
                }
            }
        }
    }

    fn override_locals(&mut self, source: &Rc<SourceFile>, block: Block, diagnostics: &mut Vec<Diagnostic>) {
        for attribute in block.body.into_attributes() {
            let name = attribute.key.as_str().to_owned();
            let location = source.location(&attribute);
            if self.locals.contains_key(&name) || self.may_declare(&name) {
                let local = LocalDecl { source: source.clone(), location, value: attribute.value };
                self.locals.insert(name, Rc::new(local));
            } else {
                let hint = did_you_mean(&name, self.locals.keys());
                diagnostics.push(missing(&format!("local.{name}"), location, hint));
            }
        }
    }

    fn override_block(&mut self, source: &Rc<SourceFile>, block: Block, diagnostics: &mut Vec<Diagnostic>) {
        let ident = block.ident.as_str().to_owned();
        let Some((kind, change)) = BlockDecl::read(source, block, diagnostics) else { return };
        if let Some(condition) = condition(&change.body) {
            let message = format!("an override file cannot override `{}` blocks", condition.ident.as_str());
            diagnostics.push(Diagnostic::error(source.location(condition), message));
            return;
        }
        let may_declare = self.may_declare(&change.name);
        let hint = self.nearest(kind, &change);
        let declared = match kind {
            BlockKind::Resource => self.resources.get_mut(&change.key()),
            BlockKind::Data => self.data.get_mut(&change.key()),
            BlockKind::Variable => self.variables.get_mut(&change.name),
            BlockKind::Module => self.calls.get_mut(&change.name),
            BlockKind::Output => self.outputs.get_mut(&change.name),
            BlockKind::Provider => {
                let declared = self.providers.iter_mut().find(|provider| provider.is_same_provider(&change));
                if declared.is_none() && change.alias().is_none() {
                    // Every provider has a default configuration, if only an implied one.
                    self.providers.push(Rc::new(change));
                    return;
                }
                declared
            }
            BlockKind::Check => return diagnostics.extend(unknown_block(&ident, change.location)),
        };
        match declared {
            Some(declared) => match merge(declared, &change) {
                Ok(merged) => *declared = Rc::new(merged),
                Err(errors) => diagnostics.extend(errors),
            },
            None if may_declare => {}
            None => diagnostics.push(missing(&change.name_in_messages(kind), change.location, hint)),
        }
    }

    /// Suggests the declared name that is nearest to that of a block.
    fn nearest(&self, kind: BlockKind, block: &BlockDecl) -> Option<String> {
        match kind {
            BlockKind::Resource => {
                let alike = self.resources.keys().filter(|(kind, _)| *kind == block.kind).map(|(_, name)| name);
                did_you_mean(&block.name, alike)
            }
            BlockKind::Variable => did_you_mean(&block.name, self.variables.keys()),
            BlockKind::Module => did_you_mean(&block.name, self.calls.keys()),
            BlockKind::Output => did_you_mean(&block.name, self.outputs.keys()),
            BlockKind::Check | BlockKind::Data | BlockKind::Provider => None,
        }
    }
}

fn missing(name: &str, location: crate::config::SourceLocation, hint: Option<String>) -> Diagnostic {
    let hint = hint.unwrap_or_else(|| "a file with another name must declare it".to_owned());
    Diagnostic::error(location, format!("`{name}` is overridden, but not declared")).with_hint(hint)
}

/// Returns a block that states a condition.
fn condition(body: &Body) -> Option<&Block> {
    body.blocks().find_map(|block| match block.ident.as_str() {
        ident if CONDITIONS.contains(&ident) => Some(block),
        "lifecycle" => condition(&block.body),
        _ => None,
    })
}

/// Returns the block with what the other one changes.
fn merge(declared: &BlockDecl, change: &BlockDecl) -> Result<BlockDecl, Vec<Diagnostic>> {
    let mut builder = SourceBuilder::default();
    Merge { declared: &declared.source, change: &change.source, builder: &mut builder }
        .bodies(&declared.body, &change.body);
    let (source, body) = parse_native(&Rc::new(builder.finish(&declared.source)))?;
    Ok(BlockDecl {
        data: declared.data,
        kind: declared.kind.clone(),
        name: declared.name.clone(),
        source,
        location: declared.location.clone(),
        body,
    })
}

/// Writes the text of a merged body, so that every part keeps its place in its file.
struct Merge<'a> {
    declared: &'a Rc<SourceFile>,
    change: &'a Rc<SourceFile>,
    builder: &'a mut SourceBuilder,
}

impl Merge<'_> {
    fn bodies(&mut self, declared: &Body, change: &Body) {
        let replaced: BTreeSet<&str> = change.blocks().map(generated).collect();
        // Terraform keeps `count` if an override adds `for_each`.
        let is_counted = declared.has_attribute("count");
        let adds = |attribute: &Attribute| match attribute.key.as_str() {
            "for_each" if is_counted => false,
            name => !declared.has_attribute(name),
        };
        for structure in declared {
            match structure {
                Structure::Attribute(attribute) => match change.get_attribute(attribute.key.as_str()) {
                    Some(other) => self.copy(self.change, other),
                    None => self.copy(self.declared, attribute),
                },
                Structure::Block(block) if block.ident.as_str() == "lifecycle" && replaced.contains("lifecycle") => {
                    self.builder.write(self.declared, block.span().unwrap_or_default().start, "lifecycle {\n");
                    if let Some(other) = change.get_blocks("lifecycle").next() {
                        self.bodies(&block.body, &other.body);
                    }
                    self.builder.punctuate("}\n");
                }
                Structure::Block(block) if replaced.contains(generated(block)) => {}
                Structure::Block(block) => self.copy(self.declared, block),
            }
        }
        change.attributes().filter(|attribute| adds(attribute)).for_each(|attribute| self.copy(self.change, attribute));
        let is_merged = |block: &Block| block.ident.as_str() == "lifecycle" && declared.has_blocks("lifecycle");
        change.blocks().filter(|block| !is_merged(block)).for_each(|block| self.copy(self.change, block));
    }

    fn copy(&mut self, source: &Rc<SourceFile>, part: &impl Span) {
        self.builder.copy(source, part.span().unwrap_or_default());
        self.builder.punctuate("\n");
    }
}

/// Returns the type of a block, or that of the blocks which a `dynamic` one generates.
fn generated(block: &Block) -> &str {
    match block.labels.first() {
        Some(label) if block.ident.as_str() == "dynamic" => label.as_str(),
        _ => block.ident.as_str(),
    }
}
