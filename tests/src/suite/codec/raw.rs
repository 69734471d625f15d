//! Bytes and text, which are their own encoding.

use bytes::Bytes;
use micro::{
    __private::v1::wire,
    Code,
    codec::{ContentType, Wire},
};

use super::{assert_refused, for_many, round_trip};

/// Every property.
pub fn all() {
    bytes_are_themselves();
    text_is_utf8();
    only_their_own_types_go_raw();
}

/// Bytes of any value arrive as they are, and as they are they are on the wire.
pub fn bytes_are_themselves() {
    let (bytes, vec): (&Wire<Bytes>, &Wire<Vec<u8>>) = (wire!(Bytes), wire!(Vec<u8>));
    for_many(
        proptest::collection::vec(proptest::num::u8::ANY, 0..300),
        |value| {
            let sent = Bytes::from(value.clone());
            assert_eq!(round_trip(bytes, ContentType::Bytes, &sent), sent);
            assert_eq!(round_trip(vec, ContentType::Bytes, &value), sent);
        },
    );
}

/// Text arrives as it is; what is not UTF-8 is refused.
pub fn text_is_utf8() {
    let text: &Wire<String> = wire!(String);
    for_many(".{0,64}", |value| {
        assert_eq!(round_trip(text, ContentType::Text, &value), value);
    });
    for wrong in [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"ok\xe2\x82"] {
        let read = text.decode(Bytes::copy_from_slice(wrong), ContentType::Text);
        assert_refused("text that is no UTF-8", read);
    }
}

/// A type that has no such form says which it has.
pub fn only_their_own_types_go_raw() {
    let number: &Wire<u32> = wire!(u32);
    let text: &Wire<String> = wire!(String);
    for content_type in [ContentType::Bytes, ContentType::Text] {
        let error = number.encode(&7, content_type).expect_err("no such form");
        assert_eq!(error.code(), Code::Unimplemented, "{error}");
        assert!(error.detail().contains("application/json"), "{error}");
    }
    let error = text
        .decode(Bytes::new(), ContentType::Bytes)
        .expect_err("no such form");
    assert_eq!(error.code(), Code::Unimplemented, "{error}");
}
