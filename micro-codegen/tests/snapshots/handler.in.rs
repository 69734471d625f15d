//! What handles a service: the context left out, topics beside the calls.

use crate::messages::*;

/// Rooms to write in.
#[micro::service]
pub trait Rooms {
    /// Writes it down.
    async fn write(&self, note: Note) -> Result<()>;
    /// What was written down.
    async fn read(&self, room: Room) -> Result<impl Stream<Item = Result<Note>>>;
    /// Hears of what happens, by call or by topic.
    #[subscribe(topic = "room.changed", queue = "rooms")]
    async fn hear(&self, note: Note) -> Result<()>;
}

/// Keeps nothing.
#[derive(Debug)]
pub struct Memory<D> {
    /// What it keeps.
    pub kept: D,
}

#[micro::service]
impl<D: Clone + Send + Sync + 'static> Rooms for Memory<D> {
    async fn write(&self, _: Note) -> Result<()> {
        Ok(())
    }

    async fn read(&self, ctx: &Context, room: Room) -> Result<impl Stream<Item = Result<Note>>> {
        Ok(notes(ctx, &self.kept, room))
    }

    async fn hear(&self, note: Note) -> Result<()> {
        self.write(&Context::default(), note).await
    }

    /// Greets who is new.
    #[subscribe(topic = "user.created")]
    async fn welcome(&self, event: Note) -> Result<()> {
        self.write(&Context::default(), event).await
    }

    #[subscribe(topic = "user.gone", queue = "mailer")]
    async fn part(&self, ctx: &Context, event: Note) -> Result<()> {
        self.write(ctx, event).await
    }
}
