//! One fuzz target: its corpus, and the search for inputs that break its property.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use sha2::{Digest, Sha256};

use crate::mutation::mutated;

/// The number of seconds to search for, target by target.
const SECONDS: &str = "FUZZ_SECONDS";

/// The seed of the search. The same seed gives the same inputs, as many as there is time for.
const SEED: &str = "FUZZ_SEED";

/// The number of inputs of a search without a time, and of each round of one with a time.
const INPUTS: u32 = 256;

/// Checks a property on each input of the corpus, and on mutations of them.
///
/// The corpus is in `corpus/NAME`. An input that breaks the property is added to it, made as small as possible.
pub(crate) fn fuzz(name: &str, property: impl Fn(&[u8])) {
    fuzz_with(name, Vec::new(), property);
}

/// Like [`fuzz`], with `files` as further samples.
#[expect(clippy::disallowed_methods, reason = "a search for a time takes real time; its verdict does not depend on it")]
pub(crate) fn fuzz_with(name: &str, mut files: Vec<PathBuf>, property: impl Fn(&[u8])) {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    match fs::read_dir(&dir) {
        Ok(entries) => files.extend(entries.map(|entry| entry.unwrap().path())),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}: {error}", dir.display()),
    }
    files.sort();
    assert!(!files.is_empty(), "{} has no samples", dir.display());
    let samples: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    for (file, sample) in files.iter().zip(&samples) {
        if std::panic::catch_unwind(AssertUnwindSafe(|| property(sample))).is_err() {
            panic!("{} breaks the property of `{name}`", file.display());
        }
    }
    let started = Instant::now();
    let time = std::env::var(SECONDS).ok().map(|text| Duration::from_secs(text.parse().unwrap()));
    let seed: u64 = std::env::var(SEED).map_or(0, |text| text.parse().unwrap());
    let mut inputs = 0_u32;
    loop {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&inputs.to_le_bytes());
        let config = Config { cases: INPUTS, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let found = runner.run(&mutated(samples.clone()), |input| {
            let held = std::panic::catch_unwind(AssertUnwindSafe(|| property(&input)));
            held.map_err(|_| TestCaseError::fail("the property does not hold"))
        });
        inputs += INPUTS;
        if let Err(TestError::Fail(_, input)) = found {
            let hash: String = Sha256::digest(&input).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            let file = dir.join(format!("found-{hash}"));
            fs::create_dir_all(&dir).unwrap();
            fs::write(&file, &input).unwrap();
            panic!("an input breaks the property of `{name}`; it was added to the corpus as {}", file.display());
        }
        if time.is_none_or(|time| started.elapsed() >= time) {
            break;
        }
    }
    println!("{name}: {inputs} inputs, {} samples", samples.len());
}

/// Calls `check` with the input as text, if it is text.
pub(crate) fn with_text(input: &[u8], check: impl FnOnce(&str)) {
    if let Ok(text) = std::str::from_utf8(input) {
        check(text);
    }
}
