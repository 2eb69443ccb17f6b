//! Functions that encode and decode text. See `json`, `yaml` and `csv` for those of data.

use super::{Arguments, Function, FunctionError, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base64decode", 1, 1, |args| {
        String::from_utf8(decode_base64(&args.text(0)?)?)
            .map(Value::text)
            .map_err(|_| FunctionError::new("the decoded bytes are not UTF-8 text").at(0))
    }),
    Function::new("base64encode", 1, 1, |args| Ok(Value::text(base64(args.text(0)?.as_bytes())))),
    Function::new("textdecodebase64", 2, 2, |args| {
        let bytes = decode_base64(&args.text(0)?)?;
        Encoding::named(&args.text(1)?)?
            .decode(bytes)
            .map(Value::text)
            .ok_or_else(|| FunctionError::new("the decoded bytes are not text in this encoding").at(0))
    }),
    Function::new("textencodebase64", 2, 2, |args| {
        let bytes = Encoding::named(&args.text(1)?)?.encode(&args.text(0)?);
        let bytes = bytes.ok_or_else(|| FunctionError::new("the encoding does not have all characters").at(0))?;
        Ok(Value::text(base64(&bytes)))
    }),
    Function::new("urlencode", 1, 1, urlencode),
];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes bytes in the standard alphabet, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            if digit <= chunk.len() {
                let index = (group >> (18 - 6 * digit)) as usize & 63;
                text.push(char::from(ALPHABET[index]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

fn decode_base64(text: &str) -> Result<Vec<u8>, FunctionError> {
    // Go passes over line breaks.
    let text = text.replace(['\r', '\n'], "");
    let digits = text.trim_end_matches('=');
    let well_formed = text.len().is_multiple_of(4) && text.len() - digits.len() <= 2;
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut bits) = (0_u32, 0);
    for digit in digits.bytes() {
        match ALPHABET.iter().position(|known| *known == digit) {
            Some(value) if well_formed => {
                group = group << 6 | u32::try_from(value).unwrap_or(0);
                bits += 6;
                if bits >= 8 {
                    bits -= 8;
                    bytes.extend(u8::try_from(group >> bits & 0xff));
                }
            }
            _ => return Err(FunctionError::new("the string is not base64").at(0)),
        }
    }
    Ok(bytes)
}

/// An encoding of text.
#[derive(Clone, Copy)]
enum Encoding {
    Latin1,
    Utf8,
    Utf16 { little_endian: bool },
}

impl Encoding {
    fn named(name: &str) -> Result<Self, FunctionError> {
        match name.to_ascii_uppercase().as_str() {
            "ISO-8859-1" | "LATIN1" => Ok(Self::Latin1),
            "UTF-8" => Ok(Self::Utf8),
            "UTF-16LE" => Ok(Self::Utf16 { little_endian: true }),
            "UTF-16BE" => Ok(Self::Utf16 { little_endian: false }),
            _ => Err(FunctionError::new(format!("the encoding {name:?} is not supported"))
                .at(1)
                .hint("supported: `UTF-8`, `UTF-16LE`, `UTF-16BE`, `ISO-8859-1`")),
        }
    }

    fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|c| u8::try_from(c).ok()).collect(),
            Self::Utf16 { little_endian } => {
                let bytes = |unit: u16| if little_endian { unit.to_le_bytes() } else { unit.to_be_bytes() };
                Some(text.encode_utf16().flat_map(bytes).collect())
            }
        }
    }

    fn decode(self, bytes: Vec<u8>) -> Option<String> {
        match self {
            Self::Utf8 => String::from_utf8(bytes).ok(),
            Self::Latin1 => Some(bytes.into_iter().map(char::from).collect()),
            Self::Utf16 { little_endian } => {
                let (units, rest) = bytes.as_chunks::<2>();
                let unit = |pair: &[u8; 2]| {
                    if little_endian { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) }
                };
                let units: Vec<u16> = units.iter().map(unit).collect();
                if rest.is_empty() { String::from_utf16(&units).ok() } else { None }
            }
        }
    }
}

fn urlencode(args: &Arguments<'_>) -> Result<Value, FunctionError> {
    let mut encoded = String::new();
    for byte in args.text(0)?.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(Value::text(encoded))
}
