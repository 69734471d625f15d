//! Typed publishing.

use std::{fmt, marker::PhantomData, pin::Pin};

use super::Client;
use crate::{
    Context, Error, Metadata, Result, broker,
    codec::{ContentType, Message, Wire},
};

/// A topic whose messages are `T`s, made by [`Service::topic`](crate::Service::topic).
pub struct Topic<C, T: 'static> {
    client: C,
    name: String,
    wire: &'static Wire<T>,
    types: PhantomData<fn(T)>,
}

impl<C: Client, T: Message> Topic<C, T> {
    /// The topic called `name`, published to by way of `client`.
    #[must_use]
    pub fn new(name: impl Into<String>, client: C) -> Self {
        Self {
            client,
            name: name.into(),
            wire: T::wire(),
            types: PhantomData,
        }
    }
}

impl<C: Client, T: Send + 'static> Topic<C, T> {
    /// Publishes a message when it is awaited.
    pub fn publish(&self, message: T) -> Publish<C, T> {
        Publish {
            client: self.client.clone(),
            topic: self.name.clone(),
            wire: self.wire,
            message,
            metadata: Metadata::new(),
            content_type: self.wire.preferred(),
        }
    }
}

impl<C, T> fmt::Debug for Topic<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A message that is not published yet: set options, then await it.
#[must_use = "a message is published when it is awaited"]
pub struct Publish<C, T: 'static> {
    client: C,
    topic: String,
    wire: &'static Wire<T>,
    message: T,
    metadata: Metadata,
    content_type: ContentType,
}

impl<C, T> Publish<C, T> {
    /// Adds headers.
    pub fn metadata(mut self, metadata: &Metadata) -> Self {
        self.metadata.merge(metadata);
        self
    }

    /// Sends the message in this form.
    pub fn content_type(mut self, content_type: ContentType) -> Self {
        self.content_type = content_type;
        self
    }
}

impl<C: Client, T: Send + 'static> Publish<C, T> {
    async fn send(self) -> Result<()> {
        let body = self.wire.encode(&self.message, self.content_type)?;
        let context = Context::current();
        if context.time_left().is_some_and(|left| left.is_zero()) {
            return Err(Error::timeout(
                "the deadline had passed before the message was published",
            ));
        }
        let mut metadata = context.metadata().for_onward_call();
        metadata.merge(&self.metadata);
        if let Some(trace) = context.trace() {
            metadata.insert(crate::trace::TRACEPARENT, &trace.child().to_string())?;
        }
        metadata.insert("content-type", self.content_type.as_str())?;
        metadata.insert("micro-topic", &self.topic)?;
        metadata.insert("micro-id", &crate::id::unique())?;
        self.client
            .publish(&self.topic, broker::Message { metadata, body })
            .await
    }
}

impl<C: Client, T: Send + 'static> IntoFuture for Publish<C, T> {
    type Output = Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<C, T> fmt::Debug for Publish<C, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publish")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}
