//! Handlers that panic: an `Internal` reply to their caller, and nothing else is disturbed.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use futures_util::future;
use micro::Code;

use crate::common::{alone, check_works, note, tasks, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_internal_error_of_its_caller_alone() {
    let node = alone().await;
    let bystander = node.client.wait(note("300")).into_future();
    let bystander = tokio::spawn(bystander);
    node.seen.wait_entered(1).await;
    for when in ["now", "late"] {
        let error = node.client.panic(note(when)).await.unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{error}");
        assert!(
            !error.to_string().contains("secret"),
            "what a panic said stays here: {error}"
        );
    }
    assert_eq!(bystander.await.unwrap().unwrap(), note("300"));
    check_works(&node.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_panics_at_once_disturb_no_other_call() {
    let node = alone().await;
    check_works(&node.client).await;
    let before = tasks();
    let calls = (0..1000).map(|n| {
        let client = node.client.clone();
        async move {
            match n % 3 {
                0 => client.panic(note("now")).await.unwrap_err().code() == Code::Internal,
                1 => client.panic(note("late")).await.unwrap_err().code() == Code::Internal,
                _ => client.wait(note("3")).await.is_ok(),
            }
        }
    });
    assert!(future::join_all(calls).await.into_iter().all(|right| right));
    node.seen.wait_empty().await;
    until(|| tasks() <= before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_drop_at_a_cancellation_stays_with_its_call() {
    let node = alone().await;
    let bystander = tokio::spawn(node.client.wait(note("200")).into_future());
    for _ in 0..20 {
        let error = node
            .client
            .panic(note("drop"))
            .timeout(Duration::from_millis(5))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
    }
    assert_eq!(bystander.await.unwrap().unwrap(), note("200"));
    node.seen.wait_empty().await;
    check_works(&node.client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_stream_ends_that_stream_with_an_error() {
    let node = alone().await;
    let mut other = node.client.pour(note("")).await.unwrap();
    for _ in 0..10 {
        let mut notes = node.client.stumble(note("")).await.unwrap();
        assert_eq!(notes.message().await.unwrap(), Some(note("0")));
        assert_eq!(notes.message().await.unwrap(), Some(note("1")));
        let error = notes.message().await.unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{error}");
        assert_eq!(
            notes.message().await.unwrap(),
            None,
            "nothing behind the end"
        );
    }
    assert!(other.message().await.unwrap().is_some());
    drop(other);
    node.seen.wait_empty().await;
    assert_eq!(node.seen.left.load(SeqCst), 11);
    check_works(&node.client).await;
}
