//! Packed texts: JSON that is kept for long, compressed against a dictionary of what all of it has in common.
//!
//! The states of Runs at rest and the audit log are most of a file, and most of each text is the names of its members. States of Runs that
//! go on stay plain, so that no commit waits for this more than once, and so do entries that would not become smaller.
//!
//! A packed text begins with the number of its format and the length of the text, four bytes with the lowest first. The rest is a raw DEFLATE
//! stream whose preset dictionary is the file of that format, followed by strings that are known from the other columns of the row. A released
//! dictionary is never changed.

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

const FORMAT: u8 = 1;

const DICTIONARY: &[u8] = include_bytes!("packed/dictionary-1.txt");

/// The length of the format and of the length of the text.
const HEADER_BYTES: usize = 5;

/// Longer texts are neither packed nor unpacked: a file that was tampered with must not fill the memory.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// The error of a packed text that cannot be unpacked.
#[derive(Debug, thiserror::Error)]
#[error("a packed text is damaged, or was packed by a newer version")]
pub(super) struct UnpackError;

struct Packer {
    compress: Compress,
    decompress: Decompress,
    /// The dictionary, to which what is known of a row is added for a while.
    dictionary: Vec<u8>,
}

impl Packer {
    fn new() -> Self {
        Self {
            compress: Compress::new(Compression::default(), false),
            decompress: Decompress::new(false),
            dictionary: DICTIONARY.to_vec(),
        }
    }

    fn set_known(&mut self, known: &[&str]) {
        self.dictionary.truncate(DICTIONARY.len());
        known.iter().for_each(|known| self.dictionary.extend_from_slice(known.as_bytes()));
    }

    fn pack(&mut self, text: &str, known: &[&str]) -> Option<Vec<u8>> {
        let length = u32::try_from(text.len()).ok().filter(|_| text.len() <= MAX_TEXT_BYTES)?;
        self.set_known(known);
        self.compress.reset();
        self.compress.set_dictionary(&self.dictionary).ok()?;
        // It is given no more space than the text takes.
        let mut packed = Vec::with_capacity(text.len().max(HEADER_BYTES));
        packed.push(FORMAT);
        packed.extend_from_slice(&length.to_le_bytes());
        let status = self.compress.compress_vec(text.as_bytes(), &mut packed, FlushCompress::Finish).ok()?;
        if status != Status::StreamEnd {
            return None;
        }
        packed.shrink_to_fit();
        Some(packed)
    }

    fn unpack(&mut self, packed: &[u8], known: &[&str]) -> Option<String> {
        let (header, deflated) = packed.split_at_checked(HEADER_BYTES)?;
        let (format, length) = header.split_first()?;
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
        if *format != FORMAT || length > MAX_TEXT_BYTES {
            return None;
        }
        self.set_known(known);
        self.decompress.reset(false);
        self.decompress.set_dictionary(&self.dictionary).ok()?;
        let mut text = Vec::with_capacity(length.saturating_add(1));
        let status = self.decompress.decompress_vec(deflated, &mut text, FlushDecompress::Finish).ok()?;
        let is_whole = status == Status::StreamEnd && text.len() == length;
        String::from_utf8(text).ok().filter(|_| is_whole)
    }
}

thread_local! {
    static PACKER: RefCell<Packer> = RefCell::new(Packer::new());
}

/// Packs a text. `known` are strings that are known when it is unpacked. `None` if it would not become smaller.
pub(super) fn pack(text: &str, known: &[&str]) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|packer| packer.pack(text, known))
}

/// Unpacks a text that was packed with the same known strings.
///
/// # Errors
/// If it is damaged. What is damaged in a way that cannot be seen gives another text.
pub(super) fn unpack(packed: &[u8], known: &[&str]) -> Result<String, UnpackError> {
    PACKER.with_borrow_mut(|packer| packer.unpack(packed, known)).ok_or(UnpackError)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "018f0b5a-7880-7085-a0a3-6456826aefd5";

    fn event() -> String {
        format!(
            r#"{{"actors":{{}},"event":{{"actor":{{"email":"ana@example.com","first_name":null}},"run":"{RUN}"}}}}"#
        )
    }

    #[test]
    fn texts_are_the_same_after_packing() {
        for text in [event(), "{}".repeat(100), "\u{e9}\u{1f511}".repeat(50), event().repeat(10_000)] {
            let packed = pack(&text, &[RUN]).unwrap();
            assert!(packed.len() < text.len());
            assert_eq!(unpack(&packed, &[RUN]).unwrap(), text);
        }
    }

    #[test]
    fn known_strings_take_no_space() {
        let [without, with] = [&[][..], &[RUN]].map(|known| pack(&event(), known).unwrap().len());
        assert!(with + 20 < without, "{with} {without}");
    }

    #[test]
    fn texts_that_would_not_become_smaller_are_not_packed() {
        for text in ["", "7", "\u{1}\u{7f}\u{2}~"] {
            assert_eq!(pack(text, &[]), None, "{text:?}");
        }
    }

    /// The hash of a text in the log tells whether it is still the same.
    #[test]
    fn damage_is_an_error_or_gives_a_text_of_the_same_length() {
        let packed = pack(&event(), &[RUN]).unwrap();
        for length in 0..packed.len() {
            assert!(unpack(&packed[..length], &[RUN]).is_err(), "cut to {length} bytes");
        }
        for byte in 0..packed.len() {
            for bit in 0..8 {
                let mut damaged = packed.clone();
                damaged[byte] ^= 1 << bit;
                match unpack(&damaged, &[RUN]) {
                    Ok(_) if byte < HEADER_BYTES => panic!("bit {bit} of byte {byte} of the header was not noticed"),
                    Ok(text) => assert_eq!(text.len(), event().len()),
                    Err(UnpackError) => {}
                }
            }
        }
        let huge = [&[FORMAT][..], &u32::MAX.to_le_bytes(), &packed[HEADER_BYTES..]].concat();
        assert!(unpack(&huge, &[RUN]).is_err());
    }
}
