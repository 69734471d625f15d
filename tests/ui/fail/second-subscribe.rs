#[micro::service]
pub trait Greeter {
    #[subscribe(topic = "a")]
    #[subscribe(topic = "b")]
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
