pub struct Note {
    pub text: String,
}

#[micro::service]
pub trait Greeter {
    async fn hello(&self, req: String) -> micro::Result<Note>;
}

fn main() {}
