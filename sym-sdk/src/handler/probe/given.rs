//! The values that a type is probed with.
//!
//! Values are leaked, because a type may borrow its text for any lifetime. Equal values are leaked once, so a program leaks at most the
//! values of its configuration, however often it is checked.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

use serde::de::value::{BorrowedStrDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};

use crate::forms::{DeError, Field, FieldValue};
use crate::handler::extract::Var;
use crate::sync::lock;

/// Returns a text that equals `text` and lives as long as the program.
pub(crate) fn interned(text: &str) -> &'static str {
    static TEXTS: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut texts = lock(&TEXTS);
    match texts.get(text) {
        Some(known) => known,
        None => {
            let leaked: &'static str = Box::leak(text.into());
            texts.insert(leaked);
            leaked
        }
    }
}

/// Returns a value that equals `value` and lives as long as the program.
fn interned_value(value: FieldValue) -> &'static FieldValue {
    static VALUES: LazyLock<Mutex<HashSet<&'static FieldValue>>> = LazyLock::new(Mutex::default);
    let mut values = lock(&VALUES);
    match values.get(&value) {
        Some(known) => known,
        None => {
            let leaked: &'static FieldValue = Box::leak(Box::new(value));
            values.insert(leaked);
            leaked
        }
    }
}

/// A value that a type is probed with. It deserializes as that of a request or a flow does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Given {
    /// The value of a field.
    Field(&'static FieldValue),
    /// The value of a var.
    Var(&'static str),
    /// The simplest value of the type that is asked for. It takes the place of values that do not exist.
    Simplest,
}

impl Given {
    pub(crate) fn field(value: FieldValue) -> Self {
        Self::Field(interned_value(value))
    }

    pub(crate) fn var(value: &str) -> Self {
        Self::Var(interned(value))
    }
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $ty:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* visitor: V) -> Result<V::Value, DeError> {
            match self {
                Self::Field(value) => Field(value).$method($($argument,)* visitor),
                Self::Var(value) => Var(value).$method($($argument,)* visitor),
                Self::Simplest => Simplest.$method($($argument,)* visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Given {
    type Error = DeError;

    forward! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
        deserialize_identifier();
        deserialize_ignored_any();
    }
}

/// Deserializes the simplest value of the type that is asked for.
#[derive(Clone, Copy)]
struct Simplest;

macro_rules! simplest {
    ($($($method:ident),+ => $visit:ident($value:expr);)*) => {$($(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            visitor.$visit($value)
        }
    )+)*};
}

impl<'de> Deserializer<'de> for Simplest {
    type Error = DeError;

    simplest! {
        deserialize_bool => visit_bool(true);
        deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64 => visit_i64(1);
        deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64 => visit_u64(1);
        deserialize_i128 => visit_i128(1);
        deserialize_u128 => visit_u128(1);
        deserialize_f32, deserialize_f64 => visit_f64(1.0);
        deserialize_char => visit_char('a');
        deserialize_str, deserialize_string, deserialize_identifier => visit_borrowed_str("text");
        deserialize_bytes, deserialize_byte_buf => visit_borrowed_bytes(b"text");
        deserialize_seq => visit_seq(SeqDeserializer::new(std::iter::empty::<Self>()));
        deserialize_map => visit_map(MapDeserializer::new(std::iter::empty::<(&str, Self)>()));
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_seq(SeqDeserializer::new(std::iter::repeat_n(self, len)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match variants.first() {
            Some(first) => BorrowedStrDeserializer::new(first).deserialize_enum(name, variants, visitor),
            None => Err(DeError::custom("an enum without variants")),
        }
    }
}

impl<'de> IntoDeserializer<'de, DeError> for Simplest {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
