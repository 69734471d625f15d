//! Servers that misbehave: their callers get an error, and keep their other nodes.

use std::time::Duration;

use micro::{
    Code, Error,
    native::{HEADER, Header, Kind, PREFACE},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    common::{Node, alone, check_works, note, tasks, until},
    raw::{self, METADATA},
};

/// A server that says `preface`, waits for the first call, says `answer` with the call's id in
/// place, and then hangs up or stalls.
async fn server(
    preface: Vec<u8>,
    answer: impl Fn(u32) -> Vec<u8> + Send + 'static,
    stall: bool,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let Ok((mut io, _)) = listener.accept().await else {
            return;
        };
        let mut theirs = [0; PREFACE.len()];
        let _ = io.read_exact(&mut theirs).await;
        let _ = io.write_all(&preface).await;
        if preface != PREFACE {
            return;
        }
        let mut header = [0; HEADER];
        while io.read_exact(&mut header).await.is_ok() {
            let header = Header::peek(&header).unwrap().unwrap();
            let mut body = vec![0; header.len as usize];
            let _ = io.read_exact(&mut body).await;
            if header.kind == Kind::Call {
                let _ = io.write_all(&answer(header.id)).await;
                break;
            }
        }
        if stall {
            // Until the caller hangs up.
            let _ = io.read_to_end(&mut Vec::new()).await;
        }
    });
    address
}

async fn call(node: &Node, address: &str) -> Result<crate::common::Note, Error> {
    let call = node.client.say(note("a")).address(address).retries(0);
    call.timeout(Duration::from_secs(2)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_server_says_is_an_error_and_no_panic() {
    let node = alone().await;
    check_works(&node.client).await;
    let before = tasks();
    let reply = Kind::Reply as u8;
    // More headers than a map of them can hold.
    let many: Vec<_> = (0..40_000).map(|n| format!("h{n}").into_bytes()).collect();
    let many: Vec<_> = many.iter().map(|name| (&name[..], &b""[..])).collect();
    let many = raw::with_metadata(&many, b"");
    type Answer = Box<dyn Fn(u32) -> Vec<u8> + Send>;
    let answers: Vec<(&str, Answer, Code)> = vec![
        ("nothing", Box::new(|_| Vec::new()), Code::Unavailable),
        ("no frame", Box::new(|_| vec![0xff; 100]), Code::Unavailable),
        (
            "half a header",
            Box::new(move |id| raw::frame(reply, id, 16, 0, 0, b"")[..9].to_vec()),
            Code::Unavailable,
        ),
        (
            "half a body",
            Box::new(move |id| raw::frame(reply, id, 16, 0, 0, b"{\"text\"")[..20].to_vec()),
            Code::Unavailable,
        ),
        (
            "no JSON",
            Box::new(move |id| raw::frame(reply, id, 16, 0, 0, b"{{")),
            Code::Internal,
        ),
        (
            "an unknown form",
            Box::new(move |id| raw::frame(reply, id, 9 << 4, 0, 0, b"")),
            Code::Unimplemented,
        ),
        (
            "an unknown code",
            Box::new(move |id| raw::frame(reply, id, 0, 0, 999, b"\xff\xff\xff\xff")),
            Code::Unknown,
        ),
        (
            "metadata cut short",
            Box::new(move |id| raw::frame(reply, id, 16 | METADATA, 0, 0, b"\xff")),
            Code::InvalidArgument,
        ),
        (
            "metadata without end",
            Box::new(move |id| raw::frame(reply, id, 16 | METADATA, 0, 0, &many)),
            Code::ResourceExhausted,
        ),
        (
            "a call",
            Box::new(|id| raw::call(id, 0, 16, b"{}")),
            Code::Unavailable,
        ),
        (
            "an answer over the limit",
            Box::new(move |id| raw::frame(reply, id, 16, 0, 0, &vec![b' '; 5 << 20])),
            Code::ResourceExhausted,
        ),
        (
            "answers to others",
            Box::new(move |id| {
                [
                    raw::frame(reply, id + 1, 16, 0, 0, b"{}"),
                    raw::frame(reply, u32::MAX, 16, 0, 0, b"{}"),
                ]
                .concat()
            }),
            Code::Unavailable,
        ),
    ];
    for (what, answer, code) in answers {
        let address = server(PREFACE.to_vec(), answer, false).await;
        let error = call(&node, &address).await.unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
    }
    for preface in [
        &b""[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xf5micro\0\x63",
        &PREFACE[..5],
    ] {
        let address = server(preface.to_vec(), |_| Vec::new(), false).await;
        let error = call(&node, &address).await.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable, "{preface:?}: {error}");
    }
    let address = server(PREFACE.to_vec(), |_| Vec::new(), true).await;
    let error = call(&node, &address).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "a stall: {error}");
    check_works(&node.client).await;
    // Of what was dialled by address, the client keeps a connection only where one still stands.
    until(|| tasks() <= before + 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_can_not_break_the_connection_that_others_share() {
    use micro::client::Client;
    let node = alone().await;
    check_works(&node.client).await;
    let bystander = tokio::spawn(node.client.wait(note("300")).into_future());
    node.seen.wait_entered(1).await;
    let client = node.running.client();
    let long = format!("e2e.Probe/{}", "x".repeat(2000));
    let error = client
        .call_json("probe", &long, &serde_json::json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument, "{error}");
    for length in [17_000, 65_535, 65_536, 70_000, 200_000] {
        let header = "x".repeat(length);
        let error = node
            .client
            .say(note("a"))
            .header("x-long", &header)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::ResourceExhausted, "{length}: {error}");
    }
    assert_eq!(bystander.await.unwrap().unwrap(), note("300"));
}
