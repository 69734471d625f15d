//! The canonical JSON mapping, against JSON as it stands in the specification.

use micro::protobuf::{Any, Duration, FieldMask, Timestamp, Value};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::proto::kitchen::{
    old::r#type::{Old, old},
    sink::v1::{Dish, Plate, Taste, Type, dish},
    types::{Size, Unit, unit},
};

/// Writes to `json` and is read from it as it was.
fn both<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    message: &T,
    json: &serde_json::Value,
) {
    assert_eq!(&serde_json::to_value(message).unwrap(), json);
    // As text too: a tree gives its text by reference, a file does not.
    let text = serde_json::to_string(message).unwrap();
    assert_eq!(
        &serde_json::from_str::<T>(&text).unwrap(),
        message,
        "{text}"
    );
    assert_eq!(
        &serde_json::from_value::<T>(json.clone()).unwrap(),
        message,
        "{text}"
    );
}

/// Is read from `json`.
fn reads(json: serde_json::Value, dish: Dish) {
    assert_eq!(
        serde_json::from_value::<Dish>(json.clone()).unwrap(),
        dish,
        "{json}"
    );
}

/// Is no dish, for a reason that has these words.
fn refuses(json: serde_json::Value, words: &str) {
    let error = serde_json::from_value::<Dish>(json.clone())
        .unwrap_err()
        .to_string();
    assert!(error.contains(words), "{json}: {error}");
}

#[test]
fn scalars() {
    both(&Dish::default(), &json!({}));
    let dish = Dish {
        dish_name: "stew \u{1F372}".into(),
        i32: -1,
        i64: i64::MIN,
        u32: u32::MAX,
        u64: u64::MAX,
        s32: i32::MIN,
        s64: -2,
        f32: 3,
        f64: 4,
        sf32: -5,
        sf64: -6,
        single: 0.1,
        double: -0.0,
        bool: true,
        bytes: vec![0, 1, 0xfb, 0xff],
        taste: Taste::Salty.into(),
        r#type: "t".into(),
        self_: "s".into(),
        crate_: "c".into(),
        r#async: "a".into(),
        r#match: "m".into(),
        renamed: "odd".into(),
        ..Dish::default()
    };
    let json = json!({
        "dishName": "stew 🍲",
        "i32": -1,
        "i64": "-9223372036854775808",
        "u32": 4294967295_u32,
        "u64": "18446744073709551615",
        "s32": i32::MIN,
        "s64": "-2",
        "f32": 3,
        "f64": "4",
        "sf32": -5,
        "sf64": "-6",
        "single": 0.1_f32,
        "double": -0.0,
        "bool": true,
        "bytes": "AAH7/w==",
        "taste": "TASTE_SALTY",
        "type": "t", "self": "s", "crate": "c", "async": "a", "match": "m",
        "@odd-name": "odd",
    });
    both(&dish, &json);
    assert_eq!(
        serde_json::to_string(&Dish {
            single: 0.1,
            ..Dish::default()
        })
        .unwrap(),
        r#"{"single":0.1}"#
    );
}

#[test]
fn lenient_reading() {
    reads(
        json!({"dish_name": "a", "dishName2": [{}], "side": null}),
        Dish {
            dish_name: "a".into(),
            ..Dish::default()
        },
    );
    reads(
        json!({"i32": "7", "i64": 8, "u32": 9.0, "u64": "1e3"}),
        Dish {
            i32: 7,
            i64: 8,
            u32: 9,
            u64: 1000,
            ..Dish::default()
        },
    );
    reads(
        json!({"taste": 1, "aftertaste": "SUGARY", "tastes": ["TASTE_SALTY", 99]}),
        Dish {
            taste: 1,
            aftertaste: Some(1),
            tastes: vec![2, 99],
            ..Dish::default()
        },
    );
    reads(
        json!({"bytes": "-_8", "single": "1.5", "double": "-Infinity"}),
        Dish {
            bytes: vec![0xfb, 0xff],
            single: 1.5,
            double: f64::NEG_INFINITY,
            ..Dish::default()
        },
    );
    let nan: Dish = serde_json::from_value(json!({"double": "NaN"})).unwrap();
    assert!(nan.double.is_nan());
    both(
        &Dish {
            double: f64::INFINITY,
            single: f32::NEG_INFINITY,
            ..Dish::default()
        },
        &json!({"double": "Infinity", "single": "-Infinity"}),
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    refuses(json!({"i32": 2147483648_u32}), "i32: invalid value");
    refuses(json!({"i32": 0.5}), "i32: invalid value");
    refuses(json!({"u64": "-1"}), "u64: invalid value");
    refuses(json!({"i64": " 1"}), "i64: invalid value");
    refuses(json!({"i64": true}), "i64: invalid type");
    refuses(json!({"single": 1e39}), "single");
    refuses(json!({"double": "inf"}), "double");
    refuses(json!({"taste": "SOUR"}), "a value of kitchen.sink.v1.Taste");
    refuses(json!({"bytes": "*"}), "base64");
    refuses(json!({"side": {"side": {"i32": "x"}}}), "side: side: i32");
    refuses(json!({"list": [1, null]}), "list: null in an array");
    refuses(json!({"byName": {"a": null}}), "byName: null in a map");
    refuses(json!({"byNumber": {"x": 1}}), "byNumber");
    refuses(
        json!({"water": "a", "wineYear": 3}),
        "another member of its oneof is set",
    );
    refuses(json!({"dishName": 1}), "dishName");
    refuses(json!([]), "kitchen.sink.v1.Dish");
    let twice = serde_json::from_str::<Dish>(r#"{"i32": 1, "i32": 2}"#).unwrap_err();
    assert!(twice.to_string().contains("i32: given twice"));
}

#[test]
fn lists_maps_and_presence() {
    let dish = Dish {
        note: Some(String::new()),
        aftertaste: Some(0),
        list: vec![1, -2],
        tastes: vec![1, -1, 77],
        blobs: vec![vec![1], vec![]],
        parts: vec![Dish::default()],
        by_name: [("a".to_owned(), 1)].into(),
        by_number: [(-3, 2)].into(),
        by_truth: [(true, Dish::default())].into(),
        by_u32: [(4, vec![1])].into(),
        side: Some(Box::default()),
        unit_of: Some(Unit {
            kind: unit::Kind::Gram.into(),
            amount: 2.0,
        }),
        size: Size::Large.into(),
        ..Dish::default()
    };
    both(
        &dish,
        &json!({
            "note": "",
            "aftertaste": "TASTE_UNSPECIFIED",
            "list": ["1", "-2"],
            "tastes": ["TASTE_SWEET", "TASTE_NEGATIVE", 77],
            "blobs": ["AQ==", ""],
            "parts": [{}],
            "byName": {"a": "1"},
            "byNumber": {"-3": "TASTE_SALTY"},
            "byTruth": {"true": {}},
            "byU32": {"4": "AQ=="},
            "side": {},
            "unitOf": {"kind": "KIND_GRAM", "amount": 2.0},
            "size": "LARGE",
        }),
    );
}

#[test]
fn oneofs() {
    use dish::Drink;
    for (drink, json) in [
        (Drink::Water(String::new()), json!({"water": ""})),
        (Drink::WineYear(0), json!({"wineYear": "0"})),
        (Drink::Tea(0), json!({"tea": "TASTE_UNSPECIFIED"})),
        (Drink::Soup(Box::default()), json!({"soup": {}})),
        (Drink::None(()), json!({"none": {}})),
        (Drink::Nil(0), json!({"nil": null})),
        (Drink::Wrapped("a".into()), json!({"wrapped": "a"})),
        (Drink::Unit(Unit::default()), json!({"unit": {}})),
        (Drink::Blob(vec![1]), json!({"blob": "AQ=="})),
    ] {
        both(
            &Dish {
                drink: Some(drink),
                ..Dish::default()
            },
            &json,
        );
    }
    // `null` leaves a member unset, so another may follow.
    reads(
        json!({"water": null, "wineYear": "1"}),
        Dish {
            drink: Some(Drink::WineYear(1)),
            ..Dish::default()
        },
    );
}

#[test]
fn well_known_types() {
    let value = Value::from(vec![
        Value::from(()),
        Value::from(1.5),
        Value::from("a"),
        Value::from(true),
    ]);
    let dish = Dish {
        ready_at: Some(Timestamp {
            seconds: 10,
            nanos: 21_000_000,
        }),
        takes: Some(Duration {
            seconds: -3,
            nanos: -500_000_000,
        }),
        mask: Some(FieldMask {
            paths: vec!["user.display_name".into(), "photo".into()],
        }),
        extra: Some([("a".to_owned(), value.clone())].into_iter().collect()),
        anything: Some(Value::from(())),
        many_things: Some(micro::protobuf::ListValue {
            values: vec![value],
        }),
        empty: Some(()),
        maybe_bool: Some(false),
        maybe_i64: Some(0),
        maybe_u64: Some(1),
        maybe_i32: Some(2),
        maybe_u32: Some(3),
        maybe_float: Some(0.5),
        maybe_double: Some(0.0),
        maybe_string: Some(String::new()),
        maybe_bytes: Some(vec![1]),
        values: vec![Value::from(()), Value::from(2.0)],
        strings: vec!["a".into(), String::new()],
        value_map: [("n".to_owned(), Value::from(()))].into(),
        times: [("t".to_owned(), Timestamp::default())].into(),
        nulls: vec![0],
        ..Dish::default()
    };
    both(
        &dish,
        &json!({
            "readyAt": "1970-01-01T00:00:10.021Z",
            "takes": "-3.500s",
            "mask": "user.displayName,photo",
            "extra": {"a": [null, 1.5, "a", true]},
            "anything": null,
            "manyThings": [[null, 1.5, "a", true]],
            "empty": {},
            "maybeBool": false,
            "maybeI64": "0",
            "maybeU64": "1",
            "maybeI32": 2,
            "maybeU32": 3,
            "maybeFloat": 0.5,
            "maybeDouble": 0.0,
            "maybeString": "",
            "maybeBytes": "AQ==",
            "values": [null, 2.0],
            "strings": ["a", ""],
            "valueMap": {"n": null},
            "times": {"t": "1970-01-01T00:00:00Z"},
            "nulls": [null],
        }),
    );
    refuses(
        json!({"readyAt": "yesterday"}),
        "readyAt: \"yesterday\" is not a time like",
    );
    refuses(json!({"takes": "3"}), "is not a span of time like 1.5s");
    refuses(json!({"mask": "a_b"}), "not in lowerCamelCase");
    let late = Timestamp {
        seconds: i64::MAX,
        nanos: 0,
    };
    assert!(serde_json::to_string(&late).is_err());
}

#[test]
fn any() {
    let plate = Plate { text: "hot".into() };
    let in_any = |any| Dish {
        any: Some(any),
        ..Dish::default()
    };
    let packed = Any::pack(&plate);
    assert_eq!(packed.unpack::<Plate>().unwrap(), plate);
    assert!(packed.unpack::<Unit>().is_err());
    both(
        &in_any(packed),
        &json!({"any": {
            "@type": "type.googleapis.com/kitchen.sink.v1.Plate", "text": "hot",
        }}),
    );
    both(
        &in_any(Any::pack(&Duration {
            seconds: 1,
            nanos: 0,
        })),
        &json!({"any": {
            "@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s",
        }}),
    );
    let nested = Any::pack(&Any::pack(&plate));
    both(
        &in_any(nested),
        &json!({"any": {
            "@type": "type.googleapis.com/google.protobuf.Any",
            "value": {"@type": "type.googleapis.com/kitchen.sink.v1.Plate", "text": "hot"},
        }}),
    );
    let unknown = Any {
        type_url: "example.org/who.Knows".into(),
        value: vec![1],
    };
    both(
        &in_any(unknown),
        &json!({"any": {"@type": "example.org/who.Knows", "value": "AQ=="}}),
    );
    let mut deep = Any::default();
    for _ in 0..10_000 {
        deep = Any::pack(&deep);
    }
    assert!(
        serde_json::to_string(&deep)
            .unwrap_err()
            .to_string()
            .contains("packed too deep")
    );
}

#[test]
fn proto2() {
    let old = Old {
        name: String::new(),
        number: 0,
        count: Some(0),
        color: Some(old::Color::Red.into()),
        extra: Some(old::Extra {
            inside: Some("a".into()),
            item: vec![old::extra::Item { id: 1 }],
        }),
        choice: Some(old::Choice::B(old::B { number: Some(2) })),
        must: old::Color::Green.into(),
        ..Old::default()
    };
    both(
        &old,
        &json!({
            "name": "",
            "number": 0,
            "count": "0",
            "color": "RED",
            "extra": {"inside": "a", "item": [{"id": "1"}]},
            "b": {"number": 2},
            "unit": {},
            "must": "GREEN",
        }),
    );
    assert_eq!(Old::default().count(), -7);
    assert_eq!(Old::default().data(), [1, 255]);
}

#[test]
fn names_of_the_standard_library() {
    let inner = Type::default();
    let message = Type {
        kind: Some(crate::proto::kitchen::sink::v1::r#type::Kind::Inner(
            Box::new(inner.clone()),
        )),
        r#type: Some(Box::new(inner)),
    };
    both(&message, &json!({"type": {}, "inner": {}}));
}
