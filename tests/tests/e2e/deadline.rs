//! Deadlines: the caller knows in time, the handler is dropped, calls within calls inherit.

use std::time::{Duration, Instant};

use micro::{Code, Context, Metadata, Trace, native::Kind, registry::MemoryRegistry};

use crate::{
    common::{alone, check_works, note, start},
    raw::{self, Raw},
};

/// How long after its deadline a handler may still be there.
const DROPPED: Duration = Duration::from_millis(50);
/// What a machine that is busy with other things may add, in the worst of several attempts.
const BUSY: Duration = Duration::from_secs(2);

/// The least and the most of some times.
fn range(times: &[Duration]) -> (Duration, Duration) {
    (*times.iter().min().unwrap(), *times.iter().max().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_the_call_and_drops_the_handler() {
    let node = alone().await;
    check_works(&node.client).await;
    let timeout = Duration::from_millis(60);
    let (mut told, mut dropped) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let deadline = Instant::now() + timeout;
        let error = node.client.hang(note("")).timeout(timeout).await;
        assert_eq!(error.unwrap_err().code(), Code::DeadlineExceeded);
        let now = Instant::now();
        assert!(now >= deadline, "told before its time");
        told.push(now - deadline);
        node.seen.wait_empty().await;
        let left = node.seen.last_left.lock().unwrap().unwrap();
        dropped.push(left.saturating_duration_since(deadline));
    }
    for times in [told, dropped] {
        let (best, worst) = range(&times);
        assert!(best <= DROPPED && worst <= BUSY, "{times:?}");
    }
    check_works(&node.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_keeps_the_deadline_of_a_caller_that_does_not() {
    let node = alone().await;
    let mut caller = Raw::connect(node.running.address()).await;
    caller.send(&raw::name(0, "e2e.Probe/Hang")).await;
    let call = raw::frame(Kind::Call as u8, 1, raw::JSON, 0, 60, br#"{"text":""}"#);
    caller.send(&call).await;
    // Nothing else happens on the connection: no cancellation, and no other call.
    let answer = tokio::time::timeout(Duration::from_secs(5), caller.answer(1)).await;
    assert_eq!(answer.unwrap(), Some((Some(Code::DeadlineExceeded), false)));
    node.seen.wait_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_calls_within_calls() {
    let registry = MemoryRegistry::new();
    let last = start("last", &registry, None).await;
    let middle = start("middle", &registry, Some(&last)).await;
    let first = start("first", &registry, Some(&middle)).await;
    // `hang_next` of the first hangs in the middle, whose connection is then made.
    check_works(&first.client).await;
    let mut dropped = Vec::new();
    for _ in 0..5 {
        let timeout = Duration::from_millis(100);
        let deadline = Instant::now() + timeout;
        let (outer, inner) = tokio::join!(
            first.client.hang_next(note("")).timeout(timeout),
            middle.client.hang_next(note("")).timeout(timeout),
        );
        assert_eq!(outer.unwrap_err().code(), Code::DeadlineExceeded);
        assert_eq!(inner.unwrap_err().code(), Code::DeadlineExceeded);
        for node in [&first, &middle, &last] {
            node.seen.wait_empty().await;
            let left = node.seen.last_left.lock().unwrap().unwrap();
            dropped.push(left.saturating_duration_since(deadline));
        }
    }
    let (best, worst) = range(&dropped);
    assert!(best <= DROPPED && worst <= BUSY, "{dropped:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_within_calls_inherit_deadline_metadata_and_trace() {
    let registry = MemoryRegistry::new();
    let last = start("last", &registry, None).await;
    let first = start("first", &registry, Some(&last)).await;
    let trace = Trace::root();
    let mut metadata = Metadata::new();
    metadata.insert("tenant", "a").unwrap();
    let context = Context::background()
        .with_metadata(metadata)
        .with_trace(trace);
    let call = first
        .client
        .describe_next(note(""))
        .timeout(Duration::from_secs(5));
    let seen = context.scope(async move { call.await }).await.unwrap();
    assert_eq!(seen.tenant.as_deref(), Some("a"));
    assert_eq!(seen.trace_id, Some(format!("{:032x}", trace.trace_id)));
    let left = seen.millis_left.unwrap();
    assert!((1..=5000).contains(&left), "{left} ms of 5000 left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_is_over_sends_nothing() {
    let node = alone().await;
    check_works(&node.client).await;
    let late = Context::background().with_timeout(Duration::ZERO);
    let client = node.client.clone();
    let error = late
        .scope(async move { client.hang(note("")).await })
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    check_works(&node.client).await;
    assert_eq!(
        node.seen.entered.load(std::sync::atomic::Ordering::SeqCst),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_at_its_deadline_on_both_sides() {
    let node = alone().await;
    let timeout = Duration::from_millis(100);
    let mut notes = node.client.pour(note("")).timeout(timeout).await.unwrap();
    // Reads what comes until the stream says that its time is over.
    let error = loop {
        match notes.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("an endless stream ended well"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::DeadlineExceeded, "{error}");
    node.seen.wait_empty().await;
    check_works(&node.client).await;
}
