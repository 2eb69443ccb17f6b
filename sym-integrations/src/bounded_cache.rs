//! A map with a maximum size, for values that can be made again.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A cache of at most `capacity` entries. When it is full, inserting a new key removes the stale entries, or all entries if none is
/// stale: simpler than evicting by age, and rare enough not to matter.
pub(crate) struct BoundedCache<K, V> {
    entries: Mutex<HashMap<K, V>>,
    capacity: usize,
}

#[allow(dead_code, reason = "which methods are used depends on the features")]
impl<K: Eq + Hash, V: Clone> BoundedCache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Mutex::default(), capacity }
    }

    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.lock().get(key).cloned()
    }

    /// Returns the value of a key, or else makes it. Concurrent callers wait, so that a value is made once.
    pub(crate) fn get_or_try_insert<E>(&self, key: &K, make: impl FnOnce() -> Result<V, E>) -> Result<V, E>
    where
        K: Clone,
    {
        let mut entries = self.lock();
        if let Some(value) = entries.get(key) {
            return Ok(value.clone());
        }
        let value = make()?;
        self.insert_into(&mut entries, key.clone(), value.clone(), |_| false);
        Ok(value)
    }

    pub(crate) fn insert(&self, key: K, value: V, is_stale: impl Fn(&V) -> bool) {
        self.insert_into(&mut self.lock(), key, value, is_stale);
    }

    pub(crate) fn retain(&self, mut keep: impl FnMut(&K) -> bool) {
        self.lock().retain(|key, _| keep(key));
    }

    fn insert_into(&self, entries: &mut HashMap<K, V>, key: K, value: V, is_stale: impl Fn(&V) -> bool) {
        let is_full = |entries: &HashMap<K, V>| entries.len() >= self.capacity && !entries.contains_key(&key);
        if is_full(entries) {
            entries.retain(|_, value| !is_stale(value));
        }
        if is_full(entries) {
            entries.clear();
        }
        entries.insert(key, value);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_drops_stale_entries_first() {
        let cache = BoundedCache::new(2);
        let insert = |key: u32, value: u32| cache.insert(key, value, |value| *value == 0);
        insert(1, 0);
        insert(2, 7);
        insert(3, 8);
        assert_eq!([1, 2, 3].map(|key| cache.get(&key)), [None, Some(7), Some(8)]);
        insert(4, 9);
        assert_eq!([2, 3, 4].map(|key| cache.get(&key)), [None, None, Some(9)]);
        cache.retain(|key| *key != 4);
        assert_eq!(cache.get(&4), None);
    }

    /// A new value for a key takes no room, so nothing is dropped for it.
    #[test]
    fn replacing_a_value_drops_nothing() {
        let cache = BoundedCache::new(2);
        for (key, value) in [(1, 1), (2, 2), (2, 3)] {
            cache.insert(key, value, |_| false);
        }
        assert_eq!([1, 2].map(|key| cache.get(&key)), [Some(1), Some(3)]);
    }

    #[test]
    fn makes_a_missing_value_once_and_keeps_no_failure() {
        let cache = BoundedCache::new(1);
        assert_eq!(cache.get_or_try_insert(&1, || Err("no")), Err("no"));
        assert_eq!(cache.get_or_try_insert(&1, || Ok::<_, &str>(7)), Ok(7));
        assert_eq!(cache.get_or_try_insert(&1, || Err("again")), Ok(7));
        assert_eq!(cache.get_or_try_insert(&2, || Ok::<_, &str>(8)), Ok(8));
        assert_eq!([1, 2].map(|key| cache.get(&key)), [None, Some(8)]);
    }
}
