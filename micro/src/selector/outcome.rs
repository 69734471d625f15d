//! What a call has shown of the node that it went to.

use crate::{Code, Error, Reach};

/// How a call ended, as far as it concerns the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It answered.
    Success,
    /// It answered with an error that is the call's fault and not its own: `NotFound`,
    /// `InvalidArgument`. The node is well, but how fast it says no is not how fast it works.
    Answered,
    /// It failed: `Internal`, or the connection broke.
    Failure,
    /// There was no connection to be had: it never saw the call.
    Unreachable,
    /// It did not answer in time.
    Timeout,
    /// It is overloaded and said so: `ResourceExhausted`. It gets less, but is not ejected.
    Rejected,
    /// Nothing can be said: the caller went away, or the call failed before it was sent.
    Neutral,
}

impl Outcome {
    /// What a failed call says of its node.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let unseen = error.reach() == Reach::Unseen;
        match error.code() {
            Code::Unavailable if unseen => Self::Unreachable,
            // A connection that is not there in time fails like an answer that is not: the caller's
            // deadline may be too short for either.
            Code::DeadlineExceeded => Self::Timeout,
            Code::Cancelled => Self::Neutral,
            _ if unseen => Self::Neutral,
            Code::Unavailable | Code::Internal | Code::Unknown | Code::DataLoss => Self::Failure,
            Code::ResourceExhausted => Self::Rejected,
            _ => Self::Answered,
        }
    }

    /// What a call says of its node, from its result.
    #[must_use]
    pub fn of_result<T>(result: &Result<T, Error>) -> Self {
        result.as_ref().map_or_else(Self::of, |_| Self::Success)
    }

    /// Whether something came back from the node.
    pub(super) fn is_answer(self) -> bool {
        matches!(
            self,
            Self::Success | Self::Answered | Self::Failure | Self::Rejected
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_held_against_whom_they_concern() {
        for (error, outcome) in [
            (Error::unavailable("").unseen(), Outcome::Unreachable),
            (Error::unavailable(""), Outcome::Failure),
            (Error::internal(""), Outcome::Failure),
            (Error::unknown(""), Outcome::Failure),
            (Error::timeout(""), Outcome::Timeout),
            (Error::timeout("").unseen(), Outcome::Timeout),
            (Error::resource_exhausted(""), Outcome::Rejected),
            (Error::resource_exhausted("").unseen(), Outcome::Neutral),
            (Error::not_found(""), Outcome::Answered),
            (Error::invalid_argument(""), Outcome::Answered),
            (Error::invalid_argument("").unseen(), Outcome::Neutral),
            (Error::cancelled(""), Outcome::Neutral),
        ] {
            assert_eq!(Outcome::of(&error), outcome, "{error:?}");
            assert_eq!(Outcome::of_result(&Err::<(), _>(error)), outcome);
        }
        assert_eq!(Outcome::of_result(&Ok(1)), Outcome::Success);
    }
}
