//! micro's native protocol with the whole client: registry, selector, retries, deadline, context.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use micro::{
    Result, RpcClient, Service, Streaming,
    registry::{self, MemoryRegistry, Node, Registry},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Contestant, Outcome, WAIT};
use crate::message::{Msg, count, counted};

#[micro::service]
trait Echo {
    async fn echo(&self, msg: Msg) -> Result<Msg>;
    async fn wait(&self, msg: Msg) -> Result<Msg>;
    async fn down(&self, msg: Msg) -> Result<impl Stream<Item = Result<Msg>>>;
    async fn up(&self, items: Streaming<Msg>) -> Result<Msg>;
    async fn chat(&self, items: Streaming<Msg>) -> Result<impl Stream<Item = Result<Msg>>>;
}

struct Server;

#[micro::service]
impl Echo for Server {
    async fn echo(&self, msg: Msg) -> Result<Msg> {
        Ok(msg)
    }

    async fn wait(&self, msg: Msg) -> Result<Msg> {
        tokio::time::sleep(WAIT).await;
        Ok(msg)
    }

    async fn down(&self, msg: Msg) -> Result<impl Stream<Item = Result<Msg>>> {
        Ok(stream::iter(std::iter::repeat(msg)).map(Ok))
    }

    async fn up(&self, mut items: Streaming<Msg>) -> Result<Msg> {
        let mut n = 0;
        while items.message().await?.is_some() {
            n += 1;
        }
        Ok(count(n))
    }

    async fn chat(&self, items: Streaming<Msg>) -> Result<impl Stream<Item = Result<Msg>>> {
        Ok(items)
    }
}

/// A client that finds the server by a registry, as it would in earnest.
pub(super) async fn client(address: String) -> Outcome<RpcClient> {
    let known = MemoryRegistry::new();
    let node = Node {
        id: "bench-1".to_owned(),
        address,
        ..Node::default()
    };
    let record = registry::Service {
        name: "bench".to_owned(),
        nodes: vec![node],
        ..registry::Service::default()
    };
    known.register(&record, Duration::from_secs(3600)).await?;
    Ok(Service::new("caller").registry(known).client())
}

#[derive(Clone)]
pub struct Micro(EchoClient<RpcClient>);

impl Contestant for Micro {
    const NAME: &'static str = "micro";

    async fn serve(ready: fn(&str)) -> Outcome<()> {
        let service = Service::new("bench").registry(MemoryRegistry::new());
        let running = service.handle(Server).start().await?;
        ready(running.address());
        Ok(running.wait().await?)
    }

    async fn connect(address: String) -> Outcome<Self> {
        Ok(Self(EchoClient::new("bench", client(address).await?)))
    }

    async fn echo(&self, body: Bytes) -> Outcome<Bytes> {
        Ok(self.0.echo(Msg { body }).await?.body)
    }

    async fn wait(&self, body: Bytes) -> Outcome<Bytes> {
        Ok(self.0.wait(Msg { body }).await?.body)
    }

    async fn down(&self, body: Bytes, seen: &'static AtomicU64) -> Outcome<()> {
        let mut items = self.0.down(Msg { body }).await?;
        while items.message().await?.is_some() {
            seen.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    async fn up(&self, items: impl Iterator<Item = Bytes> + Send + 'static) -> Outcome<u64> {
        let items = stream::iter(items.map(|body| Msg { body }));
        Ok(counted(&self.0.up(items).await?.body))
    }

    async fn rally(&self, body: Bytes, mut go_on: impl FnMut() -> bool + Send) -> Outcome<()> {
        let (sender, items) = mpsc::channel(1);
        let mut back = self.0.chat(ReceiverStream::new(items)).await?;
        let mut msg = Msg { body };
        while go_on() {
            sender.send(msg).await?;
            msg = back.message().await?.ok_or("the stream ended")?;
        }
        Ok(())
    }
}
