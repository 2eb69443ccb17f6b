//! Power losses, and the files that are left after them.

use std::collections::BTreeMap;

use crate::disk::Operation;

/// A fate of the operations that were not synced when the power failed. Those that were synced are on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerLoss {
    /// None of them is on the disk.
    LosesAll,
    /// All of them are, and only half of the last write.
    TearsLast,
    /// Each of them is or is not, as the bits of a hash of this number and its position say. So later ones may be there without
    /// earlier ones.
    LosesSome(u64),
}

impl PowerLoss {
    /// Returns the files after these operations and a power loss.
    pub(crate) fn files(self, operations: &[Operation]) -> BTreeMap<String, Vec<u8>> {
        let mut files: BTreeMap<String, File<'_>> = BTreeMap::new();
        for operation in operations {
            let name = match operation {
                Operation::Write { file, .. }
                | Operation::Truncate { file, .. }
                | Operation::Sync { file }
                | Operation::Delete { file } => file,
            };
            let file = files.entry(name.clone()).or_default();
            match operation {
                Operation::Sync { .. } => file.sync(),
                Operation::Delete { .. } => drop(files.remove(name)),
                change => file.unsynced.push(change),
            }
        }
        files.into_iter().map(|(name, file)| (name, file.after(self))).collect()
    }

    fn keeps(self, position: usize) -> bool {
        match self {
            Self::LosesAll => false,
            Self::TearsLast => true,
            Self::LosesSome(seed) => {
                let mixed = (seed ^ position as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                (mixed ^ (mixed >> 29)).count_ones().is_multiple_of(2)
            }
        }
    }
}

#[derive(Default)]
struct File<'a> {
    synced: Vec<u8>,
    unsynced: Vec<&'a Operation>,
}

impl File<'_> {
    fn sync(&mut self) {
        for operation in std::mem::take(&mut self.unsynced) {
            apply(&mut self.synced, operation, usize::MAX);
        }
    }

    fn after(mut self, loss: PowerLoss) -> Vec<u8> {
        let last = self.unsynced.len().saturating_sub(1);
        for (position, operation) in self.unsynced.into_iter().enumerate() {
            if loss.keeps(position) {
                let is_torn = loss == PowerLoss::TearsLast && position == last;
                let limit = match operation {
                    Operation::Write { bytes, .. } if is_torn => bytes.len() / 2,
                    _ => usize::MAX,
                };
                apply(&mut self.synced, operation, limit);
            }
        }
        self.synced
    }
}

/// Applies an operation, with up to `limit` bytes of a write.
fn apply(file: &mut Vec<u8>, operation: &Operation, limit: usize) {
    match operation {
        Operation::Write { offset, bytes, .. } => {
            let bytes = bytes.get(..limit.min(bytes.len())).unwrap_or_default();
            let end = offset + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            if let Some(space) = file.get_mut(*offset..end) {
                space.copy_from_slice(bytes);
            }
        }
        Operation::Truncate { length, .. } => file.truncate(*length),
        Operation::Sync { .. } | Operation::Delete { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(offset: usize, text: &str) -> Operation {
        Operation::Write { file: "f".into(), offset, bytes: text.as_bytes().into() }
    }

    fn left(operations: &[Operation], loss: PowerLoss) -> String {
        let file = loss.files(operations).remove("f").unwrap();
        String::from_utf8_lossy(&file).replace('\0', "-")
    }

    #[test]
    fn only_what_was_synced_is_certain() {
        let sync = Operation::Sync { file: "f".into() };
        let operations = [write(0, "aaaa"), sync, write(4, "bbbb"), write(8, "cccc")];
        assert_eq!(left(&operations, PowerLoss::LosesAll), "aaaa");
        assert_eq!(left(&operations, PowerLoss::TearsLast), "aaaabbbbcc");
        let some: std::collections::BTreeSet<_> =
            (0..64).map(|seed| left(&operations, PowerLoss::LosesSome(seed))).collect();
        assert_eq!(some.into_iter().collect::<Vec<_>>(), ["aaaa", "aaaa----cccc", "aaaabbbb", "aaaabbbbcccc"]);
    }
}
