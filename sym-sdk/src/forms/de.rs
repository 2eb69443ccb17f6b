//! Deserializes named values, such as those of a [`FieldMap`] or a flow's vars, into a user's type. Text is borrowed, not copied.

use std::cell::Cell;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeSeed, Expected, IntoDeserializer, MapAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::{FieldMap, FieldValue, SlackUserSelection};
use crate::error::{Error, codes};
use crate::suggest;

/// An error of deserialization, with the name of the value that it is about.
#[derive(Debug)]
pub(crate) struct DeError {
    kind: DeErrorKind,
    name: Option<String>,
}

#[derive(Debug)]
pub(crate) enum DeErrorKind {
    /// The value is not accepted.
    Value(String),
    /// No value of this kind is accepted, such as text where a number is expected.
    #[cfg_attr(not(feature = "runtime"), expect(dead_code, reason = "only the comparison with flows reads `expected`"))]
    Type {
        message: String,
        expected: String,
    },
    /// The value is none of the enum's variants.
    #[cfg_attr(not(feature = "runtime"), expect(dead_code, reason = "only the comparison with flows reads `expected`"))]
    Variant {
        message: String,
        expected: &'static [&'static str],
    },
    Missing(&'static str),
    Unknown(String, &'static [&'static str]),
    Duplicate(&'static str),
}

impl DeError {
    /// Returns the kind of the error.
    #[cfg(feature = "runtime")]
    pub(crate) fn kind(&self) -> &DeErrorKind {
        &self.kind
    }

    /// Returns the name of the value that the error is about.
    #[cfg(feature = "runtime")]
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn at(mut self, name: &str) -> Self {
        self.name.get_or_insert_with(|| name.to_owned());
        self
    }

    /// Describes the error. `noun` is that of the values: `field` or `var`.
    pub(crate) fn message(&self, noun: &str) -> String {
        match (&self.kind, &self.name) {
            // A struct inside a value may lack a member too. Then the value is invalid, not missing.
            (DeErrorKind::Missing(name), None) => format!("{noun} `{name}` is required, but has no value"),
            (DeErrorKind::Unknown(name, _), None) => format!("{noun} `{name}` is not expected"),
            (kind, Some(name)) => format!("{noun} `{name}`: {kind}"),
            (kind, None) => kind.to_string(),
        }
    }

    pub(super) fn into_error(self, fields: &FieldMap) -> Error {
        let message = self.message("field");
        match (self.kind, self.name) {
            (DeErrorKind::Missing(name), None) => {
                Error::invalid(codes::MISSING_FIELD, message).with_hint(fields.hint(name))
            }
            (DeErrorKind::Unknown(name, expected), None) => {
                let hint = suggest::hint(&name, "expected fields", expected.iter().copied());
                Error::invalid(codes::UNKNOWN_FIELD, message).with_hint(hint)
            }
            _ => Error::invalid(codes::INVALID_FIELD_VALUE, message),
        }
    }
}

impl fmt::Display for DeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(message) | Self::Type { message, .. } | Self::Variant { message, .. } => f.write_str(message),
            Self::Duplicate(name) => write!(f, "duplicate field `{name}`"),
            Self::Missing(name) => write!(f, "missing `{name}`"),
            Self::Unknown(name, _) => write!(f, "unexpected `{name}`"),
        }
    }
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { kind: DeErrorKind::Value(message.to_string()), name: None }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let message = format!("invalid type: {unexpected}, expected {expected}");
        Self { kind: DeErrorKind::Type { message, expected: expected.to_string() }, name: None }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let listed = match expected {
            [] => "there are no variants".to_owned(),
            [only] => format!("expected `{only}`"),
            [one, other] => format!("expected `{one}` or `{other}`"),
            several => format!("expected one of {}", suggest::quoted(several.iter().copied())),
        };
        let message = format!("unknown variant `{variant}`, {listed}");
        Self { kind: DeErrorKind::Variant { message, expected }, name: None }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self { kind: DeErrorKind::Duplicate(field), name: None }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { kind: DeErrorKind::Missing(field), name: None }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self { kind: DeErrorKind::Unknown(field.to_owned(), expected), name: None }
    }
}

/// Deserializes named values as a map or a struct. Errors in a value are about its name.
pub(crate) struct NamedValues<'a, I> {
    values: I,
    /// Receives the names that a struct reads.
    names: Option<&'a Cell<Option<&'static [&'static str]>>>,
}

impl<I> NamedValues<'_, I> {
    pub(crate) fn new(values: I) -> Self {
        Self { values, names: None }
    }
}

#[cfg(feature = "runtime")]
impl<'a, I> NamedValues<'a, I> {
    /// Creates a deserializer that stores the names which the type reads, if the type is a struct.
    pub(crate) fn observed(values: I, names: &'a Cell<Option<&'static [&'static str]>>) -> Self {
        Self { values, names: Some(names) }
    }
}

impl<'de, I, D> de::Deserializer<'de> for NamedValues<'_, I>
where
    I: ExactSizeIterator<Item = (&'de str, D)>,
    D: de::Deserializer<'de, Error = DeError>,
{
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_map(NamedValuesAccess::<I, (&'de str, D)> { rest: self.values, current: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        if let Some(names) = self.names {
            names.set(Some(fields));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq tuple tuple_struct map
        enum identifier ignored_any
    }
}

struct NamedValuesAccess<I, T> {
    rest: I,
    current: Option<T>,
}

impl<'de, I, D> MapAccess<'de> for NamedValuesAccess<I, (&'de str, D)>
where
    I: ExactSizeIterator<Item = (&'de str, D)>,
    D: de::Deserializer<'de, Error = DeError>,
{
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.current = Some((name, value));
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        match self.current.take() {
            Some((name, value)) => seed.deserialize(value).map_err(|error| error.at(name)),
            None => Err(de::Error::custom("the value of a field was requested before its name")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// Deserializes one field.
#[derive(Clone, Copy)]
pub(crate) struct Field<'de>(pub(crate) &'de FieldValue);

impl<'de> IntoDeserializer<'de, DeError> for Field<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Field<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.0 {
            FieldValue::Text(text) => visitor.visit_borrowed_str(text),
            FieldValue::Int(number) => visitor.visit_i64(*number),
            FieldValue::Bool(yes) => visitor.visit_bool(*yes),
            FieldValue::Duration(duration) => visitor.visit_u64(duration.as_secs()),
            FieldValue::SlackUser(user) => SlackUser::new(user).deserialize_any(visitor),
            FieldValue::SlackUsers(users) => visitor.visit_seq(SeqDeserializer::new(users.iter().map(SlackUser::new))),
            FieldValue::TextList(texts) => visitor.visit_seq(SeqDeserializer::new(texts.iter().map(|text| Text(text)))),
            FieldValue::IntList(numbers) => visitor.visit_seq(SeqDeserializer::new(numbers.iter().copied())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match self.0 {
            FieldValue::SlackUser(user) => SlackUser::new(user).deserialize_str(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match self.0 {
            FieldValue::Text(text) => BorrowedStrDeserializer::new(text).deserialize_enum(name, variants, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match self.0 {
            // `std::time::Duration` deserializes from a struct of these fields.
            FieldValue::Duration(duration) if name == "Duration" && fields == ["secs", "nanos"] => {
                let parts = [duration.as_secs(), u64::from(duration.subsec_nanos())];
                visitor.visit_seq(SeqDeserializer::new(parts.into_iter()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// Deserializes a text of a list.
struct Text<'de>(&'de str);

impl<'de> IntoDeserializer<'de, DeError> for Text<'de> {
    type Deserializer = BorrowedStrDeserializer<'de, DeError>;

    fn into_deserializer(self) -> Self::Deserializer {
        BorrowedStrDeserializer::new(self.0)
    }
}

/// Deserializes a Slack user: as a map of `user_id` and `username`, or as the id where text is expected.
struct SlackUser<'de> {
    user: &'de SlackUserSelection,
    next: usize,
}

impl<'de> SlackUser<'de> {
    fn new(user: &'de SlackUserSelection) -> Self {
        Self { user, next: 0 }
    }
}

impl<'de> IntoDeserializer<'de, DeError> for SlackUser<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for SlackUser<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_map(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_borrowed_str(self.user.user_id())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for SlackUser<'de> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        match ["user_id", "username"].get(self.next) {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        self.next += 1;
        match (self.next, self.user.username()) {
            (1, _) => seed.deserialize(BorrowedStrDeserializer::new(self.user.user_id())),
            (_, Some(username)) => seed.deserialize(Username(username)),
            (_, None) => seed.deserialize(().into_deserializer()),
        }
    }
}

/// Deserializes the username of a Slack user into a type in which it may be absent.
struct Username<'de>(&'de str);

impl<'de> de::Deserializer<'de> for Username<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier newtype_struct ignored_any
    }
}
