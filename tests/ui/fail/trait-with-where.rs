#[micro::service]
pub trait Greeter
where
    Self: Sized,
{
    async fn hello(&self, req: String) -> micro::Result<String>;
}

fn main() {}
