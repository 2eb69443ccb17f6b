//! The faults of a world, and their probabilities.

use std::collections::BTreeMap;

use fastrand::Rng;

/// A fault of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The call fails without effect. It may succeed if it is retried.
    Fails,
    /// The call is refused without effect, and retries do not help.
    Refuses,
    /// The call has its effect, and returns an error.
    TimesOut,
    /// The call has no effect, and never returns.
    HangsBefore,
    /// The call has its effect, and never returns.
    HangsAfter,
    /// The call has its effect after a delay.
    Slow,
    /// The call returns an error, and the service carries it out later, whatever has become of its caller.
    TimesOutThenLands,
    /// The call never returns, and the service carries it out later, whatever has become of its caller.
    HangsThenLands,
    /// The caller panics.
    Panics,
}

/// The places where faults occur.
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

    /// Returns the faults that can occur at the place.
    pub(crate) fn faults(self) -> &'static [Fault] {
        use Fault::*;
        match self {
            // A store that hangs or panics is broken, and nothing is promised about it.
            Self::Store => &[Fails, TimesOut],
            // The effect of these calls is not observed, so it makes no difference when they hang.
            Self::Identify | Self::List | Self::Reducer | Self::Hook => &[Fails, Refuses, HangsBefore, Slow, Panics],
            Self::FrontEnd => &[Fails, Refuses, TimesOut, HangsBefore, HangsAfter, Slow, Panics],
            Self::Grant | Self::Revoke => {
                &[Fails, Refuses, TimesOut, HangsBefore, HangsAfter, Slow, Panics, TimesOutThenLands, HangsThenLands]
            }
        }
    }
}

/// The probabilities of faults in one world. Many worlds have only some kinds of faults, because one kind can hide another.
pub(crate) struct Faults(BTreeMap<Place, Vec<(Fault, f64)>>);

impl Faults {
    pub(crate) fn choose(rng: &mut Rng) -> Self {
        let mut rates = |place: Place| {
            let often = match place {
                Place::Store => [0.0, 0.0, 0.004, 0.04],
                // A single fault of these kinds ends a Run.
                Place::Identify | Place::Reducer | Place::Hook => [0.0, 0.0, 0.01, 0.05],
                Place::Grant | Place::Revoke | Place::List | Place::FrontEnd => [0.0, 0.0, 0.05, 0.25],
            };
            let is_reliable = rng.bool();
            let mut rate = |fault: &Fault| (*fault, if is_reliable { 0.0 } else { often[rng.usize(..often.len())] });
            place.faults().iter().map(&mut rate).collect()
        };
        Self(Place::ALL.into_iter().map(|place| (place, rates(place))).collect())
    }

    /// Returns whether calls at the place can fail.
    pub(crate) fn can_occur(&self, place: Place) -> bool {
        self.0[&place].iter().any(|(_, rate)| *rate > 0.0)
    }

    /// Returns the fault of a call, if there is one.
    pub(crate) fn draw(&self, place: Place, rng: &mut Rng) -> Option<Fault> {
        let mut left = rng.f64();
        self.0[&place].iter().find_map(|(fault, rate)| {
            left -= rate;
            (left < 0.0).then_some(*fault)
        })
    }
}
