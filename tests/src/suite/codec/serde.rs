//! Formats that carry any serde type.

use std::{collections::BTreeMap, fmt::Debug};

use bytes::Bytes;
use micro::codec::{ContentType, Message, Wire};
use serde::{Deserialize, Serialize};

use super::{assert_judged, assert_refused, damage, for_many, round_trip};

/// What the suite needs to know of a format.
#[derive(Clone, Debug)]
pub struct Format {
    /// The content type.
    pub content_type: &'static str,
    /// Bytes that are no message of any kind, by what is wrong with them.
    pub wrong: Vec<(&'static str, Vec<u8>)>,
    /// A [`Tree`] of so many levels.
    pub nested: fn(usize) -> Vec<u8>,
    /// Whether it has integers over `i64::MAX`.
    pub unsigned: bool,
}

impl Format {
    fn content_type(&self) -> ContentType {
        ContentType::parse(self.content_type).expect("a codec that is compiled in")
    }
}

/// A message that holds itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The next level.
    pub next: Option<Box<Self>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Empty {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Record {
    text: String,
    flag: bool,
    small: i8,
    number: i64,
    positive: u32,
    float: f64,
    single: f32,
    letter: char,
    bytes: Bytes,
    list: Vec<String>,
    nested: Option<Box<Self>>,
    absent: Option<i64>,
    present: Option<i64>,
    map: BTreeMap<String, Vec<i64>>,
    choices: Vec<Choice>,
    pair: (i32, String),
    triple: [u8; 3],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(String),
    Two(i64, bool),
    Named { name: String, size: Option<u32> },
}

const TEXTS: [&str; 8] = [
    "",
    "plain",
    "quotes \" and \\ and /",
    "controls \0\u{1}\t\r\n\u{7f}",
    "umlauts äöü, ℝ, 日本語",
    "astral 🦀 and joined 👩‍👩‍👧",
    "\u{feff}mark\u{2028}separator",
    "</script>{\"a\":[null]}",
];

fn records() -> Vec<Record> {
    let mut records = vec![Record::default()];
    records.extend(TEXTS.map(|text| Record {
        text: text.into(),
        list: vec![text.into(); 3],
        map: [(text.to_owned(), vec![1, -1])].into(),
        letter: text.chars().last().unwrap_or('x'),
        ..Record::default()
    }));
    records.extend(
        [
            i64::MIN,
            i64::MIN + 1,
            -1,
            0,
            1 << 53,
            (1 << 53) + 1,
            i64::MAX,
        ]
        .map(|n| Record {
            number: n,
            present: Some(n),
            positive: n as u32,
            small: n as i8,
            map: (0..40).map(|key| (key.to_string(), vec![n; key])).collect(),
            ..Record::default()
        }),
    );
    let floats = [
        0.1,
        -0.0,
        1e308,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        f64::EPSILON,
    ];
    records.extend(floats.map(|float| Record {
        float,
        single: float as f32,
        ..Record::default()
    }));
    // What has no number in some formats.
    records.retain(|record| record.single.is_finite());
    records.push(Record {
        bytes: (0..=255).collect::<Vec<u8>>().into(),
        ..Record::default()
    });
    let mut deep = sample();
    for _ in 0..20 {
        deep = Record {
            nested: Some(Box::new(deep)),
            ..Record::default()
        };
    }
    records.push(deep);
    records
}

/// A short one with everything in it.
fn sample() -> Record {
    let choices = vec![
        Choice::Nothing,
        Choice::One("x".into()),
        Choice::Two(-7, true),
        Choice::Named {
            name: "n".into(),
            size: None,
        },
    ];
    Record {
        text: "ö🦀\n".into(),
        flag: true,
        number: i64::MIN,
        float: 0.1,
        bytes: vec![0, 127, 255].into(),
        list: vec!["l".into()],
        present: Some(1),
        map: [("key".to_owned(), vec![1])].into(),
        choices,
        pair: (-1, "two".into()),
        triple: [0, 127, 255],
        ..Record::default()
    }
}

/// Every property.
pub fn all(format: &Format) {
    values_survive(format);
    numbers_survive(format);
    wrong_bytes_are_refused(format);
    other_shapes_are_refused(format);
    what_follows_a_message_is_refused(format);
    nesting_is_bounded(format);
    damaged_messages_are_judged(format);
    random_bytes_are_judged(format);
}

fn check<T>(format: &Format, value: T)
where
    T: Message + PartialEq + Debug,
{
    round_trip(T::wire(), format.content_type(), &value);
}

/// Text, numbers, bytes, options, maps, enums and what is made of them.
pub fn values_survive(format: &Format) {
    for record in records() {
        check(format, record.clone());
        check(format, Some(record.clone()));
        check(format, vec![record.clone(), Record::default(), record]);
    }
    check(format, Empty {});
    check(format, Vec::<Record>::new());
    check(format, Tree { next: None });
    if format.unsigned {
        check(
            format,
            vec![0, u64::from(u32::MAX), i64::MAX as u64 + 1, u64::MAX],
        );
    }
}

/// Every finite float and every integer comes back bit for bit.
pub fn numbers_survive(format: &Format) {
    let finite = proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL;
    for_many((finite, proptest::num::i64::ANY), |(float, number)| {
        let wire: &Wire<Vec<(f64, i64)>> = Message::wire();
        let bytes = wire.encode(&vec![(float, number)], format.content_type());
        let read = wire.decode(bytes.expect("a form"), format.content_type());
        let (again, same) = read.expect("a message")[0];
        assert_eq!(
            (again.to_bits(), same),
            (float.to_bits(), number),
            "{float:e}"
        );
    });
}

/// What is no message is the sender's mistake.
pub fn wrong_bytes_are_refused(format: &Format) {
    assert!(!format.wrong.is_empty(), "the suite needs some wrong bytes");
    for (what, bytes) in &format.wrong {
        let read = Record::wire().decode(bytes.clone().into(), format.content_type());
        assert_refused(what, read);
    }
}

/// A message of another type is the sender's mistake, and the answer says what was missed.
pub fn other_shapes_are_refused(format: &Format) {
    let content_type = format.content_type();
    let list = Message::wire().encode(&vec![1, 2, 3], content_type);
    let read = Record::wire().decode(list.expect("a form"), content_type);
    assert_refused("a list in place of a record", read);

    let empty = Message::wire().encode(&Empty {}, content_type);
    let read = Record::wire().decode(empty.expect("a form"), content_type);
    let error = read.expect_err("fields are missing");
    assert!(error.detail().contains("text"), "{error}");

    let unknown = Message::wire().encode(&BTreeMap::from([("Else", 1)]).len(), content_type);
    let read = <Choice as Message>::wire().decode(unknown.expect("a form"), content_type);
    assert_refused("a number in place of a choice", read);
}

/// Two messages are not one.
pub fn what_follows_a_message_is_refused(format: &Format) {
    let content_type = format.content_type();
    let value = Tree { next: None };
    let one = Tree::wire().encode(&value, content_type).expect("a form");
    let two = [&one[..], &one[..]].concat();
    assert_refused(
        "a second message",
        Tree::wire().decode(two.into(), content_type),
    );
}

/// Some nesting is fine; a hundred thousand levels are refused and do not end the process.
pub fn nesting_is_bounded(format: &Format) {
    let content_type = format.content_type();
    let read = |levels| Tree::wire().decode((format.nested)(levels).into(), content_type);
    let mut tree = read(50).expect("some levels");
    for _ in 1..50 {
        tree = *tree.next.expect("another level");
    }
    assert_eq!(tree.next, None);
    for levels in [1000, 100_000] {
        assert_refused("a nesting bomb", read(levels));
        // Where nobody asked for the field.
        let bytes = (format.nested)(levels).into();
        assert_judged(
            "a nesting bomb aside",
            Empty::wire().decode(bytes, content_type),
        );
    }
}

/// A message that is cut off, or has a bit turned over, is refused or another message.
pub fn damaged_messages_are_judged(format: &Format) {
    let record = Record {
        nested: Some(Box::new(sample())),
        ..sample()
    };
    let bytes = Record::wire().encode(&record, format.content_type());
    damage(
        Record::wire(),
        format.content_type(),
        &bytes.expect("a form"),
    );
}

/// Random bytes are refused or a message, whatever is expected.
pub fn random_bytes_are_judged(format: &Format) {
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..200);
    for_many(bytes, |bytes| {
        let bytes = Bytes::from(bytes);
        let content_type = format.content_type();
        assert_judged(&bytes, Record::wire().decode(bytes.clone(), content_type));
        assert_judged(
            &bytes,
            <Vec<Choice>>::wire().decode(bytes.clone(), content_type),
        );
        assert_judged(
            &bytes,
            <Option<Tree>>::wire().decode(bytes.clone(), content_type),
        );
        assert_judged(
            &bytes,
            <Vec<String>>::wire().decode(bytes.clone(), content_type),
        );
    });
}
