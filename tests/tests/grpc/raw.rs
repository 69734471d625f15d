//! What no well-behaved client sends, frame by frame.

use std::time::Duration;

use bytes::Bytes;
use h2::{
    Reason, RecvStream, SendStream,
    client::{ResponseFuture, SendRequest},
};
use http::{HeaderMap, Request};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::echo::{note, start, start_with, told};

async fn connect(address: &str) -> SendRequest<Bytes> {
    let io = TcpStream::connect(address).await.unwrap();
    let (client, connection) = h2::client::handshake(io).await.unwrap();
    tokio::spawn(connection);
    client
}

fn begin(
    client: &mut SendRequest<Bytes>,
    path: &str,
    headers: &[(&str, &str)],
) -> (ResponseFuture, SendStream<Bytes>) {
    let mut request = Request::post(format!("http://localhost{path}"));
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/grpc");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client
        .send_request(request.body(()).unwrap(), false)
        .unwrap()
}

fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut frame = vec![flag];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    frame.into()
}

async fn all(mut body: RecvStream) -> (Vec<u8>, HeaderMap) {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        bytes.extend_from_slice(&chunk);
    }
    (bytes, body.trailers().await.unwrap().unwrap_or_default())
}

/// The status and the text of a call that sends these bytes.
async fn status(address: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> (u8, String) {
    let mut client = connect(address).await.ready().await.unwrap();
    let (response, mut sender) = begin(&mut client, path, headers);
    sender.send_data(body, true).unwrap();
    let response = tokio::time::timeout(Duration::from_secs(5), response);
    let (head, body) = response.await.unwrap().unwrap().into_parts();
    assert_eq!(head.status, 200);
    let found = |headers: &HeaderMap| {
        let text = |name| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        Some((
            text("grpc-status")?.parse().unwrap(),
            text("grpc-message").unwrap_or_default(),
        ))
    };
    match found(&head.headers) {
        Some(status) => status,
        None => found(&all(body).await.1).unwrap(),
    }
}

/// What is wrong, the headers, the body, and the status that it has.
type Malformed<'a> = (&'a str, &'a [(&'a str, &'a str)], Bytes, u8);

#[tokio::test]
async fn malformed_calls_have_the_right_status() {
    let (running, _dropped) = start().await;
    let say = framed(0, &note("a").encode_to_vec());
    let twice = Bytes::from([&say[..], &say[..]].concat());
    let none: &[(&str, &str)] = &[];
    let json = [("content-type", "application/grpc+json")];
    let text = |text: &'static str| framed(0, text.as_bytes());
    let table: Vec<Malformed<'_>> = vec![
        ("good", none, say.clone(), 0),
        ("an empty message", none, framed(0, b""), 0),
        ("no message", none, Bytes::new(), 3),
        ("two messages", none, twice, 3),
        ("no protobuf", none, framed(0, &[0xff; 9]), 3),
        ("bad UTF-8", none, framed(0, &[0x0a, 1, 0xff]), 3),
        ("half a prefix", none, Bytes::from_static(&[0, 0]), 3),
        (
            "half a message",
            none,
            Bytes::from_static(&[0, 0, 0, 0, 9, 1]),
            3,
        ),
        ("no flag", none, framed(7, b""), 3),
        (
            "a length of 4 GiB",
            none,
            Bytes::from_static(&[0, 0xff, 0xff, 0xff, 0xff]),
            8,
        ),
        ("compressed, not said how", none, framed(1, b"x"), 3),
        (
            "compressed, no gzip",
            &[("grpc-encoding", "gzip")],
            framed(1, b"x"),
            3,
        ),
        (
            "an encoding unknown here",
            &[("grpc-encoding", "br")],
            say.clone(),
            12,
        ),
        (
            "a timeout that is none",
            &[("grpc-timeout", "1 second")],
            say.clone(),
            3,
        ),
        (
            "a timeout of nothing",
            &[("grpc-timeout", "0n")],
            say.clone(),
            4,
        ),
        ("JSON", &json, text(r#"{"text":"a"}"#), 0),
        ("no JSON", &json, text("{"), 3),
        (
            "a form unknown here",
            &[("content-type", "application/grpc+thrift")],
            say,
            12,
        ),
    ];
    for (what, headers, body, code) in table {
        let (got, text) = status(running.address(), "/test.Echo/Say", headers, body).await;
        assert_eq!(got, code, "{what}: {text}");
        assert_eq!(text.is_empty(), code == 0, "{what} has no text");
    }
    let plain = text(r#"{"text":"a"}"#);
    let (got, text) = status(running.address(), "/test.Echo/Plain", &json, plain).await;
    assert_eq!(got, 0, "a service without protobuf speaks JSON: {text}");
}

#[tokio::test]
async fn a_deadline_ends_the_handler() {
    let (running, mut dropped) = start().await;
    let wait = framed(0, &note("60000").encode_to_vec());
    let timeout = [("grpc-timeout", "50m")];
    let (code, text) = status(running.address(), "/test.Echo/Wait", &timeout, wait).await;
    assert_eq!(code, 4, "{text}");
    super::both(&mut dropped).await;

    // Neither does it wait for a request that does not end,
    let mut client = connect(running.address()).await.ready().await.unwrap();
    let (response, _sender) = begin(&mut client, "/test.Echo/Say", &timeout);
    assert_eq!(response.await.unwrap().headers()["grpc-status"], "4");
    // nor for replies that nobody reads.
    let timeout = [("grpc-timeout", "200m")];
    let (response, mut sender) = begin(&mut client, "/test.Echo/Repeat", &timeout);
    let endless = framed(0, &note("endless").encode_to_vec());
    sender.send_data(endless, true).unwrap();
    let _unread = response.await.unwrap();
    assert_eq!(told(&mut dropped).await, "stream");
}

#[tokio::test]
async fn a_reset_ends_the_handler() {
    let (running, mut dropped) = start().await;
    let mut client = connect(running.address()).await.ready().await.unwrap();
    let (_response, mut sender) = begin(&mut client, "/test.Echo/Wait", &[]);
    let wait = framed(0, &note("60000").encode_to_vec());
    sender.send_data(wait, true).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    sender.send_reset(Reason::CANCEL);
    super::both(&mut dropped).await;
    let (response, mut sender) = begin(&mut client, "/test.Echo/Chat", &[]);
    let _unread = response.await.unwrap();
    sender.send_reset(Reason::CANCEL);
    assert_eq!(told(&mut dropped).await, "chat");
}

/// An HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_never_end_are_refused_above_the_limit() {
    const STREAMS: u32 = 100_000;
    let (running, _dropped) = start().await;
    let io = TcpStream::connect(running.address()).await.unwrap();
    let (mut read, mut write) = io.into_split();
    // POST, http, /test.Echo/Say and application/grpc, without an index.
    let mut block = vec![0x83, 0x86, 0x04, 14];
    block.extend(b"/test.Echo/Say");
    block.extend([0x41, 1, b'x', 0x0f, 0x10, 16]);
    block.extend(b"application/grpc");
    let sending = tokio::spawn(async move {
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(4, 0, 0, &[]));
        for n in 0..STREAMS {
            bytes.extend(frame(1, 4, n * 2 + 1, &block));
        }
        // The server may hang up in the middle of it.
        let _ = write.write_all(&bytes).await;
        write
    });
    let (mut refused, mut goodbye, mut header) = (0, false, [0; 9]);
    let reading = async {
        while !goodbye && refused < STREAMS - 200 && read.read_exact(&mut header).await.is_ok() {
            let len = u32::from_be_bytes([0, header[0], header[1], header[2]]);
            let mut payload = vec![0; len as usize];
            read.read_exact(&mut payload).await.unwrap();
            match header[3] {
                3 => {
                    assert_eq!(payload, 7_u32.to_be_bytes(), "refused, nothing else");
                    refused += 1;
                }
                7 => goodbye = true,
                _ => {}
            }
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(60), reading).await;
    assert!(done.is_ok(), "{refused} refused");
    assert!(goodbye || refused >= STREAMS - 200, "{refused} refused");
    sending.abort();
    let mut client = super::Tonic::connect(running.address()).await;
    assert_eq!(client.say("others go on").await.unwrap(), "others go on");
}

/// Whether the server hangs up within a second of having got `bytes`.
async fn hangs_up(address: &str, bytes: &[u8]) -> bool {
    let mut io = TcpStream::connect(address).await.unwrap();
    io.write_all(bytes).await.unwrap();
    let mut rest = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(1), io.read_to_end(&mut rest));
    end.await.is_ok()
}

#[tokio::test]
async fn those_who_say_nothing_or_nonsense_are_not_waited_for() {
    let mut limits = micro::Limits::default();
    limits.handshake = Duration::from_millis(200);
    let (running, _dropped) = start_with(|service| service.limits(limits)).await;
    let garbage = [PREFACE, &[0xff; 64]].concat();
    let table: [(&str, &[u8]); 7] = [
        ("nothing", b""),
        ("half a preface", &PREFACE[..10]),
        (
            "half an HTTP/1 header",
            b"POST /test.Echo/Say HTTP/1.1\r\nhost: a",
        ),
        ("garbage after the preface", &garbage),
        ("another preface", b"PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n"),
        ("TLS", &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
        ("nonsense", b"ehlo example.com\r\n"),
    ];
    for (what, bytes) in table {
        assert!(hangs_up(running.address(), bytes).await, "{what}");
    }
}
