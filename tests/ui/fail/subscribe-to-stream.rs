use micro::Streaming;

#[micro::service]
pub trait Greeter {
    #[subscribe(topic = "notes")]
    async fn upload(&self, notes: Streaming<String>) -> micro::Result<()>;
}

fn main() {}
