//! The state of one reading: parsed directories, module instances, memoized values, diagnostics and limits.
//!
//! Values are evaluated on demand and memoized, so the order of blocks does not matter, and an expression that depends on
//! itself is detected instead of recursing for ever.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::known_values::KnownValues;
use super::module::{BlockDecl, Module};
use super::scope::Scope;
use super::source_file::SourceFile;
use super::value::{InstanceKey, InstanceRef, Value};
use crate::config::{Diagnostic, Integration, Severity, SourceLocation, UnknownSetting};

/// A list that collects diagnostics.
pub(super) type Sink = RefCell<Vec<Diagnostic>>;

/// The maximal depth of nested evaluations, through everything that an expression refers to. Chosen for a stack of 1 MiB
/// without optimization.
const MAX_EVAL_DEPTH: usize = 160;
/// The maximal number of steps that the evaluation of one configuration may take.
const MAX_STEPS: usize = 2_000_000;
/// The maximal nesting of modules.
const MAX_MODULES_DEEP: usize = 16;
/// The maximal number of instances that `count`, `for_each` and modules may create in total.
pub(super) const MAX_INSTANCES: usize = 10_000;

/// The state of one reading.
pub(super) struct Evaluator {
    /// The root directory.
    pub(super) root: PathBuf,
    pub(super) workspace: String,
    pub(super) diagnostics: Sink,
    pub(super) warnings: Sink,
    /// The values that are assigned to variables of the root module, and the locations of the assignments.
    pub(super) assigned: RefCell<BTreeMap<String, (Value, SourceLocation)>>,
    /// Placeholders for integrations that modules from elsewhere create, by the name of the module.
    pub(super) placeholders: RefCell<BTreeMap<String, Integration>>,
    /// The locations of declarations with an error. Other errors in them may be consequences of it.
    pub(super) invalid_locations: RefCell<BTreeSet<SourceLocation>>,
    /// Values by reference that would be unknown otherwise.
    pub(super) known_values: KnownValues,
    /// Whether placeholders stand for unknown text.
    pub(super) has_placeholders: bool,
    /// The values for which one does.
    pub(super) placeholder_notes: Sink,
    /// The settings that are left unset.
    pub(super) unknown_settings: RefCell<Vec<UnknownSetting>>,
    /// Whether a provider has named the organization.
    pub(super) has_organization: Cell<bool>,
    modules: RefCell<BTreeMap<PathBuf, Rc<Module>>>,
    instances: RefCell<Vec<Rc<ModuleInstance>>>,
    instances_created: Cell<usize>,
    thunks: RefCell<HashMap<ThunkKey, Option<Value>>>,
    depth: Cell<usize>,
    steps: Cell<usize>,
    /// The number of errors reported so far that neither `try` nor `can` may hide.
    pub(super) hard_errors: Cell<usize>,
}

/// The key of a memoized value.
pub(super) type ThunkKey = (usize, ThunkKind, String);

/// The kinds of values that are memoized in a module instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ThunkKind {
    Local,
    Variable,
    Output,
    /// An attribute of a resource, by address.
    Attribute,
    /// The instances of a resource, by reference.
    Resource,
    Data,
    Module,
}

/// One instance of a module: the root, or one that a `module` block creates.
pub(super) struct ModuleInstance {
    pub(super) number: usize,
    pub(super) module: Rc<Module>,
    /// The path of its directory as expressions see it, relative to the root.
    pub(super) path: PathBuf,
    pub(super) call: Option<Call>,
}

/// The `module` block that created an instance.
pub(super) struct Call {
    pub(super) parent: usize,
    pub(super) declared: Rc<BlockDecl>,
    pub(super) key: InstanceKey,
}

/// Counts one level of nesting while it lives.
pub(super) struct DepthGuard<'w>(&'w Cell<usize>);

impl Drop for DepthGuard<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Evaluator {
    pub(super) fn new(root: &Path, workspace: &str) -> Self {
        Self {
            root: root.to_owned(),
            workspace: workspace.to_owned(),
            diagnostics: Sink::default(),
            warnings: Sink::default(),
            assigned: RefCell::default(),
            placeholders: RefCell::default(),
            invalid_locations: RefCell::default(),
            known_values: KnownValues::new(),
            has_placeholders: false,
            placeholder_notes: Sink::default(),
            unknown_settings: RefCell::default(),
            has_organization: Cell::new(false),
            modules: RefCell::default(),
            instances: RefCell::default(),
            instances_created: Cell::new(0),
            thunks: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            hard_errors: Cell::new(0),
        }
    }

    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    pub(super) fn warn(&self, diagnostic: Diagnostic) {
        self.warnings.borrow_mut().push(diagnostic);
    }

    /// Enters one level of nesting, unless the limit is reached.
    pub(super) fn enter(&self) -> Option<DepthGuard<'_>> {
        let depth = self.depth.get();
        (depth < MAX_EVAL_DEPTH).then(|| {
            self.depth.set(depth + 1);
            DepthGuard(&self.depth)
        })
    }

    /// Consumes steps from the budget.
    pub(super) fn consume_steps(&self, steps: usize) -> Result<(), StepLimit> {
        let before = self.steps.get();
        if before > MAX_STEPS {
            return Err(StepLimit::AlreadyReported);
        }
        self.steps.set(before.saturating_add(steps));
        if self.steps.get() > MAX_STEPS { Err(StepLimit::Exceeded) } else { Ok(()) }
    }

    /// Evaluates a value at most once. Reports a value that depends on itself.
    pub(super) fn memoize(&self, key: ThunkKey, location: &SourceLocation, evaluate: impl FnOnce() -> Value) -> Value {
        let known = self.thunks.borrow().get(&key).cloned();
        match known {
            Some(Some(value)) => value,
            Some(None) => {
                let (_, kind, name) = &key;
                let name = match kind {
                    ThunkKind::Local => format!("local.{name}"),
                    ThunkKind::Variable => format!("var.{name}"),
                    ThunkKind::Output => format!("output.{name}"),
                    ThunkKind::Module => format!("module.{name}"),
                    ThunkKind::Attribute | ThunkKind::Resource | ThunkKind::Data => name.clone(),
                };
                self.report(Diagnostic::error(location.clone(), format!("`{name}` depends on itself")));
                Value::invalid()
            }
            None => {
                self.thunks.borrow_mut().insert(key.clone(), None);
                let value = evaluate();
                self.thunks.borrow_mut().insert(key, Some(value.clone()));
                value
            }
        }
    }

    /// Counts an instance. Returns `false` if there are too many.
    pub(super) fn count_instance(&self) -> bool {
        self.instances_created.set(self.instances_created.get() + 1);
        self.instances_created.get() <= MAX_INSTANCES
    }

    pub(super) fn instance(&self, number: usize) -> Option<Rc<ModuleInstance>> {
        self.instances.borrow().get(number).cloned()
    }

    /// Creates the root instance.
    pub(super) fn add_root(&self) -> Rc<ModuleInstance> {
        let module = self.module(&self.root);
        self.add(ModuleInstance { number: 0, module, path: PathBuf::from("."), call: None })
    }

    /// Creates the instance of a local module, unless modules are nested too deep.
    pub(super) fn add_child(
        &self,
        parent: &Rc<ModuleInstance>,
        declared: &Rc<BlockDecl>,
        source: &str,
        key: InstanceKey,
    ) -> Result<Rc<ModuleInstance>, Diagnostic> {
        let depth = std::iter::successors(parent.call.as_ref().map(|call| call.parent), |number| {
            self.instance(*number)?.call.as_ref().map(|call| call.parent)
        });
        if depth.count() + 1 >= MAX_MODULES_DEEP {
            let message =
                format!("modules are nested more than {MAX_MODULES_DEEP} levels deep at `module.{}`", declared.name);
            let hint = "a module must not call itself, directly or indirectly";
            return Err(Diagnostic::error(declared.location.clone(), message).with_hint(hint));
        }
        let path = normalize(&self.root, &parent.path.join(source));
        let dir = normalize(Path::new(""), &self.root.join(&path));
        if !dir.is_dir() {
            let location = declared
                .attribute("source")
                .map_or(declared.location.clone(), |attribute| declared.source.location(&attribute.value));
            let message = format!("the directory {} of module `{}` does not exist", dir.display(), declared.name);
            return Err(
                Diagnostic::error(location, message).with_hint("the path is relative to the directory of this file")
            );
        }
        let module = self.module(&dir);
        let call = Some(Call { parent: parent.number, declared: declared.clone(), key });
        Ok(self.add(ModuleInstance { number: 0, module, path, call }))
    }

    fn add(&self, mut instance: ModuleInstance) -> Rc<ModuleInstance> {
        let mut instances = self.instances.borrow_mut();
        instance.number = instances.len();
        let instance = Rc::new(instance);
        instances.push(instance.clone());
        instance
    }

    /// Parses a directory at most once.
    fn module(&self, dir: &Path) -> Rc<Module> {
        if let Some(module) = self.modules.borrow().get(dir) {
            return module.clone();
        }
        let mut diagnostics = Vec::new();
        let module = Rc::new(Module::parse(dir, &mut diagnostics));
        let (errors, warnings) = diagnostics.into_iter().partition(|found| found.severity == Severity::Error);
        let (mut errors, mut warnings): (Vec<Diagnostic>, Vec<Diagnostic>) = (errors, warnings);
        self.diagnostics.borrow_mut().append(&mut errors);
        self.warnings.borrow_mut().append(&mut warnings);
        self.modules.borrow_mut().insert(dir.to_owned(), module.clone());
        module
    }

    /// Returns the prefix of the addresses in a module instance, such as `module.prod["eu"].`; empty for the root.
    pub(super) fn address(&self, instance: &ModuleInstance) -> String {
        match &instance.call {
            None => String::new(),
            Some(call) => {
                let parent = self.instance(call.parent).map(|parent| self.address(&parent)).unwrap_or_default();
                format!("{parent}module.{}{}.", call.declared.name, call.key.suffix())
            }
        }
    }

    /// Returns the names and keys of the enclosing modules, for names that are derived from an address.
    pub(super) fn path_segments(&self, instance: &ModuleInstance) -> Vec<String> {
        match &instance.call {
            None => Vec::new(),
            Some(call) => {
                let mut path_segments =
                    self.instance(call.parent).map(|parent| self.path_segments(&parent)).unwrap_or_default();
                path_segments.push(call.declared.name.clone());
                path_segments.extend(call.key.segment());
                path_segments
            }
        }
    }

    /// Returns the scope of a block in a module instance.
    pub(super) fn scope<'a>(
        &'a self,
        instance: &'a Rc<ModuleInstance>,
        source: &'a Rc<SourceFile>,
        key: &'a InstanceKey,
    ) -> Scope<'a> {
        Scope::new(self, instance, source, key)
    }

    /// Returns the module instance to which a reference belongs.
    pub(super) fn module_of(&self, instance_ref: &InstanceRef) -> Option<Rc<ModuleInstance>> {
        match instance_ref {
            InstanceRef::Resource(resource) => self.instance(resource.module),
            InstanceRef::Module { number, .. } => self.instance(*number),
        }
    }
}

/// The limit on steps is exceeded.
pub(super) enum StepLimit {
    /// This step exceeded the limit.
    Exceeded,
    /// An earlier step exceeded the limit, which has been reported.
    AlreadyReported,
}

/// Removes `.` components, and `..` components that follow a name. A name that is a symbolic link stays, because `..` leads from where it
/// points to. A relative path starts at `base`.
fn normalize(base: &Path, path: &Path) -> PathBuf {
    let is_link = |path: &Path| std::fs::symlink_metadata(base.join(path)).is_ok_and(|found| found.is_symlink());
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(normal.components().next_back(), Some(Component::Normal(_))) && !is_link(&normal) =>
            {
                normal.pop();
            }
            _ => normal.push(component),
        }
    }
    if normal.as_os_str().is_empty() { PathBuf::from(".") } else { normal }
}
