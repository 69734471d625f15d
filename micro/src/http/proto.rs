//! The little of protobuf that gRPC itself needs: statuses and health checks.

use bytes::{BufMut, BytesMut};

/// The value of a field, as far as it is told apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

pub(super) fn put_bytes(out: &mut BytesMut, field: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        put_varint(out, u64::from(field << 3 | 2));
        put_varint(out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }
}

pub(super) fn put_int(out: &mut BytesMut, field: u32, value: u64) {
    if value != 0 {
        put_varint(out, u64::from(field << 3));
        put_varint(out, value);
    }
}

fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// The fields of a message, up to the first thing that is none.
pub(super) fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u32, Value<'_>)> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let key = take_varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Varint(take_varint(&mut bytes)?),
            1 => take(&mut bytes, 8).map(|_| Value::Fixed)?,
            2 => {
                let len = take_varint(&mut bytes)?;
                Value::Bytes(take(&mut bytes, usize::try_from(len).ok()?)?)
            }
            5 => take(&mut bytes, 4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some((u32::try_from(key >> 3).ok()?, value))
    })
}

/// The last value of a field that holds bytes; empty where there is none.
pub(super) fn bytes_of(message: &[u8], field: u32) -> &[u8] {
    let mut found: &[u8] = &[];
    for (number, value) in fields(message) {
        if let (true, Value::Bytes(bytes)) = (number == field, value) {
            found = bytes;
        }
    }
    found
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(taken)
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_found_and_garbage_ends_it() {
        let mut out = BytesMut::new();
        put_int(&mut out, 1, 300);
        put_bytes(&mut out, 2, b"text");
        put_int(&mut out, 3, u64::MAX);
        let all: Vec<_> = fields(&out).collect();
        assert_eq!(
            all,
            [
                (1, Value::Varint(300)),
                (2, Value::Bytes(b"text")),
                (3, Value::Varint(u64::MAX)),
            ]
        );
        assert_eq!(bytes_of(&out, 2), b"text");
        for cut in 0..out.len() {
            assert!(fields(&out[..cut]).count() <= 3);
        }
        assert_eq!(fields(&[0xff; 30]).count(), 0);
        assert_eq!(fields(&[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]).count(), 0);
    }
}
