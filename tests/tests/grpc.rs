//! gRPC on the server's one port, called by another implementation.

#[path = "grpc/echo.rs"]
mod echo;
#[path = "grpc/foreign.rs"]
mod foreign;
#[path = "grpc/raw.rs"]
mod raw;

use std::time::Duration;

use echo::{Tonic, note, start, start_with, told};
use futures_util::stream;
use tonic::{Code, Request, metadata::MetadataValue};

#[tokio::test(flavor = "multi_thread")]
async fn all_four_kinds() {
    let (running, _dropped) = start().await;
    let mut client = Tonic::connect(running.address()).await;
    assert_eq!(client.say("hello").await.unwrap(), "hello");

    let mut replies = client.repeat(note("x")).await.unwrap().into_inner();
    for n in 0..1000 {
        let reply = replies.message().await.unwrap().unwrap();
        assert_eq!(reply.text, format!("x {n}"));
    }
    assert_eq!(replies.message().await.unwrap(), None);

    let notes = stream::iter((0..1000).map(|_| note("ab")));
    assert_eq!(client.collect(notes).await.unwrap().text.len(), 2000);
    assert_eq!(client.collect(stream::empty()).await.unwrap().text, "");

    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let receiver = stream::unfold(receiver, async |mut r| r.recv().await.map(|note| (note, r)));
    // The stream is open before anything was sent on it.
    let mut replies = client.chat(receiver).await.unwrap();
    for text in ["a", "b", "c"] {
        sender.send(note(text)).await.unwrap();
        let reply = replies.message().await.unwrap().unwrap();
        assert_eq!(reply.text, text.to_uppercase());
    }
    drop(sender);
    assert_eq!(replies.message().await.unwrap(), None);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn names_as_other_clients_write_them() {
    let (running, _dropped) = start().await;
    let mut client = Tonic::connect(running.address()).await;
    for path in [
        "/test.Echo/Say",
        "/Echo/Say",
        "/parrot.Echo/Say",
        "/go.micro.parrot.Echo/Say",
    ] {
        let reply = client.unary(path, Request::new(note("a"))).await;
        assert_eq!(reply.unwrap().into_inner().text, "a", "{path}");
    }
    for path in [
        "/test.Echo/Shout",
        "/test.Ohce/Say",
        "/test.Echo/Say/More",
        "/",
        "/x",
    ] {
        let status = client
            .unary(path, Request::new(note("a")))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented, "{path}: {status}");
    }
}

#[tokio::test]
async fn errors_have_their_code_text_and_details() {
    let (running, _dropped) = start().await;
    let mut client = Tonic::connect(running.address()).await;
    let text = "\t\nspaces\r\n 100% ☺ and 😈 \t\n";
    let status = client
        .unary("/test.Echo/Fail", Request::new(note(text)))
        .await
        .unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, text));
    // Where it comes from, as Go Micro puts it among the details.
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(details.contains("errors.Error") && details.contains("parrot"));

    let mut with = note("gone");
    with.payload = vec![8, 5, 18, 1, b'x'];
    let status = client
        .unary("/test.Echo/Fail", Request::new(with))
        .await
        .unwrap_err();
    assert_eq!(status.details(), [8, 5, 18, 1, b'x']);

    let status = client
        .unary("/test.Echo/Panic", Request::new(note("secret")))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("secret"));
    assert_eq!(client.say("still here").await.unwrap(), "still here");

    let status = client.repeat(note("never")).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Aborted, "not at all")
    );
    for (text, code) in [("fail", Code::DataLoss), ("panic", Code::Internal)] {
        let mut replies = client.repeat(note(text)).await.unwrap().into_inner();
        for _ in 0..3 {
            assert!(replies.message().await.unwrap().is_some());
        }
        assert_eq!(replies.message().await.unwrap_err().code(), code);
    }
    // A type that is no protobuf.
    let status = client
        .unary("/test.Echo/Plain", Request::new(note("a")))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented, "{status}");
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    let (running, _dropped) = start_with(|service| service).await;
    let mut client = Tonic::connect(running.address()).await;
    let mut request = Request::new(note("x"));
    request
        .metadata_mut()
        .insert("tenant", "a".parse().unwrap());
    let raw = MetadataValue::from_bytes(&[0, 1, 0xff]);
    request.metadata_mut().insert_bin("raw-bin", raw);
    let reply = client.unary("/test.Echo/Say", request).await.unwrap();
    assert_eq!(reply.into_inner().text, "raw-bin=AAH/ tenant=a x");
    let mut request = Request::new(note("x"));
    request.metadata_mut().insert("ask", "1".parse().unwrap());
    request.set_timeout(Duration::from_secs(100));
    let reply = client.unary("/test.Echo/Say", request).await.unwrap();
    assert_eq!(reply.into_inner().text, "Some(99) Some(\"grpc\")");
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_handler() {
    let (running, mut dropped) = start().await;
    let mut client = Tonic::connect(running.address()).await;
    // One call is dropped, its connection stays.
    let call = client.unary("/test.Echo/Wait", Request::new(note("60000")));
    let _ = tokio::time::timeout(Duration::from_millis(100), call).await;
    both(&mut dropped).await;

    let mut replies = client.repeat(note("endless")).await.unwrap().into_inner();
    assert!(replies.message().await.unwrap().is_some());
    drop(replies);
    assert_eq!(told(&mut dropped).await, "stream");

    // The connection goes.
    let mut replies = client.repeat(note("endless")).await.unwrap().into_inner();
    assert!(replies.message().await.unwrap().is_some());
    drop((client, replies));
    assert_eq!(told(&mut dropped).await, "stream");
}

/// The handler and whoever waits for the end of its context.
async fn both(dropped: &mut echo::Dropped) {
    let mut ends = [told(dropped).await, told(dropped).await];
    ends.sort_unstable();
    assert_eq!(ends, ["context", "handler"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_and_the_limit() {
    let (running, _dropped) = start().await;
    let mut client = Tonic::connect(running.address()).await;
    let mut large = note("large");
    large.payload = vec![7; 3 << 20];
    let reply = client
        .unary("/test.Echo/Say", Request::new(large.clone()))
        .await
        .unwrap();
    assert!(reply.into_inner() == large);
    let mut replies = client.repeat(large.clone()).await.unwrap().into_inner();
    for n in 0..10 {
        let reply = replies.message().await.unwrap().unwrap();
        assert_eq!(
            (reply.text, reply.payload.len()),
            (format!("large {n}"), 3 << 20)
        );
    }
    drop(replies);
    large.payload = vec![7; 5 << 20];
    let status = client
        .unary("/test.Echo/Say", Request::new(large))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let mut request = Request::new(note("a"));
    let value = "x".repeat(17 << 10);
    request.metadata_mut().insert("big", value.parse().unwrap());
    let status = client.unary("/test.Echo/Say", request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    assert_eq!(client.say("a").await.unwrap(), "a");
}

#[tokio::test]
async fn compressed_requests_are_read_and_bombs_are_not() {
    let (running, _dropped) = start().await;
    let mut client = Tonic::connect(running.address()).await;
    client.0 = client
        .0
        .send_compressed(tonic::codec::CompressionEncoding::Gzip);
    assert_eq!(client.say("squeezed").await.unwrap(), "squeezed");
    let mut bomb = note("bomb");
    bomb.payload = vec![0; 20 << 20];
    let status = client
        .unary("/test.Echo/Say", Request::new(bomb))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_at_once() {
    let (running, _dropped) = start().await;
    let client = Tonic::connect(running.address()).await;
    let calls = (0..1000).map(|n: u32| {
        let mut client = client.clone();
        async move { client.say(&n.to_string()).await.unwrap() == n.to_string() }
    });
    let replies = futures_util::future::join_all(calls).await;
    assert!(replies.into_iter().all(|right| right));
}

#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheck {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Health {
    #[prost(int32, tag = "1")]
    status: i32,
}

#[tokio::test]
async fn health_is_told_without_a_word_by_the_service() {
    use tonic::codegen::http::uri::PathAndQuery;
    use tonic_prost::ProstCodec;
    let (running, _dropped) =
        start_with(|service| service.leave_delay(Duration::from_millis(300))).await;
    let mut client = Tonic::connect(running.address()).await;
    let check = |service: &str| {
        Request::new(HealthCheck {
            service: service.to_owned(),
        })
    };
    let path = || PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    for service in ["", "test.Echo", "Echo"] {
        client.0.ready().await.unwrap();
        let codec = ProstCodec::<HealthCheck, Health>::default();
        let reply = client.0.unary(check(service), path(), codec).await.unwrap();
        assert_eq!(reply.into_inner().status, 1);
    }
    client.0.ready().await.unwrap();
    let codec = ProstCodec::<HealthCheck, Health>::default();
    let status = client
        .0
        .unary(check("other"), path(), codec)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);

    client.0.ready().await.unwrap();
    let codec = ProstCodec::<HealthCheck, Health>::default();
    let path = PathAndQuery::from_static("/grpc.health.v1.Health/Watch");
    let watch = client.0.server_streaming(check(""), path, codec).await;
    let mut watch = watch.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status, 1);
    let started = std::time::Instant::now();
    let stopping = tokio::spawn(running.stop());
    assert_eq!(watch.message().await.unwrap().unwrap().status, 2);
    // Calls are still taken: callers need time to see it.
    assert_eq!(client.say("a").await.unwrap(), "a");
    assert_eq!(watch.message().await.unwrap_err().code(), Code::Unavailable);
    stopping.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_at_work() {
    let (running, _dropped) = start().await;
    let mut client = Tonic::connect(running.address()).await;
    let mut other = client.clone();
    let call = tokio::spawn(async move {
        other
            .unary("/test.Echo/Wait", Request::new(note("500")))
            .await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(client.say("a").await.unwrap(), "a");
    running.stop().await.unwrap();
    assert_eq!(call.await.unwrap().unwrap().into_inner().text, "500");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_may_not_wait_says_so() {
    let (running, mut dropped) =
        start_with(|service| service.drain_timeout(Duration::from_millis(100))).await;
    let mut client = Tonic::connect(running.address()).await;
    let call = tokio::spawn(async move {
        client
            .unary("/test.Echo/Wait", Request::new(note("60000")))
            .await
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop().await.unwrap();
    assert_eq!(call.await.unwrap().unwrap_err().code(), Code::Unavailable);
    told(&mut dropped).await;
}
