//! HTTP/1.1, by hand.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What came back: the status, the head in lower case, the body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// Sends a request on a connection of its own.
pub(crate) async fn send(address: &str, head: &str, body: &[u8]) -> Reply {
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

pub(crate) fn parse(all: &[u8]) -> Reply {
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

pub(crate) async fn post(address: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
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
