//! Input that nobody decent sends: the right kind of error, no panic, no task left, bounded memory,
//! and an honest caller beside it is served.

use std::time::Duration;

use micro::{
    Code, Limits,
    native::{Kind, PREFACE, WINDOW},
    registry::MemoryRegistry,
};
use tokio::io::AsyncWriteExt;

use crate::{
    common::{Node, alone, check_works, note, start_within, tasks, until},
    raw::{self, JSON, METADATA, Raw, STREAM},
};

const SAY: &str = "e2e.Probe/Say";
const HELLO: &[u8] = br#"{"text":"hello"}"#;

/// Sends one call with these flags and this body as the method numbered 0.
async fn one(node: &Node, path: &str, flags: u8, body: &[u8]) -> (Option<Code>, bool) {
    let mut raw = Raw::connect(&node.address()).await;
    raw.send(&raw::name(0, path)).await;
    raw.send(&raw::call(1, 0, flags, body)).await;
    let answer = raw.answer(1).await.expect("an answer");
    // The connection survives it.
    raw.send(&raw::name(1, SAY)).await;
    raw.send(&raw::call(1, 1, JSON, HELLO)).await;
    assert_eq!(raw.answer(1).await, Some((None, false)), "after {answer:?}");
    answer
}

fn is(code: Code, unseen: bool) -> (Option<Code>, bool) {
    (Some(code), unseen)
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_calls_get_the_right_kind_of_error_and_the_connection_survives() {
    let node = alone().await;
    let wrong = |path, flags, body: &[u8]| {
        let (node, body) = (&node, body.to_vec());
        async move { one(node, path, flags, &body).await }
    };
    let unimplemented = is(Code::Unimplemented, true);
    assert_eq!(wrong("e2e.Probe/Sing", JSON, HELLO).await, unimplemented);
    assert_eq!(wrong("e2e.Nothing/Say", JSON, HELLO).await, unimplemented);
    assert_eq!(wrong("", JSON, HELLO).await.0, Some(Code::Unimplemented));
    assert_eq!(
        wrong("\u{0}/\r\n", JSON, HELLO).await.0,
        Some(Code::Unimplemented)
    );
    // Forms that there are not, and one that the message does not have.
    assert_eq!(wrong(SAY, 9 << 4, HELLO).await, unimplemented);
    let named = raw::with_metadata(&[(b"content-type", b"application/x-unheard-of")], HELLO);
    assert_eq!(wrong(SAY, 15 << 4 | METADATA, &named).await, unimplemented);
    assert_eq!(wrong(SAY, 0, HELLO).await.0, Some(Code::Unimplemented));
    // Bodies that can't be read.
    for body in [
        &b""[..],
        b"{",
        b"[]",
        b"\xff\xfe",
        br#"{"text":7}"#,
        b"null",
    ] {
        assert_eq!(
            wrong(SAY, JSON, body).await,
            is(Code::InvalidArgument, false)
        );
    }
    // Metadata: too much, cut short, of impossible names and values.
    let invalid = is(Code::InvalidArgument, true);
    let much = raw::with_metadata(&[(b"a", &[b'x'; 17_000])], HELLO);
    assert_eq!(
        wrong(SAY, JSON | METADATA, &much).await,
        is(Code::ResourceExhausted, true)
    );
    for entries in [
        [(&b"na me"[..], &b"x"[..])],
        [(b"", b"x")],
        [(b"\xff\xff", b"x")],
        [(b"name", b"line\r\nbreak")],
    ] {
        let body = raw::with_metadata(&entries, HELLO);
        assert_eq!(
            wrong(SAY, JSON | METADATA, &body).await,
            invalid,
            "{entries:?}"
        );
    }
    for block in [
        &b""[..],
        b"\x01",
        b"\xff\xff\xff\x7f",
        b"\x05\0\0\0\x09\0\x09\0x",
    ] {
        let answer = wrong(SAY, JSON | METADATA, block).await;
        assert!(answer.0.is_some() && answer.1, "{block:?}: {answer:?}");
    }
    // A stream where one message belongs, and a number that no name was given.
    assert_eq!(wrong(SAY, JSON | STREAM, b"").await, invalid);
    let mut raw = Raw::connect(&node.address()).await;
    raw.send(&raw::call(1, 4095, JSON, HELLO)).await;
    assert_eq!(raw.answer(1).await, Some(invalid));
    check_works(&node.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_and_the_next_call_works() {
    let mut limits = Limits::default();
    limits.message = 100_000;
    let node = start_within("probe", &MemoryRegistry::new(), None, limits).await;
    for length in [100_001, 130_000, 5_000_000] {
        let body = vec![b' '; length];
        let answer = one(&node, SAY, JSON, &body).await;
        assert_eq!(answer, is(Code::ResourceExhausted, true), "{length} bytes");
    }
    let mut just = HELLO.to_vec();
    just.resize(100_000, b' ');
    assert_eq!(one(&node, SAY, JSON, &just).await, (None, false));
    // Replies have the same limit, and so have the messages that a proper client sends.
    let error = node.client.large(note("200000")).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    let error = node.client.say(note("x".repeat(200_000))).await;
    assert_eq!(error.unwrap_err().code(), Code::ResourceExhausted);
    check_works(&node.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nesting_over_the_limit_is_a_wrong_argument() {
    let node = alone().await;
    for depth in [200, 100_000] {
        let json = "{\"child\":".repeat(depth) + "null" + &"}".repeat(depth);
        let answer = one(&node, "e2e.Probe/Nest", JSON, json.as_bytes()).await;
        assert_eq!(
            answer,
            is(Code::InvalidArgument, false),
            "JSON, {depth} deep"
        );
    }
    for depth in [200, 50_000] {
        // From the inside out: a field of one length within the next.
        let mut protobuf = Vec::new();
        let mut lengths = vec![0_usize];
        for _ in 1..depth {
            let inner = lengths[lengths.len() - 1];
            lengths.push(1 + prost::length_delimiter_len(inner) + inner);
        }
        for length in lengths.iter().rev() {
            protobuf.push(0x0a);
            prost::encode_length_delimiter(*length, &mut protobuf).unwrap();
        }
        let answer = one(&node, "e2e.Probe/Nest", 0, &protobuf).await;
        assert_eq!(
            answer,
            is(Code::InvalidArgument, false),
            "protobuf, {depth} deep"
        );
    }
    check_works(&node.client).await;
}

/// Says these bytes behind the preface; the server hangs up.
async fn breaks(node: &Node, what: &str, bytes: &[u8]) {
    let mut raw = Raw::connect(&node.address()).await;
    raw.send(bytes).await;
    let closed = tokio::time::timeout(Duration::from_secs(20), raw.wait_closed());
    assert!(closed.await.is_ok(), "{what}: still open");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_protocol_ends_that_connection_alone() {
    let node = alone().await;
    check_works(&node.client).await;
    let before = tasks();
    for kind in [0, 12, 42, 255] {
        breaks(
            &node,
            "a kind that there is not",
            &raw::frame(kind, 1, 0, 0, 0, b""),
        )
        .await;
    }
    for kind in [Kind::Reply, Kind::Open, Kind::Leave] {
        breaks(
            &node,
            "what only servers say",
            &raw::frame(kind as u8, 1, 0, 0, 0, b""),
        )
        .await;
    }
    let hang = [
        raw::name(0, "e2e.Probe/Hang"),
        raw::call(7, 0, JSON, HELLO),
        raw::call(7, 0, JSON, HELLO),
    ];
    breaks(&node, "an id that is in use", &hang.concat()).await;
    breaks(&node, "a number over the limit", &raw::name(4096, SAY)).await;
    breaks(
        &node,
        "a name over the limit",
        &raw::name(0, &"x".repeat(513)),
    )
    .await;
    let flood: Vec<_> = (0..=u16::MAX).flat_map(|tag| raw::name(tag, SAY)).collect();
    breaks(&node, "names without end", &flood).await;
    let mut sip = [
        raw::name(0, "e2e.Probe/Sip"),
        raw::call(7, 0, JSON | STREAM, b""),
    ]
    .concat();
    for _ in 0..=WINDOW / 1000 + 2 {
        sip.extend_from_slice(&raw::data(7, &[b' '; 1000]));
    }
    breaks(&node, "more on a stream than its window", &sip).await;
    node.seen.wait_empty().await;
    until(|| tasks() <= before).await;
    check_works(&node.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_for_calls_that_there_are_not_are_ignored() {
    let node = alone().await;
    let mut raw = Raw::connect(&node.address()).await;
    for id in [0, 1, 77, u32::MAX] {
        for kind in [
            Kind::Cancel,
            Kind::End,
            Kind::Credit,
            Kind::Data,
            Kind::Pong,
        ] {
            raw.send(&raw::frame(kind as u8, id, 0, 0, u32::MAX, b"x"))
                .await;
        }
    }
    raw.send(&raw::name(0, SAY)).await;
    raw.send(&raw::call(u32::MAX, 0, JSON, HELLO)).await;
    assert_eq!(raw.answer(u32::MAX).await, Some((None, false)));
    // Cancelled twice, and credited without end.
    raw.send(&raw::name(1, "e2e.Probe/Pour")).await;
    raw.send(&raw::call(5, 1, JSON, HELLO)).await;
    for _ in 0..100 {
        raw.send(&raw::frame(Kind::Credit as u8, 5, 0, 0, u32::MAX, b""))
            .await;
    }
    for _ in 0..2 {
        raw.send(&raw::frame(Kind::Cancel as u8, 5, 0, 0, 0, b""))
            .await;
    }
    assert_eq!(raw.answer(5).await, Some(is(Code::Cancelled, false)));
    raw.send(&raw::call(5, 0, JSON, HELLO)).await;
    assert_eq!(raw.answer(5).await, Some((None, false)));
    node.seen.wait_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_told_ours_and_other_protocols_are_shown_out() {
    let node = alone().await;
    let mut raw = Raw::silent(&node.address()).await;
    let mut theirs = PREFACE;
    theirs[7] = 99;
    raw.send(&theirs).await;
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut raw.io, &mut answer)
        .await
        .unwrap();
    assert_eq!(answer, PREFACE, "our version, and the end");
    for other in [
        &b"\xf5micrO\0\x01"[..],
        b"SSH-2.0-x\r\n",
        &[0; 64],
        &[0xff; 64],
    ] {
        let mut raw = Raw::silent(&node.address()).await;
        raw.send(other).await;
        raw.wait_closed().await;
    }
    check_works(&node.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_calls_and_streams_than_the_limits_are_refused_and_may_go_elsewhere() {
    let mut limits = Limits::default();
    limits.calls_per_connection = 50;
    limits.streams_per_connection = 20;
    let node = start_within("probe", &MemoryRegistry::new(), None, limits).await;
    let mut raw = Raw::connect(&node.address()).await;
    raw.send(&raw::name(0, "e2e.Probe/Hang")).await;
    raw.send(&raw::name(1, "e2e.Probe/Chat")).await;
    for id in 0..21 {
        raw.send(&raw::call(id, 1, JSON | STREAM, b"")).await;
    }
    assert_eq!(
        raw.answer(20).await,
        Some(is(Code::ResourceExhausted, true))
    );
    for id in 100..131 {
        raw.send(&raw::call(id, 0, JSON, HELLO)).await;
    }
    assert_eq!(
        raw.answer(130).await,
        Some(is(Code::ResourceExhausted, true))
    );
    assert_eq!(node.seen.inside(), 50);
    check_works(&node.client).await;
    drop(raw);
    node.seen.wait_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_bytes_end_in_a_hang_up_or_an_error_and_nothing_is_left() {
    let node = alone().await;
    check_works(&node.client).await;
    let before = tasks();
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes: Vec<u8> = (0..random.usize(1..2000)).map(|_| random.u8(..)).collect();
        let mut raw = Raw::silent(&node.address()).await;
        match seed % 3 {
            // All random; a preface and then random; frames whose headers make some sense.
            0 => {}
            1 => raw.send(&PREFACE).await,
            _ => {
                raw.send(&[&PREFACE[..], &raw::name(0, SAY)].concat()).await;
                let frames = bytes.chunks(20).flat_map(|chunk| {
                    let kind = chunk[0] % 12;
                    raw::frame(kind, u32::from(chunk[0] % 5), chunk[0], 0, 0, chunk)
                });
                bytes = frames.collect();
            }
        }
        raw.send(&bytes).await;
        let _ = raw.io.shutdown().await;
        let closed = tokio::time::timeout(Duration::from_secs(20), raw.wait_closed()).await;
        assert!(closed.is_ok(), "seed {seed}: still open");
    }
    node.seen.wait_empty().await;
    until(|| tasks() <= before).await;
    check_works(&node.client).await;
}
