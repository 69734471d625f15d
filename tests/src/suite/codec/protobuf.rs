//! Protobuf, and what a hostile sender makes of it.

use std::collections::HashMap;

use bytes::Bytes;
use micro::{
    __private::v1::wire,
    codec::{ContentType, Wire},
};

use super::{assert_judged, assert_refused, damage, for_many, round_trip};

#[derive(Clone, PartialEq, prost::Message)]
struct Everything {
    #[prost(string, tag = "1")]
    text: String,
    #[prost(bytes = "bytes", tag = "2")]
    bytes: Bytes,
    #[prost(int64, tag = "3")]
    int: i64,
    #[prost(sint64, tag = "4")]
    zigzag: i64,
    #[prost(uint64, tag = "5")]
    uint: u64,
    #[prost(fixed64, tag = "6")]
    fixed: u64,
    #[prost(sfixed32, tag = "7")]
    sfixed: i32,
    #[prost(double, tag = "8")]
    double: f64,
    #[prost(float, tag = "9")]
    float: f32,
    #[prost(bool, tag = "10")]
    flag: bool,
    #[prost(message, optional, boxed, tag = "11")]
    nested: Option<Box<Self>>,
    #[prost(map = "string, int64", tag = "12")]
    map: HashMap<String, i64>,
    #[prost(int32, repeated, tag = "13")]
    packed: Vec<i32>,
    #[prost(string, repeated, tag = "14")]
    list: Vec<String>,
    #[prost(int32, optional, tag = "15")]
    maybe: Option<i32>,
    #[prost(enumeration = "Level", tag = "16")]
    level: i32,
    #[prost(oneof = "Choice", tags = "17, 18")]
    choice: Option<Choice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum Level {
    Low = 0,
    High = 5,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Choice {
    #[prost(string, tag = "17")]
    Name(String),
    #[prost(sint32, tag = "18")]
    Number(i32),
}

const WIRE: &Wire<Everything> = wire!(Everything);

fn read(bytes: impl Into<Bytes>) -> micro::Result<Everything> {
    WIRE.decode(bytes.into(), ContentType::Protobuf)
}

fn values() -> Vec<Everything> {
    let mut values = vec![Everything::default()];
    for int in [i64::MIN, -1, 1, 1 << 53, i64::MAX] {
        values.push(Everything {
            int,
            zigzag: int,
            uint: int as u64,
            fixed: int as u64,
            sfixed: int as i32,
            double: int as f64,
            float: int as f32,
            flag: true,
            packed: vec![int as i32; 3],
            maybe: Some(0),
            level: Level::High as i32,
            choice: Some(Choice::Number(int as i32)),
            map: [("größe".to_owned(), int), (String::new(), 0)].into(),
            ..Everything::default()
        });
    }
    for double in [f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, -0.0] {
        values.push(Everything {
            double,
            float: double as f32,
            ..Everything::default()
        });
    }
    let mut deep = Everything {
        text: "日本語 🦀 \0".into(),
        bytes: (0..=255).collect::<Vec<u8>>().into(),
        list: vec![String::new(), "x".into()],
        choice: Some(Choice::Name("n".into())),
        // A number that the enum does not have is kept.
        level: 99,
        ..Everything::default()
    };
    for _ in 0..20 {
        deep = Everything {
            nested: Some(Box::new(deep)),
            ..Everything::default()
        };
    }
    values.push(deep);
    values
}

/// Every property.
pub fn all() {
    values_survive();
    it_is_preferred();
    unknown_fields_are_passed_over();
    hostile_bytes_are_refused();
    nesting_is_bounded();
    damaged_messages_are_judged();
    random_bytes_are_judged();
}

/// Every kind of field, with the extremes of each.
pub fn values_survive() {
    for value in values() {
        round_trip(WIRE, ContentType::Protobuf, &value);
    }
    let nan = Everything {
        double: f64::NAN,
        ..Everything::default()
    };
    let bytes = WIRE.encode(&nan, ContentType::Protobuf).expect("a form");
    assert!(read(bytes).expect("a message").double.is_nan());
}

/// A message that can go as protobuf does.
pub fn it_is_preferred() {
    assert_eq!(WIRE.preferred(), ContentType::Protobuf);
    assert!(WIRE.speaks(ContentType::Protobuf) && !WIRE.speaks(ContentType::Json));
}

/// Fields of a later version are passed over, of each kind of encoding.
pub fn unknown_fields_are_passed_over() {
    let known = b"\x0a\x02hi";
    for unknown in [
        &b"\xa0\x06\x96\x01"[..],    // a number
        b"\xa1\x06\0\0\0\0\0\0\0\0", // 8 bytes
        b"\xa2\x06\x03abc",          // a length and bytes
        b"\xa3\x06\x08\x01\xa4\x06", // a group
        b"\xa5\x06\0\0\0\0",         // 4 bytes
    ] {
        for bytes in [[unknown, known].concat(), [known, unknown].concat()] {
            assert_eq!(read(bytes).expect("a message").text, "hi");
        }
    }
    // Numbers packed and one by one.
    let one_by_one = read(&b"\x68\x01\x68\x02"[..]).expect("a message");
    assert_eq!(one_by_one.packed, [1, 2]);
}

/// Lengths and numbers that nothing stands behind are refused, before memory is taken for them.
pub fn hostile_bytes_are_refused() {
    let longest = b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f"; // 2^63 - 1
    let beyond = b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"; // 2^63
    let all_ones = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"; // 2^64 - 1
    let too_long = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"; // 11 bytes
    let too_large = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"; // over 64 bits
    // Text, bytes, a message, a map, packed numbers, a list, a field that is not known.
    for field in [
        &b"\x0a"[..],
        b"\x12",
        b"\x5a",
        b"\x62",
        b"\x6a",
        b"\x72",
        b"\xa2\x06",
    ] {
        for length in [&longest[..], beyond, all_ones, too_long, too_large, b"\x05"] {
            assert_refused(
                "a length over the end",
                read([field, length, b"abc"].concat()),
            );
        }
    }
    for number in [&too_long[..], too_large, b"\x80", b""] {
        assert_refused(
            "a number that is none",
            read([&b"\x18"[..], number].concat()),
        );
    }
    for (what, bytes) in [
        ("field number 0", &b"\x02\x01x"[..]),
        ("wire type 6", b"\x0e"),
        ("wire type 7", b"\x0f"),
        ("a field number over its range", b"\x80\x80\x80\x80\x10\x01"),
        (
            "a key over 32 bits",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01",
        ),
        ("text in place of a number", b"\x1a\x01x"),
        ("a number in place of text", b"\x08\x01"),
        ("text that is no UTF-8", b"\x0a\x02\xc3\x28"),
        ("a group that does not end", b"\xa3\x06\x08\x01"),
        ("a group that ends as another", b"\xa3\x06\xac\x06"),
        ("the end of no group", b"\xa4\x06"),
    ] {
        assert_refused(what, read(bytes));
    }
    // The longest form of a number that there may be is one: -1.
    let minus_one = read([&b"\x18"[..], all_ones].concat()).expect("a message");
    assert_eq!(minus_one.int, -1);
}

/// A message in a message, so many times.
fn nested(levels: usize) -> Vec<u8> {
    // From the inside out, which is from the end to the beginning.
    let mut reversed = Vec::new();
    for _ in 0..levels {
        let mut length = reversed.len();
        let mut varint = Vec::new();
        while length >= 0x80 {
            varint.push(length as u8 | 0x80);
            length >>= 7;
        }
        varint.push(length as u8);
        reversed.extend(varint.iter().rev());
        reversed.push(0x5a);
    }
    reversed.reverse();
    reversed
}

/// Some nesting is fine; a hundred thousand levels of messages or groups are refused and do not end
/// the process.
pub fn nesting_is_bounded() {
    assert!(read(nested(50)).is_ok());
    for levels in [1000, 100_000] {
        assert_refused("a nesting bomb", read(nested(levels)));
        let mut groups = b"\xa3\x06".repeat(levels);
        assert_refused("open groups", read(groups.clone()));
        groups.extend(b"\xa4\x06".repeat(levels));
        assert_refused("a bomb of groups", read(groups));
    }
}

/// A message that is cut off, or has a bit turned over, is refused or another message.
pub fn damaged_messages_are_judged() {
    for value in values() {
        let bytes = WIRE.encode(&value, ContentType::Protobuf);
        damage(WIRE, ContentType::Protobuf, &bytes.expect("a form"));
    }
}

/// Random bytes are refused or a message.
pub fn random_bytes_are_judged() {
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..200);
    for_many(bytes, |bytes| assert_judged(&bytes, read(bytes.clone())));
}
