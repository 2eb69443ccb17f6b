//! Canonical JSON, the form in which entries are stored and hashed.
//!
//! It is written straight from the values, into one buffer: each commit writes some kilobytes of it.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt::Display;

use serde::Serialize;
use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Error;

type Result<T = ()> = serde_json::Result<T>;

/// Serializes a value as canonical JSON (RFC 8785): no whitespace, members sorted by name, numbers as ECMAScript writes them.
///
/// Integers beyond 2⁵³, which the RFC leaves to I-JSON and would round, are written in full: this text is what is stored, and it
/// must not differ from what happened.
pub(super) fn canonical(value: &(impl Serialize + ?Sized)) -> Result<String> {
    let mut text = CanonicalText::reused();
    text.append(value)?;
    text.as_str().map(str::to_owned)
}

/// The maximum capacity of a buffer that is kept.
const MAX_KEPT_BYTES: usize = 64 * 1024;

thread_local! {
    /// The buffers of the last text of the thread.
    static BUFFERS: Cell<Buffers> = Cell::default();
}

/// Canonical JSON that is being written.
pub(super) struct CanonicalText {
    buffers: Buffers,
}

#[derive(Default)]
struct Buffers {
    bytes: Vec<u8>,
    /// The members of the objects that are being written, the innermost object last.
    members: Vec<Member>,
    /// Scratch space in which members are sorted.
    sorted: Vec<u8>,
}

/// The place of a member in the text, from its name to the end of its value.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    /// The end of the name, with its quotes.
    name_end: usize,
    end: usize,
}

impl Drop for CanonicalText {
    fn drop(&mut self) {
        let buffers = std::mem::take(&mut self.buffers);
        if buffers.bytes.capacity() <= MAX_KEPT_BYTES {
            // Thread-local values are gone while a thread ends.
            let _ = BUFFERS.try_with(|kept| kept.set(buffers));
        }
    }
}

impl CanonicalText {
    /// Creates an empty text, in the buffers of an earlier one.
    pub(super) fn reused() -> Self {
        let mut text = Self { buffers: BUFFERS.try_with(Cell::take).unwrap_or_default() };
        text.clear();
        text
    }

    /// Appends a value.
    pub(super) fn append(&mut self, value: &(impl Serialize + ?Sized)) -> Result {
        value.serialize(self)
    }

    /// Appends text that is canonical already.
    pub(super) fn append_text(&mut self, text: &str) {
        self.buffers.bytes.extend_from_slice(text.as_bytes());
    }

    /// Empties the text, also of what a value that failed has left.
    pub(super) fn clear(&mut self) {
        self.buffers.bytes.clear();
        self.buffers.members.clear();
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.buffers.bytes
    }

    pub(super) fn as_str(&self) -> Result<&str> {
        // JSON is always UTF-8.
        str::from_utf8(&self.buffers.bytes).map_err(Error::custom)
    }

    /// Appends what serde_json writes in the only way that there is: text, integers, `true`, `false` and `null`. It escapes text as the
    /// RFC requires.
    fn plain(&mut self, value: &(impl Serialize + ?Sized)) -> Result {
        serde_json::to_writer(&mut self.buffers.bytes, value)
    }

    fn float(&mut self, value: f64) -> Result {
        if value.is_finite() {
            self.buffers.bytes.extend_from_slice(ryu_js::Buffer::new().format_finite(value).as_bytes());
            Ok(())
        } else {
            self.plain(&())
        }
    }

    fn array(&mut self) -> Items<'_> {
        self.buffers.bytes.push(b'[');
        Items { text: self, is_first: true, closes_variant: false }
    }

    fn object(&mut self) -> Members<'_> {
        let start = self.buffers.bytes.len();
        self.buffers.bytes.push(b'{');
        let first = self.buffers.members.len();
        Members { text: self, start, first, closes_variant: false }
    }

    /// Opens the object in which a variant with content stands as the only member.
    fn open_variant(&mut self, variant: &str) -> Result {
        self.buffers.bytes.push(b'{');
        self.plain(variant)?;
        self.buffers.bytes.push(b':');
        Ok(())
    }

    /// Appends the name of a member. Like serde_json, it takes names that are numbers or booleans as text.
    fn name(&mut self, name: &(impl Serialize + ?Sized)) -> Result {
        let start = self.buffers.bytes.len();
        self.plain(name)?;
        match self.buffers.bytes.get(start) {
            Some(b'"') => Ok(()),
            Some(b'0'..=b'9' | b'-' | b't' | b'f') => {
                self.buffers.bytes.insert(start, b'"');
                self.buffers.bytes.push(b'"');
                Ok(())
            }
            _ => Err(Error::custom("the name of a member must be text")),
        }
    }

    /// Puts the members of the innermost object in order, which begins at `start`. Of members with one name, the last one counts.
    fn sort(&mut self, start: usize, first: usize) {
        let Buffers { bytes, members, sorted } = &mut self.buffers;
        let members = members.get_mut(first..).unwrap_or_default();
        let compare = |one: &Member, other: &Member| compare_names(name_of(bytes, one), name_of(bytes, other));
        if members.is_sorted_by(|one, other| compare(one, other) == Ordering::Less) {
            return;
        }
        members.sort_by(compare);
        sorted.clear();
        for (index, member) in members.iter().enumerate() {
            let next = members.get(index + 1);
            if next.is_some_and(|next| name_of(bytes, member) == name_of(bytes, next)) {
                continue;
            }
            sorted.push(if sorted.is_empty() { b'{' } else { b',' });
            sorted.extend_from_slice(bytes.get(member.start..member.end).unwrap_or_default());
        }
        bytes.truncate(start);
        bytes.extend_from_slice(sorted);
    }
}

fn name_of<'a>(bytes: &'a [u8], member: &Member) -> &'a [u8] {
    bytes.get(member.start..member.name_end).unwrap_or_default()
}

/// Compares two names as they are written. The RFC sorts by UTF-16 code units, which differs from the order of UTF-8 beyond the basic
/// plane, and the text is not in the order of what is escaped in it.
fn compare_names(one: &[u8], other: &[u8]) -> Ordering {
    let is_plain = |name: &[u8]| name.iter().all(|byte| byte.is_ascii() && *byte != b'\\');
    if is_plain(one) && is_plain(other) {
        let inner = |name: &[u8]| name.len().saturating_sub(1);
        return one.get(..inner(one)).cmp(&other.get(..inner(other)));
    }
    // The names were written by serde_json, which can read them.
    let read = |name| serde_json::from_slice::<String>(name).unwrap_or_default();
    read(one).encode_utf16().cmp(read(other).encode_utf16())
}

impl<'a> Serializer for &'a mut CanonicalText {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Members<'a>;
    type SerializeStructVariant = Members<'a>;

    fn serialize_bool(self, value: bool) -> Result {
        self.plain(&value)
    }

    fn serialize_i8(self, value: i8) -> Result {
        self.plain(&value)
    }

    fn serialize_i16(self, value: i16) -> Result {
        self.plain(&value)
    }

    fn serialize_i32(self, value: i32) -> Result {
        self.plain(&value)
    }

    fn serialize_i64(self, value: i64) -> Result {
        self.plain(&value)
    }

    fn serialize_u8(self, value: u8) -> Result {
        self.plain(&value)
    }

    fn serialize_u16(self, value: u16) -> Result {
        self.plain(&value)
    }

    fn serialize_u32(self, value: u32) -> Result {
        self.plain(&value)
    }

    fn serialize_u64(self, value: u64) -> Result {
        self.plain(&value)
    }

    fn serialize_f32(self, value: f32) -> Result {
        self.float(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result {
        self.float(value)
    }

    fn serialize_char(self, value: char) -> Result {
        self.plain(&value)
    }

    fn serialize_str(self, value: &str) -> Result {
        self.plain(value)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result {
        serde_json::Serializer::new(&mut self.buffers.bytes).collect_str(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result {
        self.plain(&())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        self.plain(&())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result {
        self.plain(&())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result {
        self.plain(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result {
        self.open_variant(variant)?;
        value.serialize(&mut *self)?;
        self.buffers.bytes.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>> {
        Ok(self.array())
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'a>> {
        Ok(self.array())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items<'a>> {
        Ok(self.array())
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Items<'a>> {
        self.open_variant(variant)?;
        Ok(Items { closes_variant: true, ..self.array() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>> {
        Ok(self.object())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'a>> {
        Ok(self.object())
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<Members<'a>> {
        self.open_variant(variant)?;
        Ok(Members { closes_variant: true, ..self.object() })
    }
}

/// An array that is being written.
pub(super) struct Items<'a> {
    text: &'a mut CanonicalText,
    is_first: bool,
    closes_variant: bool,
}

impl Items<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        if !std::mem::take(&mut self.is_first) {
            self.text.buffers.bytes.push(b',');
        }
        value.serialize(&mut *self.text)
    }

    fn close(self) {
        self.text.buffers.bytes.push(b']');
        if self.closes_variant {
            self.text.buffers.bytes.push(b'}');
        }
    }
}

/// An object that is being written.
pub(super) struct Members<'a> {
    text: &'a mut CanonicalText,
    start: usize,
    /// The index of its first member.
    first: usize,
    closes_variant: bool,
}

impl Members<'_> {
    fn name<T: Serialize + ?Sized>(&mut self, name: &T) -> Result {
        if self.text.buffers.members.len() > self.first {
            self.text.buffers.bytes.push(b',');
        }
        let start = self.text.buffers.bytes.len();
        self.text.name(name)?;
        let name_end = self.text.buffers.bytes.len();
        self.text.buffers.bytes.push(b':');
        self.text.buffers.members.push(Member { start, name_end, end: name_end });
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        value.serialize(&mut *self.text)?;
        let end = self.text.buffers.bytes.len();
        if let Some(member) = self.text.buffers.members.last_mut() {
            member.end = end;
        }
        Ok(())
    }

    fn close(self) {
        self.text.sort(self.start, self.first);
        self.text.buffers.members.truncate(self.first);
        self.text.buffers.bytes.push(b'}');
        if self.closes_variant {
            self.text.buffers.bytes.push(b'}');
        }
    }
}

/// Implements a trait of arrays, whose method for an item has different names.
macro_rules! items {
    ($($collection:ident::$item:ident),+) => {$(
        impl $collection for Items<'_> {
            type Ok = ();
            type Error = Error;

            fn $item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
                self.item(value)
            }

            fn end(self) -> Result {
                self.close();
                Ok(())
            }
        }
    )+};
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

/// Implements a trait of objects whose names are known.
macro_rules! members {
    ($($collection:ident),+) => {$(
        impl $collection for Members<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result {
                self.name(name)?;
                self.value(value)
            }

            fn end(self) -> Result {
                self.close();
                Ok(())
            }
        }
    )+};
}

members!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result {
        self.name(name)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        self.value(value)
    }

    fn end(self) -> Result {
        self.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn parsed(text: &str) -> String {
        canonical(&serde_json::from_str::<Value>(text).unwrap()).unwrap()
    }

    #[test]
    fn sorts_members_and_escapes_text_as_in_the_rfc() {
        // The samples of RFC 8785.
        let sample = r#"{ "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "o" }"#;
        let ordered = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"o\",\"€\":\"Euro Sign\",\
            \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}";
        assert_eq!(parsed(sample), ordered);
        assert_eq!(
            parsed(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\u007f""#),
            "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\""
        );
    }

    #[test]
    fn writes_numbers_as_ecmascript_does_and_integers_in_full() {
        let samples = [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("333333333.33333329", "333333333.3333333"),
            ("1E30", "1e+30"),
            ("4.50", "4.5"),
            ("2e-3", "0.002"),
            ("0.000000000000000000000000001", "1e-27"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
            ("1e20", "100000000000000000000"),
        ];
        for (text, expected) in samples {
            assert_eq!(parsed(text), expected);
            assert_eq!(parsed(expected), expected, "canonical text is a fixed point");
        }
        assert_eq!(canonical(&json!({ "b": [null, true, {}], "a": [] })).unwrap(), r#"{"a":[],"b":[null,true,{}]}"#);
    }

    #[derive(Serialize)]
    enum Variant {
        Unit,
        Newtype(Option<u8>),
        Tuple(i64, f32),
        Struct { z: Vec<Variant>, a: char, ab: (), aa: u64 },
    }

    /// Names whose order in the text is not the order of the RFC: a quote is escaped by a backslash, which comes after letters.
    fn names() -> BTreeMap<String, i32> {
        [("\"", 1), ("#", 2), ("[", 3), ("a", 4), ("a b", 5), ("ab", 6), ("\u{e000}", 7), ("😀", 8), ("", 9)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// Hashes of stored entries depend on it.
    #[test]
    fn values_are_written_as_their_json_values_are() {
        #[derive(Serialize)]
        struct Whole {
            zulu: BTreeMap<u16, &'static [u8]>,
            variants: [Variant; 4],
            names: BTreeMap<String, i32>,
            #[serde(flatten)]
            flattened: BTreeMap<&'static str, f64>,
            alpha: std::net::Ipv4Addr,
        }
        let nested = vec![Variant::Unit, Variant::Newtype(None)];
        let whole = Whole {
            zulu: [(10, b"ab".as_slice()), (9, b"")].into(),
            variants: [
                Variant::Unit,
                Variant::Newtype(Some(7)),
                Variant::Tuple(-1, 0.1),
                Variant::Struct { z: nested, a: '"', ab: (), aa: u64::MAX },
            ],
            names: names(),
            flattened: [("m", f64::NAN), ("b", 1e21)].into(),
            alpha: std::net::Ipv4Addr::LOCALHOST,
        };
        let text = canonical(&whole).unwrap();
        assert_eq!(text, canonical(&serde_json::to_value(&whole).unwrap()).unwrap());
        assert!(text.starts_with(
            r##"{"alpha":"127.0.0.1","b":1e+21,"m":null,"names":{"":9,"\"":1,"#":2,"[":3,"a":4,"a b":5,"##
        ));
        assert!(text.ends_with(r#""zulu":{"10":[97,98],"9":[]}}"#));
    }

    #[test]
    fn last_of_members_with_one_name_counts() {
        struct Twice;
        impl Serialize for Twice {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_map([("b", 1), ("a", 2), ("b", 3)])
            }
        }
        assert_eq!(canonical(&Twice).unwrap(), r#"{"a":2,"b":3}"#);
    }

    #[test]
    fn names_that_are_no_text_are_refused() {
        assert!(canonical(&BTreeMap::from([((), 1)])).is_err());
        assert_eq!(canonical(&BTreeMap::from([(false, 1), (true, 2)])).unwrap(), r#"{"false":1,"true":2}"#);
    }
}
