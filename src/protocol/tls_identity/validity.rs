//! From when to when a certificate is valid (RFC 5280 §4.1.2.5). Nothing else of it is read here, and nothing of it is
//! believed: it is our own certificate, and this is for a warning.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// `notBefore`
    pub not_before: DateTime<Utc>,
    /// `notAfter`
    pub not_after: DateTime<Utc>,
}

// Tags of DER (X.690 §8.1.2).
const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0] version`
const VERSION: u8 = 0xa0;

impl Validity {
    /// Reads it off a certificate; `None`: it cannot be read.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (certificate, _) = content(certificate, SEQUENCE)?;
        let (mut fields, _) = content(certificate, SEQUENCE)?;
        if let Some((_, rest)) = content(fields, VERSION) {
            fields = rest;
        }
        // Serial number, signature algorithm, issuer.
        for tag in [INTEGER, SEQUENCE, SEQUENCE] {
            (_, fields) = content(fields, tag)?;
        }
        let (validity, _) = content(fields, SEQUENCE)?;
        let (not_before, rest) = moment(validity)?;
        let (not_after, _) = moment(rest)?;
        Some(Self { not_before, not_after })
    }
}

/// The content of the element in front, if it has this tag, and what follows it.
fn content(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // No certificate is as long as three bytes of length can say.
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    if found == tag { rest.split_at_checked(length) } else { None }
}

/// `YYMMDDHHMMSSZ`, of the years 1950 to 2049, or `YYYYMMDDHHMMSSZ`.
fn moment(bytes: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let (digits, rest, century) = match (content(bytes, UTC_TIME), content(bytes, GENERALIZED_TIME)) {
        (Some((digits, rest)), _) => (digits, rest, if *digits.first()? < b'5' { "20" } else { "19" }),
        (None, Some((digits, rest))) => (digits, rest, ""),
        (None, None) => return None,
    };
    let text = format!("{century}{}", std::str::from_utf8(digits).ok()?);
    let moment = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
    Some((moment.and_utc(), rest))
}
