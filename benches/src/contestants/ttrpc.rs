//! ttrpc over TCP. Its messages are rust-protobuf's; `BytesValue` has the same encoding as the
//! message of the others.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use protobuf::{Message, well_known_types::wrappers::BytesValue};
use ttrpc::{
    Request, Response,
    r#async::{
        Client, ClientStream, ClientStreamReceiver, ClientStreamSender, MethodHandler, Server,
        ServerStream, ServerStreamReceiver, ServerStreamSender, Service, StreamHandler,
        StreamInner, TtrpcContext,
        transport::{Listener, Socket},
    },
};

use super::{Contestant, Outcome, WAIT};
use crate::message::{count, counted};

const SERVICE: &str = "bench.Echo";

fn value(body: &[u8]) -> BytesValue {
    BytesValue {
        value: body.to_vec(),
        ..BytesValue::default()
    }
}

fn other(error: protobuf::Error) -> ttrpc::Error {
    ttrpc::Error::Others(error.to_string())
}

fn reply(value: &BytesValue) -> ttrpc::Result<Response> {
    let mut response = Response::new();
    response.set_status(ttrpc::get_status(ttrpc::Code::OK, ""));
    response.payload = value.write_to_bytes().map_err(other)?;
    Ok(response)
}

struct Echo {
    waits: bool,
}

#[async_trait]
impl MethodHandler for Echo {
    async fn handler(&self, _: TtrpcContext, request: Request) -> ttrpc::Result<Response> {
        let value = BytesValue::parse_from_bytes(&request.payload).map_err(other)?;
        if self.waits {
            tokio::time::sleep(WAIT).await;
        }
        reply(&value)
    }
}

enum Streams {
    Down,
    Up,
    Chat,
}

#[async_trait]
impl StreamHandler for Streams {
    async fn handler(
        &self,
        _: TtrpcContext,
        mut inner: StreamInner,
    ) -> ttrpc::Result<Option<Response>> {
        match self {
            Self::Down => {
                let asked = inner.recv().await?;
                let value = BytesValue::parse_from_bytes(&asked).map_err(other)?;
                let items = ServerStreamSender::<BytesValue>::new(inner);
                loop {
                    items.send(&value).await?;
                }
            }
            Self::Up => {
                let mut items = ServerStreamReceiver::<BytesValue>::new(inner);
                let mut n = 0;
                while items.recv().await?.is_some() {
                    n += 1;
                }
                reply(&value(&count(n).body)).map(Some)
            }
            Self::Chat => {
                let mut items = ServerStream::<BytesValue, BytesValue>::new(inner);
                while let Some(item) = items.recv().await? {
                    items.send(&item).await?;
                }
                Ok(None)
            }
        }
    }
}

#[derive(Clone)]
pub struct Ttrpc(Client);

impl Ttrpc {
    async fn call(&self, method: &str, body: Bytes) -> Outcome<Bytes> {
        let mut request = request(method);
        request.payload = value(&body).write_to_bytes()?;
        let response = self.0.request(request).await?;
        Ok(BytesValue::parse_from_bytes(&response.payload)?
            .value
            .into())
    }
}

fn request(method: &str) -> Request {
    let mut request = Request::new();
    request.set_service(SERVICE.to_owned());
    request.set_method(method.to_owned());
    request
}

impl Contestant for Ttrpc {
    const NAME: &'static str = "ttrpc";

    async fn serve(ready: fn(&str)) -> Outcome<()> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let accepted = futures_util::stream::unfold(listener, async |listener| {
            let socket = listener.accept().await.and_then(|(socket, _)| {
                socket.set_nodelay(true)?;
                Ok(socket)
            });
            Some((socket, listener))
        });
        let method = |waits| Box::new(Echo { waits }) as Box<dyn MethodHandler + Send + Sync>;
        let methods = [("Echo", method(false)), ("Wait", method(true))];
        let stream = |which| Arc::new(which) as Arc<dyn StreamHandler + Send + Sync>;
        let streams = [
            ("Down", stream(Streams::Down)),
            ("Up", stream(Streams::Up)),
            ("Chat", stream(Streams::Chat)),
        ];
        let service = Service {
            methods: methods
                .map(|(name, method)| (name.to_owned(), method))
                .into(),
            streams: streams
                .map(|(name, stream)| (name.to_owned(), stream))
                .into(),
        };
        let mut server = Server::new()
            .add_listener(Listener::new(accepted))
            .register_service(HashMap::from([(SERVICE.to_owned(), service)]));
        server.start().await?;
        ready(&address);
        std::future::pending().await
    }

    async fn connect(address: String) -> Outcome<Self> {
        let socket = tokio::net::TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(Self(Client::new(Socket::new(socket))))
    }

    async fn echo(&self, body: Bytes) -> Outcome<Bytes> {
        self.call("Echo", body).await
    }

    async fn wait(&self, body: Bytes) -> Outcome<Bytes> {
        self.call("Wait", body).await
    }

    async fn down(&self, body: Bytes, seen: &'static AtomicU64) -> Outcome<()> {
        let mut request = request("Down");
        request.payload = value(&body).write_to_bytes()?;
        let inner = self.0.new_stream(request, false, true).await?;
        let mut items = ClientStreamReceiver::<BytesValue>::new(inner, self.0.clone());
        while items.recv().await?.is_some() {
            seen.fetch_add(1, Relaxed);
        }
        Ok(())
    }

    async fn up(&self, items: impl Iterator<Item = Bytes> + Send + 'static) -> Outcome<u64> {
        let inner = self.0.new_stream(request("Up"), true, false).await?;
        let mut sender = ClientStreamSender::<BytesValue, BytesValue>::new(inner);
        for item in items {
            sender.send(&value(&item)).await?;
        }
        Ok(counted(&sender.close_and_recv().await?.value))
    }

    async fn rally(&self, body: Bytes, mut go_on: impl FnMut() -> bool + Send) -> Outcome<()> {
        let inner = self.0.new_stream(request("Chat"), true, true).await?;
        let mut stream = ClientStream::<BytesValue, BytesValue>::new(inner);
        let mut value = value(&body);
        while go_on() {
            stream.send(&value).await?;
            value = stream.recv().await?;
        }
        Ok(())
    }
}
