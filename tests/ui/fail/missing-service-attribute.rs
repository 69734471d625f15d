#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

struct Hello;

impl Greeter for Hello {
    async fn hello(&self, _: &micro::Context, req: String) -> micro::Result<String> {
        Ok(req)
    }
}

fn handle<M>(_: impl micro::server::IntoHandler<M>) {}

fn main() {
    handle(Hello);
}
