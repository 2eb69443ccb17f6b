//! Numbers. Whole ones are exact, because account ids are often written as numbers.

use std::cmp::Ordering;
use std::fmt;

/// A number of Terraform's expression language.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Whole(i64),
    Real(f64),
}

impl Number {
    /// Parses a number. Returns `None` if the text is not one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let starts_well = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
        match text.parse::<i64>() {
            Ok(whole) if starts_well => Some(Self::Whole(whole)),
            _ if starts_well => text.parse::<f64>().ok().and_then(Self::real),
            _ => None,
        }
    }

    /// Creates a number, whole if it has no fraction. Returns `None` if it is not finite.
    pub(super) fn real(real: f64) -> Option<Self> {
        // Up to 2^53 every whole number has an exact `f64`.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if !real.is_finite() {
            None
        } else if real.fract() == 0.0 && real.abs() <= EXACT {
            Some(Self::Whole(real as i64))
        } else {
            Some(Self::Real(real))
        }
    }

    pub(super) fn as_f64(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }

    /// Returns the number as an index, if it is a whole number and not negative.
    pub(super) fn as_index(self) -> Option<usize> {
        self.as_whole().and_then(|whole| usize::try_from(whole).ok())
    }

    pub(super) fn as_whole(self) -> Option<i64> {
        match self {
            Self::Whole(whole) => Some(whole),
            Self::Real(_) => None,
        }
    }

    pub(super) fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            _ => self.as_f64().total_cmp(&other.as_f64()),
        }
    }

    pub(super) fn negate(self) -> Option<Self> {
        match self {
            Self::Whole(whole) => whole.checked_neg().map(Self::Whole),
            Self::Real(real) => Self::real(-real),
        }
    }

    /// Adds. Like every operation here, returns `None` on overflow.
    pub(super) fn add(self, other: Self) -> Option<Self> {
        self.combine(other, i64::checked_add, |a, b| a + b)
    }

    pub(super) fn subtract(self, other: Self) -> Option<Self> {
        self.combine(other, i64::checked_sub, |a, b| a - b)
    }

    pub(super) fn multiply(self, other: Self) -> Option<Self> {
        self.combine(other, i64::checked_mul, |a, b| a * b)
    }

    /// Divides. Returns `None` for a division by zero.
    pub(super) fn divide(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) if b != 0 && a.checked_rem(b) == Some(0) => {
                a.checked_div(b).map(Self::Whole)
            }
            _ => Self::real(self.as_f64() / other.as_f64()),
        }
    }

    /// Returns the remainder, with the sign of the dividend; `None` for a division by zero.
    pub(super) fn remainder(self, other: Self) -> Option<Self> {
        self.combine(other, i64::checked_rem, |a, b| a % b)
    }

    fn combine(self, other: Self, whole: fn(i64, i64) -> Option<i64>, real: fn(f64, f64) -> f64) -> Option<Self> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => match whole(a, b) {
                Some(result) => Some(Self::Whole(result)),
                None => Self::real(real(a as f64, b as f64)),
            },
            _ => Self::real(real(self.as_f64(), other.as_f64())),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.order(*other) == Ordering::Equal
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        i64::try_from(number).map_or(Self::Real(number as f64), Self::Whole)
    }
}

impl From<&hcl_edit::Number> for Number {
    fn from(number: &hcl_edit::Number) -> Self {
        match number.as_i64() {
            Some(whole) => Self::Whole(whole),
            None => number.as_f64().and_then(Self::real).unwrap_or(Self::Whole(0)),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => write!(f, "{whole}"),
            Self::Real(real) => write!(f, "{real}"),
        }
    }
}
