//! What can go wrong, and how often it does.

use std::collections::BTreeMap;

use fastrand::Rng;

/// What a part of the world that is called does instead of what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Nothing is done, and it says so. The same call may succeed later.
    Fails,
    /// Nothing is done, and trying again does not help.
    Refuses,
    /// It is done, and the answer is an error.
    TimesOut,
    /// Nothing is done, and no answer comes.
    HangsBefore,
    /// It is done, and no answer comes.
    HangsAfter,
    /// It is done, but only after a while.
    Slow,
    /// The code that makes the call panics.
    Panics,
}

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Store,
    Identify,
    Grant,
    Revoke,
    List,
    FrontEnd,
    Reducer,
    Hook,
}

impl Place {
    pub(crate) const ALL: [Self; 8] =
        [Self::Store, Self::Identify, Self::Grant, Self::Revoke, Self::List, Self::FrontEnd, Self::Reducer, Self::Hook];

    /// What can go wrong there.
    pub(crate) fn faults(self) -> &'static [Fault] {
        use Fault::*;
        match self {
            // A store that hangs or panics is a store that is broken: the runtime gives no promise about it.
            Self::Store => &[Fails, TimesOut],
            // Whether these have done it is not seen from outside, so it makes no difference when they hang.
            Self::Identify | Self::List | Self::Reducer | Self::Hook => &[Fails, Refuses, HangsBefore, Slow, Panics],
            Self::Grant | Self::Revoke | Self::FrontEnd => {
                &[Fails, Refuses, TimesOut, HangsBefore, HangsAfter, Slow, Panics]
            }
        }
    }
}

/// How often what goes wrong in one world. Many worlds are spared many faults, for some failures only show where others are
/// absent.
pub(crate) struct Faults(BTreeMap<Place, Vec<(Fault, f64)>>);

impl Faults {
    pub(crate) fn choose(rng: &mut Rng) -> Self {
        let mut rates = |place: Place| {
            let often = match place {
                Place::Store => [0.0, 0.0, 0.004, 0.04],
                // One of these ends a Run.
                Place::Identify | Place::Reducer | Place::Hook => [0.0, 0.0, 0.01, 0.05],
                Place::Grant | Place::Revoke | Place::List | Place::FrontEnd => [0.0, 0.0, 0.05, 0.25],
            };
            let is_reliable = rng.bool();
            let mut rate = |fault: &Fault| (*fault, if is_reliable { 0.0 } else { often[rng.usize(..often.len())] });
            place.faults().iter().map(&mut rate).collect()
        };
        Self(Place::ALL.into_iter().map(|place| (place, rates(place))).collect())
    }

    /// What goes wrong with this call.
    pub(crate) fn draw(&self, place: Place, rng: &mut Rng) -> Option<Fault> {
        let mut left = rng.f64();
        self.0[&place].iter().find_map(|(fault, rate)| {
            left -= rate;
            (left < 0.0).then_some(*fault)
        })
    }
}
