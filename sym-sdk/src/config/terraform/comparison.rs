//! The equality of values, and the order of the elements of a set: both are those of cty.

use std::cmp::Ordering;
use std::rc::Rc;

use super::value::{InstanceRef, Value};

impl Value {
    /// Compares as Terraform does: values of different types are not equal.
    pub(super) fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Null(_), Self::Null(_)) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Id(a), Self::Id(b)) => a == b,
            (Self::Id(id), Self::Text(text)) | (Self::Text(text), Self::Id(id)) => id.name == **text,
            (Self::List(a), Self::List(b)) | (Self::Set(a), Self::Set(b)) => {
                a.element == b.element
                    && a.items.len() == b.items.len()
                    && a.items.iter().zip(&b.items).all(|(a, b)| a.same_inside(b))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.element == b.element
                    && a.entries.len() == b.entries.len()
                    && a.entries.iter().zip(&b.entries).all(|((ka, a), (kb, b))| ka == kb && a.same_inside(b))
            }
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            _ => false,
        }
    }

    /// Compares parts of two values, where the type of null counts.
    fn same_inside(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Null(a), Self::Null(b)) => a == b,
            _ => self.same(other),
        }
    }

    /// Orders the elements of a set of strings, numbers or booleans: by bytes, by size, `false` before `true`. Unknown values and
    /// null are last.
    pub(super) fn order(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.order(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Text(_) | Self::Id(_), Self::Text(_) | Self::Id(_)) => self.to_text().cmp(&other.to_text()),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Orders kinds of values.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Unknown(_) => 1,
            Self::Null(_) => 2,
            _ => 0,
        }
    }

    /// Returns the text by which cty orders the elements of sets that are neither strings, numbers nor booleans.
    pub(super) fn sort_key(&self) -> String {
        let mut key = String::new();
        self.write_sort_key(&mut key);
        key
    }

    fn write_sort_key(&self, key: &mut String) {
        match self {
            Self::Unknown(_) => key.push('?'),
            Self::Null(_) => key.push('~'),
            Self::Bool(flag) => key.push(if *flag { 'T' } else { 'F' }),
            Self::Number(number) => key.push_str(&number.to_string()),
            Self::Text(text) => key.push_str(&format!("{text:?}")),
            Self::Id(id) => key.push_str(&format!("{:?}", id.name)),
            Self::Object(instance_ref) => match &**instance_ref {
                InstanceRef::Resource(resource) => key.push_str(&resource.address),
                InstanceRef::Module { number, .. } => key.push_str(&number.to_string()),
            },
            Self::List(items) | Self::Set(items) => {
                let (open, close) = if items.element.is_some() { ('[', ']') } else { ('<', '>') };
                key.push(open);
                for item in &items.items {
                    item.write_sort_key(key);
                    key.push(';');
                }
                key.push(close);
            }
            Self::Map(entries) => {
                let is_map = entries.element.is_some();
                key.push(if is_map { '{' } else { '<' });
                for (name, value) in &entries.entries {
                    if is_map {
                        key.push_str(&format!("{name:?}:"));
                    }
                    value.write_sort_key(key);
                    key.push(';');
                }
                key.push(if is_map { '}' } else { '>' });
            }
        }
    }
}
