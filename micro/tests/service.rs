//! What `#[micro::service]` makes of a trait and of what handles it.
#![cfg(feature = "macros")]

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

/// Greets.
#[micro::service]
pub trait Greeter {
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
