//! The built-in codecs, and one that a user adds.

use bytes::BytesMut;
use micro::{
    Error, Result,
    codec::{Codec, ContentType, Json, Plugin},
    erased_serde,
};
use micro_tests::suite::codec::{media_type, protobuf, raw, serde};

#[test]
fn media_types_conform() {
    media_type::all();
}

#[test]
fn protobuf_conforms() {
    protobuf::all();
}

#[test]
fn raw_conforms() {
    raw::all();
}

fn json_tree(levels: usize) -> Vec<u8> {
    let mut bytes = br#"{"next":"#.repeat(levels - 1);
    bytes.extend(br#"{"next":null}"#);
    bytes.extend(b"}".repeat(levels - 1));
    bytes
}

fn json_wrong() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", vec![]),
        ("no JSON", b"hello".to_vec()),
        ("half of it", br#"{"text":"#.to_vec()),
        ("a key twice", br#"{"text":"a","text":"b"}"#.to_vec()),
        ("open lists", b"[".repeat(100_000)),
        ("open objects", br#"{"nested":"#.repeat(100_000)),
        ("open unknown fields", br#"{"x":"#.repeat(100_000)),
        (
            "a long number",
            [&br#"{"number":"#[..], &b"9".repeat(100_000), b"}"].concat(),
        ),
        ("text that is no UTF-8", b"{\"text\":\"\xff\"}".to_vec()),
        ("half a surrogate pair", br#"{"text":"\ud800"}"#.to_vec()),
        ("zeros", vec![0; 1000]),
    ]
}

#[test]
fn json_conforms() {
    serde::all(&serde::Format {
        content_type: "application/json",
        wrong: json_wrong(),
        nested: json_tree,
        unsigned: true,
    });
}

/// A codec as a user adds one: JSON with every byte turned over.
struct Mirrored;

const MIRROR: u8 = 0xff;

fn mirror(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.iter_mut().for_each(|byte| *byte ^= MIRROR);
    bytes
}

impl Codec for Mirrored {
    fn encode(&self, value: &dyn erased_serde::Serialize, out: &mut BytesMut) -> Result<()> {
        let begun = out.len();
        Json.encode(value, out)?;
        out[begun..].iter_mut().for_each(|byte| *byte ^= MIRROR);
        Ok(())
    }

    fn decode(
        &self,
        bytes: &[u8],
        read: &mut dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<()>,
    ) -> Result<()> {
        Json.decode(&mirror(bytes.to_vec()), read)
    }
}

micro::inventory::submit! {
    Plugin { content_type: "application/x-mirrored", codec: &Mirrored }
}

#[test]
fn a_plugin_conforms() {
    serde::all(&serde::Format {
        content_type: "application/x-mirrored",
        wrong: json_wrong()
            .into_iter()
            .map(|(what, bytes)| (what, mirror(bytes)))
            .collect(),
        nested: |levels| mirror(json_tree(levels)),
        unsigned: true,
    });
}

#[test]
fn a_plugin_is_among_the_known() {
    let content_type = ContentType::parse("Application/X-Mirrored; v=1").expect("a plugin");
    assert_eq!(content_type, ContentType::Other("application/x-mirrored"));
    let error: Error = ContentType::parse("application/x-other").expect_err("no such codec");
    assert!(error.detail().contains("application/x-mirrored"), "{error}");
}
