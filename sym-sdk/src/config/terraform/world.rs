//! Everything that one reading shares: parsed directories, module instances, what was evaluated, faults and limits.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::module::{Declared, Module};
use super::resource::{Handle, Key};
use super::scope::Scope;
use super::source::Source;
use super::value::Value;
use crate::config::{Diagnostic, Integration, SourceLocation};

/// Where faults are gathered.
pub(super) type Sink = RefCell<Vec<Diagnostic>>;

/// How deep expressions may nest, through everything they refer to. A stack of 1 MiB bears it without optimisation.
const MAX_DEPTH: usize = 160;
/// How many steps the evaluation of one configuration may take.
const MAX_STEPS: usize = 2_000_000;
/// How many modules may stand within each other.
const MAX_MODULES_DEEP: usize = 16;
/// How many instances `count`, `for_each` and modules may make in all.
pub(super) const MAX_INSTANCES: usize = 10_000;

/// The state of one reading.
pub(super) struct World {
    /// The root directory.
    pub(super) root: PathBuf,
    pub(super) workspace: String,
    pub(super) diagnostics: Sink,
    pub(super) warnings: Sink,
    /// The values that variables of the root are given, and where.
    pub(super) given: RefCell<BTreeMap<String, (Value, SourceLocation)>>,
    /// Integrations in the place of those that modules from elsewhere make, by type and name.
    pub(super) stand_ins: RefCell<BTreeMap<(String, String), Integration>>,
    /// The places of declarations with a fault in them. What else is wrong with them may follow from it.
    pub(super) spoilt: RefCell<BTreeSet<SourceLocation>>,
    modules: RefCell<BTreeMap<PathBuf, Rc<Module>>>,
    instances: RefCell<Vec<Rc<Instance>>>,
    made: Cell<usize>,
    memory: RefCell<HashMap<MemoryKey, Option<Value>>>,
    depth: Cell<usize>,
    steps: Cell<usize>,
    /// How many faults have been found that neither `try` nor `can` may hide.
    pub(super) plain_faults: Cell<usize>,
}

/// What is evaluated at most once.
pub(super) type MemoryKey = (usize, What, String);

/// The kinds of things that are evaluated at most once in a module instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
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

/// One instance of a module: the root, or one that a `module` block makes.
pub(super) struct Instance {
    pub(super) number: usize,
    pub(super) module: Rc<Module>,
    /// The path of its directory as expressions see it, relative to the root's.
    pub(super) path: PathBuf,
    pub(super) call: Option<Call>,
}

/// The `module` block that made an instance.
pub(super) struct Call {
    pub(super) parent: usize,
    pub(super) declared: Rc<Declared>,
    pub(super) key: Key,
}

/// Counts a level of nesting for as long as it lives.
pub(super) struct Level<'w>(&'w Cell<usize>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl World {
    pub(super) fn new(root: &Path, workspace: &str) -> Self {
        Self {
            root: root.to_owned(),
            workspace: workspace.to_owned(),
            diagnostics: Sink::default(),
            warnings: Sink::default(),
            given: RefCell::default(),
            stand_ins: RefCell::default(),
            spoilt: RefCell::default(),
            modules: RefCell::default(),
            instances: RefCell::default(),
            made: Cell::new(0),
            memory: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            plain_faults: Cell::new(0),
        }
    }

    pub(super) fn diagnostic(&self, diagnostic: Diagnostic) {
        self.diagnostics.borrow_mut().push(diagnostic);
    }

    pub(super) fn warn(&self, diagnostic: Diagnostic) {
        self.warnings.borrow_mut().push(diagnostic);
    }

    /// Goes one level deeper, if the limit allows.
    pub(super) fn deeper(&self) -> Option<Level<'_>> {
        let depth = self.depth.get();
        (depth < MAX_DEPTH).then(|| {
            self.depth.set(depth + 1);
            Level(&self.depth)
        })
    }

    /// Takes steps from the budget; an error if it is used up.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Exhausted> {
        let before = self.steps.get();
        if before > MAX_STEPS {
            return Err(Exhausted::Reported);
        }
        self.steps.set(before.saturating_add(steps));
        if self.steps.get() > MAX_STEPS { Err(Exhausted::Now) } else { Ok(()) }
    }

    /// Evaluates a thing once. One that needs itself is a fault.
    pub(super) fn once(&self, key: MemoryKey, location: &SourceLocation, evaluate: impl FnOnce() -> Value) -> Value {
        let known = self.memory.borrow().get(&key).cloned();
        match known {
            Some(Some(value)) => value,
            Some(None) => {
                let (_, what, name) = &key;
                let name = match what {
                    What::Local => format!("local.{name}"),
                    What::Variable => format!("var.{name}"),
                    What::Output => format!("output.{name}"),
                    What::Module => format!("module.{name}"),
                    What::Attribute | What::Resource | What::Data => name.clone(),
                };
                self.diagnostic(Diagnostic::error(location.clone(), format!("`{name}` depends on itself")));
                Value::faulty()
            }
            None => {
                self.memory.borrow_mut().insert(key.clone(), None);
                let value = evaluate();
                self.memory.borrow_mut().insert(key, Some(value.clone()));
                value
            }
        }
    }

    /// Counts an instance; false if there are too many.
    pub(super) fn make(&self) -> bool {
        self.made.set(self.made.get() + 1);
        self.made.get() <= MAX_INSTANCES
    }

    pub(super) fn instance(&self, number: usize) -> Option<Rc<Instance>> {
        self.instances.borrow().get(number).cloned()
    }

    /// Makes the root instance.
    pub(super) fn add_root(&self) -> Rc<Instance> {
        let module = self.module(&self.root);
        self.add(Instance { number: 0, module, path: PathBuf::from("."), call: None })
    }

    /// Makes the instance of a local module that a block calls for, unless modules stand too deep.
    pub(super) fn add_child(
        &self,
        parent: &Rc<Instance>,
        declared: &Rc<Declared>,
        source: &str,
        key: Key,
    ) -> Result<Rc<Instance>, Diagnostic> {
        let depth = std::iter::successors(parent.call.as_ref().map(|call| call.parent), |number| {
            self.instance(*number)?.call.as_ref().map(|call| call.parent)
        });
        if depth.count() + 1 >= MAX_MODULES_DEEP {
            let message = format!("modules stand more than {MAX_MODULES_DEEP} deep at `module.{}`", declared.name);
            let hint = "a module must not call itself, nor one that calls it";
            return Err(Diagnostic::error(declared.location.clone(), message).with_hint(hint));
        }
        let path = normal(&parent.path.join(source));
        let dir = normal(&self.root.join(&path));
        if !dir.is_dir() {
            let location = declared
                .attribute("source")
                .map_or(declared.location.clone(), |attribute| declared.source.location(&attribute.value));
            let message = format!("module `{}` has no directory {}", declared.name, dir.display());
            return Err(
                Diagnostic::error(location, message).with_hint("the path is relative to the directory of this file")
            );
        }
        let module = self.module(&dir);
        let call = Some(Call { parent: parent.number, declared: declared.clone(), key });
        Ok(self.add(Instance { number: 0, module, path, call }))
    }

    fn add(&self, mut instance: Instance) -> Rc<Instance> {
        let mut instances = self.instances.borrow_mut();
        instance.number = instances.len();
        let instance = Rc::new(instance);
        instances.push(instance.clone());
        instance
    }

    /// Parses a directory once.
    fn module(&self, dir: &Path) -> Rc<Module> {
        if let Some(module) = self.modules.borrow().get(dir) {
            return module.clone();
        }
        let module = Rc::new(Module::parse(dir, &mut self.diagnostics.borrow_mut()));
        self.modules.borrow_mut().insert(dir.to_owned(), module.clone());
        module
    }

    /// The part of an address that says in which module a resource is: `module.prod["eu"].`, empty for the root.
    pub(super) fn address(&self, instance: &Instance) -> String {
        match &instance.call {
            None => String::new(),
            Some(call) => {
                let parent = self.instance(call.parent).map(|parent| self.address(&parent)).unwrap_or_default();
                format!("{parent}module.{}{}.", call.declared.name, call.key.suffix())
            }
        }
    }

    /// The names and keys of the modules above, for names that are derived from an address.
    pub(super) fn words(&self, instance: &Instance) -> Vec<String> {
        match &instance.call {
            None => Vec::new(),
            Some(call) => {
                let mut words = self.instance(call.parent).map(|parent| self.words(&parent)).unwrap_or_default();
                words.push(call.declared.name.clone());
                words.extend(call.key.word());
                words
            }
        }
    }

    /// The scope of a block of an instance.
    pub(super) fn scope<'a>(&'a self, instance: &'a Rc<Instance>, source: &'a Rc<Source>, key: &'a Key) -> Scope<'a> {
        Scope::new(self, instance, source, key)
    }

    /// The handle's instance and what it takes to make a scope of it.
    pub(super) fn module_of(&self, handle: &Handle) -> Option<Rc<Instance>> {
        match handle {
            Handle::Resource(resource) => self.instance(resource.module),
            Handle::Module { number, .. } => self.instance(*number),
        }
    }
}

/// No more steps may be taken.
pub(super) enum Exhausted {
    /// The limit was reached by this step.
    Now,
    /// It was reached, and reported, earlier.
    Reported,
}

/// A path without `.` and, where they can be taken back, without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                normal.pop();
            }
            _ => normal.push(component),
        }
    }
    if normal.as_os_str().is_empty() { PathBuf::from(".") } else { normal }
}
