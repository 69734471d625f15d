//! A conversation that is cut off at each of its bytes.

use std::time::Duration;

use micro::{
    Limits,
    native::{Kind, PREFACE},
    registry::MemoryRegistry,
};

use crate::{
    common::{Node, alone, check_works, start_within, tasks, until},
    raw::{self, JSON, METADATA, Raw, STREAM},
};

/// All kinds of frames that a caller sends.
fn conversation() -> Vec<u8> {
    let metadata = raw::with_metadata(&[(b"tenant", b"a")], br#"{"text":"a"}"#);
    [
        PREFACE.to_vec(),
        raw::name(0, "e2e.Probe/Say"),
        raw::call(0, 0, JSON | METADATA, &metadata),
        raw::name(1, "e2e.Probe/Hang"),
        raw::call(1, 1, JSON, br#"{"text":""}"#),
        raw::frame(Kind::Cancel as u8, 1, 0, 0, 0, b""),
        raw::name(2, "e2e.Probe/Chat"),
        raw::call(2, 2, JSON | STREAM, b""),
        raw::data(2, br#"{"text":"b"}"#),
        raw::frame(Kind::Credit as u8, 2, 0, 0, 100, b""),
        raw::frame(Kind::End as u8, 2, 0, 0, 0, b""),
        raw::name(3, "e2e.Probe/Pour"),
        raw::call(3, 3, JSON, br#"{"text":""}"#),
        raw::frame(Kind::Ping as u8, 0, 0, 0, 5, b""),
    ]
    .concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_off_anywhere_and_closed_it_leaves_nothing_behind() {
    let node = alone().await;
    check_works(&node.client).await;
    let before = tasks();
    let all = conversation();
    for end in 0..=all.len() {
        let mut raw = Raw::silent(&node.address()).await;
        raw.send(&all[..end]).await;
    }
    node.seen.wait_empty().await;
    until(|| tasks() <= before).await;
    check_works(&node.client).await;
}

async fn quick_handshake() -> Node {
    let mut limits = Limits::default();
    limits.handshake = Duration::from_millis(300);
    start_within("probe", &MemoryRegistry::new(), None, limits).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stalls_in_the_handshake_is_shown_out_and_later_nobody_is() {
    let node = quick_handshake().await;
    check_works(&node.client).await;
    let before = tasks();
    let all = conversation();
    let mut early = Vec::new();
    let mut late = Vec::new();
    for end in 0..=all.len() {
        let mut raw = Raw::silent(&node.address()).await;
        raw.send(&all[..end]).await;
        if end < PREFACE.len() {
            early.push(raw);
        } else {
            late.push(raw);
        }
    }
    for mut raw in early {
        raw.wait_closed().await;
    }
    // Well past the handshake's limit, those that said their preface are all still served.
    tokio::time::sleep(Duration::from_millis(600)).await;
    for (at, raw) in late.iter_mut().enumerate() {
        raw.send(&all[PREFACE.len() + at..]).await;
        raw.send(&raw::call(9, 0, JSON, br#"{"text":"c"}"#)).await;
    }
    for (at, mut raw) in late.into_iter().enumerate() {
        let mut preface = [0; PREFACE.len()];
        tokio::io::AsyncReadExt::read_exact(&mut raw.io, &mut preface)
            .await
            .unwrap();
        assert_eq!(raw.answer(9).await, Some((None, false)), "cut at {at}");
    }
    node.seen.wait_empty().await;
    until(|| tasks() <= before).await;
    check_works(&node.client).await;
}
