//! Nothing that is printed depends on what is in scope: no prelude, the runtime under another name,
//! and types called like those that it uses.
#![no_implicit_prelude]
#![deny(warnings, missing_docs)]

extern crate micro as other_name;

use ::serde::{Deserialize, Serialize};

macro_rules! messages {
    ($($name:ident),*) => {$(
        /// A message.
        #[derive(Serialize, Deserialize, other_name::Describe)]
        #[micro(crate = other_name)]
        pub struct $name {
            /// What it says.
            pub text: ::std::string::String,
        }
    )*};
}

messages!(
    Answer, Arc, C, Call, Clone, Client, Context, Debug, Err, Future, Handler, Into, Kind, Message,
    Messages, Method, Mock, Ok, Option, Probe, R, Result, Rpc, S, Send, Service, Some, Stream,
    String, Sync, Type, Undetected, Vec, Wire
);

/// A service of messages with all those names.
#[other_name::service(crate = ::other_name)]
pub trait Words {
    /// A call.
    async fn one(&self, c: C) -> other_name::Result<Result>;
    /// A call.
    async fn two(&self, ctx: Vec) -> other_name::Result<Option>;
    /// A call.
    async fn three(&self, s: S) -> other_name::Result<String>;
    /// A call.
    async fn four(
        &self,
        r: R,
    ) -> other_name::Result<impl ::futures_util::Stream<Item = other_name::Result<Stream>>>;
    /// A call.
    async fn five(&self, _: other_name::Streaming<Wire>) -> other_name::Result<Future>;
    /// A call.
    async fn six(&self, this: Context) -> other_name::Result<Client>;
    /// A call.
    async fn seven(&self, input: Arc) -> other_name::Result<Send>;
    /// A call.
    async fn eight(&self, output: Probe) -> other_name::Result<Undetected>;
    /// Methods may be called like those of everything.
    async fn clone(&self, method: Clone) -> other_name::Result<Into>;
    /// Or like keywords.
    async fn r#type(&self, r#type: Type) -> other_name::Result<Kind>;
    /// Or like the constant that describes them all.
    #[subscribe(topic = "words")]
    async fn service(&self, handler: Handler) -> other_name::Result<()>;
}

struct Handles;

#[other_name::service(crate = ::other_name)]
impl Words for Handles {
    async fn one(&self, c: C) -> other_name::Result<Result> {
        ::std::result::Result::Ok(Result { text: c.text })
    }

    async fn two(&self, ctx: Vec) -> other_name::Result<Option> {
        ::std::result::Result::Ok(Option { text: ctx.text })
    }

    async fn three(&self, s: S) -> other_name::Result<String> {
        ::std::result::Result::Ok(String { text: s.text })
    }

    async fn four(
        &self,
        r: R,
    ) -> other_name::Result<impl ::futures_util::Stream<Item = other_name::Result<Stream>>> {
        ::std::result::Result::Ok(::futures_util::stream::iter([::std::result::Result::Ok(
            Stream { text: r.text },
        )]))
    }

    async fn five(&self, _: other_name::Streaming<Wire>) -> other_name::Result<Future> {
        ::std::result::Result::Ok(Future {
            text: ::std::string::String::new(),
        })
    }

    async fn six(&self, this: Context) -> other_name::Result<Client> {
        ::std::result::Result::Ok(Client { text: this.text })
    }

    async fn seven(&self, input: Arc) -> other_name::Result<Send> {
        ::std::result::Result::Ok(Send { text: input.text })
    }

    async fn eight(&self, output: Probe) -> other_name::Result<Undetected> {
        ::std::result::Result::Ok(Undetected { text: output.text })
    }

    async fn clone(&self, method: Clone) -> other_name::Result<Into> {
        ::std::result::Result::Ok(Into { text: method.text })
    }

    async fn r#type(&self, r#type: Type) -> other_name::Result<Kind> {
        ::std::result::Result::Ok(Kind { text: r#type.text })
    }

    async fn service(&self, _: Handler) -> other_name::Result<()> {
        ::std::result::Result::Ok(())
    }

    #[subscribe(topic = "more.words", queue = "one")]
    async fn heard(&self, _: Message) -> other_name::Result<()> {
        ::std::result::Result::Ok(())
    }
}

/// A type with methods of its own.
pub struct Own;

#[other_name::service(crate = ::other_name)]
impl Own {
    /// A call.
    pub async fn mock(&self, mock: Mock) -> other_name::Result<Method> {
        ::std::result::Result::Ok(Method { text: mock.text })
    }
}

fn main() {
    let mock = MockWords::new().r#type(|of| ::std::result::Result::Ok(Kind { text: of.text }));
    let _ = mock.client().r#type(Type {
        text: ::std::string::String::new(),
    });
    let _ = WordsServer::new(Handles);
    let _ = OwnServer::new(Own);
}
