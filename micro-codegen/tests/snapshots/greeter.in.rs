//! A service with one method of each kind.

use crate::messages::*;

/// Greets.
#[micro::service(package = "helloworld")]
pub trait Greeter {
    /// Says hello.
    ///
    /// To anybody.
    async fn hello(&self, req: HelloRequest) -> Result<Note>;
    #[micro(idempotent)]
    async fn watch(&self, ctx: &Context, room: Room) -> Result<impl Stream<Item = Result<Note>>>;
    async fn upload(&self, notes: Streaming<Note>) -> Result<Room>;
    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>> + Send>;
}
