//! Which hooks a flow has, as far as the machine must know.

use crate::model::Hook;

/// The set of hooks that a flow has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hooks(u16);

impl Hooks {
    /// No hooks.
    pub const NONE: Self = Self(0);

    /// Whether `hook` is in the set.
    pub fn has(self, hook: Hook) -> bool {
        self.0 & Self::bit(hook) != 0
    }

    /// The set with `hook` in it.
    #[must_use]
    pub fn with(self, hook: Hook) -> Self {
        Self(self.0 | Self::bit(hook))
    }

    fn bit(hook: Hook) -> u16 {
        match hook {
            Hook::On(step) => 1 << (step as u16),
            Hook::After(step) => 1 << (8 + step as u16),
        }
    }
}

impl FromIterator<Hook> for Hooks {
    fn from_iter<I: IntoIterator<Item = Hook>>(hooks: I) -> Self {
        hooks.into_iter().fold(Self::NONE, Self::with)
    }
}
