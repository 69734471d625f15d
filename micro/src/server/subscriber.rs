//! A handler of a topic's messages.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

use crate::{
    Context, Error, Result,
    broker::{Message, Subscribe},
    codec::{ContentType, Wire},
};

type Handle = dyn Fn(Context, Message) -> BoxFuture<'static, Result<()>> + Send + Sync;

/// A topic, and what is done with each of its messages.
#[derive(Clone)]
pub struct Subscriber {
    /// The topic.
    pub topic: String,
    /// How it subscribes: its queue, how much may wait.
    pub options: Subscribe,
    handle: Arc<Handle>,
}

impl Subscriber {
    /// Decodes each message of `topic` by its content type and hands it to `handle`. What that
    /// returns decides whether the message is acknowledged.
    pub fn new<T, F, Fut>(topic: impl Into<String>, wire: &'static Wire<T>, handle: F) -> Self
    where
        T: Send + 'static,
        F: Fn(Context, T) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let handle = Arc::new(move |context: Context, message: Message| {
            let handle = handle.clone();
            let decoded = content_type(&message, wire)
                .and_then(|content_type| wire.decode(message.body, content_type));
            Box::pin(async move { handle(context, decoded?).await }) as BoxFuture<'static, _>
        });
        Self {
            topic: topic.into(),
            options: Subscribe::default(),
            handle,
        }
    }

    /// The same, sharing the topic with the other subscribers of `queue`.
    #[must_use]
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.options.queue = Some(queue.into());
        self
    }

    /// Handles one message.
    ///
    /// # Errors
    /// The handler's, or `InvalidArgument` for a message that can't be decoded.
    pub async fn handle(&self, context: Context, message: Message) -> Result<()> {
        let handled = (self.handle)(context.clone(), message);
        context.scope(handled).await
    }
}

fn content_type<T>(message: &Message, wire: &Wire<T>) -> Result<ContentType> {
    match message.metadata.headers().get("content-type") {
        Some(value) => ContentType::parse(
            value
                .to_str()
                .map_err(|_| Error::invalid_argument("the content-type is no text"))?,
        ),
        None => Ok(wire.preferred()),
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber")
            .field("topic", &self.topic)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
