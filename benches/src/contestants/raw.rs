//! What the sockets allow: a server that writes back whatever it read, and two clients of it. They
//! frame, encode and route nothing, so they are limits and no contestants.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

use super::{Contestant, Outcome};

async fn serve(ready: fn(&str)) -> Outcome<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    ready(&listener.local_addr()?.to_string());
    loop {
        let (mut socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut buffer = Vec::with_capacity(4096);
            loop {
                buffer.clear();
                match socket.read_buf(&mut buffer).await {
                    Ok(n) if n > 0 => {}
                    _ => return,
                }
                if buffer.len() == buffer.capacity() && buffer.capacity() < 256 << 10 {
                    buffer.reserve(buffer.capacity() * 2);
                }
                if socket.write_all(&buffer).await.is_err() {
                    return;
                }
            }
        });
    }
}

async fn socket(address: &str) -> Outcome<TcpStream> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// A connection for each caller: a write, a read.
#[derive(Clone)]
pub struct PingPong {
    address: Arc<str>,
    socket: Arc<Mutex<(TcpStream, Vec<u8>)>>,
}

impl Contestant for PingPong {
    const NAME: &'static str = "raw-pingpong";

    async fn serve(ready: fn(&str)) -> Outcome<()> {
        serve(ready).await
    }

    async fn connect(address: String) -> Outcome<Self> {
        Ok(Self {
            socket: Arc::new(Mutex::new((socket(&address).await?, Vec::new()))),
            address: address.into(),
        })
    }

    async fn caller(&self) -> Outcome<Self> {
        Self::connect(self.address.to_string()).await
    }

    async fn echo(&self, body: Bytes) -> Outcome<Bytes> {
        let mut held = self.socket.lock().await;
        let (socket, buffer) = &mut *held;
        buffer.resize(body.len(), 0);
        socket.write_all(&body).await?;
        socket.read_exact(buffer).await?;
        Ok(body)
    }
}

/// One connection, on which all that is due is written in one go.
#[derive(Clone)]
pub struct Pipelined(PingPong);

impl Contestant for Pipelined {
    const NAME: &'static str = "raw-pipelined";

    async fn serve(ready: fn(&str)) -> Outcome<()> {
        serve(ready).await
    }

    async fn connect(address: String) -> Outcome<Self> {
        Ok(Self(PingPong::connect(address).await?))
    }

    async fn echo(&self, body: Bytes) -> Outcome<Bytes> {
        self.0.echo(body).await
    }

    async fn flood(&self, in_flight: usize, body: Bytes) -> Outcome<()> {
        let mut held = self.0.socket.lock().await;
        let (mut reader, mut writer) = held.0.split();
        let all = body.repeat(in_flight);
        let mut sent = std::collections::VecDeque::new();
        let mut buffer = vec![0; (body.len() * in_flight).min(256 << 10)];
        let (mut owed, mut partial) = (in_flight, 0);
        loop {
            let now = Instant::now();
            sent.extend(std::iter::repeat_n(now, owed));
            let mut out = &all[..owed * body.len()];
            owed = 0;
            // Reads while it writes: both sides would wait for each other with large messages.
            while !out.is_empty() || owed == 0 {
                let read = tokio::select! {
                    read = reader.read(&mut buffer) => read?,
                    wrote = writer.write(out), if !out.is_empty() => {
                        out = &out[wrote?..];
                        continue;
                    }
                };
                if read == 0 {
                    return Err("the connection ended".into());
                }
                partial += read;
                let now = Instant::now();
                while partial >= body.len() {
                    partial -= body.len();
                    owed += 1;
                    let sent = sent.pop_front().unwrap_or(now);
                    crate::latency::record(now - sent);
                }
            }
        }
    }
}
