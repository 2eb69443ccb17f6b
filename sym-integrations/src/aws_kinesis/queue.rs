//! The order in which the entries of a delivery are sent.
//!
//! A call stores some of its records and refuses others, so that an entry can arrive before an earlier one. For entries of one Run that must
//! not be: a call has at most one of each Run, the first that is not stored yet.

use std::collections::HashSet;
use std::ops::Range;

use crate::audit_format::{BatchLimits, batches};

/// The entries of a delivery that are not stored yet.
#[derive(Debug)]
pub(super) struct Queue<'a> {
    /// The Run and the size of each entry.
    entries: Vec<(&'a str, usize)>,
    stored: Vec<bool>,
}

impl<'a> Queue<'a> {
    pub(super) fn new(entries: Vec<(&'a str, usize)>) -> Self {
        Self { stored: vec![false; entries.len()], entries }
    }

    /// Returns the indices of the entries of the next call; empty if all are stored.
    pub(super) fn next_call(&self, limits: BatchLimits) -> Vec<usize> {
        let mut runs = HashSet::new();
        let waiting = self.entries.iter().zip(&self.stored).enumerate().filter(|(_, (_, stored))| !**stored);
        let first: Vec<(usize, usize)> = waiting
            .filter(|(_, ((run, _), _))| runs.insert(*run))
            .map(|(index, ((_, size), _))| (index, *size))
            .collect();
        let sizes: Vec<usize> = first.iter().map(|(_, size)| *size).collect();
        let batch: Range<usize> = batches(&sizes, limits).into_iter().next().unwrap_or_default();
        first.get(batch).unwrap_or_default().iter().map(|(index, _)| *index).collect()
    }

    /// Records that an entry is stored.
    pub(super) fn set_stored(&mut self, index: usize) {
        if let Some(stored) = self.stored.get_mut(index) {
            *stored = true;
        }
    }

    /// The indices of the entries that are stored although an earlier one is not.
    pub(super) fn stored_early(&self) -> impl Iterator<Item = usize> {
        let stored = self.stored.iter().enumerate().skip(self.stored_in_order());
        stored.filter(|(_, stored)| **stored).map(|(index, _)| index)
    }

    /// The number of entries, from the first on, that are stored.
    pub(super) fn stored_in_order(&self) -> usize {
        self.stored.iter().take_while(|stored| **stored).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BatchLimits = BatchLimits { entries: 3, bytes: 100, envelope: 0, separator: 0 };

    #[test]
    fn a_call_has_one_entry_of_each_run() {
        let mut queue = Queue::new(vec![("a", 10), ("a", 10), ("b", 10), ("c", 10), ("d", 10), ("b", 10)]);
        assert_eq!(queue.next_call(LIMITS), [0, 2, 3]);
        // The entry of `a` is refused.
        queue.set_stored(2);
        queue.set_stored(3);
        assert_eq!(queue.next_call(LIMITS), [0, 4, 5]);
        assert_eq!((queue.stored_in_order(), queue.stored_early().collect::<Vec<_>>()), (0, vec![2, 3]));
        for index in [0, 4, 5] {
            queue.set_stored(index);
        }
        assert_eq!((queue.next_call(LIMITS), queue.stored_in_order()), (vec![1], 1));
        queue.set_stored(1);
        assert!(queue.next_call(LIMITS).is_empty());
        assert_eq!((queue.stored_in_order(), queue.stored_early().count()), (6, 0));
    }

    #[test]
    fn a_call_is_within_the_limits() {
        let queue = Queue::new(vec![("a", 60), ("b", 40), ("c", 1)]);
        assert_eq!(queue.next_call(LIMITS), [0, 1]);
        assert_eq!(Queue::new(vec![("a", 500), ("b", 1)]).next_call(LIMITS), [0]);
    }
}
