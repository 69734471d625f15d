//! tonic: gRPC over HTTP/2, one channel.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Result, Streaming, transport::Channel};

use super::{Contestant, Outcome, WAIT};
use crate::message::{Msg, count, counted};

mod glue {
    #![allow(clippy::all, unused, unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/bench.Echo.rs"));
}

use glue::{echo_client::EchoClient, echo_server};

/// With the default, h2 takes 10,000 small replies on one connection for an attack and ends it.
const CONNECTION_WINDOW: u32 = 64 << 20;

struct Server;

#[async_trait::async_trait]
impl echo_server::Echo for Server {
    type DownStream = stream::Map<stream::Iter<std::iter::Repeat<Msg>>, fn(Msg) -> Result<Msg>>;
    type ChatStream = Streaming<Msg>;

    async fn echo(&self, request: Request<Msg>) -> Result<Response<Msg>> {
        Ok(Response::new(request.into_inner()))
    }

    async fn wait(&self, request: Request<Msg>) -> Result<Response<Msg>> {
        tokio::time::sleep(WAIT).await;
        Ok(Response::new(request.into_inner()))
    }

    async fn down(&self, request: Request<Msg>) -> Result<Response<Self::DownStream>> {
        let items = stream::iter(std::iter::repeat(request.into_inner()));
        Ok(Response::new(items.map(Ok as fn(Msg) -> Result<Msg>)))
    }

    async fn up(&self, request: Request<Streaming<Msg>>) -> Result<Response<Msg>> {
        let mut items = request.into_inner();
        let mut n = 0;
        while items.message().await?.is_some() {
            n += 1;
        }
        Ok(Response::new(count(n)))
    }

    async fn chat(&self, request: Request<Streaming<Msg>>) -> Result<Response<Self::ChatStream>> {
        Ok(Response::new(request.into_inner()))
    }
}

#[derive(Clone)]
pub struct Tonic(EchoClient<Channel>);

impl Contestant for Tonic {
    const NAME: &'static str = "tonic";

    async fn serve(ready: fn(&str)) -> Outcome<()> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        ready(&listener.local_addr()?.to_string());
        let accepted = TcpListenerStream::new(listener).map(|socket| {
            let socket = socket?;
            socket.set_nodelay(true)?;
            std::io::Result::Ok(socket)
        });
        // 200 by default: fewer than are in flight here.
        tonic::transport::Server::builder()
            .max_concurrent_streams(20_000)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .add_service(echo_server::EchoServer::new(Server))
            .serve_with_incoming(accepted)
            .await?;
        Ok(())
    }

    async fn connect(address: String) -> Outcome<Self> {
        let endpoint = Channel::from_shared(format!("http://{address}"))?;
        Ok(Self(EchoClient::new(
            endpoint
                .tcp_nodelay(true)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .connect()
                .await?,
        )))
    }

    async fn echo(&self, body: Bytes) -> Outcome<Bytes> {
        Ok(self.0.clone().echo(Msg { body }).await?.into_inner().body)
    }

    async fn wait(&self, body: Bytes) -> Outcome<Bytes> {
        Ok(self.0.clone().wait(Msg { body }).await?.into_inner().body)
    }

    async fn down(&self, body: Bytes, seen: &'static AtomicU64) -> Outcome<()> {
        let mut items = self.0.clone().down(Msg { body }).await?.into_inner();
        while items.message().await?.is_some() {
            seen.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    async fn up(&self, items: impl Iterator<Item = Bytes> + Send + 'static) -> Outcome<u64> {
        let items = stream::iter(items.map(|body| Msg { body }));
        Ok(counted(&self.0.clone().up(items).await?.into_inner().body))
    }

    async fn rally(&self, body: Bytes, mut go_on: impl FnMut() -> bool + Send) -> Outcome<()> {
        let (sender, items) = mpsc::channel(1);
        let mut back = self
            .0
            .clone()
            .chat(ReceiverStream::new(items))
            .await?
            .into_inner();
        let mut msg = Msg { body };
        while go_on() {
            sender.send(msg).await?;
            msg = back.message().await?.ok_or("the stream ended")?;
        }
        Ok(())
    }
}
