//! Reads a [`FieldMap`] into a user's type without a copy in between.

use std::collections::btree_map;
use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{FieldMap, FieldValue, SlackUserSelection};
use crate::error::{Error, codes};
use crate::suggest;

/// What serde reports, with the field it was at.
#[derive(Debug)]
pub(super) struct Fault {
    kind: FaultKind,
    field: Option<String>,
}

#[derive(Debug)]
enum FaultKind {
    Value(String),
    Missing(&'static str),
    Unknown(String, &'static [&'static str]),
}

impl Fault {
    fn at(mut self, field: &str) -> Self {
        self.field.get_or_insert_with(|| field.to_owned());
        self
    }

    pub(super) fn into_error(self, fields: &FieldMap) -> Error {
        match (self.kind, self.field) {
            // A struct inside a field may lack something too; then the field has a wrong value.
            (FaultKind::Missing(name), None) => {
                let message = format!("field `{name}` is needed, but has no value");
                Error::invalid(codes::MISSING_FIELD, message).with_hint(fields.hint(name))
            }
            (FaultKind::Unknown(name, expected), None) => {
                let message = format!("field `{name}` is not expected");
                Error::invalid(codes::UNKNOWN_FIELD, message).with_hint(suggest::hint(
                    &name,
                    "expected fields",
                    expected.iter().copied(),
                ))
            }
            (kind, field) => {
                let message = match field {
                    Some(field) => format!("field `{field}`: {kind}"),
                    None => kind.to_string(),
                };
                Error::invalid(codes::INVALID_FIELD_VALUE, message)
            }
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(message) => f.write_str(message),
            Self::Missing(name) => write!(f, "missing `{name}`"),
            Self::Unknown(name, _) => write!(f, "unexpected `{name}`"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { kind: FaultKind::Value(message.to_string()), field: None }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { kind: FaultKind::Missing(field), field: None }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self { kind: FaultKind::Unknown(field.to_owned(), expected), field: None }
    }
}

/// All fields, as a map.
pub(super) struct Fields<'de>(pub(super) &'de FieldMap);

impl<'de> de::Deserializer<'de> for Fields<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(FieldsAccess { rest: self.0.0.iter(), current: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq tuple tuple_struct map
        struct enum identifier ignored_any
    }
}

struct FieldsAccess<'de> {
    rest: btree_map::Iter<'de, String, FieldValue>,
    current: Option<(&'de str, &'de FieldValue)>,
}

impl<'de> MapAccess<'de> for FieldsAccess<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((name, value)) = self.rest.next() else { return Ok(None) };
        self.current = Some((name, value));
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        match self.current.take() {
            Some((name, value)) => seed.deserialize(Field(value)).map_err(|fault| fault.at(name)),
            None => Err(de::Error::custom("a value was asked for before its name")),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// One field.
#[derive(Clone, Copy)]
struct Field<'de>(&'de FieldValue);

impl<'de> IntoDeserializer<'de, Fault> for Field<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Field<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            FieldValue::Text(text) => visitor.visit_borrowed_str(text),
            FieldValue::Int(number) => visitor.visit_i64(*number),
            FieldValue::Bool(yes) => visitor.visit_bool(*yes),
            FieldValue::Duration(duration) => visitor.visit_u64(duration.as_secs()),
            FieldValue::SlackUser(user) => SlackUser::new(user).deserialize_any(visitor),
            FieldValue::SlackUsers(users) => visitor.visit_seq(SeqDeserializer::new(users.iter().map(SlackUser::new))),
            FieldValue::TextList(texts) => {
                visitor.visit_seq(SeqDeserializer::new(texts.iter().map(|text| Borrowed(text))))
            }
            FieldValue::IntList(numbers) => visitor.visit_seq(SeqDeserializer::new(numbers.iter().copied())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            FieldValue::SlackUser(user) => SlackUser::new(user).deserialize_str(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
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
    ) -> Result<V::Value, Fault> {
        match self.0 {
            // This is how `std::time::Duration` asks.
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

/// A text of a list.
struct Borrowed<'de>(&'de str);

impl<'de> IntoDeserializer<'de, Fault> for Borrowed<'de> {
    type Deserializer = BorrowedStrDeserializer<'de, Fault>;

    fn into_deserializer(self) -> Self::Deserializer {
        BorrowedStrDeserializer::new(self.0)
    }
}

/// A Slack user: a map of `user_id` and `username`, or the id alone where text is wanted.
struct SlackUser<'de> {
    user: &'de SlackUserSelection,
    next: usize,
}

impl<'de> SlackUser<'de> {
    fn new(user: &'de SlackUserSelection) -> Self {
        Self { user, next: 0 }
    }
}

impl<'de> IntoDeserializer<'de, Fault> for SlackUser<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for SlackUser<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.user.user_id())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for SlackUser<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        match ["user_id", "username"].get(self.next) {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.next += 1;
        match (self.next, self.user.username()) {
            (1, _) => seed.deserialize(BorrowedStrDeserializer::new(self.user.user_id())),
            (_, Some(username)) => seed.deserialize(Known(username)),
            (_, None) => seed.deserialize(().into_deserializer()),
        }
    }
}

/// The name of a Slack user that is known, for a type in which it may be absent.
struct Known<'de>(&'de str);

impl<'de> de::Deserializer<'de> for Known<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier newtype_struct ignored_any
    }
}
