//! MessagePack held to the suite of codecs, and used in a call.

use micro::{Result, codec::ContentType, testing};
use micro_codec_msgpack::CONTENT_TYPE;
use micro_tests::suite::codec::serde::{Format, all};

fn wrong() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("nothing", vec![]),
        ("a byte that begins nothing", vec![0xc1]),
        ("half of a map", vec![0x81, 0xa4, b't']),
        (
            "a list that is not there",
            vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        ),
        ("text that is not there", vec![0xdb, 0xff, 0xff, 0xff, 0xff]),
        ("open lists", vec![0x91; 100_000]),
        (
            "text that is no UTF-8",
            vec![0x81, 0xa4, b't', b'e', b'x', b't', 0xa1, 0xff],
        ),
    ]
}

/// Written by hand: a serializer would recurse as deep as the tree.
fn nested(levels: usize) -> Vec<u8> {
    let mut bytes = b"\x81\xa4next".repeat(levels);
    bytes.push(0xc0);
    bytes
}

#[test]
fn conforms() {
    all(&Format {
        content_type: CONTENT_TYPE,
        wrong: wrong(),
        nested,
        unsigned: true,
    });
}

#[micro::service]
trait Greeter {
    async fn hello(&self, name: Vec<String>) -> Result<Vec<String>>;
}

struct Hello;

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, mut names: Vec<String>) -> Result<Vec<String>> {
        names.reverse();
        Ok(names)
    }
}

#[tokio::test]
async fn a_call_speaks_it_by_content_type_alone() {
    let app = testing::app().handle(Hello).start().await.unwrap();
    let greeter: GreeterClient<_> = app.client();
    let names = vec!["a".to_owned(), "b".to_owned()];
    let msgpack = ContentType::parse(CONTENT_TYPE).unwrap();
    let reply = greeter.hello(names).content_type(msgpack).await.unwrap();
    assert_eq!(reply, ["b", "a"]);
}
