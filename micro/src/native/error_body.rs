//! An error on the wire: the body of a reply whose header has its code.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::frame::Header;
use crate::{Code, Error};

/// An error as the body of a reply: detail length `u32`, detail, id length `u16`, id, details.
pub(super) fn put_error(error: &Error) -> Bytes {
    let detail = cut(error.detail(), 64 << 10);
    let id = cut(error.id(), 1024);
    let mut body = BytesMut::with_capacity(6 + detail.len() + id.len());
    body.put_u32_le(detail.len() as u32);
    body.extend_from_slice(detail.as_bytes());
    body.put_u16_le(id.len() as u16);
    body.extend_from_slice(id.as_bytes());
    if let Some(details) = error.details() {
        body.extend_from_slice(details);
    }
    body.freeze()
}

/// Reads what [`put_error`] wrote. What can't be read is left empty: the code is in the header.
pub(super) fn take_error(header: Header, mut body: Bytes) -> Error {
    let mut read = |wide: bool| {
        let len = if wide {
            body.try_get_u32_le().ok()? as usize
        } else {
            usize::from(body.try_get_u16_le().ok()?)
        };
        (len <= body.len()).then(|| String::from_utf8_lossy(&body.split_to(len)).into_owned())
    };
    let detail = read(true).unwrap_or_default();
    let id = read(false).unwrap_or_default();
    let mut error = Error::new(Code::from_grpc(header.word), detail).with_id(id);
    if !body.is_empty() {
        error = error.with_details(body);
    }
    if header.unseen() {
        error.unseen()
    } else {
        error
    }
}

pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::frame::Kind;

    #[test]
    fn errors_come_back_as_they_went_and_cut_ones_keep_their_code() {
        let error = Error::not_found("no user")
            .with_id("users")
            .with_details(Bytes::from_static(b"x"));
        let body = put_error(&error);
        let header = Header::new(Kind::Reply, 1).word(error.code().grpc().into());
        let back = take_error(header, body.clone());
        assert_eq!((&back, back.details()), (&error, error.details()));
        for end in 0..body.len() {
            assert_eq!(take_error(header, body.slice(..end)).code(), Code::NotFound);
        }
    }
}
