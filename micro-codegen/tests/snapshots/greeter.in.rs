//! A service with one method of each kind.

use crate::messages::*;

/// Greets.
#[micro::service(package = "helloworld")]
pub trait Greeter {
    /// Says hello.
    ///
    /// To anybody.
    async fn hello(&self, req: HelloRequest) -> Result<Note>;
    /// What is said in a room.
    #[micro(idempotent)]
    async fn watch(&self, ctx: &Context, room: Room) -> Result<impl Stream<Item = Result<Note>>>;
    /// Where it was said.
    async fn upload(&self, notes: Streaming<Note>) -> Result<Room>;
    /// Talks.
    async fn chat(&self, notes: Streaming<Note>) -> Result<impl Stream<Item = Result<Note>> + Send>;
}
