//! The argument `Vars<T>`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use super::{ExtractError, FromContext};
use crate::error::{Error, ErrorKind, codes};
use crate::forms::{DeError, NamedValues};
use crate::handler::{Context, DataRequirement, Requires};
use crate::suggest;

/// An argument: the vars of the flow, deserialized into a `T`. In `get_flows`, the vars of the flows filter.
///
/// Vars are strings. Numbers and booleans are parsed, enum variants are matched by name, and strings can be borrowed.
///
/// The vars of each flow that uses the handler are compared with `T` by `check` and at startup.
///
/// ```
/// use sym_sdk::prelude::*;
///
/// #[derive(Deserialize)]
/// struct Settings<'a> {
///     request_channel: &'a str,
///     approvals: Option<u8>,
/// }
///
/// #[reducer]
/// fn get_permissions(vars: Vars<Settings<'_>>) -> RequestPermission {
///     RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin).approvals(vars.approvals.unwrap_or(1))
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vars<T>(pub T);

impl<T> Deref for Vars<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'cx, T: Deserialize<'cx>> FromContext<'cx> for Vars<T> {
    const REQUIRES: Requires = Requires::Vars(DataRequirement::of::<T>());

    fn from_context(context: &'cx Context) -> Result<Self, ExtractError> {
        let vars = match (context.flows_query(), context.flow()) {
            (Some(query), _) => query.vars(),
            (None, Some(flow)) => flow.vars(),
            (None, None) => return Err(ExtractError::missing("Vars<_>")),
        };
        read(vars).map(Self).map_err(|error| {
            let names = vars.keys().map(String::as_str);
            Error::new(ErrorKind::Configuration, codes::INVALID_VAR, error.message("var"))
                .with_hint(format!("the vars are {}", suggest::quoted(names)))
                .into()
        })
    }
}

fn read<'de, T: Deserialize<'de>>(vars: &'de BTreeMap<String, String>) -> Result<T, DeError> {
    T::deserialize(NamedValues::new(vars.iter().map(|(name, value)| (name.as_str(), Var(value)))))
}

/// Deserializes one var.
#[derive(Clone, Copy)]
pub(in crate::handler) struct Var<'de>(pub(in crate::handler) &'de str);

impl Var<'_> {
    fn parse<T: FromStr<Err: fmt::Display>>(self) -> Result<T, DeError> {
        self.0.parse().map_err(|error| self.invalid(error))
    }

    fn invalid(self, error: impl fmt::Display) -> DeError {
        DeError::custom(format_args!("{error}, got {:?}", self.0))
    }
}

macro_rules! parsed {
    ($($method:ident => $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            visitor.$visit(self.parse()?)
        })*
    };
}

impl<'de> Deserializer<'de> for Var<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_borrowed_str(self.0).map_err(|error: DeError| self.invalid(error))
    }

    parsed! {
        deserialize_bool => visit_bool;
        deserialize_i8 => visit_i8;
        deserialize_i16 => visit_i16;
        deserialize_i32 => visit_i32;
        deserialize_i64 => visit_i64;
        deserialize_i128 => visit_i128;
        deserialize_u8 => visit_u8;
        deserialize_u16 => visit_u16;
        deserialize_u32 => visit_u32;
        deserialize_u64 => visit_u64;
        deserialize_u128 => visit_u128;
        deserialize_f32 => visit_f32;
        deserialize_f64 => visit_f64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        BorrowedStrDeserializer::new(self.0)
            .deserialize_enum(name, variants, visitor)
            .map_err(|error: DeError| self.invalid(error))
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
