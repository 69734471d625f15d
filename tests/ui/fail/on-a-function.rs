#[micro::service]
pub async fn hello() {}

fn main() {}
