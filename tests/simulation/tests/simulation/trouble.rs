//! The troubles of a world: what goes wrong around the process, beyond the [faults](crate::fault) of single calls.

use fastrand::Rng;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The configuration is another one after a restart.
    Configuration,
    /// People get other roles and addresses, and are locked, deleted and brought back.
    People,
    /// The store cannot write for a while, or fails altogether.
    Outage,
    /// Hooks ignore events, and ends of access above all.
    IgnoringHooks,
}

impl Trouble {
    /// Returns the weights of which one is drawn for a world: the number of times in a thousand moves, and for hooks the percentage of
    /// calls. Half of the worlds lack the trouble, because one kind can hide another.
    fn weights(self) -> [usize; 4] {
        match self {
            Self::Configuration => [0, 0, 3, 8],
            Self::People => [0, 0, 5, 20],
            Self::Outage => [0, 0, 2, 6],
            Self::IgnoringHooks => [0, 0, 15, 90],
        }
    }
}

/// The weights of all troubles in one world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Troubles {
    configuration: usize,
    people: usize,
    outage: usize,
    ignoring_hooks: usize,
}

impl Troubles {
    pub(crate) fn choose(rng: &mut Rng) -> Self {
        let mut weight = |trouble: Trouble| trouble.weights()[rng.usize(..4)];
        Self {
            configuration: weight(Trouble::Configuration),
            people: weight(Trouble::People),
            outage: weight(Trouble::Outage),
            ignoring_hooks: weight(Trouble::IgnoringHooks),
        }
    }

    /// Returns the weight of a trouble; 0 if the world does not have it.
    pub(crate) fn weight(self, trouble: Trouble) -> usize {
        match trouble {
            Trouble::Configuration => self.configuration,
            Trouble::People => self.people,
            Trouble::Outage => self.outage,
            Trouble::IgnoringHooks => self.ignoring_hooks,
        }
    }

    /// Returns whether the world has the trouble.
    pub(crate) fn has(self, trouble: Trouble) -> bool {
        self.weight(trouble) > 0
    }
}
