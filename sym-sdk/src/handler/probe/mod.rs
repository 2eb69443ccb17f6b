//! Finds out what a handler's argument reads, and where that does not fit what it is given.
//!
//! A type is deserialized from values of the declared types with the deserializers that requests use, so what is found is what a request
//! would meet. The names that a struct reads are announced by its `Deserialize`, optional ones included. A type that does not announce its
//! names, such as one with `#[serde(flatten)]`, is checked by its values only, and reported as [`Mismatch::Opaque`].
//!
//! A value of a type with a rule of its own, such as an address, cannot be invented. Only values that really occur, and the kind of a value
//! (text, a number), count. A `Deserialize` that panics is not checked any further.

mod given;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;

pub(crate) use given::{Given, interned};

use crate::forms::{DeError, DeErrorKind, NamedValues};

type Names = &'static [&'static str];
type Named = (&'static str, Given);

/// Deserializes a type from values, and stores the names that it reads if it is a struct.
pub(crate) type Trial = fn(&[Named], &Cell<Option<Names>>) -> Result<(), DeError>;

/// The [`Trial`] of a type.
pub(crate) fn trial<'de, T: Deserialize<'de>>(values: &[Named], names: &Cell<Option<Names>>) -> Result<(), DeError> {
    let values = values.iter().map(|(name, given)| -> (&'de str, Given) { (name, *given) });
    T::deserialize(NamedValues::observed(values, names)).map(drop)
}

/// A value that a type may read, with samples of what it can be.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) name: &'static str,
    /// At least one.
    pub(crate) samples: Vec<Sample>,
    /// A value of the same type that never occurs. An enum names its variants in the error about it.
    pub(crate) impossible: Option<Given>,
    pub(crate) may_be_absent: bool,
}

/// A sample of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) given: Given,
    /// Whether this very value occurs. Otherwise it only has the right type.
    pub(crate) occurs: bool,
}

/// A difference between what a type reads and what it is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// A name is read that does not exist. `aliases` are its other names.
    Missing { name: &'static str, aliases: Vec<&'static str>, is_required: bool },
    /// A value of this kind is never accepted.
    Type { name: &'static str, expected: String },
    /// Values that occur are not accepted, by the index of their samples.
    Refused { name: &'static str, samples: Vec<usize>, error: String, variants: Names },
    /// The value can be absent, and the type requires it.
    Absent { name: &'static str },
    /// The type refuses names that it does not know, of which this is one.
    Unexpected { name: &'static str },
    /// Any text can occur, and only that of a variant is accepted.
    OpenText { name: &'static str, variants: Names },
    /// Variants for which there is no value.
    NeverRead { name: &'static str, variants: Vec<&'static str> },
    /// Some value is not accepted, of a type whose errors do not tell which.
    Unreadable { error: String },
    /// The names that the type reads are not known.
    Opaque,
    /// Deserializing panicked.
    Panicked,
}

/// The result of a panic while deserializing.
#[derive(Debug)]
struct Panicked;

/// Returns the names that a struct reads; `None` if the type does not announce them.
pub(crate) fn names(trial: Trial) -> Option<Names> {
    let names = Cell::new(None);
    let _ = catch_unwind(AssertUnwindSafe(|| trial(&[], &names)));
    names.get()
}

/// Returns the first value that is required; `None` if the type can be read from nothing.
pub(crate) fn first_required(trial: Trial) -> Option<&'static str> {
    let probe = Probe { trial, inputs: &[] };
    match probe.run(&[]) {
        Ok(Some(error)) => missing(&error),
        _ => None,
    }
}

/// Compares what a type reads with what there is.
pub(crate) fn mismatches(trial: Trial, inputs: &[Input]) -> Vec<Mismatch> {
    let probe = Probe { trial, inputs };
    let found = match names(trial) {
        Some(names) => probe.of_struct(names),
        None => probe.of_opaque(),
    };
    found.unwrap_or_else(|Panicked| vec![Mismatch::Panicked])
}

struct Probe<'a> {
    trial: Trial,
    inputs: &'a [Input],
}

impl Probe<'_> {
    /// Deserializes the type, and returns the error.
    fn run(&self, values: &[Named]) -> Result<Option<DeError>, Panicked> {
        let run = || (self.trial)(values, &Cell::new(None));
        catch_unwind(AssertUnwindSafe(run)).map(Result::err).map_err(|_| Panicked)
    }

    /// Returns the name that the errors of a struct have for a value: of several names, the first.
    fn primary(&self, value: Named) -> Result<&'static str, Panicked> {
        let duplicate = self.run(&[value, value])?;
        Ok(match duplicate.as_ref().map(DeError::kind) {
            Some(DeErrorKind::Duplicate(primary)) => primary,
            _ => value.0,
        })
    }

    /// Adds values that are required and not there, until the type can be read or has another error. Returns that error, and the names that
    /// were added. An error about `stop_at` is returned.
    fn complete(
        &self,
        mut values: Vec<Named>,
        stop_at: Option<&str>,
    ) -> Result<(Option<DeError>, BTreeSet<&'static str>), Panicked> {
        let mut added = BTreeSet::new();
        loop {
            let Some(error) = self.run(&values)? else { return Ok((None, added)) };
            match missing(&error) {
                Some(name) if stop_at != Some(name) && added.insert(name) => values.push((name, Given::Simplest)),
                _ => return Ok((Some(error), added)),
            }
        }
    }

    fn of_struct(&self, names: Names) -> Result<Vec<Mismatch>, Panicked> {
        let mut mismatches = Vec::new();
        let mut accepted: Vec<Named> = Vec::new();
        for input in self.inputs {
            if names.contains(&input.name) {
                let (found, value) = self.values(input)?;
                mismatches.extend(found);
                accepted.extend(value.map(|given| (input.name, given)));
            } else if self.is_unexpected(input)? {
                mismatches.push(Mismatch::Unexpected { name: input.name });
            }
        }
        let read = || self.inputs.iter().filter(|input| names.contains(&input.name));
        let mut primaries = BTreeSet::new();
        for input in read() {
            let value = accepted.iter().find(|(name, _)| *name == input.name);
            primaries.insert(value.map_or(Ok(input.name), |value| self.primary(*value))?);
        }
        let (_, required) = self.complete(accepted.clone(), None)?;
        for (name, aliases) in self.absent(names, &primaries, &accepted)? {
            mismatches.push(Mismatch::Missing { name, aliases, is_required: required.contains(name) });
        }
        for input in read().filter(|input| input.may_be_absent) {
            let value = accepted.iter().find(|(name, _)| *name == input.name);
            let primary = value.map_or(Ok(input.name), |value| self.primary(*value))?;
            let (error, _) = self.complete(without(&accepted, input.name), Some(primary))?;
            if error.as_ref().and_then(missing) == Some(primary) {
                mismatches.push(Mismatch::Absent { name: input.name });
            }
        }
        Ok(mismatches)
    }

    /// Returns the names that are read and do not exist, each with its aliases.
    fn absent(
        &self,
        names: Names,
        primaries: &BTreeSet<&'static str>,
        accepted: &[Named],
    ) -> Result<Vec<(&'static str, Vec<&'static str>)>, Panicked> {
        let mut absent: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
        for name in names.iter().copied().filter(|name| self.inputs.iter().all(|input| input.name != *name)) {
            let primary = self.primary((name, Given::Simplest))?;
            if primaries.contains(primary) || self.may_be_alias(name, names, accepted)? {
                continue;
            }
            let group = match absent.iter().position(|(known, _)| *known == primary) {
                Some(index) => index,
                None => {
                    absent.push((primary, Vec::new()));
                    absent.len() - 1
                }
            };
            if name != primary
                && let Some((_, aliases)) = absent.get_mut(group)
            {
                aliases.push(name);
            }
        }
        Ok(absent)
    }

    /// Returns whether a name can be another one of a value that is there. The error about a duplicate tells that, but a type with a rule of
    /// its own may refuse the simplest value before, and then nothing is known.
    fn may_be_alias(&self, name: &'static str, names: Names, accepted: &[Named]) -> Result<bool, Panicked> {
        let given = (name, Given::Simplest);
        for value in accepted {
            let error = self.run(&[*value, given])?;
            if matches!(error.as_ref().map(DeError::kind), Some(DeErrorKind::Duplicate(_))) {
                return Ok(true);
            }
        }
        let is_refused = self.run(&[given])?.is_some_and(|error| error.name() == Some(name));
        let is_unknown =
            |input: &Input| names.contains(&input.name) && accepted.iter().all(|(known, _)| *known != input.name);
        Ok(is_refused && self.inputs.iter().any(is_unknown))
    }

    fn is_unexpected(&self, input: &Input) -> Result<bool, Panicked> {
        let Some(sample) = input.samples.first() else { return Ok(false) };
        let error = self.run(&[(input.name, sample.given)])?;
        Ok(error.is_some_and(|error| error.name().is_none() && matches!(error.kind(), DeErrorKind::Unknown(..))))
    }

    /// Compares the values of one input, and returns one that is accepted.
    fn values(&self, input: &Input) -> Result<(Vec<Mismatch>, Option<Given>), Panicked> {
        let name = input.name;
        let refusal = |given| -> Result<Option<DeError>, Panicked> {
            // Deserialization ends at the first error: one about another value means that this one is accepted.
            Ok(self.run(&[(name, given)])?.filter(|error| error.name() == Some(name)))
        };
        let variants: Names = match input.impossible.map(refusal).transpose()?.flatten().as_ref().map(DeError::kind) {
            Some(DeErrorKind::Variant { expected, .. }) => expected,
            _ => &[],
        };
        let (mut accepted, mut refused, mut first_error) = (None, Vec::new(), None);
        for (index, sample) in input.samples.iter().enumerate() {
            let Some(error) = refusal(sample.given)? else {
                accepted = accepted.or(Some(sample.given));
                continue;
            };
            match error.kind() {
                // A value of which a part can be absent may be accepted in full.
                DeErrorKind::Type { expected, .. } if accepted.is_none() => {
                    let expected = expected.clone();
                    return Ok((vec![Mismatch::Type { name, expected }], None));
                }
                _ if sample.occurs => {
                    refused.push(index);
                    first_error = first_error.or(Some(error));
                }
                _ => {}
            }
        }
        let mut mismatches = Vec::new();
        if let Some(error) = first_error {
            let error = error.to_string();
            mismatches.push(Mismatch::Refused { name, samples: refused, error, variants });
        }
        if !variants.is_empty() {
            if input.samples.iter().all(|sample| sample.occurs) {
                mismatches.extend(self.never_read(input, variants));
            } else {
                mismatches.push(Mismatch::OpenText { name, variants });
            }
        }
        Ok((mismatches, accepted))
    }

    /// Finds variants for which there is no value. The variants contain the aliases, which are not told apart: a name that differs from a
    /// value only by its case or its separators is taken for one.
    fn never_read(&self, input: &Input, variants: Names) -> Option<Mismatch> {
        let simple = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let values: BTreeSet<String> =
            input.samples.iter().filter_map(|sample| sample.text()).map(|text| simple(&text)).collect();
        let never = variants.iter().copied().filter(|variant| !values.contains(&simple(variant)));
        let variants: Vec<_> = never.collect();
        (!variants.is_empty()).then_some(Mismatch::NeverRead { name: input.name, variants })
    }

    /// Checks a type that does not announce its names: by reading it from everything, and from everything with one value replaced.
    fn of_opaque(&self) -> Result<Vec<Mismatch>, Panicked> {
        let mut mismatches = vec![Mismatch::Opaque];
        let mut all: Vec<Named> = Vec::new();
        for input in self.inputs {
            all.extend(input.samples.first().map(|sample| (input.name, sample.given)));
        }
        let (error, required) = self.complete(all.clone(), None)?;
        let of_inputs = |name: &&'static str| self.inputs.iter().any(|input| input.name == *name);
        let absent = required.iter().filter(|name| !of_inputs(name));
        mismatches.extend(absent.map(|name| Mismatch::Missing { name, aliases: Vec::new(), is_required: true }));
        all.extend(required.iter().map(|name| (*name, Given::Simplest)));
        let Some(error) = error else {
            for input in self.inputs {
                let others = without(&all, input.name);
                let is_required = self.run(&others)?.as_ref().and_then(missing).is_some();
                if input.may_be_absent && is_required {
                    mismatches.push(Mismatch::Absent { name: input.name });
                }
                mismatches.extend(self.replaced(input, &others)?);
            }
            return Ok(mismatches);
        };
        // The error may be about a value that was added in place of a missing one.
        if required.is_empty() {
            mismatches.extend(self.culprit(&all, &error)?);
        }
        Ok(mismatches)
    }

    /// Finds the value that an error is about, of a type whose errors do not tell.
    fn culprit(&self, all: &[Named], error: &DeError) -> Result<Option<Mismatch>, Panicked> {
        let mut culprits = Vec::new();
        for input in self.inputs {
            let name = input.name;
            // Without the value, the error is gone, but another value may be missing. With another value, it is another one.
            let gone = self.run(&without(all, name))?.is_none_or(|other| missing(&other).is_some());
            let replaced: Vec<Named> =
                all.iter().map(|value| if value.0 == name { (name, Given::Simplest) } else { *value }).collect();
            if gone && self.run(&replaced)?.is_none_or(|other| other.to_string() != error.to_string()) {
                culprits.push(input);
            }
        }
        let occurs = |input: &&Input| input.samples.first().is_some_and(|sample| sample.occurs);
        Ok(match (error.kind(), culprits.as_slice()) {
            (DeErrorKind::Type { expected, .. }, [only]) => {
                Some(Mismatch::Type { name: only.name, expected: expected.clone() })
            }
            (DeErrorKind::Type { .. }, _) => Some(Mismatch::Unreadable { error: error.to_string() }),
            (_, [only]) if occurs(only) => {
                let (samples, error) = (vec![0], error.to_string());
                Some(Mismatch::Refused { name: only.name, samples, error, variants: &[] })
            }
            _ => None,
        })
    }

    /// Finds values of an input that are not accepted beside the values of the others, which are.
    fn replaced(&self, input: &Input, others: &[Named]) -> Result<Option<Mismatch>, Panicked> {
        let (mut samples, mut first_error) = (Vec::new(), None);
        for (index, sample) in input.samples.iter().enumerate().skip(1).filter(|(_, sample)| sample.occurs) {
            let values = [others, &[(input.name, sample.given)]].concat();
            if let Some(error) = self.run(&values)? {
                samples.push(index);
                first_error = first_error.or(Some(error.to_string()));
            }
        }
        Ok(first_error.map(|error| Mismatch::Refused { name: input.name, samples, error, variants: &[] }))
    }
}

/// Returns the values except for one.
fn without(all: &[Named], name: &str) -> Vec<Named> {
    all.iter().filter(|(other, _)| *other != name).copied().collect()
}

/// Returns the name of the value that is missing, if that is the error.
fn missing(error: &DeError) -> Option<&'static str> {
    match error.kind() {
        DeErrorKind::Missing(name) if error.name().is_none() => Some(name),
        _ => None,
    }
}

impl Sample {
    /// Returns the value as text.
    pub(crate) fn text(&self) -> Option<String> {
        match self.given {
            Given::Field(value) => Some(value.to_setting()),
            Given::Var(text) => Some(text.to_owned()),
            Given::Simplest => None,
        }
    }
}
