//! The record of generated types that are linked into a program, so that `check` can tell when they are stale.

/// Types that `generate types` wrote. Registered by [`generated_types!`](crate::generated_types).
#[derive(Clone, Copy, Debug)]
pub struct GeneratedTypes {
    /// The file.
    pub file: &'static str,
    /// The flows, each with the hash of its types.
    pub flows: &'static [(&'static str, &'static str)],
}

inventory::collect!(GeneratedTypes);

/// Returns the generated types that are linked into the program.
#[cfg(feature = "cli")]
pub(crate) fn linked() -> Vec<&'static GeneratedTypes> {
    let mut linked: Vec<_> = inventory::iter::<GeneratedTypes>().collect();
    linked.sort_by_key(|types| types.file);
    linked
}
