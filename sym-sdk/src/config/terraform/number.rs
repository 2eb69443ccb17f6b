//! Numbers, as cty has them: whole ones are exact, others have 512 bits.

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use num_bigint::BigInt;

use super::big_float::BigFloat;
use super::decimal::Decimal;

/// A number of Terraform's expression language.
#[derive(Clone, Debug)]
pub(super) enum Number {
    /// A whole number of 64 bits: most numbers are.
    Whole(i64),
    /// Any other number.
    Float(Rc<BigFloat>),
}

impl Number {
    /// Parses a number. Returns `None` if the text is not one, or out of range.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.parse::<i64>() {
            Ok(whole) => Some(Self::Whole(whole)),
            Err(_) => BigFloat::parse(text).map(Self::from_float),
        }
    }

    /// Creates a number of double precision. Returns `None` if it is not finite.
    pub(super) fn double(double: f64) -> Option<Self> {
        BigFloat::double(double).map(Self::from_float)
    }

    /// Creates a whole number. Returns `None` if it is out of range.
    pub(super) fn whole(whole: BigInt) -> Option<Self> {
        match i64::try_from(&whole) {
            Ok(whole) => Some(Self::Whole(whole)),
            Err(_) => BigFloat::whole(whole).map(|float| Self::Float(Rc::new(float))),
        }
    }

    fn from_float(float: BigFloat) -> Self {
        match float.as_whole().and_then(|whole| i64::try_from(whole).ok()) {
            Some(whole) => Self::Whole(whole),
            None => Self::Float(Rc::new(float)),
        }
    }

    fn float(&self) -> Option<Rc<BigFloat>> {
        match self {
            Self::Whole(whole) => BigFloat::whole(*whole).map(Rc::new),
            Self::Float(float) => Some(float.clone()),
        }
    }

    /// Returns the nearest number of double precision.
    pub(super) fn as_f64(&self) -> f64 {
        // A number in text is finite, and rounds correctly.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// Returns the number as an index, if it is a whole number and not negative.
    pub(super) fn as_index(&self) -> Option<usize> {
        self.as_whole().and_then(|whole| usize::try_from(whole).ok())
    }

    /// Returns the number, if it is a whole number of 64 bits.
    pub(super) fn as_whole(&self) -> Option<i64> {
        match self {
            Self::Whole(whole) => Some(*whole),
            Self::Float(_) => None,
        }
    }

    /// Returns the number, if it is whole.
    pub(super) fn as_big(&self) -> Option<BigInt> {
        match self {
            Self::Whole(whole) => Some(BigInt::from(*whole)),
            Self::Float(float) => float.as_whole(),
        }
    }

    pub(super) fn is_negative(&self) -> bool {
        match self {
            Self::Whole(whole) => *whole < 0,
            Self::Float(float) => float.is_negative(),
        }
    }

    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(b),
            _ => match (self.float(), other.float()) {
                (Some(a), Some(b)) => a.order(&b),
                _ => Ordering::Equal,
            },
        }
    }

    pub(super) fn negate(&self) -> Option<Self> {
        match self {
            Self::Whole(whole) => Self::whole(-BigInt::from(*whole)),
            Self::Float(float) => Some(Self::from_float(float.negate())),
        }
    }

    /// Adds. Like every operation here, returns `None` if the result is out of range.
    pub(super) fn add(&self, other: &Self) -> Option<Self> {
        self.combine(other, i64::checked_add, BigFloat::add)
    }

    pub(super) fn subtract(&self, other: &Self) -> Option<Self> {
        self.combine(other, i64::checked_sub, |a, b| a.add(&b.negate()))
    }

    pub(super) fn multiply(&self, other: &Self) -> Option<Self> {
        self.combine(other, i64::checked_mul, BigFloat::multiply)
    }

    /// Divides. Returns `None` for a division by zero.
    pub(super) fn divide(&self, other: &Self) -> Option<Self> {
        let exact = |a: i64, b: i64| if a.checked_rem(b)? == 0 { a.checked_div(b) } else { None };
        self.combine(other, exact, BigFloat::divide)
    }

    /// Returns the remainder, with the sign of the dividend. As in Terraform, a division by zero leaves the dividend.
    pub(super) fn remainder(&self, other: &Self) -> Option<Self> {
        self.combine(other, i64::checked_rem, BigFloat::remainder)
    }

    /// Returns the largest whole number that is not larger.
    pub(super) fn floor(&self) -> Option<Self> {
        let Self::Float(float) = self else { return Some(self.clone()) };
        let whole = float.truncated();
        Self::whole(if float.is_negative() && float.as_whole().is_none() { whole - 1 } else { whole })
    }

    fn combine(
        &self,
        other: &Self,
        whole: fn(i64, i64) -> Option<i64>,
        float: fn(&BigFloat, &BigFloat) -> Option<BigFloat>,
    ) -> Option<Self> {
        if let (Self::Whole(a), Self::Whole(b)) = (self, other)
            && let Some(result) = whole(*a, *b)
        {
            return Some(Self::Whole(result));
        }
        float(&*self.float()?, &*other.float()?).map(Self::from_float)
    }

    /// Returns as few decimal digits as distinguish the number from its neighbors.
    pub(super) fn shortest(&self) -> Decimal {
        match self {
            Self::Whole(whole) => Decimal::new(&whole.unsigned_abs().to_string(), 0),
            Self::Float(float) => float.shortest(),
        }
    }

    /// Returns all decimal digits.
    pub(super) fn decimal(&self) -> Decimal {
        match self {
            Self::Whole(_) => self.shortest(),
            Self::Float(float) => float.decimal(),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        Self::whole(BigInt::from(number)).unwrap_or(Self::Whole(i64::MAX))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(whole) => write!(f, "{whole}"),
            Self::Float(float) => {
                write!(f, "{}{}", if float.is_negative() { "-" } else { "" }, float.shortest().fixed(None))
            }
        }
    }
}
