//! tarpc: bincode over TCP, a task for each request as its examples have it.

use bytes::Bytes;
use futures_util::{StreamExt, future};
use tarpc::{
    client, context,
    server::{BaseChannel, Channel},
    tokio_serde::formats::Bincode,
    tokio_util::codec::{Framed, LengthDelimitedCodec},
};
use tokio::net::{TcpListener, TcpStream};

use super::{Contestant, Outcome, WAIT};
use crate::message::Msg;

#[tarpc::service]
trait Echo {
    async fn echo(msg: Msg) -> Msg;
    async fn wait(msg: Msg) -> Msg;
}

#[derive(Clone)]
struct Server;

impl Echo for Server {
    async fn echo(self, _: context::Context, msg: Msg) -> Msg {
        msg
    }

    async fn wait(self, _: context::Context, msg: Msg) -> Msg {
        tokio::time::sleep(WAIT).await;
        msg
    }
}

fn framed(socket: TcpStream) -> std::io::Result<Framed<TcpStream, LengthDelimitedCodec>> {
    socket.set_nodelay(true)?;
    Ok(Framed::new(socket, LengthDelimitedCodec::new()))
}

#[derive(Clone)]
pub struct Tarpc(EchoClient);

impl Contestant for Tarpc {
    const NAME: &'static str = "tarpc";

    async fn serve(ready: fn(&str)) -> Outcome<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        ready(&listener.local_addr()?.to_string());
        loop {
            let framed = framed(listener.accept().await?.0)?;
            let transport = tarpc::serde_transport::new(framed, Bincode::default());
            let requests = BaseChannel::with_defaults(transport).execute(Server.serve());
            tokio::spawn(requests.for_each(|request| {
                tokio::spawn(request);
                future::ready(())
            }));
        }
    }

    async fn connect(address: String) -> Outcome<Self> {
        let framed = framed(TcpStream::connect(address).await?)?;
        let transport = tarpc::serde_transport::new(framed, Bincode::default());
        // The default of 1,000 is below what is in flight here.
        let mut config = client::Config::default();
        config.max_in_flight_requests = 20_000;
        Ok(Self(EchoClient::new(config, transport).spawn()))
    }

    async fn echo(&self, body: Bytes) -> Outcome<Bytes> {
        Ok(self.0.echo(context::current(), Msg { body }).await?.body)
    }

    async fn wait(&self, body: Bytes) -> Outcome<Bytes> {
        Ok(self.0.wait(context::current(), Msg { body }).await?.body)
    }
}
