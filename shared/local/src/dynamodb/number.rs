//! Numbers: decimal, with 38 significant digits (Developer Guide, "Data types"), and no more than is needed of arithmetic.

use std::{cmp::Ordering, fmt, str::FromStr};

const MAX_DIGITS: usize = 38;

/// Magnitudes from 1E-130 to below 1E+126.
const EXPONENTS: std::ops::RangeInclusive<i32> = -129..=126;

/// `0.d₁d₂d₃… × 10^exponent`, without zeros at either end of the digits: equal numbers are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Number {
    negative: bool,
    digits: Vec<u8>,
    exponent: i32,
}

/// Why something is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberError {
    NoNumber,
    TooLong,
    OutOfRange,
}

impl NumberError {
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::NoNumber => "The parameter cannot be converted to a numeric value",
            Self::TooLong => "Attempting to store more than 38 significant digits in a Number",
            Self::OutOfRange => {
                "Number overflow. Attempting to store a number with magnitude outside the supported range"
            }
        }
    }
}

impl Number {
    /// Any digits, most significant first, the first of them with the weight `10^(exponent - 1)`.
    fn new(negative: bool, digits: &[u8], exponent: i32) -> Result<Self, NumberError> {
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        let rest = digits.get(leading..).unwrap_or_default();
        let trailing = rest.iter().rev().take_while(|digit| **digit == 0).count();
        let digits = rest.get(..rest.len() - trailing).unwrap_or_default();
        if digits.is_empty() {
            return Ok(Self::default());
        }
        if digits.len() > MAX_DIGITS {
            return Err(NumberError::TooLong);
        }
        let exponent = i32::try_from(leading)
            .ok()
            .and_then(|leading| exponent.checked_sub(leading))
            .filter(|exponent| EXPONENTS.contains(exponent))
            .ok_or(NumberError::OutOfRange)?;
        Ok(Self {
            negative,
            digits: digits.to_vec(),
            exponent,
        })
    }

    pub(super) fn plus(&self, other: &Self) -> Result<Self, NumberError> {
        let top = self.exponent.max(other.exponent);
        let (left, right) = (self.shifted(top), other.shifted(top));
        let length = left.len().max(right.len());
        let padded = |digits: Vec<u8>| {
            let mut digits = digits;
            digits.resize(length, 0);
            digits
        };
        let (left, right) = (padded(left), padded(right));
        if self.negative == other.negative {
            let (carry, sum) = add(&left, &right);
            let digits: Vec<u8> = std::iter::once(carry).chain(sum).collect();
            return Self::new(self.negative, &digits, top + 1);
        }
        match left.cmp(&right) {
            Ordering::Less => Self::new(other.negative, &subtract(&right, &left), top),
            _ => Self::new(self.negative, &subtract(&left, &right), top),
        }
    }

    pub(super) fn minus(&self, other: &Self) -> Result<Self, NumberError> {
        self.plus(&other.negated())
    }

    fn negated(&self) -> Self {
        let mut number = self.clone();
        number.negative = !number.negative && !number.digits.is_empty();
        number
    }

    /// The digits as they would be with a higher exponent.
    fn shifted(&self, top: i32) -> Vec<u8> {
        let zeros = usize::try_from(top - self.exponent).unwrap_or_default();
        let zeros = std::iter::repeat_n(0, zeros);
        zeros.chain(self.digits.iter().copied()).collect()
    }

    /// Whole seconds since 1970, if it is that.
    pub(super) fn as_i64(&self) -> Option<i64> {
        let text = self.to_string();
        text.split('.').next()?.parse().ok()
    }

    /// Storage: two digits take a byte, and one more.
    pub(super) fn size(&self) -> usize {
        self.digits.len().div_ceil(2) + 1
    }
}

/// Of digits of the same length: the carry and the sum.
fn add(left: &[u8], right: &[u8]) -> (u8, Vec<u8>) {
    let mut carry = 0;
    let mut sum: Vec<u8> = left
        .iter()
        .zip(right)
        .rev()
        .map(|(left, right)| {
            let digit = left + right + carry;
            carry = digit / 10;
            digit % 10
        })
        .collect();
    sum.reverse();
    (carry, sum)
}

/// The smaller from the larger, both of the same length.
fn subtract(larger: &[u8], smaller: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference: Vec<u8> = larger
        .iter()
        .zip(smaller)
        .rev()
        .map(|(larger, smaller)| {
            let digit = larger + 10 - smaller - borrow;
            borrow = u8::from(digit < 10);
            digit % 10
        })
        .collect();
    difference.reverse();
    difference
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let text = text.trim();
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let exponent: i32 = exponent.parse().map_err(|_| NumberError::NoNumber)?;
                (mantissa, exponent)
            }
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.bytes().chain(fraction.bytes());
        let digits: Option<Vec<u8>> = digits
            .map(|byte| byte.is_ascii_digit().then(|| byte - b'0'))
            .collect();
        let digits = digits.filter(|digits| !digits.is_empty());
        let digits = digits.ok_or(NumberError::NoNumber)?;
        let exponent = i32::try_from(whole.len())
            .ok()
            .and_then(|length| length.checked_add(exponent))
            .ok_or(NumberError::OutOfRange)?;
        Self::new(negative, &digits, exponent)
    }
}

impl fmt::Display for Number {
    /// Without an exponent: `120`, `0.05`, `-1.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        let digits: String = self.digits.iter().map(|d| char::from(b'0' + d)).collect();
        let sign = if self.negative { "-" } else { "" };
        match usize::try_from(self.exponent) {
            Ok(point) if point >= digits.len() => {
                write!(f, "{sign}{digits}{}", "0".repeat(point - digits.len()))
            }
            Ok(point) if point > 0 => {
                let (whole, fraction) = digits.split_at(point);
                write!(f, "{sign}{whole}.{fraction}")
            }
            _ => {
                let zeros = usize::try_from(-self.exponent).unwrap_or_default();
                write!(f, "{sign}0.{}{digits}", "0".repeat(zeros))
            }
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let magnitude = (self.exponent, &self.digits).cmp(&(other.exponent, &other.digits));
        sign(self).cmp(&sign(other)).then(if self.negative {
            magnitude.reverse()
        } else {
            magnitude
        })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_have_one_form() {
        for (text, form) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("007", "7"),
            ("1.50", "1.5"),
            ("-0.050", "-0.05"),
            ("1E3", "1000"),
            ("1.5e-3", "0.0015"),
            ("+120", "120"),
            (".5", "0.5"),
        ] {
            assert_eq!(number(text).to_string(), form, "{text}");
        }
        for text in ["", "-", "1e", "one", "1.2.3", "0x1", "NaN"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::NoNumber), "{text}");
        }
        assert_eq!("1".repeat(39).parse::<Number>(), Err(NumberError::TooLong));
        assert_eq!("1e126".parse::<Number>(), Err(NumberError::OutOfRange));
        assert!("1e125".parse::<Number>().is_ok());
        assert!("1e-130".parse::<Number>().is_ok());
        assert_eq!("1e-131".parse::<Number>(), Err(NumberError::OutOfRange));
    }

    #[test]
    fn numbers_are_ordered_by_value() {
        let texts = [
            "-100", "-1.5", "-1", "-0.1", "0", "0.09", "0.1", "1", "9", "10", "1e20",
        ];
        for pair in texts.windows(2) {
            assert!(number(pair[0]) < number(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn sums_carry_and_borrow() {
        for (left, right, sum) in [
            ("999", "1", "1000"),
            ("0.1", "0.2", "0.3"),
            ("1000", "-1", "999"),
            ("-5", "2", "-3"),
            ("2", "-5", "-3"),
            ("-2", "-5", "-7"),
            ("5", "-5", "0"),
            ("1e20", "1e-10", "100000000000000000000.0000000001"),
        ] {
            assert_eq!(number(left).plus(&number(right)), Ok(number(sum)));
            assert_eq!(number(sum).minus(&number(right)), Ok(number(left)));
        }
        assert_eq!(
            number("1e30").plus(&number("1e-30")),
            Err(NumberError::TooLong)
        );
    }
}
