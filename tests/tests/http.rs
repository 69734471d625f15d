//! Plain HTTP on the server's one port, spoken by hand.

#[path = "grpc/echo.rs"]
#[allow(dead_code)]
mod echo;

use std::time::{Duration, Instant};

use echo::{start, start_with, told};
use prost::Message;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What came back: the status, the head in lower case, the body.
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// Sends a request on a connection of its own.
async fn send(address: &str, head: &str, body: &[u8]) -> Reply {
    let mut io = TcpStream::connect(address).await.unwrap();
    let len = body.len();
    let head = head.trim().replace("\n", "\r\n");
    let head = format!("{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {len}\r\n\r\n");
    io.write_all(head.as_bytes()).await.unwrap();
    // The server may answer, and hang up, before it has it all.
    let _ = io.write_all(body).await;
    let mut all = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), io.read_to_end(&mut all))
        .await
        .unwrap();
    parse(&all)
}

fn parse(all: &[u8]) -> Reply {
    let end = all
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("a head")
        + 4;
    let head = String::from_utf8(all[..end].to_vec())
        .unwrap()
        .to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = &all[end..];
    let mut whole = Vec::new();
    if head.contains("transfer-encoding: chunked") {
        loop {
            let line = body.windows(2).position(|two| two == b"\r\n").unwrap();
            let len = std::str::from_utf8(&body[..line]).unwrap();
            let len = usize::from_str_radix(len, 16).unwrap();
            if len == 0 {
                break;
            }
            whole.extend_from_slice(&body[line + 2..line + 2 + len]);
            body = &body[line + 4 + len..];
        }
    } else {
        whole = body.to_vec();
    }
    Reply {
        status,
        head,
        body: whole,
    }
}

async fn post(address: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
    let media = if headers.contains("content-type") {
        ""
    } else {
        "\ncontent-type: application/json"
    };
    send(
        address,
        &format!("POST {path} HTTP/1.1{media}\n{headers}"),
        body,
    )
    .await
}

#[tokio::test]
async fn a_call_is_a_post_with_json() {
    let (running, _dropped) = start().await;
    let address = running.address();
    for path in ["/test.Echo/Say", "/Echo/Say", "/parrot.Echo/Say"] {
        let reply = post(address, path, "tenant: a", br#"{"text":"hi"}"#).await;
        assert_eq!(
            (reply.status, &reply.json()["text"]),
            (200, &json!("tenant=a hi"))
        );
        assert!(reply.head.contains("content-type: application/json"));
        assert!(
            reply
                .head
                .contains(&format!("content-length: {}", reply.body.len()))
        );
    }
    let note = echo::note("hi").encode_to_vec();
    for media in ["application/proto", "application/protobuf"] {
        let headers = format!("content-type: {media}");
        let reply = post(address, "/test.Echo/Say", &headers, &note).await;
        assert_eq!((reply.status, &reply.body), (200, &note));
        assert!(reply.head.contains(&headers), "{}", reply.head);
    }
    let headers = "content-type: application/proto\naccept: application/json";
    let reply = post(address, "/test.Echo/Say", headers, &note).await;
    assert_eq!(reply.json()["text"], "hi");
    let headers =
        "content-type: application/json; charset=utf-8\nask: 1\nconnect-timeout-ms: 100000";
    let reply = post(address, "/test.Echo/Say", headers, b"{}").await;
    assert_eq!(reply.json()["text"], "Some(99) Some(\"http\")");
}

#[tokio::test]
async fn errors_have_the_status_and_shape_of_their_kind() {
    let (running, _dropped) = start().await;
    let address = running.address();
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(5 << 20));
    let none = "";
    let proto = "content-type: application/proto";
    // What is wrong, the path, the headers, the body, then the status and the code.
    let table: &[(&str, &str, &str, &str, u16, &str)] = &[
        (
            "the handler says so",
            "/test.Echo/Fail",
            none,
            r#"{"text":"no"}"#,
            404,
            "not_found",
        ),
        (
            "a panic",
            "/test.Echo/Panic",
            none,
            r#"{"text":"secret"}"#,
            500,
            "internal",
        ),
        (
            "no JSON",
            "/test.Echo/Say",
            none,
            "{",
            400,
            "invalid_argument",
        ),
        (
            "no body",
            "/test.Echo/Say",
            none,
            "",
            400,
            "invalid_argument",
        ),
        (
            "other JSON",
            "/test.Echo/Say",
            none,
            "7",
            400,
            "invalid_argument",
        ),
        (
            "no protobuf",
            "/test.Echo/Say",
            proto,
            "\u{7f}",
            400,
            "invalid_argument",
        ),
        (
            "no such method",
            "/test.Echo/Shout",
            none,
            "{}",
            404,
            "unimplemented",
        ),
        (
            "no such service",
            "/test.Ohce/Say",
            none,
            "{}",
            404,
            "unimplemented",
        ),
        ("no method at all", "/", none, "{}", 404, "unimplemented"),
        (
            "a form unknown",
            "/test.Echo/Say",
            "content-type: text/html",
            "{}",
            415,
            "unimplemented",
        ),
        (
            "a form it has not",
            "/test.Echo/Plain",
            proto,
            "",
            501,
            "unimplemented",
        ),
        (
            "a compressed body",
            "/test.Echo/Say",
            "content-encoding: gzip",
            "{}",
            415,
            "unimplemented",
        ),
        (
            "too large",
            "/test.Echo/Say",
            none,
            &large,
            413,
            "resource_exhausted",
        ),
        (
            "a late reply",
            "/test.Echo/Wait",
            "connect-timeout-ms: 50",
            r#"{"text":"60000"}"#,
            408,
            "deadline_exceeded",
        ),
        (
            "the same for Connect",
            "/test.Echo/Wait",
            "connect-timeout-ms: 50\nconnect-protocol-version: 1",
            r#"{"text":"60000"}"#,
            504,
            "deadline_exceeded",
        ),
        (
            "no timeout",
            "/test.Echo/Say",
            "connect-timeout-ms: 1s",
            "{}",
            400,
            "invalid_argument",
        ),
        (
            "it takes a stream",
            "/test.Echo/Collect",
            none,
            "{}",
            501,
            "unimplemented",
        ),
        (
            "it gives a stream",
            "/test.Echo/Repeat",
            none,
            "{}",
            501,
            "unimplemented",
        ),
        (
            "it gives no stream",
            "/test.Echo/Say",
            "accept: application/x-ndjson",
            "{}",
            501,
            "unimplemented",
        ),
    ];
    for (what, path, headers, body, status, code) in table {
        let reply = post(address, path, headers, body.as_bytes()).await;
        let json = reply.json();
        assert_eq!(
            (reply.status, &json["code"]),
            (*status, &json!(code)),
            "{what}: {json}"
        );
        let message = json["message"].as_str().expect(what);
        assert!(
            !message.is_empty() && !message.contains("secret"),
            "{what}: {message}"
        );
        assert!(
            reply.head.contains("content-type: application/json"),
            "{what}"
        );
        assert!(!reply.head.contains("access-control"), "{what}");
    }
    let reply = post(address, "/test.Echo/Fail", "", br#"{"text":"no"}"#).await;
    let whole = json!({ "code": "not_found", "message": "no", "id": "parrot" });
    assert_eq!(reply.json(), whole);
    let reply = send(address, "GET /test.Echo/Say HTTP/1.1", b"").await;
    assert_eq!(reply.status, 405);
    assert!(reply.head.contains("allow: post"));
    let headers = "content-type: application/grpc";
    assert_eq!(
        post(address, "/test.Echo/Say", headers, b"").await.status,
        505
    );
}

#[tokio::test]
async fn a_body_of_unknown_length_is_bounded_too() {
    let (running, _dropped) = start().await;
    let mut io = TcpStream::connect(running.address()).await.unwrap();
    let head = "POST /test.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    io.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = io.into_split();
    let sending = tokio::spawn(async move {
        let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
        while write.write_all(&chunk).await.is_ok() {}
    });
    let mut all = vec![0; 12];
    read.read_exact(&mut all).await.unwrap();
    assert_eq!(all, b"HTTP/1.1 413");
    sending.abort();
}

#[tokio::test]
async fn replies_on_lines() {
    let (running, mut dropped) = start().await;
    let lines = "accept: application/x-ndjson";
    let reply = post(
        running.address(),
        "/test.Echo/Repeat",
        lines,
        br#"{"text":"x"}"#,
    )
    .await;
    assert!(reply.head.contains("content-type: application/x-ndjson"));
    let text = String::from_utf8(reply.body).unwrap();
    let texts: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((texts.len(), &texts[999]["text"]), (1000, &json!("x 999")));
    assert_eq!(told(&mut dropped).await, "stream");

    let reply = post(
        running.address(),
        "/test.Echo/Repeat",
        lines,
        br#"{"text":"fail"}"#,
    )
    .await;
    let text = String::from_utf8(reply.body).unwrap();
    let last: Value = serde_json::from_str(text.lines().nth(3).unwrap()).unwrap();
    assert_eq!(
        last["error"],
        json!({ "code": "data_loss", "message": "three" })
    );
    assert_eq!(told(&mut dropped).await, "stream");

    let reply = post(
        running.address(),
        "/test.Echo/Repeat",
        lines,
        br#"{"text":"never"}"#,
    )
    .await;
    assert_eq!(
        (reply.status, &reply.json()["code"]),
        (409, &json!("aborted"))
    );

    // Nobody reads on.
    let mut io = TcpStream::connect(running.address()).await.unwrap();
    let request = "POST /test.Echo/Repeat HTTP/1.1\r\nhost: x\r\naccept: application/x-ndjson\r\n\
                   content-type: application/json\r\ncontent-length: 18\r\n\r\n{\"text\":\"endless\"}";
    io.write_all(request.as_bytes()).await.unwrap();
    io.read_exact(&mut [0; 1000]).await.unwrap();
    drop(io);
    assert_eq!(told(&mut dropped).await, "stream");
}

#[tokio::test]
async fn a_caller_that_hangs_up_ends_the_handler() {
    let (running, mut dropped) = start().await;
    let mut io = TcpStream::connect(running.address()).await.unwrap();
    let request = "POST /test.Echo/Wait HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                   content-length: 16\r\n\r\n{\"text\":\"60000\"}";
    io.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(io);
    let mut ends = [told(&mut dropped).await, told(&mut dropped).await];
    ends.sort_unstable();
    assert_eq!(ends, ["context", "handler"]);
}

#[tokio::test]
async fn probes_tell_whether_the_server_is_there_for_calls() {
    let (running, _dropped) =
        start_with(|service| service.leave_delay(Duration::from_millis(500))).await;
    let address = running.address().to_owned();
    for path in ["/livez", "/readyz", "/healthz"] {
        let reply = send(&address, &format!("GET {path} HTTP/1.1"), b"").await;
        assert_eq!(
            (reply.status, reply.json()),
            (200, json!({ "status": "serving" }))
        );
        let reply = send(&address, &format!("HEAD {path} HTTP/1.1"), b"").await;
        assert_eq!((reply.status, reply.body.len()), (200, 0));
        let reply = post(&address, path, "", b"").await;
        assert_eq!(reply.status, 405);
    }
    let started = Instant::now();
    let stopping = tokio::spawn(running.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(send(&address, "GET /livez HTTP/1.1", b"").await.status, 200);
    assert_eq!(
        send(&address, "GET /readyz HTTP/1.1", b"").await.status,
        503
    );
    // An idle connection that is kept for more does not hold up the stop.
    let mut idle = TcpStream::connect(&address).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut all = Vec::new();
    idle.read_to_end(&mut all).await.unwrap();
    assert_eq!(parse(&all).status, 200);
    stopping.await.unwrap().unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn many_requests_on_one_connection() {
    let (running, _dropped) = start().await;
    let mut io = TcpStream::connect(running.address()).await.unwrap();
    let request = "POST /test.Echo/Say HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                   content-length: 12\r\n\r\n{\"text\":\"a\"}";
    // All at once: what is read with the first is not lost for the next.
    io.write_all(request.repeat(10).as_bytes()).await.unwrap();
    let mut all = String::new();
    while all.matches("\"text\":\"a\"").count() < 10 {
        let mut some = [0; 1000];
        let len = io.read(&mut some).await.unwrap();
        assert!(len > 0, "{all}");
        all.push_str(std::str::from_utf8(&some[..len]).unwrap());
    }
    assert_eq!(all.matches("HTTP/1.1 200 OK").count(), 10);
}

#[tokio::test]
async fn a_header_over_the_limit_is_refused() {
    let (running, _dropped) = start().await;
    let headers = format!("big: {}", "x".repeat(40 << 10));
    let reply = post(running.address(), "/test.Echo/Say", &headers, b"{}").await;
    assert_eq!(reply.status, 431);
    let headers = format!("big: {}", "x".repeat(17 << 10));
    let reply = post(running.address(), "/test.Echo/Say", &headers, b"{}").await;
    assert_eq!(reply.status, 429);
}
