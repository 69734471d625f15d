#[micro::service]
pub trait Größe {
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
