//! When a lane should be gone.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::diagnostic::Place;

/// When a lane should be gone: a date, or a time with its offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// As the spec has it.
    pub text: String,
    /// What it means.
    pub when: When,
    /// Where it is.
    pub place: Place,
}

/// The two forms of an expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The last day of the lane, up to its end in UTC.
    Date(Date),
    /// The instant at which the lane ends.
    Time(Timestamp),
}

impl Expiry {
    /// Whether the lane should be gone by `now`.
    pub fn is_past(&self, now: Timestamp) -> bool {
        now >= self.instant()
    }

    /// The first instant at which the lane should be gone.
    pub fn instant(&self) -> Timestamp {
        match self.when {
            When::Time(time) => time,
            When::Date(date) => date
                .checked_add(1.day())
                .and_then(|next| next.to_zoned(TimeZone::UTC))
                .map_or(Timestamp::MAX, |zoned| zoned.timestamp()),
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads a date (`2026-12-31`) or an RFC 3339 time (`2026-12-31T18:00:00+08:00`).
///
/// `None` where it is neither, or no day of the calendar.
pub(super) fn parse(text: &str) -> Option<When> {
    // jiff reads more of ISO 8601 than RFC 3339 has: basic dates, time zone names, hours alone.
    let digits = text.bytes().map(|b| if b.is_ascii_digit() { b'0' } else { b });
    let shape: Vec<u8> = digits.collect();
    if shape == b"0000-00-00" {
        return text.parse().ok().map(When::Date);
    }
    let (head, tail) = shape.split_at_checked(19)?;
    let head_fits = head == b"0000-00-00T00:00:00" || head == b"0000-00-00t00:00:00";
    let zone = match tail.split_first() {
        Some((b'.', fraction)) => {
            let digits = fraction.iter().take_while(|b| **b == b'0').count();
            if digits == 0 {
                return None;
            }
            fraction.get(digits..)?
        }
        _ => tail,
    };
    let zone_fits = matches!(zone, b"Z" | b"z" | b"+00:00" | b"-00:00");
    if head_fits && zone_fits { text.parse().ok().map(When::Time) } else { None }
}

/// Reads a point in time for a command: an RFC 3339 time, or a date for its first instant in UTC.
///
/// # Errors
///
/// A text that is neither.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    let when = match parse(text) {
        Some(When::Time(time)) => Some(time),
        Some(When::Date(date)) => date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()),
        None => None,
    };
    when.ok_or_else(|| "write a time such as 2026-12-31T18:00:00Z, or a date".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiry(text: &str) -> Expiry {
        let place = Place { file: "a".into(), line: 1, column: 1, text: String::new() };
        Expiry { text: text.to_owned(), when: parse(text).unwrap(), place }
    }

    #[test]
    fn a_date_lasts_to_its_end_in_utc() {
        let date = expiry("2026-12-31");
        assert!(!date.is_past("2026-12-31T23:59:59Z".parse().unwrap()));
        assert!(date.is_past("2027-01-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_date_begins_in_utc() {
        let begin = |text| instant(text).map(|time| time.to_string());
        assert_eq!(begin("2026-12-31").unwrap(), "2026-12-31T00:00:00Z");
        assert_eq!(begin("2026-12-31T08:00:00+08:00").unwrap(), "2026-12-31T00:00:00Z");
        assert!(begin("tomorrow").is_err() && begin("2026-02-30").is_err());
    }

    #[test]
    fn a_time_counts_with_its_offset() {
        let time = expiry("2026-12-31T18:00:00.5+08:00");
        assert!(!time.is_past("2026-12-31T10:00:00Z".parse().unwrap()));
        assert!(time.is_past("2026-12-31T10:00:01Z".parse().unwrap()));
    }

    #[test]
    fn the_last_day_of_the_calendar_does_not_overflow() {
        assert!(!expiry("9999-12-31").is_past(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-02-30",
            "20261231",
            "2026-12-31T18:00:00",
            "2026-12-31T18Z",
            "2026-12-31T18:00:00+08:00[Asia/Shanghai]",
            "2026-12-31T18:00:00.Z",
            "31.12.2026",
            "2026-12-31T25:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
