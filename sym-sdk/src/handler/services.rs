//! The values that all handler calls share, looked up by type.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::sync::{Arc, LazyLock};

use super::AnyClient;
use super::{IntegrationRequirement, Requires};
use crate::directory::{Directory, KeyValue};
use crate::integration::IntegrationClient;

/// The values that all handler calls share: clients, state, directory and key-value store. Built once at startup.
#[derive(Clone, Debug, Default)]
pub struct Services {
    clients: TypeMap,
    state: TypeMap,
    directory: Option<Directory>,
    key_value: Option<KeyValue>,
}

/// Shared, so that a context without services does not allocate.
static EMPTY: LazyLock<Arc<Services>> = LazyLock::new(Arc::default);

impl Services {
    /// Returns services without any value.
    pub(super) fn empty() -> Arc<Self> {
        Arc::clone(&EMPTY)
    }

    /// Returns a builder without any value.
    pub fn builder() -> ServicesBuilder {
        ServicesBuilder(Self::default())
    }

    /// Converts into a builder, to add values.
    pub fn into_builder(self) -> ServicesBuilder {
        ServicesBuilder(self)
    }

    /// The client of type `T`.
    pub fn client<T: IntegrationClient>(&self) -> Option<&T> {
        self.clients.get(TypeId::of::<T>())?.downcast_ref()
    }

    /// The state of type `T`.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(self.state.get(TypeId::of::<T>())?).downcast().ok()
    }

    /// The user directory.
    pub fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    /// The key-value store.
    pub fn key_value(&self) -> Option<&KeyValue> {
        self.key_value.as_ref()
    }

    /// Whether the services meet the requirement. Requirements of other things than services count as met.
    pub fn satisfies(&self, requires: &Requires) -> bool {
        match requires {
            Requires::Integration(integration) => self.clients.get(integration.type_id()).is_some(),
            Requires::State(state) => self.state.get(state.type_id()).is_some(),
            _ => true,
        }
    }
}

/// Builds [`Services`]. A value replaces an earlier one of the same type.
#[derive(Clone, Debug)]
pub struct ServicesBuilder(Services);

impl ServicesBuilder {
    /// Adds a client.
    #[must_use]
    pub fn client<T: IntegrationClient>(mut self, client: T) -> Self {
        self.0.clients.insert(TypeId::of::<T>(), type_name::<T>(), Arc::new(client));
        self
    }

    /// Adds a client built by [`IntegrationRequirement::build`].
    #[must_use]
    pub fn client_for(mut self, requirement: &IntegrationRequirement, client: Arc<dyn Any + Send + Sync>) -> Self {
        self.0.clients.insert(requirement.type_id(), requirement.type_name(), client);
        self
    }

    /// Adds a value that handlers take as [`State<T>`](super::State).
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.0.state.insert(TypeId::of::<T>(), type_name::<T>(), Arc::new(state));
        self
    }

    /// Removes the client of type `T`.
    #[cfg(feature = "runtime")]
    #[must_use]
    pub(crate) fn without_client<T: IntegrationClient>(mut self) -> Self {
        self.0.clients.remove(TypeId::of::<T>());
        self
    }

    /// Removes all clients.
    #[cfg(feature = "cli")]
    #[must_use]
    pub(crate) fn without_clients(mut self) -> Self {
        self.0.clients = TypeMap::default();
        self
    }

    /// Sets the user directory.
    #[must_use]
    pub fn directory(mut self, directory: Directory) -> Self {
        self.0.directory = Some(directory);
        self
    }

    /// Sets the key-value store.
    #[must_use]
    pub fn key_value(mut self, key_value: KeyValue) -> Self {
        self.0.key_value = Some(key_value);
        self
    }

    /// Builds the services.
    pub fn build(self) -> Arc<Services> {
        Arc::new(self.0)
    }
}

/// Values by type. There are few, so a sorted list is faster than hashing.
#[derive(Clone, Default)]
struct TypeMap(Vec<Entry>);

#[derive(Clone)]
struct Entry {
    type_id: TypeId,
    type_name: &'static str,
    value: AnyClient,
}

impl TypeMap {
    fn get(&self, type_id: TypeId) -> Option<&AnyClient> {
        let index = self.0.binary_search_by_key(&type_id, |entry| entry.type_id).ok()?;
        self.0.get(index).map(|entry| &entry.value)
    }

    fn remove(&mut self, type_id: TypeId) {
        self.0.retain(|entry| entry.type_id != type_id);
    }

    fn insert(&mut self, type_id: TypeId, type_name: &'static str, value: AnyClient) {
        self.remove(type_id);
        self.0.push(Entry { type_id, type_name, value });
        self.0.sort_by_key(|entry| entry.type_id);
    }
}

/// Prints the names of the types only: values may hold secrets.
impl fmt::Debug for TypeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|entry| entry.type_name)).finish()
    }
}
