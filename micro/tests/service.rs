//! What `#[micro::service]` makes of a trait and of what handles it.
#![cfg(all(feature = "macros", feature = "json", feature = "protobuf"))]

use futures_util::{Stream, StreamExt};
use micro::{Context, Result, Streaming};

#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
struct HelloRequest {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Note {
    text: String,
}

/// Greets.
#[micro::service]
trait Greeter {
    /// Says hello.
    async fn hello(&self, req: HelloRequest) -> Result<Note>;
    #[micro(idempotent)]
    async fn watch(&self, room: HelloRequest) -> Result<impl Stream<Item = Result<Note>>>;
    async fn upload(&self, notes: Streaming<Note>) -> Result<HelloRequest>;
    async fn chat(&self, notes: Streaming<Note>)
    -> Result<impl Stream<Item = Result<Note>> + Send>;
}

struct Hello {
    greeting: String,
}

#[micro::service]
impl Greeter for Hello {
    async fn hello(&self, req: HelloRequest) -> Result<Note> {
        Ok(Note {
            text: format!("{} {}", self.greeting, req.name),
        })
    }

    async fn watch(
        &self,
        ctx: &Context,
        room: HelloRequest,
    ) -> Result<impl Stream<Item = Result<Note>>> {
        // The stream may borrow the handler and the context.
        Ok(futures_util::stream::iter(0..3).map(move |n| {
            let _ = ctx.metadata();
            Ok(Note {
                text: format!("{} {} {n}", self.greeting, room.name),
            })
        }))
    }

    async fn upload(&self, mut notes: Streaming<Note>) -> Result<HelloRequest> {
        let mut name = String::new();
        while let Some(note) = notes.message().await? {
            name.push_str(&note.text);
        }
        Ok(HelloRequest { name })
    }

    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>>> {
        Ok(notes)
    }

    #[subscribe(topic = "user.created", queue = "mailer")]
    async fn welcome(&self, event: Note) -> Result<()> {
        drop(event);
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

/// Calls a method as a server does.
async fn call<H: micro::server::Handler>(server: &H, path: &str, message: &str) -> Result<String> {
    use micro::{codec::ContentType, server};
    let call = server::Call {
        context: Context::default(),
        route: server::Router::new(vec![server.service()])?.find(path)?,
        content_type: ContentType::Json,
        accept: ContentType::Json,
        body: server::Body::Message(message.to_owned().into()),
        output: None,
    };
    let reply = server.call(call.route.index, call).await?;
    Ok(String::from_utf8_lossy(&reply.body).into_owned())
}

#[tokio::test]
async fn a_call_finds_its_method() {
    let server = GreeterServer::new(Hello {
        greeting: "hi".into(),
    });
    let reply = call(&server, "Greeter/Hello", r#"{"name":"Ada"}"#).await;
    assert_eq!(reply.unwrap(), r#"{"text":"hi Ada"}"#);
    // One message is a stream of one, where a stream is due.
    let reply = call(&server, "Greeter/Upload", r#"{"text":"Ada"}"#).await;
    assert_eq!(reply.unwrap(), r#"{"name":"Ada"}"#);
    let error = call(&server, "Greeter/Hello", "[]").await.unwrap_err();
    assert_eq!(error.code(), micro::Code::InvalidArgument);
    let error = call(&server, "Greeter/Bye", "{}").await.unwrap_err();
    assert_eq!(error.code(), micro::Code::Unimplemented);
}

struct Counter<T> {
    from: T,
}

#[micro::service(name = "Count")]
impl<T> Counter<T>
where
    T: Into<u32> + Copy + Send + Sync + 'static,
{
    async fn next(&self, step: u32) -> Result<u32> {
        Ok(self.after(step))
    }

    #[micro(name = "Everything", idempotent)]
    async fn all(&self, ctx: &Context, step: u32) -> Result<impl Stream<Item = Result<u32>>> {
        let _ = ctx;
        Ok(futures_util::stream::iter([Ok(self.after(step))]))
    }

    #[subscribe(topic = "count.reset")]
    async fn reset(&self, to: u32) -> Result<()> {
        let _ = self.after(to);
        Ok(())
    }

    fn after(&self, step: u32) -> u32 {
        self.from.into() + step
    }
}

#[tokio::test]
async fn the_methods_of_a_type_are_a_service() {
    use micro::server::{Handler, IntoHandler};
    let (server, beside) = Counter { from: 40_u8 }.into_handler();
    let service = server.service();
    assert_eq!(service.name, "Count");
    assert_eq!(service.methods[1].path, "Count/Everything");
    assert_eq!(call(&server, "Count/Next", "2").await.unwrap(), "42");
    assert_eq!(beside[0].topic, "count.reset");
    let mock = MockCounter::new().next(|step| Ok(step * 2));
    assert_eq!(mock.client().next(3).await.unwrap(), 6);
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
