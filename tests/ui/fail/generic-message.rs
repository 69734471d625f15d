struct Hello<T>(T);

#[micro::service]
impl<T: Send + Sync + 'static> Hello<T> {
    async fn hello(&self, req: T) -> micro::Result<String> {
        drop(req);
        Ok(String::new())
    }
}

fn main() {}
