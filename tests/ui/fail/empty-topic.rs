#[micro::service]
pub trait Greeter {
    #[subscribe(topic = "")]
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
