//! What every codec must do.
//!
//! [`serde::all`] is for formats that carry any serde type, which is what a
//! [`Codec`](micro::codec::Codec) plugin adds; [`protobuf`] and [`raw`] are for what is built in.

use std::fmt::Debug;

use bytes::Bytes;
use micro::{
    Code, Result,
    codec::{ContentType, Wire},
};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

pub mod media_type;
pub mod protobuf;
pub mod raw;
pub mod serde;

/// Writes and reads a value back, and sees that it is the same.
fn round_trip<T: PartialEq + Debug>(wire: &Wire<T>, content_type: ContentType, value: &T) -> Bytes {
    let bytes = match wire.encode(value, content_type) {
        Ok(bytes) => bytes,
        Err(error) => panic!("{value:?} can't be written as {content_type}: {error}"),
    };
    match wire.decode(bytes.clone(), content_type) {
        Ok(read) => assert_eq!(&read, value, "as {content_type}"),
        Err(error) => panic!("{value:?} can't be read as {content_type}: {error}; {bytes:?}"),
    }
    bytes
}

/// That bytes are refused as the sender's mistake.
fn assert_refused<T>(what: &str, read: Result<T>) {
    match read {
        Ok(_) => panic!("{what} was taken for a message"),
        Err(error) => assert_eq!(error.code(), Code::InvalidArgument, "{what}: {error}"),
    }
}

/// That bytes are either a message or the sender's mistake.
fn assert_judged<T>(what: impl Debug, read: Result<T>) {
    if let Err(error) = read {
        assert_eq!(error.code(), Code::InvalidArgument, "{what:?}: {error}");
    }
}

/// Every beginning of an encoded message, and every one with a bit turned over, is judged.
fn damage<T>(wire: &Wire<T>, content_type: ContentType, bytes: &Bytes) {
    for end in 0..bytes.len() {
        let read = wire.decode(bytes.slice(..end), content_type);
        assert_judged(("cut off at", end), read);
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut turned = bytes.to_vec();
            turned[at] ^= 1 << bit;
            let read = wire.decode(turned.into(), content_type);
            assert_judged(("turned bit", bit, "of", at), read);
        }
    }
}

/// Runs `test` with many values, the same ones each time.
fn for_many<S: Strategy>(values: S, test: impl Fn(S::Value)) {
    let config = Config {
        cases: 2000,
        failure_persistence: None,
        ..Config::default()
    };
    let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, chance);
    let done = runner.run(&values, |value| {
        test(value);
        Ok(())
    });
    done.unwrap_or_else(|failed| panic!("{failed}"));
}
