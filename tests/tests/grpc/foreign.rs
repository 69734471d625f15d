//! Our client calls a gRPC server of another implementation.

use std::{convert::Infallible, sync::Arc, task, time::Duration};

use futures_util::{Stream, StreamExt, future::BoxFuture, stream, stream::BoxStream};
use micro::{
    Code, Service,
    registry::{MemoryRegistry, Node, Registry},
};
use tonic::{
    Request, Response, Status,
    codegen::http,
    server::{
        ClientStreamingService, Grpc, NamedService, ServerStreamingService, StreamingService,
    },
    transport::Server,
};
use tonic_prost::ProstCodec;

use super::echo::{EchoClient, Note, note};

type Told = tokio::sync::mpsc::UnboundedSender<&'static str>;

#[derive(Clone)]
struct Foreign(Told);

struct Tell(Told, &'static str);

impl Drop for Tell {
    fn drop(&mut self) {
        let _ = self.0.send(self.1);
    }
}

type Reply<T> = BoxFuture<'static, Result<Response<T>, Status>>;
type Notes = BoxStream<'static, Result<Note, Status>>;

struct Repeat(Told);

impl ServerStreamingService<Note> for Repeat {
    type Response = Note;
    type ResponseStream = Notes;
    type Future = Reply<Notes>;

    fn call(&mut self, request: Request<Note>) -> Self::Future {
        let (tell, first) = (Tell(self.0.clone(), "stream"), request.into_inner());
        let most = if first.text == "endless" {
            usize::MAX
        } else {
            1000
        };
        let notes = stream::iter(0..most).map(move |n| {
            let _ = &tell;
            match (first.text.as_str(), n) {
                ("fail", 3) => Err(Status::data_loss("three")),
                (text, n) => Ok(note(&format!("{text} {n}"))),
            }
        });
        Box::pin(async move {
            let mut response = Response::new(notes.boxed());
            response
                .metadata_mut()
                .insert("mood", "good".parse().unwrap());
            Ok(response)
        })
    }
}

struct Collect;

impl ClientStreamingService<Note> for Collect {
    type Response = Note;
    type Future = Reply<Note>;

    fn call(&mut self, request: Request<tonic::Streaming<Note>>) -> Self::Future {
        Box::pin(async move {
            let mut notes = request.into_inner();
            let mut all = String::new();
            while let Some(note) = notes.message().await? {
                all.push_str(&note.text);
            }
            Ok(Response::new(note(&all)))
        })
    }
}

struct Chat(Told);

impl StreamingService<Note> for Chat {
    type Response = Note;
    type ResponseStream = Notes;
    type Future = Reply<Notes>;

    fn call(&mut self, request: Request<tonic::Streaming<Note>>) -> Self::Future {
        let tell = Tell(self.0.clone(), "chat");
        let notes = request.into_inner().map(move |got| {
            let _ = &tell;
            Ok(note(&got?.text.to_uppercase()))
        });
        Box::pin(async move { Ok(Response::new(notes.boxed())) })
    }
}

async fn unary(
    method: String,
    request: Request<Note>,
    told: Told,
) -> Result<Response<Note>, Status> {
    let metadata = request.metadata().clone();
    let text = |name| metadata.get(name).and_then(|value| value.to_str().ok());
    let got = request.get_ref().clone();
    match method.as_str() {
        "Say" => {
            let tenant = text("tenant").unwrap_or("nobody");
            let timed = text("grpc-timeout").is_some();
            let said = match got.text.as_str() {
                "who" => note(&format!("{tenant} {timed}")),
                _ => got,
            };
            Ok(Response::new(said))
        }
        "Fail" => Err(Status::with_details(
            tonic::Code::NotFound,
            got.text,
            got.payload.into(),
        )),
        "Wait" => {
            let _tell = Tell(told, "handler");
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok(Response::new(got))
        }
        _ => Err(Status::unimplemented("no such method")),
    }
}

impl NamedService for Foreign {
    const NAME: &'static str = "test.Echo";
}

impl tower::Service<http::Request<tonic::body::Body>> for Foreign {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), Infallible>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let told = self.0.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<Note, Note>::default());
            let method = request.uri().path().rsplit('/').next().unwrap_or_default();
            Ok(match method {
                "Repeat" => grpc.server_streaming(Repeat(told), request).await,
                "Collect" => grpc.client_streaming(Collect, request).await,
                "Chat" => grpc.streaming(Chat(told), request).await,
                other => {
                    let other = other.to_owned();
                    let call = tower::service_fn(move |request| {
                        unary(other.clone(), request, told.clone())
                    });
                    grpc.unary(call, request).await
                }
            })
        })
    }
}

struct Setup {
    echo: EchoClient<micro::RpcClient>,
    told: super::echo::Dropped,
    server: tokio::task::JoinHandle<()>,
    stop: Arc<tokio::sync::Notify>,
}

async fn setup() -> Setup {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let accepted = stream::unfold(listener, async |listener| {
        Some((listener.accept().await.map(|(io, _)| io), listener))
    });
    let stop = Arc::new(tokio::sync::Notify::new());
    let stopped = stop.clone();
    let server = tokio::spawn(async move {
        let server = Server::builder().add_service(Foreign(tell));
        let accepted = accepted.boxed();
        server
            .serve_with_incoming_shutdown(accepted, async move { stopped.notified().await })
            .await
            .unwrap();
    });
    let registry = MemoryRegistry::new();
    let node = Node {
        id: "foreign-1".to_owned(),
        address,
        metadata: [("protocol".to_owned(), "grpc".to_owned())].into(),
    };
    let record = micro::registry::Service {
        name: "foreign".to_owned(),
        nodes: vec![node],
        ..Default::default()
    };
    registry
        .register(&record, Duration::from_secs(60))
        .await
        .unwrap();
    let client = Service::new("caller").registry(registry).client();
    Setup {
        echo: EchoClient::new("foreign", client),
        told,
        server,
        stop,
    }
}

fn texts(count: usize) -> impl Stream<Item = Note> + Send + 'static {
    stream::iter((0..count).map(|_| note("ab")))
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_makes_all_four_kinds_of_calls() {
    let Setup { echo, .. } = setup().await;
    assert_eq!(echo.say(note("hello")).await.unwrap(), note("hello"));
    let reply = echo.say(note("who")).header("tenant", "a").await.unwrap();
    assert_eq!(reply.text, "a true");

    let mut replies = echo.repeat(note("x")).await.unwrap();
    for n in 0..1000 {
        let reply = replies.message().await.unwrap().unwrap();
        assert_eq!(reply.text, format!("x {n}"));
    }
    assert_eq!(replies.message().await.unwrap(), None);

    assert_eq!(echo.collect(texts(1000)).await.unwrap().text.len(), 2000);

    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let receiver = stream::unfold(receiver, async |mut r| r.recv().await.map(|note| (note, r)));
    let mut replies = echo.chat(receiver).await.unwrap();
    for text in ["a", "b", "c"] {
        sender.send(note(text)).await.unwrap();
        let reply = replies.message().await.unwrap().unwrap();
        assert_eq!(reply.text, text.to_uppercase());
    }
    drop(sender);
    assert_eq!(replies.message().await.unwrap(), None);

    let mut large = note("large");
    large.payload = vec![7; 3 << 20];
    assert!(echo.say(large.clone()).await.unwrap() == large);
    large.payload = vec![7; 5 << 20];
    let error = echo.say(large).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");

    let calls = (0..500).map(|n: u32| {
        let call = echo.say(note(&n.to_string()));
        async move { call.await.unwrap().text == n.to_string() }
    });
    let right = futures_util::future::join_all(calls).await;
    assert!(right.into_iter().all(|right| right));
}

#[tokio::test]
async fn errors_of_a_foreign_server_keep_code_text_and_details() {
    let Setup { echo, .. } = setup().await;
    let mut with = note("100% gone ☺");
    with.payload = vec![8, 5];
    let error = echo.fail(with).await.unwrap_err();
    assert_eq!(
        (error.code(), error.detail()),
        (Code::NotFound, "100% gone ☺")
    );
    assert_eq!(
        error.details().map(|details| &details[..]),
        Some(&[8, 5][..])
    );
    let error = echo.panic(note("a")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
    let mut replies = echo.repeat(note("fail")).await.unwrap();
    for _ in 0..3 {
        assert!(replies.message().await.unwrap().is_some());
    }
    assert_eq!(replies.message().await.unwrap_err().code(), Code::DataLoss);
}

#[tokio::test]
async fn a_foreign_server_learns_that_we_gave_up() {
    let Setup { echo, mut told, .. } = setup().await;
    let started = std::time::Instant::now();
    let wait = echo.wait(note("a")).timeout(Duration::from_millis(100));
    let error = wait.await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(super::told(&mut told).await, "handler");
    let wait = tokio::spawn(echo.wait(note("a")).into_future());
    tokio::time::sleep(Duration::from_millis(100)).await;
    wait.abort();
    assert_eq!(super::told(&mut told).await, "handler");

    let mut replies = echo.repeat(note("endless")).await.unwrap();
    assert!(replies.message().await.unwrap().is_some());
    drop(replies);
    assert_eq!(super::told(&mut told).await, "stream");

    // Though requests could still come.
    let first = stream::once(async { note("a") });
    let mut replies = echo.chat(first.chain(stream::pending())).await.unwrap();
    assert!(replies.message().await.unwrap().is_some());
    drop(replies);
    assert_eq!(super::told(&mut told).await, "chat");

    let slow = echo
        .chat(stream::pending())
        .timeout(Duration::from_millis(100));
    let error = slow.await.unwrap().message().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(super::told(&mut told).await, "chat");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_foreign_server_that_stops_is_unavailable() {
    let Setup {
        echo, server, stop, ..
    } = setup().await;
    assert_eq!(echo.say(note("a")).await.unwrap(), note("a"));
    stop.notify_one();
    server.await.unwrap();
    let error = echo
        .say(note("a"))
        .timeout(Duration::from_millis(500))
        .await
        .unwrap_err();
    assert!(
        matches!(error.code(), Code::Unavailable | Code::DeadlineExceeded),
        "{error}"
    );
}
