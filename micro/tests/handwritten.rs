//! What the generator prints for a service, written by hand: the shape that its snapshots follow.
#![allow(missing_docs)]

use futures_util::{Stream, StreamExt};
use micro::{Context, Result, Streaming};

#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
pub struct HelloRequest {
    #[prost(string, tag = "1")]
    pub name: String,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Note {
    pub text: String,
}

// ---- printed, from: ---------------------------------------------------------------------------
// /// Greets.
// #[micro::service]
// pub trait Greeter {
//     /// Says hello.
//     async fn hello(&self, req: HelloRequest) -> Result<Note>;
//     #[micro(idempotent)]
//     async fn watch(&self, room: HelloRequest) -> Result<impl Stream<Item = Result<Note>>>;
//     async fn upload(&self, notes: Streaming<Note>) -> Result<HelloRequest>;
//     async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>>;
// }

/// Greets.
pub trait Greeter: Send + Sync + 'static {
    /// Says hello.
    fn hello(
        &self,
        ctx: &Context,
        req: HelloRequest,
    ) -> impl ::micro::__private::v1::Future<Output = Result<Note>> + Send;
    fn watch(
        &self,
        ctx: &Context,
        room: HelloRequest,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<impl Stream<Item = Result<Note>> + Send>,
    > + Send;
    fn upload(
        &self,
        ctx: &Context,
        notes: Streaming<Note>,
    ) -> impl ::micro::__private::v1::Future<Output = Result<HelloRequest>> + Send;
    fn chat(
        &self,
        ctx: &Context,
        notes: Streaming<Note>,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<impl Stream<Item = Result<Note>> + Send>,
    > + Send;
}

/// Calls [`Greeter`] by way of a client `C`.
#[derive(Clone, Debug)]
pub struct GreeterClient<C>(::micro::__private::v1::Stub<C>);

/// Serves a [`Greeter`].
#[derive(Debug)]
pub struct GreeterServer<S>(::micro::__private::v1::Arc<S>);

/// Stands in for a [`Greeter`] in tests: answers by closures and logs the calls.
#[derive(Clone, Debug, Default)]
pub struct MockGreeter(::micro::__private::v1::Mock);

const _: () = {
    use ::micro::__private::v1;

    impl GreeterServer<()> {
        const HELLO: &v1::Rpc<HelloRequest, Note> = &v1::Rpc::new(
            "Greeter/Hello",
            "Says hello.",
            v1::Kind::Unary,
            v1::wire!(HelloRequest),
            v1::wire!(Note),
        );
        const WATCH: &v1::Rpc<HelloRequest, Note> = &v1::Rpc::new(
            "Greeter/Watch",
            "",
            v1::Kind::ServerStream,
            v1::wire!(HelloRequest),
            v1::wire!(Note),
        )
        .idempotent();
        const UPLOAD: &v1::Rpc<Note, HelloRequest> = &v1::Rpc::new(
            "Greeter/Upload",
            "",
            v1::Kind::ClientStream,
            v1::wire!(Note),
            v1::wire!(HelloRequest),
        );
        const CHAT: &v1::Rpc<Note, Note> = &v1::Rpc::new(
            "Greeter/Chat",
            "",
            v1::Kind::Bidi,
            v1::wire!(Note),
            v1::wire!(Note),
        );
        /// What the service offers.
        pub const SERVICE: &v1::Service = &v1::Service::new(
            "Greeter",
            "Greets.",
            const {
                &[
                    Self::HELLO.method,
                    Self::WATCH.method,
                    Self::UPLOAD.method,
                    Self::CHAT.method,
                ]
            },
        );
    }

    v1::inventory::submit! { v1::Listed(GreeterServer::SERVICE) }

    impl<C: v1::Client> GreeterClient<C> {
        /// Calls the service registered as `service`.
        pub fn new(service: impl v1::Into<v1::Arc<v1::str>>, client: C) -> Self {
            Self(v1::Stub::new(service, client))
        }
        /// Says hello.
        pub fn hello(&self, req: HelloRequest) -> v1::Unary<C, HelloRequest, Note> {
            self.0.one(GreeterServer::HELLO, req)
        }
        /// Calls `watch`.
        pub fn watch(&self, room: HelloRequest) -> v1::ServerStream<C, HelloRequest, Note> {
            self.0.one(GreeterServer::WATCH, room)
        }
        /// Calls `upload`.
        pub fn upload(
            &self,
            notes: impl v1::Stream<Item = Note> + Send + 'static,
        ) -> v1::ClientStream<C, Note, HelloRequest> {
            self.0.many(GreeterServer::UPLOAD, notes)
        }
        /// Calls `chat`.
        pub fn chat(
            &self,
            notes: impl v1::Stream<Item = Note> + Send + 'static,
        ) -> v1::Bidi<C, Note, Note> {
            self.0.many(GreeterServer::CHAT, notes)
        }
    }

    impl<S: Greeter> GreeterServer<S> {
        /// Serves `handler`.
        pub fn new(handler: impl v1::Into<v1::Arc<S>>) -> Self {
            Self(handler.into())
        }
    }

    impl<S: Greeter> v1::Handler for GreeterServer<S> {
        fn service(&self) -> &'static v1::Service {
            GreeterServer::SERVICE
        }
        async fn call(&self, method: usize, call: v1::Call) -> v1::Result<v1::Response> {
            let (ctx, input, output) = call.split();
            match method {
                0 => {
                    let rpc = GreeterServer::HELLO;
                    output.reply(rpc, self.0.hello(&ctx, input.message(rpc)?).await)
                }
                1 => {
                    let rpc = GreeterServer::WATCH;
                    output
                        .stream(rpc, self.0.watch(&ctx, input.message(rpc)?).await)
                        .await
                }
                2 => {
                    let rpc = GreeterServer::UPLOAD;
                    output.reply(rpc, self.0.upload(&ctx, input.stream(rpc)).await)
                }
                3 => {
                    let rpc = GreeterServer::CHAT;
                    output
                        .stream(rpc, self.0.chat(&ctx, input.stream(rpc)).await)
                        .await
                }
                _ => v1::Err(v1::no_method(GreeterServer::SERVICE, method)),
            }
        }
    }

    impl MockGreeter {
        /// A mock without answers.
        pub fn new() -> Self {
            Self::default()
        }
        /// A client that calls this mock.
        pub fn client(&self) -> GreeterClient<v1::MockClient> {
            GreeterClient::new("Greeter", self.0.clone())
        }
        /// The calls so far.
        pub fn calls(&self) -> v1::Vec<v1::MockCall> {
            self.0.calls()
        }
        /// Answers `hello`.
        pub fn hello(
            self,
            answer: impl FnMut(HelloRequest) -> v1::Result<Note> + Send + 'static,
        ) -> Self {
            self.0.unary(GreeterServer::HELLO, answer);
            self
        }
        /// Answers `watch`.
        pub fn watch<R: v1::Stream<Item = v1::Result<Note>> + Send + 'static>(
            self,
            answer: impl FnMut(HelloRequest) -> v1::Result<R> + Send + 'static,
        ) -> Self {
            self.0.server_stream(GreeterServer::WATCH, answer);
            self
        }
        /// Answers `upload`.
        pub fn upload<R: v1::Future<Output = v1::Result<HelloRequest>> + Send + 'static>(
            self,
            answer: impl FnMut(v1::Streaming<Note>) -> R + Send + 'static,
        ) -> Self {
            self.0.client_stream(GreeterServer::UPLOAD, answer);
            self
        }
        /// Answers `chat`.
        pub fn chat<R: v1::Stream<Item = v1::Result<Note>> + Send + 'static>(
            self,
            answer: impl FnMut(v1::Streaming<Note>) -> v1::Result<R> + Send + 'static,
        ) -> Self {
            self.0.bidi(GreeterServer::CHAT, answer);
            self
        }
    }
};

// ---- a handler, as `#[micro::service] impl Greeter for Hello` rewrites it ------------------------

struct Hello {
    greeting: String,
}

impl Greeter for Hello {
    async fn hello(&self, _ctx: &Context, req: HelloRequest) -> Result<Note> {
        Ok(Note {
            text: format!("{} {}", self.greeting, req.name),
        })
    }

    async fn watch(
        &self,
        ctx: &Context,
        room: HelloRequest,
    ) -> Result<impl Stream<Item = Result<Note>> + Send> {
        // The stream may borrow the handler and the context.
        Ok(futures_util::stream::iter(0..3).map(move |n| {
            let _ = ctx.metadata();
            Ok(Note {
                text: format!("{} {} {n}", self.greeting, room.name),
            })
        }))
    }

    async fn upload(&self, _ctx: &Context, mut notes: Streaming<Note>) -> Result<HelloRequest> {
        let mut name = String::new();
        while let Some(note) = notes.message().await? {
            name.push_str(&note.text);
        }
        Ok(HelloRequest { name })
    }

    async fn chat(
        &self,
        _ctx: &Context,
        notes: Streaming<Note>,
    ) -> Result<impl Stream<Item = Result<Note>> + Send> {
        Ok(notes)
    }
}

const _: () = {
    use ::micro::__private::v1;

    impl v1::IntoHandler<GreeterServer<()>> for Hello {
        type Handler = GreeterServer<Self>;
        fn into_handler(self) -> (Self::Handler, v1::Vec<v1::Subscriber>) {
            let this = v1::Arc::new(self);
            let welcome = this.clone();
            let subscribers = v1::Vec::from([v1::Subscriber::new(
                "user.created",
                v1::wire!(Note),
                move |ctx, event| {
                    let this = welcome.clone();
                    async move { this.welcome(&ctx, event).await }
                },
            )
            .queue("mailer")]);
            (GreeterServer::new(this), subscribers)
        }
    }
};

impl Hello {
    async fn welcome(&self, _ctx: &Context, _event: Note) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_mock_answers_and_logs() {
    let mock = MockGreeter::new()
        .hello(|req| {
            Ok(Note {
                text: format!("hi {}", req.name),
            })
        })
        .watch(|_| Ok(futures_util::stream::iter([Ok(Note { text: "a".into() })])))
        .chat(Ok);
    let client = mock.client();
    let reply = client
        .hello(HelloRequest { name: "Ada".into() })
        .header("tenant", "a")
        .await
        .unwrap();
    assert_eq!(reply.text, "hi Ada");
    let mut notes = client.watch(HelloRequest::default()).await.unwrap();
    assert_eq!(notes.message().await.unwrap().unwrap().text, "a");
    assert!(notes.message().await.unwrap().is_none());
    let echoed = client
        .chat(futures_util::stream::iter([Note { text: "b".into() }]))
        .await
        .unwrap();
    assert_eq!(echoed.count().await, 1);
    let calls = mock.calls();
    assert_eq!(calls[0].message::<HelloRequest>().unwrap().name, "Ada");
    assert_eq!(calls[0].metadata.get("tenant"), Some("a"));
    let missing = client
        .upload(futures_util::stream::empty())
        .await
        .unwrap_err();
    assert_eq!(missing.code(), micro::Code::Unimplemented);
}

#[test]
fn a_handler_becomes_a_server_with_its_subscribers() {
    use micro::server::{Handler, IntoHandler};
    let (server, subscribers) = IntoHandler::<GreeterServer<()>>::into_handler(Hello {
        greeting: "hi".into(),
    });
    assert_eq!(server.service().methods.len(), 4);
    assert_eq!(subscribers[0].options.queue.as_deref(), Some("mailer"));
    assert!(server.service().methods[1].idempotent);
}
