//! One error for every part, every plugin and every wire.

use std::{borrow::Cow, fmt};

/// The result of anything that a service, a client or a plugin does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure an [`Error`] is.
///
/// The set is that of [gRPC's status codes], less `OK`, and each kind has the HTTP code by which
/// Go Micro (`errors.Error.code`, v1 to v6) knows it, so an error keeps its kind on every protocol.
///
/// [gRPC's status codes]: https://grpc.io/docs/guides/status-codes/
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum Code {
    /// The caller went away or gave up. HTTP 499.
    Cancelled = 1,
    /// A failure with no better kind. HTTP 500 on the way out, and what a foreign code becomes.
    Unknown = 2,
    /// The request itself is wrong: undecodable, malformed, out of range. HTTP 400.
    InvalidArgument = 3,
    /// The deadline passed before there was an answer. HTTP 408.
    DeadlineExceeded = 4,
    /// The service, the node or the thing asked for does not exist. HTTP 404.
    NotFound = 5,
    /// The thing to be made is there already. HTTP 409.
    AlreadyExists = 6,
    /// The caller is known and may not do this. HTTP 403.
    PermissionDenied = 7,
    /// A limit is reached: message size, queue, quota, concurrency. HTTP 429.
    ResourceExhausted = 8,
    /// The state of the system does not allow it now. HTTP 412.
    FailedPrecondition = 9,
    /// A conflict with work at the same time; the whole sequence may be tried again. HTTP 409.
    Aborted = 10,
    /// Past the end of a valid range. HTTP 400.
    OutOfRange = 11,
    /// The service or the method does not exist here, or the content type is not spoken. HTTP 501.
    Unimplemented = 12,
    /// A defect on the answering side, a panic included. HTTP 500.
    Internal = 13,
    /// Nobody is there to answer just now; trying again later may help. HTTP 503.
    Unavailable = 14,
    /// Data is lost or corrupt for good. HTTP 500.
    DataLoss = 15,
    /// The caller is not known. HTTP 401.
    Unauthenticated = 16,
}

impl Code {
    const ALL: [Self; 16] = [
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The number of this kind among gRPC's status codes, which is also its number in our own
    /// protocol.
    #[must_use]
    pub const fn grpc(self) -> u8 {
        self as u8
    }

    /// The kind with this gRPC number; [`Code::Unknown`] for a number that has none.
    #[must_use]
    pub fn from_grpc(number: u32) -> Self {
        match number {
            1..=16 => Self::ALL[number as usize - 1],
            _ => Self::Unknown,
        }
    }

    /// The HTTP status by which Go Micro and plain HTTP know this kind.
    #[must_use]
    pub const fn http(self) -> u16 {
        match self {
            Self::InvalidArgument | Self::OutOfRange => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::DeadlineExceeded => 408,
            Self::AlreadyExists | Self::Aborted => 409,
            Self::FailedPrecondition => 412,
            Self::ResourceExhausted => 429,
            Self::Cancelled => 499,
            Self::Unknown | Self::Internal | Self::DataLoss => 500,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
        }
    }

    /// The kind that an HTTP status stands for; [`Code::Unknown`] for one that has none.
    #[must_use]
    pub const fn from_http(status: u16) -> Self {
        match status {
            400 => Self::InvalidArgument,
            401 => Self::Unauthenticated,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            408 | 504 => Self::DeadlineExceeded,
            409 => Self::AlreadyExists,
            412 => Self::FailedPrecondition,
            413 | 429 | 431 => Self::ResourceExhausted,
            499 => Self::Cancelled,
            500 => Self::Internal,
            501 => Self::Unimplemented,
            502 | 503 => Self::Unavailable,
            _ => Self::Unknown,
        }
    }

    /// The name on JSON wires, as the Connect protocol spells it: `not_found`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancelled => "canceled",
            Self::Unknown => "unknown",
            Self::InvalidArgument => "invalid_argument",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::PermissionDenied => "permission_denied",
            Self::ResourceExhausted => "resource_exhausted",
            Self::FailedPrecondition => "failed_precondition",
            Self::Aborted => "aborted",
            Self::OutOfRange => "out_of_range",
            Self::Unimplemented => "unimplemented",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
            Self::DataLoss => "data_loss",
            Self::Unauthenticated => "unauthenticated",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong: a [`Code`] that decides what can be done about it, where it happened (`id`),
/// and a sentence for people (`detail`).
///
/// ```
/// use micro::{Code, Error};
///
/// let error = Error::not_found("no user with id 7").with_id("users");
/// assert_eq!(error.code(), Code::NotFound);
/// assert_eq!(error.to_string(), "not_found: no user with id 7 (users)");
/// ```
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    code: Code,
    id: Cow<'static, str>,
    detail: Cow<'static, str>,
    reach: Reach,
    details: Option<bytes::Bytes>,
}

/// How far a failed call got, which decides whether it may be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reach {
    /// No server has seen the call: nothing ran, so it may be sent to another node.
    Unseen,
    /// A server may have run the call.
    #[default]
    Maybe,
}

macro_rules! constructors {
    ($($name:ident => $code:ident, $about:literal;)*) => {$(
        #[doc = concat!("An error of the kind [`Code::", stringify!($code), "`]: ", $about, ".")]
        #[must_use]
        pub fn $name(detail: impl Into<Cow<'static, str>>) -> Self {
            Self::new(Code::$code, detail)
        }
    )*};
}

impl Error {
    /// An error of the kind `code`; `detail` says what was wrong, where, and what to do.
    #[must_use]
    #[cold]
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Repr {
            code,
            id: Cow::Borrowed(""),
            detail: detail.into(),
            reach: Reach::Maybe,
            details: None,
        }))
    }

    constructors! {
        cancelled => Cancelled, "the caller gave up";
        unknown => Unknown, "nothing better fits";
        invalid_argument => InvalidArgument, "the request itself is wrong";
        timeout => DeadlineExceeded, "the deadline passed";
        not_found => NotFound, "what was asked for does not exist";
        already_exists => AlreadyExists, "it is there already";
        permission_denied => PermissionDenied, "the caller may not";
        resource_exhausted => ResourceExhausted, "a limit is reached";
        failed_precondition => FailedPrecondition, "the state does not allow it";
        aborted => Aborted, "it conflicts with other work";
        unimplemented => Unimplemented, "there is no such service, method or content type";
        internal => Internal, "a defect on the answering side";
        unavailable => Unavailable, "nobody can answer now";
        data_loss => DataLoss, "data is gone or corrupt";
        unauthenticated => Unauthenticated, "the caller is not known";
    }

    /// The same error with the name of the part that made it: a service, or `micro.client`.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.0.id = id.into();
        self
    }

    /// The same error with structured details: an encoded `google.rpc.Status`, as gRPC carries it.
    #[must_use]
    pub fn with_details(mut self, details: bytes::Bytes) -> Self {
        self.0.details = Some(details);
        self
    }

    /// The same error, marked as raised before any server saw the call: it may be sent again even
    /// where the method is not idempotent.
    #[must_use]
    pub fn unseen(mut self) -> Self {
        self.0.reach = Reach::Unseen;
        self
    }

    /// The same error from a handler: what it passes on of a call that it made may not have been
    /// seen, but its own call has run.
    pub(crate) fn seen(mut self) -> Self {
        self.0.reach = Reach::Maybe;
        self
    }

    /// The kind of failure.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The part that raised it; empty where none was named.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// What happened, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Structured details, where there are any: an encoded `google.rpc.Status`.
    #[must_use]
    pub fn details(&self) -> Option<&bytes::Bytes> {
        self.0.details.as_ref()
    }

    /// How far the failed call got.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.0.reach
    }

    /// Whether a deadline passed.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.code() == Code::DeadlineExceeded
    }

    /// Whether the caller gave up.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.code() == Code::Cancelled
    }

    /// Whether there is no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code() == Code::NotFound
    }

    /// Whether nobody could answer, so that trying again later may help.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.code() == Code::Unavailable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.detail())?;
        if self.id().is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.id())
        }
    }
}

/// What `main` prints of an error that it returns, so it reads like [`Display`](fmt::Display);
/// `{:#?}` has every field.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        f.debug_struct("Error")
            .field("code", &self.code())
            .field("id", &self.id())
            .field("detail", &self.detail())
            .field("reach", &self.reach())
            .finish()
    }
}

impl std::error::Error for Error {}

/// Two errors are equal when a peer could not tell them apart: same code, id and detail.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.code() == other.code() && self.id() == other.id() && self.detail() == other.detail()
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let code = match error.kind() {
            ErrorKind::NotFound => Code::NotFound,
            ErrorKind::PermissionDenied => Code::PermissionDenied,
            ErrorKind::AlreadyExists | ErrorKind::AddrInUse => Code::AlreadyExists,
            ErrorKind::TimedOut => Code::DeadlineExceeded,
            ErrorKind::InvalidInput | ErrorKind::InvalidData => Code::InvalidArgument,
            _ => Code::Unavailable,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_grpc_and_its_own_http_status_class() {
        for code in Code::ALL {
            assert_eq!(Code::from_grpc(u32::from(code.grpc())), code);
            assert_eq!(Code::from_http(code.http()).http(), code.http());
        }
        assert_eq!(Code::from_grpc(0), Code::Unknown);
        assert_eq!(Code::from_grpc(u32::MAX), Code::Unknown);
        assert_eq!(Code::from_http(418), Code::Unknown);
    }
}
