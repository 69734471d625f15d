//! What broke, in our terms.

use std::error::Error as StdError;

use crate::Error;

/// A failure of the connection or of one of its streams.
pub(super) fn broken(error: &hyper::Error) -> Error {
    let Some(reset) = cause::<h2::Error>(error) else {
        let detail = format!("the connection broke: {}", chain(error));
        return if error.is_canceled() {
            // It was not sent before the connection closed.
            Error::unavailable(detail).unseen()
        } else {
            Error::unavailable(detail)
        };
    };
    let reason = reset.reason().unwrap_or(h2::Reason::INTERNAL_ERROR);
    let whose = if reset.is_remote() {
        "the other side"
    } else {
        "this side"
    };
    let detail = format!("{whose} ended the stream: {reason}");
    match reason {
        h2::Reason::REFUSED_STREAM => Error::unavailable(detail).unseen(),
        // Streams that a server did not take on before it said goodbye.
        h2::Reason::NO_ERROR if reset.is_go_away() => Error::unavailable(detail).unseen(),
        h2::Reason::CANCEL => Error::cancelled(detail),
        h2::Reason::ENHANCE_YOUR_CALM => Error::resource_exhausted(detail),
        _ => Error::unavailable(detail),
    }
}

fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
