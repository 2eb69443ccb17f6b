//! Binary floating-point numbers of 512 bits.
//!
//! cty, Terraform's library of values, uses such numbers, so a number has the same digits here as there. Their size is limited
//! to that of double precision: a few characters of text must not cost a gigabyte of digits.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};

use super::decimal::Decimal;

/// The number of bits of a number that is not the result of a function in double precision.
pub(super) const PRECISION: u32 = 512;

/// The number of bits in double precision.
const DOUBLE: u32 = 53;

/// The exponents of two between which the magnitude of a number lies.
const EXPONENTS: std::ops::RangeInclusive<i64> = -1_074..=1_024;

/// The maximal number of characters of a number in text.
const MAX_TEXT: usize = 1_500;

/// A number: `mantissa × 2^exponent`. The mantissa is odd, or the number is zero.
#[derive(Clone, Debug)]
pub(super) struct BigFloat {
    mantissa: BigInt,
    exponent: i64,
    precision: u32,
}

impl BigFloat {
    /// Rounds to the precision, a half to even. Returns `None` if the number is out of range.
    fn new(mantissa: BigInt, exponent: i64, precision: u32) -> Option<Self> {
        let (sign, mut magnitude) = mantissa.into_parts();
        let mut exponent = exponent;
        let surplus = magnitude.bits().saturating_sub(u64::from(precision));
        if surplus > 0 {
            let half = BigUint::from(1_u8) << (surplus - 1);
            let kept = &magnitude >> surplus;
            let rest = &magnitude - (&kept << surplus);
            let up = match rest.cmp(&half) {
                Ordering::Greater => true,
                Ordering::Equal => kept.bit(0),
                Ordering::Less => false,
            };
            magnitude = if up { kept + 1_u8 } else { kept };
            exponent = exponent.checked_add(i64::try_from(surplus).ok()?)?;
        }
        let Some(zeros) = magnitude.trailing_zeros() else {
            return Some(Self { mantissa: BigInt::ZERO, exponent: 0, precision });
        };
        magnitude >>= zeros;
        exponent = exponent.checked_add(i64::try_from(zeros).ok()?)?;
        let top = exponent.checked_add(i64::try_from(magnitude.bits()).ok()?)?;
        EXPONENTS.contains(&top).then(|| Self { mantissa: BigInt::from_biguint(sign, magnitude), exponent, precision })
    }

    /// Creates a whole number. Returns `None` if it is out of range.
    pub(super) fn whole(whole: impl Into<BigInt>) -> Option<Self> {
        Self::new(whole.into(), 0, PRECISION)
    }

    /// Creates a number of double precision. Returns `None` if it is not finite.
    pub(super) fn double(double: f64) -> Option<Self> {
        if !double.is_finite() {
            return None;
        }
        let bits = double.to_bits();
        let (fraction, biased) = (bits & ((1 << 52) - 1), i64::try_from(bits >> 52 & 0x7ff).ok()?);
        let magnitude = if biased == 0 { fraction } else { fraction | 1 << 52 };
        let sign = if double.is_sign_negative() { Sign::Minus } else { Sign::Plus };
        Self::new(BigInt::from_biguint(sign, BigUint::from(magnitude)), biased.max(1) - 1_075, DOUBLE)
    }

    /// Parses a decimal number. Returns `None` if the text is not one, or out of range.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (number, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((number, exponent)) if !exponent.is_empty() => (number, exponent.parse::<i64>().ok()?),
            Some(_) => return None,
            None => (unsigned, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let digits = BigInt::parse_bytes(digits.as_bytes(), 10)?;
        let digits = if negative { -digits } else { digits };
        if digits.sign() == Sign::NoSign {
            return Self::whole(0);
        }
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        // Far beyond the range, whatever the digits are.
        let power = u32::try_from(exponent.unsigned_abs()).ok().filter(|power| *power <= 4_000)?;
        let power = BigInt::from(10_u8).pow(power);
        if exponent >= 0 { Self::new(digits * power, 0, PRECISION) } else { quotient(&digits, &power, 0, PRECISION) }
    }

    fn is_zero(&self) -> bool {
        self.mantissa.sign() == Sign::NoSign
    }

    /// Returns both mantissas for the smaller of the exponents.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let exponent = self.exponent.min(other.exponent);
        let shifted = |number: &Self| {
            // Both exponents are within the range, so the shift is small.
            &number.mantissa << u64::try_from(number.exponent - exponent).unwrap_or(0)
        };
        (shifted(self), shifted(other), exponent)
    }

    pub(super) fn order(&self, other: &Self) -> Ordering {
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }

    pub(super) fn negate(&self) -> Self {
        Self { mantissa: -&self.mantissa, ..*self }
    }

    pub(super) fn add(&self, other: &Self) -> Option<Self> {
        let (a, b, exponent) = self.aligned(other);
        Self::new(a + b, exponent, self.precision.max(other.precision))
    }

    pub(super) fn multiply(&self, other: &Self) -> Option<Self> {
        let exponent = self.exponent.checked_add(other.exponent)?;
        Self::new(&self.mantissa * &other.mantissa, exponent, self.precision.max(other.precision))
    }

    /// Divides. Returns `None` for a division by zero.
    pub(super) fn divide(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let exponent = self.exponent.checked_sub(other.exponent)?;
        quotient(&self.mantissa, &other.mantissa, exponent, self.precision.max(other.precision))
    }

    /// Returns the remainder, with the sign of the dividend. As in Terraform, a division by zero leaves the dividend.
    pub(super) fn remainder(&self, other: &Self) -> Option<Self> {
        if other.is_zero() {
            return Some(self.clone());
        }
        let whole = Self::whole(self.divide(other)?.truncated())?;
        self.add(&whole.multiply(other)?.negate())
    }

    /// Returns the whole part.
    pub(super) fn truncated(&self) -> BigInt {
        match u64::try_from(self.exponent) {
            Ok(shift) => &self.mantissa << shift,
            Err(_) => &self.mantissa / (BigInt::from(1_u8) << self.exponent.unsigned_abs()),
        }
    }

    /// Returns the number if it is whole.
    pub(super) fn as_whole(&self) -> Option<BigInt> {
        (self.exponent >= 0).then(|| self.truncated())
    }

    pub(super) fn is_negative(&self) -> bool {
        self.mantissa.sign() == Sign::Minus
    }

    /// Returns all decimal digits.
    pub(super) fn decimal(&self) -> Decimal {
        decimal(self.mantissa.magnitude(), self.exponent)
    }

    /// Returns as few decimal digits as distinguish the number from its neighbors.
    pub(super) fn shortest(&self) -> Decimal {
        let magnitude = self.mantissa.magnitude();
        if self.is_zero() {
            return Decimal::default();
        }
        // One bit more than the precision: the lowest is half a unit in the last place.
        let shift = (u64::from(self.precision) + 1).saturating_sub(magnitude.bits());
        let mantissa = magnitude << shift;
        let exponent = self.exponent - i64::try_from(shift).unwrap_or(0);
        let (lower, upper) = (decimal(&(&mantissa - 1_u8), exponent), decimal(&(&mantissa + 1_u8), exponent));
        decimal(&mantissa, exponent).shortest(&lower, &upper, !mantissa.bit(1))
    }
}

/// Returns the quotient of two whole numbers times a power of two.
fn quotient(dividend: &BigInt, divisor: &BigInt, exponent: i64, precision: u32) -> Option<BigFloat> {
    let shift = (u64::from(precision) + 3 + divisor.bits()).saturating_sub(dividend.bits());
    let dividend = dividend << shift;
    let whole = &dividend / divisor;
    // A remainder counts as one more bit, which is enough to round correctly.
    let is_exact = &whole * divisor == dividend;
    let positive = (dividend.sign() == Sign::Minus) == (divisor.sign() == Sign::Minus);
    let rest = BigInt::from(if is_exact {
        0
    } else if positive {
        1
    } else {
        -1
    });
    let exponent = exponent.checked_sub(i64::try_from(shift).ok()?)?.checked_sub(1)?;
    BigFloat::new((whole << 1_u8) + rest, exponent, precision)
}

/// Returns the decimal digits of `mantissa × 2^exponent`.
fn decimal(mantissa: &BigUint, exponent: i64) -> Decimal {
    match u64::try_from(exponent) {
        Ok(shift) => Decimal::new(&(mantissa << shift).to_string(), 0),
        // Exponents are within the range, so the power is small.
        Err(_) => {
            let places = u32::try_from(exponent.unsigned_abs()).unwrap_or(0);
            Decimal::new(&(mantissa * BigUint::from(5_u8).pow(places)).to_string(), -i64::from(places))
        }
    }
}
