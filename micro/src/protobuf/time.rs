//! `google.protobuf.Timestamp` and `Duration`.

use std::{
    fmt,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

const NANOS: i64 = 1_000_000_000;
const DAY: i64 = 86_400;
/// 0001-01-01T00:00:00Z.
const FIRST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;
/// Some ten thousand years.
const LONGEST: i64 = 315_576_000_000;

/// A point in time, to the nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds after that second, never negative.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// A span of time, to the nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest in nanoseconds, with the sign of `seconds`.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// A time that the other type can't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time out of range")
    }
}

impl std::error::Error for OutOfRange {}

impl Timestamp {
    /// The time now.
    #[must_use]
    pub fn now() -> Self {
        SystemTime::now().into()
    }

    const fn is_valid(&self) -> bool {
        self.seconds >= FIRST
            && self.seconds <= LAST
            && self.nanos >= 0
            && (self.nanos as i64) < NANOS
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => (since.as_secs() as i64, since.subsec_nanos()),
            Err(before) => match before.duration() {
                before if before.subsec_nanos() == 0 => (-(before.as_secs() as i64), 0),
                before => (
                    -(before.as_secs() as i64) - 1,
                    NANOS as u32 - before.subsec_nanos(),
                ),
            },
        };
        Self {
            seconds,
            nanos: nanos as i32,
        }
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = OutOfRange;

    fn try_from(time: Timestamp) -> Result<Self, OutOfRange> {
        let nanos = u32::try_from(time.nanos).map_err(|_| OutOfRange)?;
        let seconds = std::time::Duration::from_secs(time.seconds.unsigned_abs());
        let whole = match time.seconds {
            0.. => UNIX_EPOCH.checked_add(seconds),
            _ => UNIX_EPOCH.checked_sub(seconds),
        };
        whole
            .and_then(|whole| whole.checked_add(std::time::Duration::new(0, nanos)))
            .ok_or(OutOfRange)
    }
}

impl TryFrom<std::time::Duration> for Duration {
    type Error = OutOfRange;

    fn try_from(span: std::time::Duration) -> Result<Self, OutOfRange> {
        Ok(Self {
            seconds: span.as_secs().try_into().map_err(|_| OutOfRange)?,
            nanos: span.subsec_nanos() as i32,
        })
    }
}

impl TryFrom<Duration> for std::time::Duration {
    type Error = OutOfRange;

    fn try_from(span: Duration) -> Result<Self, OutOfRange> {
        let seconds = span.seconds.try_into().map_err(|_| OutOfRange)?;
        match u32::try_from(span.nanos) {
            Ok(nanos) if i64::from(nanos) < NANOS => Ok(Self::new(seconds, nanos)),
            _ => Err(OutOfRange),
        }
    }
}

/// The year, month and day of a day counted from 1970, in the calendar extended to all times.
const fn civil(day: i64) -> (i64, i64, i64) {
    // Days are counted from the 1st of March of the year 0, so that a leap day ends its year.
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, date)
}

/// The other way round.
const fn day(year: i64, month: i64, date: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = if month > 2 { month - 3 } else { month + 9 };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + date - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// `.5`, `.500`, `.500000` or nothing: as many groups of three digits as are needed.
fn write_fraction(f: &mut fmt::Formatter<'_>, nanos: i32) -> fmt::Result {
    match nanos {
        0 => Ok(()),
        n if n % 1_000_000 == 0 => write!(f, ".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => write!(f, ".{:06}", n / 1_000),
        n => write!(f, ".{n:09}"),
    }
}

/// Nanoseconds of up to nine digits behind the point.
fn read_fraction(digits: &str) -> Option<i32> {
    let number = number(digits, 1..=9)?;
    Some((number * 10_i64.pow(9 - digits.len() as u32)) as i32)
}

/// A number of so many digits and nothing else.
fn number(digits: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    (length.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// RFC 3339, in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, date) = civil(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        write_fraction(f, self.nanos)?;
        f.write_str("Z")
    }
}

impl FromStr for Timestamp {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        read_timestamp(text)
            .filter(Self::is_valid)
            .ok_or(OutOfRange)
    }
}

fn read_timestamp(text: &str) -> Option<Timestamp> {
    let clock = text.get(..19)?;
    let two = |from: usize| number(clock.get(from..from + 2)?, 2..=2);
    let marks = [4, 7, 10, 13, 16].map(|place| clock.as_bytes()[place]);
    if marks != *b"--T::" {
        return None;
    }
    let (year, month, date) = (number(clock.get(..4)?, 4..=4)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    let whole = day(year, month, date);
    if !(1..=12).contains(&month) || civil(whole) != (year, month, date) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let rest = text.get(19..)?;
    let zone = rest.find(['Z', '+', '-'])?;
    let nanos = match rest.get(..zone)? {
        "" => 0,
        fraction => read_fraction(fraction.strip_prefix('.')?)?,
    };
    let offset = match rest.get(zone..)? {
        "Z" => 0,
        offset => {
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let (hours, minutes) = (number(hours, 2..=2)?, number(minutes, 2..=2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let ahead = hours * 3600 + minutes * 60;
            if offset.starts_with('-') {
                -ahead
            } else {
                ahead
            }
        }
    };
    let seconds = whole * DAY + hour * 3600 + minute * 60 + second - offset;
    Some(Timestamp { seconds, nanos })
}

impl Duration {
    const fn is_valid(&self) -> bool {
        self.seconds.unsigned_abs() <= LONGEST as u64
            && (self.nanos.unsigned_abs() as i64) < NANOS
            && (self.seconds == 0 || self.nanos == 0 || (self.seconds < 0) == (self.nanos < 0))
    }
}

/// Seconds with a fraction: `1.500s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seconds < 0 || self.nanos < 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", self.seconds.unsigned_abs())?;
        write_fraction(f, self.nanos.wrapping_abs())?;
        f.write_str("s")
    }
}

impl FromStr for Duration {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        read_duration(text).filter(Self::is_valid).ok_or(OutOfRange)
    }
}

fn read_duration(text: &str) -> Option<Duration> {
    let text = text.strip_suffix('s')?;
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, nanos) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, read_fraction(fraction)?),
        None => (text, 0),
    };
    let seconds = number(whole, 1..=12)?;
    Some(Duration {
        seconds: sign * seconds,
        nanos: sign as i32 * nanos,
    })
}

macro_rules! as_text {
    ($($time:ident $expect:literal),*) => {$(
        impl Serialize for $time {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                if !self.is_valid() {
                    return Err(S::Error::custom(OutOfRange));
                }
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $time {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'_, str>::deserialize(input)?;
                text.parse().map_err(|_| {
                    D::Error::custom(format_args!(concat!("{:?} is not ", $expect), text))
                })
            }
        }
    )*};
}

as_text! {
    Timestamp "a time like 2006-01-02T15:04:05Z",
    Duration "a span of time like 1.5s"
}

#[cfg(test)]
mod tests {
    use super::{Duration, Timestamp};

    #[test]
    fn times_as_text() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (10, 21_000_000, "1970-01-01T00:00:10.021Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400, 1_000, "2000-02-29T00:00:00.000001Z"),
            (super::FIRST, 0, "0001-01-01T00:00:00Z"),
            (super::LAST, 0, "9999-12-31T23:59:59Z"),
        ] {
            let time = Timestamp { seconds, nanos };
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse(), Ok(time), "{text}");
        }
        let zoned: Timestamp = "2000-01-01T01:30:00.5+01:30".parse().unwrap();
        assert_eq!(zoned.to_string(), "2000-01-01T00:00:00.500Z");
        for wrong in [
            "",
            "1970-01-01",
            "1970-13-01T00:00:00Z",
            "1970-02-29T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01t00:00:00Z",
            "0000-01-01T00:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.1234567891Z",
            "1970-01-01T00:00:00Zx",
            "0001-01-01T00:00:00+00:01",
        ] {
            assert!(wrong.parse::<Timestamp>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_day_is_itself() {
        for day in (-719_162..2_932_896).step_by(13) {
            let (year, month, date) = super::civil(day);
            assert_eq!(super::day(year, month, date), day);
        }
    }

    #[test]
    fn spans_as_text() {
        for (seconds, nanos, text) in [
            (0, 0, "0s"),
            (1, 500_000_000, "1.500s"),
            (-1, -500_000_000, "-1.500s"),
            (0, -1, "-0.000000001s"),
            (super::LONGEST, 0, "315576000000s"),
        ] {
            let span = Duration { seconds, nanos };
            assert_eq!(span.to_string(), text);
            assert_eq!(text.parse(), Ok(span));
        }
        for wrong in ["", "1", "s", "1.s", "+1s", "--1s", "315576000001s", "1e3s"] {
            assert!(wrong.parse::<Duration>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_of_the_system() {
        use std::time::{SystemTime, UNIX_EPOCH};
        for time in [
            UNIX_EPOCH,
            UNIX_EPOCH - std::time::Duration::new(1, 1),
            UNIX_EPOCH + std::time::Duration::new(1, 1),
        ] {
            assert_eq!(SystemTime::try_from(Timestamp::from(time)), Ok(time));
        }
    }
}
