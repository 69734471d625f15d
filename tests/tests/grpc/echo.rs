//! The service that is called, and the client of another implementation that calls it.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use micro::{
    Code, Context, Error, Result, Service, Streaming, registry::MemoryRegistry, service::Running,
};
use tonic::{Request, Response, Status, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Note {
    #[prost(string, tag = "1")]
    pub(crate) text: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) payload: Vec<u8>,
}

pub(crate) fn note(text: &str) -> Note {
    Note {
        text: text.to_owned(),
        payload: Vec::new(),
    }
}

#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Plain {
    pub(crate) text: String,
}

/// Says, repeats and collects.
#[micro::service(package = "test")]
pub(crate) trait Echo {
    async fn say(&self, note: Note) -> Result<Note>;
    async fn fail(&self, note: Note) -> Result<Note>;
    async fn panic(&self, note: Note) -> Result<Note>;
    async fn wait(&self, note: Note) -> Result<Note>;
    async fn plain(&self, plain: Plain) -> Result<Plain>;
    async fn repeat(&self, note: Note) -> Result<impl Stream<Item = Result<Note>>>;
    async fn collect(&self, notes: Streaming<Note>) -> Result<Note>;
    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>>;
}

pub(crate) struct Parrot {
    /// Told when a handler that waits is dropped.
    pub(crate) dropped: tokio::sync::mpsc::UnboundedSender<&'static str>,
}

struct Tell(
    tokio::sync::mpsc::UnboundedSender<&'static str>,
    &'static str,
);

impl Drop for Tell {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

#[micro::service]
impl Echo for Parrot {
    async fn say(&self, ctx: &Context, note: Note) -> Result<Note> {
        let metadata = ctx.metadata();
        let mut reply = note;
        for name in ["tenant", "raw-bin"] {
            if let Some(value) = metadata.get(name) {
                reply.text = format!("{name}={value} {}", reply.text);
            }
        }
        if metadata.get("ask").is_some() {
            let left = ctx.time_left().map(|left| left.as_secs());
            let peer = ctx.peer().map(|peer| peer.protocol);
            reply.text = format!("{left:?} {peer:?}");
        }
        Ok(reply)
    }

    async fn fail(&self, note: Note) -> Result<Note> {
        let details = note.payload;
        let error = Error::not_found(note.text).with_id("parrot");
        Err(match details.is_empty() {
            true => error,
            false => error.with_details(details.into()),
        })
    }

    async fn panic(&self, note: Note) -> Result<Note> {
        panic!("{}", note.text)
    }

    async fn wait(&self, ctx: &Context, note: Note) -> Result<Note> {
        let _tell = Tell(self.dropped.clone(), "handler");
        let (ctx, dropped) = (ctx.clone(), self.dropped.clone());
        tokio::spawn(async move {
            ctx.cancelled().await;
            let _ = dropped.send("context");
        });
        let millis = note
            .text
            .parse()
            .map_err(|_| Error::invalid_argument("no number"))?;
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok(note)
    }

    async fn plain(&self, plain: Plain) -> Result<Plain> {
        Ok(plain)
    }

    async fn repeat(&self, note: Note) -> Result<impl Stream<Item = Result<Note>>> {
        if note.text == "never" {
            return Err(Error::new(Code::Aborted, "not at all"));
        }
        let tell = Tell(self.dropped.clone(), "stream");
        let most = if note.text == "endless" {
            usize::MAX
        } else {
            1000
        };
        Ok(stream::iter(0..most).map(move |n| {
            let _ = &tell;
            match (note.text.as_str(), n) {
                ("fail", 3) => Err(Error::data_loss("three")),
                ("panic", 3) => panic!("three"),
                (text, n) => Ok(Note {
                    text: format!("{text} {n}"),
                    payload: note.payload.clone(),
                }),
            }
        }))
    }

    async fn collect(&self, mut notes: Streaming<Note>) -> Result<Note> {
        let mut all = String::new();
        while let Some(note) = notes.message().await? {
            all.push_str(&note.text);
        }
        Ok(note(&all))
    }

    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>> {
        let tell = Tell(self.dropped.clone(), "chat");
        Ok(notes.map(move |note| {
            let _ = &tell;
            Ok(super::echo::note(&note?.text.to_uppercase()))
        }))
    }
}

pub(crate) type Dropped = tokio::sync::mpsc::UnboundedReceiver<&'static str>;

pub(crate) async fn start() -> (Running, Dropped) {
    start_with(|service| service).await
}

pub(crate) async fn start_with(change: impl FnOnce(Service) -> Service) -> (Running, Dropped) {
    let (dropped, told) = tokio::sync::mpsc::unbounded_channel();
    let service = Service::new("parrot")
        .registry(MemoryRegistry::new())
        .leave_delay(Duration::ZERO);
    let running = change(service).handle(Parrot { dropped }).start().await;
    (running.unwrap(), told)
}

/// Waits for what a handler has to tell at its end.
pub(crate) async fn told(dropped: &mut Dropped) -> &'static str {
    let told = tokio::time::timeout(Duration::from_secs(5), dropped.recv());
    told.await.expect("nothing was dropped").unwrap()
}

/// A client of another implementation.
#[derive(Clone)]
pub(crate) struct Tonic(pub(crate) tonic::client::Grpc<Channel>);

pub(crate) type Notes = tonic::Streaming<Note>;

impl Tonic {
    pub(crate) async fn connect(address: &str) -> Self {
        let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
        let client = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
        Self(client.max_decoding_message_size(64 << 20))
    }

    async fn ready(&mut self) -> &mut tonic::client::Grpc<Channel> {
        self.0.ready().await.unwrap();
        &mut self.0
    }

    pub(crate) async fn unary(
        &mut self,
        path: &'static str,
        request: Request<Note>,
    ) -> Result<Response<Note>, Status> {
        let path = PathAndQuery::from_static(path);
        let client = self.ready().await;
        client.unary(request, path, ProstCodec::default()).await
    }

    pub(crate) async fn say(&mut self, text: &str) -> Result<String, Status> {
        let reply = self.unary("/test.Echo/Say", Request::new(note(text))).await;
        reply.map(|reply| reply.into_inner().text)
    }

    pub(crate) async fn repeat(&mut self, note: Note) -> Result<Response<Notes>, Status> {
        let path = PathAndQuery::from_static("/test.Echo/Repeat");
        let (client, codec) = (self.ready().await, ProstCodec::default());
        client
            .server_streaming(Request::new(note), path, codec)
            .await
    }

    pub(crate) async fn collect(
        &mut self,
        notes: impl Stream<Item = Note> + Send + 'static,
    ) -> Result<Note, Status> {
        let path = PathAndQuery::from_static("/test.Echo/Collect");
        let (client, codec) = (self.ready().await, ProstCodec::default());
        let reply = client.client_streaming(Request::new(notes), path, codec);
        reply.await.map(Response::into_inner)
    }

    pub(crate) async fn chat(
        &mut self,
        notes: impl Stream<Item = Note> + Send + 'static,
    ) -> Result<Notes, Status> {
        let path = PathAndQuery::from_static("/test.Echo/Chat");
        let (client, codec) = (self.ready().await, ProstCodec::default());
        let reply = client.streaming(Request::new(notes), path, codec);
        reply.await.map(Response::into_inner)
    }
}
