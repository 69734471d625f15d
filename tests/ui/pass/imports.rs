//! What is imported for a definition is used by it, and no part of what is printed has to be used.
#![deny(warnings)]

mod api {
    use futures_util::Stream;
    use micro::{Context, Result, Streaming};

    #[micro::service]
    pub(crate) trait Greeter {
        async fn hello(&self, ctx: &Context, req: String) -> Result<String>;
        async fn chat(&self, req: Streaming<String>) -> Result<impl Stream<Item = Result<String>>>;
    }
}

// A trait that nobody else sees, in a program that only handles it.
mod own {
    #[micro::service]
    trait Private {
        async fn hello(&self, req: String) -> micro::Result<String>;
    }

    struct Hello;

    #[micro::service]
    impl Private for Hello {
        async fn hello(&self, req: String) -> micro::Result<String> {
            Ok(req)
        }
    }

    pub(crate) fn server() -> impl micro::server::Handler {
        PrivateServer::new(Hello)
    }
}

struct Hello<D>(D);

// The trait's path leads to the server's.
#[micro::service]
impl<D> api::Greeter for Hello<D>
where
    D: Clone + Send + Sync + 'static,
{
    async fn hello(&self, req: String) -> micro::Result<String> {
        let _ = self.0.clone();
        Ok(req)
    }

    async fn chat(
        &self,
        req: micro::Streaming<String>,
    ) -> micro::Result<impl futures_util::Stream<Item = micro::Result<String>>> {
        Ok(req)
    }
}

fn handle<M, H: micro::server::IntoHandler<M>>(handler: H) {
    let _ = handler.into_handler();
}

fn main() {
    handle(Hello(1));
    handle(own::server());
}
