//! A map with a maximum size, for values that can be recomputed.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

use super::lock;

/// A cache of at most `capacity` entries. When it is full, inserting removes the stale entries, or all entries if none is stale:
/// simpler than evicting by age, and rare enough not to matter.
pub(super) struct BoundedCache<K, V> {
    entries: Mutex<HashMap<K, V>>,
    capacity: usize,
}

impl<K: Eq + Hash, V: Clone> BoundedCache<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: Mutex::default(), capacity }
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        lock(&self.entries).get(key).cloned()
    }

    pub(super) fn insert(&self, key: K, value: V, is_stale: impl Fn(&V) -> bool) {
        let mut entries = lock(&self.entries);
        if entries.len() >= self.capacity {
            entries.retain(|_, value| !is_stale(value));
        }
        if entries.len() >= self.capacity {
            entries.clear();
        }
        entries.insert(key, value);
    }

    pub(super) fn retain(&self, mut keep: impl FnMut(&K) -> bool) {
        lock(&self.entries).retain(|key, _| keep(key));
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
}
