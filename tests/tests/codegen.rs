//! The snapshots of the generator, compiled and run.
#![deny(missing_docs, clippy::pedantic, unreachable_pub, rust_2018_idioms)]
// What the sources themselves leave out.
#![allow(
    clippy::ignored_unit_patterns,
    clippy::unused_async,
    clippy::missing_errors_doc,
    clippy::must_use_candidate,
    clippy::new_without_default
)]

/// What the snapshots take for granted.
pub mod messages {
    pub use futures_util::Stream;
    pub use micro::{Context, Result, Streaming};
    use serde::{Deserialize, Serialize};

    /// Who is there.
    #[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
    pub struct HelloRequest {
        /// That one.
        #[prost(string, tag = "1")]
        pub name: String,
    }

    /// What was said.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Note {
        /// In words.
        pub text: String,
    }

    /// Where it was said.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Room {
        /// The door says so.
        pub name: String,
    }

    /// How far.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Step {
        /// That far.
        pub by: u32,
    }

    /// Some notes of a room.
    pub fn notes<D: Clone>(
        _: &Context,
        kept: &D,
        room: Room,
    ) -> impl Stream<Item = Result<Note>> + use<D> {
        let _ = kept.clone();
        futures_util::stream::iter([Ok(Note { text: room.name })])
    }

    /// Some steps.
    pub fn steps(
        _: &Context,
        from: u32,
        Step { by: by_step }: Step,
    ) -> impl Stream<Item = Result<Step>> + use<> {
        futures_util::stream::iter((from..from + 3).map(move |by| Ok(Step { by: by * by_step })))
    }
}

macro_rules! snapshots {
    ($($name:ident $path:literal),* $(,)?) => {$(
        #[path = $path]
        pub mod $name;
    )*};
}

snapshots! {
    conditional "../../micro-codegen/tests/snapshots/conditional.rs",
    describe "../../micro-codegen/tests/snapshots/describe.rs",
    empty "../../micro-codegen/tests/snapshots/empty.rs",
    endpoints "../../micro-codegen/tests/snapshots/endpoints.rs",
    greeter "../../micro-codegen/tests/snapshots/greeter.rs",
    handler "../../micro-codegen/tests/snapshots/handler.rs",
}

#[test]
fn descriptors_say_what_was_written() {
    let greeter = greeter::GreeterServer::SERVICE;
    assert_eq!(greeter.name, "helloworld.Greeter");
    assert_eq!(greeter.methods[0].docs, "Says hello.\n\nTo anybody.");
    assert_eq!(greeter.methods[0].path, "helloworld.Greeter/Hello");
    assert!(greeter.methods[1].idempotent);
    let counter = endpoints::CounterServer::SERVICE;
    assert_eq!(
        (counter.name, counter.docs),
        ("math.Counter", "Counts for others.")
    );
    let names: Vec<_> = counter
        .methods
        .iter()
        .map(micro::descriptor::Method::name)
        .collect();
    assert_eq!(names, ["Next", "All"]);
    assert!(empty::NothingServer::SERVICE.methods.is_empty());
    let all: Vec<_> = micro::descriptor::services()
        .map(|service| service.name)
        .collect();
    for name in [
        "helloworld.Greeter",
        "math.Counter",
        "Nothing",
        "Platform",
        "Rooms",
    ] {
        assert!(all.contains(&name), "{name} is not in {all:?}");
    }
}

#[test]
fn methods_that_are_not_there_leave_no_gap() {
    let platform = conditional::PlatformServer::SERVICE;
    let names: Vec<_> = platform
        .methods
        .iter()
        .map(micro::descriptor::Method::name)
        .collect();
    assert_eq!(names, ["Always", "Last"]);
}

#[test]
fn messages_say_what_they_are_made_of() {
    use micro::descriptor::{Describe, Type};
    let Type::Message(tree) = describe::Tree::TYPE else {
        panic!("a struct is a message");
    };
    let tree = tree();
    assert_eq!((tree.name, tree.docs), ("Tree", "A tree of notes."));
    let fields: Vec<_> = tree
        .fields
        .iter()
        .map(|f| (f.name, f.kind.go_name()))
        .collect();
    let expected = [
        ("firstNote", "string"),
        ("answers", "[]Tree"),
        ("kind", "Mood"),
        ("fromElsewhere", "Duration"),
    ];
    assert_eq!(fields, expected.map(|(name, kind)| (name, kind.to_owned())));
    assert_eq!(tree.fields[0].docs, "What it says.");
    let Type::Enum(mood) = describe::Mood::TYPE else {
        panic!("names without values are an enum");
    };
    assert_eq!(mood().values, [("VERY_GOOD", 0), ("BAD", 7)]);
    let page = <describe::Page<describe::Tree>>::TYPE;
    assert_eq!(page.fields()[0].kind.go_name(), "[]Tree");
    assert_eq!(page.fields()[1].kind, Type::Uint(64));
}

#[tokio::test]
async fn topics_reach_methods_of_the_trait_and_methods_beside_it() {
    use micro::server::{Handler, IntoHandler};
    let memory = handler::Memory { kept: 1 };
    let (server, beside) = IntoHandler::<handler::RoomsServer<()>>::into_handler(memory);
    let beside: Vec<_> = beside
        .iter()
        .map(|s| (&*s.topic, s.options.queue.as_deref()))
        .collect();
    assert_eq!(
        beside,
        [("user.created", None), ("user.gone", Some("mailer"))]
    );
    let own = std::sync::Arc::new(server).subscribers();
    assert_eq!(
        (&*own[0].topic, own[0].options.queue.as_deref()),
        ("room.changed", Some("rooms"))
    );
    let message = micro::broker::Message {
        body: br#"{"text":"hi"}"#.as_slice().into(),
        ..micro::broker::Message::default()
    };
    own[0]
        .handle(micro::Context::default(), message)
        .await
        .unwrap();
}
