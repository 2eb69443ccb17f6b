//! Decimal digits of numbers, rounded as Go rounds them.

/// A number without a sign: `0.d₁d₂d₃… × 10^point`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Decimal {
    /// ASCII digits, without zeros at the end; empty for zero.
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// Creates a decimal of a whole number, written in digits, times a power of ten.
    pub(super) fn new(digits: &str, exponent: i64) -> Self {
        let digits = digits.trim_start_matches('0').as_bytes().to_vec();
        let point = exponent.saturating_add(i64::try_from(digits.len()).unwrap_or(i64::MAX));
        Self { digits, point }.trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
        self
    }

    fn digit(&self, at: usize) -> u8 {
        self.digits.get(at).copied().unwrap_or(b'0')
    }

    /// Returns the number of digits up to a number of places after the point.
    pub(super) fn places(&self, places: usize) -> i64 {
        self.point.saturating_add(i64::try_from(places).unwrap_or(i64::MAX))
    }

    /// Keeps a number of digits. A half is rounded to even.
    pub(super) fn round(self, kept: i64) -> Self {
        let Ok(kept) = usize::try_from(kept) else { return Self::default() };
        if kept >= self.digits.len() {
            return self;
        }
        let is_half = self.digit(kept) == b'5' && kept + 1 == self.digits.len();
        let up = if is_half { kept > 0 && (self.digit(kept - 1) - b'0') % 2 == 1 } else { self.digit(kept) >= b'5' };
        if up { self.round_up(kept) } else { self.round_down(kept) }
    }

    fn round_down(mut self, kept: usize) -> Self {
        self.digits.truncate(kept);
        self.trimmed()
    }

    fn round_up(mut self, kept: usize) -> Self {
        self.digits.truncate(kept);
        while let Some(last) = self.digits.pop() {
            if last < b'9' {
                self.digits.push(last + 1);
                return self;
            }
        }
        self.digits.push(b'1');
        self.point += 1;
        self
    }

    /// Returns the shortest decimal between two bounds, which are possible results themselves if they are `inclusive`.
    pub(super) fn shortest(self, lower: &Self, upper: &Self, inclusive: bool) -> Self {
        for at in 0..self.digits.len() {
            let (low, digit, high) = (lower.digit(at), self.digit(at), upper.digit(at));
            let down = low != digit || inclusive && at + 1 == lower.digits.len();
            let up = digit != high && (inclusive || digit + 1 < high || at + 1 < upper.digits.len());
            match (down, up) {
                (true, true) => return self.round(i64::try_from(at + 1).unwrap_or(i64::MAX)),
                (true, false) => return self.round_down(at + 1),
                (false, true) => return self.round_up(at + 1),
                (false, false) => {}
            }
        }
        self
    }

    /// Writes the number without an exponent, with all its digits or a number of digits after the point.
    pub(super) fn fixed(&self, fraction: Option<usize>) -> String {
        let mut text = String::new();
        if self.point <= 0 {
            text.push('0');
        }
        let before = usize::try_from(self.point).unwrap_or(0);
        text.extend((0..before).map(|at| char::from(self.digit(at))));
        let all = i64::try_from(self.digits.len()).unwrap_or(i64::MAX).saturating_sub(self.point);
        let fraction = fraction.unwrap_or_else(|| usize::try_from(all).unwrap_or(0));
        if fraction > 0 {
            text.push('.');
        }
        for place in 0..fraction {
            let at = self.point.saturating_add(i64::try_from(place).unwrap_or(i64::MAX));
            text.push(usize::try_from(at).map_or('0', |at| char::from(self.digit(at))));
        }
        text
    }

    /// Writes the number with one digit before the point, and an exponent.
    pub(super) fn scientific(&self, fraction: Option<usize>) -> String {
        let fraction = fraction.unwrap_or_else(|| self.digits.len().saturating_sub(1));
        let mut text = String::from(char::from(self.digit(0)));
        if fraction > 0 {
            text.push('.');
            text.extend((1..=fraction).map(|at| char::from(self.digit(at))));
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        text.push_str(&format!("e{sign}{:02}", exponent.unsigned_abs()));
        text
    }

    /// Writes the number with an exponent if it is very large or very small, as the verb `%g` does.
    pub(super) fn general(&self, precision: Option<usize>) -> String {
        let length = self.digits.len();
        let limit = match precision {
            None => 6,
            Some(limit) => {
                let whole = usize::try_from(self.point).is_ok_and(|point| point <= length);
                if limit > length && whole { length } else { limit.max(1) }
            }
        };
        let exponent = if length == 0 { 0 } else { self.point - 1 };
        if exponent < -4 || exponent >= i64::try_from(limit).unwrap_or(i64::MAX) {
            self.scientific(None)
        } else {
            self.fixed(None)
        }
    }
}
