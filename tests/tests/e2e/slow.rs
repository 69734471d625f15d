//! Streams whose two sides are not equally fast: memory is bounded on both, and other calls on the
//! same connection go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::stream;
use micro::native::{Kind, WINDOW};

use crate::{
    common::{alone, check_works, note},
    raw::{self, JSON, Raw},
};

/// The most messages of a kilobyte that may be under way when one side does not read: the window,
/// and one message beyond it.
const AHEAD: usize = WINDOW / 1024 + 1;

/// Waits until a number stands still; gives it.
async fn settled(counter: &AtomicUsize) -> usize {
    let mut last = counter.load(SeqCst);
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = counter.load(SeqCst);
        if now == last && now > 0 {
            return now;
        }
        last = now;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_holds_its_stream_back_and_nothing_else() {
    let node = alone().await;
    let mut notes = node.client.pour(note("")).await.unwrap();
    let poured = settled(&node.seen.poured).await;
    assert!(
        poured <= AHEAD,
        "{poured} messages were produced for nobody"
    );
    for _ in 0..100 {
        check_works(&node.client).await;
    }
    // What is read makes room, and no more than that.
    for read in 1..=2000 {
        assert!(notes.message().await.unwrap().is_some());
        let poured = node.seen.poured.load(SeqCst);
        assert!(poured <= read + AHEAD, "{poured} produced, {read} read");
    }
    check_works(&node.client).await;
    drop(notes);
    node.seen.wait_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_slow_readers_on_one_connection_leave_room_for_calls() {
    let node = alone().await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(node.client.pour(note("")).await.unwrap());
    }
    let poured = settled(&node.seen.poured).await;
    assert!(poured <= 100 * AHEAD, "{poured}");
    for _ in 0..100 {
        check_works(&node.client).await;
    }
    for notes in &mut streams {
        for _ in 0..300 {
            assert!(notes.message().await.unwrap().is_some());
        }
    }
    drop(streams);
    node.seen.wait_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_reads_slowly_holds_its_caller_back() {
    let node = alone().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let notes = stream::iter(0..2000).inspect_with(move || {
        counter.fetch_add(1, SeqCst);
    });
    let client = node.client.clone();
    let sip = tokio::spawn(async move { client.sip(notes).await });
    node.seen.wait_entered(1).await;
    let ahead = settled(&sent).await;
    assert!(ahead <= AHEAD + 1, "{ahead} messages were sent to nobody");
    check_works(&node.client).await;
    for read in 1..=2001 {
        node.seen.permits.add_permits(1);
        let sent = sent.load(SeqCst);
        assert!(
            sent <= read + AHEAD + 1,
            "{sent} sent, {read} read at the most"
        );
        if read % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!(sip.await.unwrap().unwrap(), note("2000"));
}

trait InspectWith: futures_util::Stream<Item = i32> + Sized {
    /// Notes of a kilobyte, and a word for each that is taken.
    fn inspect_with(
        self,
        mut inspect: impl FnMut(),
    ) -> impl futures_util::Stream<Item = crate::common::Note> {
        crate::common::MapWith::map_with(self, move |_| {
            inspect();
            note("x".repeat(1024))
        })
    }
}
impl<S: futures_util::Stream<Item = i32>> InspectWith for S {}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reads_nothing_is_not_served_without_end() {
    let node = alone().await;
    check_works(&node.client).await;
    let mut raw = Raw::connect(&node.address()).await;
    raw.send(&raw::name(0, "e2e.Probe/Large")).await;
    let before = rss();
    // A few bytes each, for a megabyte each: half a gigabyte if they were all served.
    let mut calls = Vec::new();
    for id in 0..500 {
        calls.extend_from_slice(&raw::call(id, 0, JSON, br#"{"text":"1000000"}"#));
    }
    let sent = tokio::time::timeout(Duration::from_secs(1), raw.send(&calls)).await;
    assert!(sent.is_ok(), "they fit into the buffers of the system");
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..20 {
        check_works(&node.client).await;
    }
    let grown = rss().saturating_sub(before);
    assert!(grown < 250 << 10, "{grown} KiB more memory");
    // All the same, who then reads gets all of it.
    for _ in 0..500 {
        let (header, body) = raw.frame().await.unwrap();
        assert_eq!((header.kind, header.word), (Kind::Reply, 0));
        assert!(body.len() > 1_000_000);
    }
}

/// The memory of this process in KiB; tests beside this one have their part in it.
fn rss() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
