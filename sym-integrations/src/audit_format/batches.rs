//! Batches within the limits of a service.

use std::ops::Range;

/// The limits of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    /// The maximum number of entries.
    pub(crate) entries: usize,
    /// The maximum number of bytes.
    pub(crate) bytes: usize,
    /// The number of bytes that a request has without entries.
    pub(crate) envelope: usize,
    /// The number of bytes between two entries.
    pub(crate) separator: usize,
}

/// Divides entries of these sizes, in order, into batches within the limits. An entry that exceeds them by itself is a batch of its own.
pub(crate) fn batches(sizes: &[usize], limits: BatchLimits) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, limits.envelope);
    for (index, size) in sizes.iter().enumerate() {
        let added = size + if index > start { limits.separator } else { 0 };
        if index > start && (index - start >= limits.entries.max(1) || bytes + added > limits.bytes) {
            batches.push(start..index);
            (start, bytes) = (index, limits.envelope + size);
        } else {
            bytes += added;
        }
    }
    if start < sizes.len() {
        batches.push(start..sizes.len());
    }
    batches
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: BatchLimits = BatchLimits { entries: 3, bytes: 100, envelope: 2, separator: 1 };

    #[test]
    fn bytes_between_and_around_entries_count() {
        assert_eq!(batches(&[49, 48], LIMITS), vec![0..2], "2 + 49 + 1 + 48 = 100");
        assert_eq!(batches(&[49, 49], LIMITS), [0..1, 1..2]);
        assert_eq!(batches(&[1, 1, 1, 1], LIMITS), [0..3, 3..4]);
        assert_eq!(batches(&[500, 1], LIMITS), [0..1, 1..2]);
        assert!(batches(&[], LIMITS).is_empty());
    }

    proptest! {
        #[test]
        fn batches_are_all_entries_in_order_within_the_limits(sizes in prop::collection::vec(0_usize..150, 0..40)) {
            let found = batches(&sizes, LIMITS);
            let indices: Vec<_> = found.iter().cloned().flatten().collect();
            prop_assert_eq!(indices, (0..sizes.len()).collect::<Vec<_>>());
            for batch in found {
                let total: usize = sizes[batch.clone()].iter().sum::<usize>() + LIMITS.envelope + batch.len() - 1;
                prop_assert!(batch.len() <= LIMITS.entries && (batch.len() == 1 || total <= LIMITS.bytes));
            }
        }
    }
}
