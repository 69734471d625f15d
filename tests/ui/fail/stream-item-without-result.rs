use futures_util::Stream;

#[micro::service]
pub trait Greeter {
    async fn watch(&self, req: String) -> micro::Result<impl Stream<Item = String>>;
}

fn main() {}
