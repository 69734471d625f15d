//! Trace identity as [W3C Trace Context](https://www.w3.org/TR/trace-context/) carries it.

use std::{fmt, str::FromStr};

use crate::Error;

/// The header that carries a [`Trace`].
pub const TRACEPARENT: &str = "traceparent";

/// Which trace a call belongs to, and which span of it the call is.
///
/// ```
/// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let trace: micro::Trace = text.parse()?;
/// assert_eq!(trace.to_string(), text);
/// assert_eq!(trace.child().trace_id, trace.trace_id);
/// # Ok::<(), micro::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trace {
    /// The trace as a whole; never zero.
    pub trace_id: u128,
    /// This call within it; never zero.
    pub span_id: u64,
    /// W3C flags; bit 0 says that the trace is sampled.
    pub flags: u8,
}

impl Trace {
    /// The first span of a new, sampled trace.
    #[must_use]
    pub fn root() -> Self {
        Self {
            trace_id: fastrand::u128(1..),
            span_id: fastrand::u64(1..),
            flags: 1,
        }
    }

    /// A span of the same trace for a call made from this one.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: fastrand::u64(1..),
            ..self
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

impl FromStr for Trace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::invalid_argument(format!("{text:?} is no W3C traceparent"));
        let hex = |part: Option<&str>, len: usize| match part {
            Some(part) if part.len() == len && part.bytes().all(|b| b.is_ascii_hexdigit()) => {
                u128::from_str_radix(part, 16).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        };
        let mut parts = text.split('-');
        let version = hex(parts.next(), 2)?;
        let trace_id = hex(parts.next(), 32)?;
        let span_id = hex(parts.next(), 16)?;
        let flags = hex(parts.next(), 2)?;
        // A later version may add parts behind these four; version 0 has none, and 0xff is barred.
        if version == 0xff || (version == 0 && parts.next().is_some()) {
            return Err(wrong());
        }
        if trace_id == 0 || span_id == 0 {
            return Err(wrong());
        }
        // The widths were checked above, so neither conversion can lose a bit.
        Ok(Self {
            trace_id,
            span_id: span_id as u64,
            flags: flags as u8,
        })
    }
}
