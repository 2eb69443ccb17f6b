//! Mutations of sample inputs.
//!
//! Random bytes rarely get past the first check of a parser. A mutated sample does: it is valid in most places and wrong in a few.

use proptest::prelude::*;

/// Fragments that parsers treat specially, or that people and services write unexpectedly.
const FRAGMENTS: [&str; 34] = [
    "",
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\"",
    "'",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "&",
    "&#0;",
    "${",
    "%{",
    "<<E\n",
    "=",
    ",",
    ";",
    ":",
    "null",
    "-1",
    "1e999",
    "18446744073709551616",
    "e\u{301}",
    "\u{202e}\u{200b}",
];

/// The maximum number of repetitions of a fragment: nesting that no recursion on a thread's stack survives.
const MAX_REPETITIONS: u32 = 20_000;

/// A change of an input. Positions are fractions of its length, in 65536ths, so that a change fits every input.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    /// Flips a bit.
    Flip { at: u16, bit: u8 },
    /// Inserts a fragment, several times.
    Insert { at: u16, fragment: usize, times: u32 },
    /// Removes a range.
    Remove { from: u16, to: u16 },
    /// Copies a range to another place.
    Copy { from: u16, to: u16, at: u16 },
    /// Inserts a range of another sample.
    Splice { sample: usize, from: u16, to: u16, at: u16 },
    /// Replaces the digits of a number.
    Number { at: u16, digits: u64 },
}

impl Mutation {
    fn apply(&self, input: &mut Vec<u8>, samples: &[Vec<u8>]) {
        match *self {
            Self::Flip { at, bit } => {
                let at = position(at, input.len());
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Insert { at, fragment, times } => {
                let inserted = FRAGMENTS[fragment % FRAGMENTS.len()].repeat(times as usize);
                insert(input, at, inserted.as_bytes());
            }
            Self::Remove { from, to } => {
                let range = range(from, to, input.len());
                input.drain(range);
            }
            Self::Copy { from, to, at } => {
                let copied = input[range(from, to, input.len())].to_vec();
                insert(input, at, &copied);
            }
            Self::Splice { sample, from, to, at } => {
                let sample = &samples[sample % samples.len()];
                insert(input, at, &sample[range(from, to, sample.len())]);
            }
            Self::Number { at, digits } => {
                let at = position(at, input.len());
                let Some(first) = (at..input.len()).find(|index| input[*index].is_ascii_digit()) else { return };
                let end = (first..input.len()).find(|index| !input[*index].is_ascii_digit()).unwrap_or(input.len());
                input.splice(first..end, digits.to_string().into_bytes());
            }
        }
    }
}

fn position(fraction: u16, len: usize) -> usize {
    usize::from(fraction) * len / (usize::from(u16::MAX) + 1)
}

fn range(from: u16, to: u16, len: usize) -> std::ops::Range<usize> {
    position(from.min(to), len)..position(from.max(to), len)
}

fn insert(input: &mut Vec<u8>, at: u16, inserted: &[u8]) {
    let at = position(at, input.len() + 1);
    input.splice(at..at, inserted.iter().copied());
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let times = prop_oneof![8 => Just(1_u32), 1 => 1..100_u32, 1 => Just(MAX_REPETITIONS)];
    let digits = prop_oneof![Just(0), Just(u64::MAX), any::<u64>(), 0..100_u64];
    prop_oneof![
        (any::<u16>(), any::<u8>()).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
        (any::<u16>(), any::<usize>(), times).prop_map(|(at, fragment, times)| Mutation::Insert {
            at,
            fragment,
            times
        }),
        (any::<u16>(), any::<u16>()).prop_map(|(from, to)| Mutation::Remove { from, to }),
        any::<(u16, u16, u16)>().prop_map(|(from, to, at)| Mutation::Copy { from, to, at }),
        any::<(usize, u16, u16, u16)>().prop_map(|(sample, from, to, at)| Mutation::Splice { sample, from, to, at }),
        (any::<u16>(), digits).prop_map(|(at, digits)| Mutation::Number { at, digits }),
    ]
}

/// Returns mutated inputs made of `samples`, of which there is at least one.
pub(crate) fn mutated(samples: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (any::<usize>(), proptest::collection::vec(mutation(), 1..8)).prop_map(move |(sample, mutations)| {
        let mut input = samples[sample % samples.len()].clone();
        for mutation in &mutations {
            mutation.apply(&mut input, &samples);
        }
        input
    })
}
