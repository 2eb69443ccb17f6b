//! Instances of resources and modules, as values that refer to them.

use std::rc::Rc;

use super::module::Declared;
use super::value::Value;

/// Refers to one instance of a resource, a data source or a module.
#[derive(Debug)]
pub(super) enum Handle {
    Resource(ResourceHandle),
    /// A module, by its number among all instances.
    Module {
        number: usize,
        reference: String,
    },
}

/// One instance of a resource or data source.
#[derive(Debug)]
pub(super) struct ResourceHandle {
    /// The number of the module instance that it belongs to.
    pub(super) module: usize,
    pub(super) declared: Rc<Declared>,
    pub(super) key: Key,
    /// Its full address, such as `module.prod.sym_target.admin["eu"]`.
    pub(super) address: String,
}

/// Which instance of a block: what `count.index` and `each` are in it.
#[derive(Clone, Debug, Default)]
pub(super) enum Key {
    #[default]
    Only,
    Index(usize),
    Each {
        key: String,
        value: Value,
    },
}

impl Key {
    /// What follows the name in an address.
    pub(super) fn suffix(&self) -> String {
        match self {
            Self::Only => String::new(),
            Self::Index(index) => format!("[{index}]"),
            Self::Each { key, .. } => format!("[{key:?}]"),
        }
    }

    /// The key as part of a name.
    pub(super) fn word(&self) -> Option<String> {
        match self {
            Self::Only => None,
            Self::Index(index) => Some(index.to_string()),
            Self::Each { key, .. } => Some(key.clone()),
        }
    }
}
