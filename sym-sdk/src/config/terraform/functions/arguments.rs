//! The arguments of a call, each as the type that a function takes.

use super::super::number::Number;
use super::super::types::Type;
use super::{Arguments, FunctionError, Value};

impl Arguments<'_> {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn get(&self, index: usize) -> &Value {
        // Calls are checked to have enough arguments; one that is left out counts as null.
        const ABSENT: &Value = &Value::Null(Type::Any);
        self.values.get(index).unwrap_or(ABSENT)
    }

    pub(super) fn has(&self, index: usize) -> bool {
        !self.get(index).is_null()
    }

    pub(super) fn type_mismatch<T>(&self, index: usize, expected: &str) -> Result<T, FunctionError> {
        Err(match self.get(index) {
            Value::Unknown(unknown) => FunctionError::unknown(unknown),
            other => FunctionError::new(format!("expected {expected}, got {}", other.describe())).at(index),
        })
    }

    pub(super) fn text(&self, index: usize) -> Result<std::rc::Rc<str>, FunctionError> {
        self.get(index).to_text().map_or_else(|| self.type_mismatch(index, "a string"), Ok)
    }

    pub(super) fn number(&self, index: usize) -> Result<Number, FunctionError> {
        self.get(index).to_number().map_or_else(|| self.type_mismatch(index, "a number"), Ok)
    }

    pub(super) fn whole(&self, index: usize) -> Result<i64, FunctionError> {
        self.number(index)?.as_whole().map_or_else(|| self.type_mismatch(index, "a whole number"), Ok)
    }

    /// Returns a whole number that is not negative, such as a length.
    pub(super) fn index(&self, index: usize) -> Result<usize, FunctionError> {
        let number = self.number(index)?.as_index();
        number.map_or_else(|| self.type_mismatch(index, "a whole number that is not negative"), Ok)
    }

    /// Returns a list or set as a list, whose elements have one type.
    pub(super) fn list(&self, index: usize) -> Result<Value, FunctionError> {
        self.items(index)?;
        self.get(index).to_list().map_err(|why| FunctionError::new(why).at(index))
    }

    /// Returns the elements of a list, but not of a set: they have no order.
    pub(super) fn sequence(&self, index: usize) -> Result<&[Value], FunctionError> {
        match self.get(index) {
            Value::Set(_) => {
                let problem = FunctionError::new("expected a list, got a set").at(index);
                Err(problem.hint("convert it with `tolist(…)`"))
            }
            _ => self.items(index),
        }
    }

    /// Returns the elements of a list or set.
    pub(super) fn items(&self, index: usize) -> Result<&[Value], FunctionError> {
        self.get(index).items().map_or_else(|| self.type_mismatch(index, "a list"), Ok)
    }

    /// Returns the elements of a list of strings.
    pub(super) fn texts(&self, index: usize) -> Result<Vec<std::rc::Rc<str>>, FunctionError> {
        self.items(index)?
            .iter()
            .map(|item| match item {
                Value::Unknown(unknown) => Err(FunctionError::unknown(unknown)),
                item => item.to_text().ok_or_else(|| {
                    FunctionError::new(format!("expected a list of strings, found {} in it", item.describe())).at(index)
                }),
            })
            .collect()
    }

    /// Returns a map, or the attributes of a resource.
    pub(super) fn map(&self, index: usize) -> Result<Value, FunctionError> {
        match self.get(index) {
            Value::Object(instance_ref) => Ok(self.scope.attribute_map(instance_ref)),
            Value::Map(_) => Ok(self.get(index).clone()),
            _ => self.type_mismatch(index, "a map"),
        }
    }

    /// Fails if an argument contains an unknown value.
    pub(super) fn known(&self, index: usize) -> Result<&Value, FunctionError> {
        let value = self.get(index);
        value.first_unknown().map_or(Ok(value), |unknown| Err(FunctionError::unknown(unknown)))
    }
}
