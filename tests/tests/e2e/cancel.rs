//! Callers that give up or go away: their handlers stop, and nothing is left of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, future, stream};
use micro::{
    native::{HEADER, Header, Kind, PREFACE},
    registry::MemoryRegistry,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    common::{alone, check_works, note, start, tasks, until},
    raw::{self, JSON, Raw},
};

/// How long after its caller gave up a handler may still be there.
const DROPPED: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_call_drops_the_handler_and_the_calls_within() {
    let registry = MemoryRegistry::new();
    let last = start("last", &registry, None).await;
    let first = start("first", &registry, Some(&last)).await;
    let mut dropped = Vec::new();
    for round in 1..=5 {
        let client = first.client.clone();
        let call = tokio::spawn(async move { client.hang_next(note("")).await });
        last.seen.wait_entered(round).await;
        let given_up = Instant::now();
        call.abort();
        for node in [&first, &last] {
            node.seen.wait_empty().await;
            let left = node.seen.last_left.lock().unwrap().unwrap();
            dropped.push(left.saturating_duration_since(given_up));
        }
    }
    assert!(*dropped.iter().min().unwrap() <= DROPPED, "{dropped:?}");
    assert!(
        *dropped.iter().max().unwrap() <= Duration::from_secs(2),
        "{dropped:?}"
    );
    check_works(&first.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_connection_dies_takes_its_handlers_along() {
    let registry = MemoryRegistry::new();
    let last = start("last", &registry, None).await;
    let first = start("first", &registry, Some(&last)).await;
    check_works(&last.client).await;
    let mut raw = Raw::connect(&first.address()).await;
    raw.send(&raw::name(0, "e2e.Probe/HangNext")).await;
    for id in 0..10 {
        raw.send(&raw::call(id, 0, JSON, br#"{"text":""}"#)).await;
    }
    last.seen.wait_entered(10).await;
    let died = Instant::now();
    drop(raw);
    for node in [&first, &last] {
        node.seen.wait_empty().await;
        let left = node.seen.last_left.lock().unwrap().unwrap();
        assert!(left.saturating_duration_since(died) <= Duration::from_secs(2));
    }
    check_works(&first.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_streams_of_each_kind_drop_their_handlers() {
    let node = alone().await;
    let pour = node.client.pour(note("")).await.unwrap();
    let chat = node
        .client
        .chat(stream::pending::<crate::common::Note>())
        .await
        .unwrap();
    let client = node.client.clone();
    let sip = tokio::spawn(async move { client.sip(stream::pending()).await });
    node.seen.wait_entered(3).await;
    drop((pour, chat));
    sip.abort();
    node.seen.wait_empty().await;
    check_works(&node.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_cancelled_calls_leave_no_task_behind() {
    let registry = MemoryRegistry::new();
    let last = start("last", &registry, None).await;
    let first = start("first", &registry, Some(&last)).await;
    // Makes the connections, whose tasks are to stay.
    let warm = first.client.hang_next(note(""));
    assert!(
        timeout(Duration::from_millis(300), warm.into_future())
            .await
            .is_err()
    );
    first.seen.wait_empty().await;
    last.seen.wait_empty().await;
    let before = tasks();
    for _ in 0..10 {
        let calls = (0..1000).map(|_| {
            let client = first.client.clone();
            async move {
                // Some are dropped before they are out, some under way, some at work.
                let patience = Duration::from_micros(fastrand::u64(0..20_000));
                let _ = timeout(patience, client.hang_next(note("")).into_future()).await;
            }
        });
        future::join_all(calls).await;
    }
    first.seen.wait_empty().await;
    last.seen.wait_empty().await;
    until(|| tasks() <= before).await;
    check_works(&first.client).await;
    check_works(&last.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_streams_leave_no_task_behind() {
    let node = alone().await;
    check_works(&node.client).await;
    let before = tasks();
    for _ in 0..5 {
        let calls = (0..100).map(|n| {
            let client = node.client.clone();
            async move {
                let mut pour = client.pour(note("")).await.unwrap();
                let chat = client
                    .chat(stream::repeat(note("x".repeat(1024))))
                    .await
                    .unwrap();
                for _ in 0..n % 5 {
                    pour.message().await.unwrap();
                }
                drop(chat);
            }
        });
        // Within the 200 streams that a connection may have.
        stream::iter(calls)
            .buffer_unordered(80)
            .collect::<()>()
            .await;
        node.seen.wait_empty().await;
    }
    until(|| tasks() <= before).await;
    check_works(&node.client).await;
}

async fn answer_cancels(mut io: TcpStream, largest: &AtomicU32) -> std::io::Result<()> {
    let mut preface = [0; PREFACE.len()];
    io.read_exact(&mut preface).await?;
    io.write_all(&PREFACE).await?;
    let mut header = [0; HEADER];
    loop {
        io.read_exact(&mut header).await?;
        let header = Header::peek(&header).unwrap().unwrap();
        let mut body = vec![0; header.len as usize];
        io.read_exact(&mut body).await?;
        largest.fetch_max(header.id, SeqCst);
        if header.kind == Kind::Cancel {
            let reply = raw::frame(Kind::Reply as u8, header.id, 0, 0, 1, &[]);
            io.write_all(&reply).await?;
        }
    }
}

/// A server that answers nothing but cancellations, and notes the largest id that it saw.
async fn deaf_server(largest: Arc<AtomicU32>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        // A caller that gives up while it connects leaves a connection that is dead.
        while let Ok((io, _)) = listener.accept().await {
            let _ = answer_cancels(io, &largest).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ids_of_cancelled_calls_are_used_again() {
    let node = alone().await;
    let largest = Arc::new(AtomicU32::default());
    let address = deaf_server(largest.clone()).await;
    for _ in 0..300 {
        let call = node.client.hang(note("")).address(&*address).into_future();
        let _ = timeout(Duration::from_millis(1), call).await;
    }
    let largest = largest.load(SeqCst);
    assert!(largest < 150, "300 calls one by one took the id {largest}");
}
