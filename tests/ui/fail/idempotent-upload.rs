use micro::Streaming;

#[micro::service]
pub trait Greeter {
    #[micro(idempotent)]
    async fn upload(&self, notes: Streaming<String>) -> micro::Result<()>;
}

fn main() {}
