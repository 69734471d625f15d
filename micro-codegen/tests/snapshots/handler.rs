//! What handles a service: the context left out, topics beside the calls.
use crate::messages::*;
/// Rooms to write in.
pub trait Rooms: ::micro::__private::v1::Send + ::micro::__private::v1::Sync + 'static {
    /// Writes it down.
    fn write(
        &self,
        ctx: &::micro::__private::v1::Context,
        note: Note,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<()>,
    > + ::micro::__private::v1::Send;
    /// What was written down.
    fn read(
        &self,
        ctx: &::micro::__private::v1::Context,
        room: Room,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<impl Stream<Item = Result<Note>> + ::micro::__private::v1::Send>,
    > + ::micro::__private::v1::Send;
    /// Hears of what happens, by call or by topic.
    fn hear(
        &self,
        ctx: &::micro::__private::v1::Context,
        note: Note,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<()>,
    > + ::micro::__private::v1::Send;
}
/// Calls [`Rooms`] by way of a client `C`.
#[derive(Clone, Debug)]
pub struct RoomsClient<C>(::micro::__private::v1::Stub<C>);
/// Serves a [`Rooms`].
#[derive(Debug)]
pub struct RoomsServer<S>(::micro::__private::v1::Arc<S>);
/// Stands in for a [`Rooms`] in tests: answers by closures and logs the calls.
#[derive(Clone, Debug, Default)]
pub struct MockRooms(::micro::__private::v1::Mock);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::micro::__private::v1 as __v1;
    const WRITE: &__v1::Rpc<Note, ()> = &__v1::rpc!(
        "Rooms/Write", "Writes it down.", Unary, Note, ()
    );
    const READ: &__v1::Rpc<Room, Note> = &__v1::rpc!(
        "Rooms/Read", "What was written down.", ServerStream, Room, Note
    );
    const HEAR: &__v1::Rpc<Note, ()> = &__v1::rpc!(
        "Rooms/Hear", "Hears of what happens, by call or by topic.", Unary, Note, ()
    )
        .topic("room.changed");
    impl RoomsServer<()> {
        /// What the service offers.
        pub const SERVICE: &__v1::Service = &__v1::Service::new(
            "Rooms",
            "Rooms to write in.",
            const { &[WRITE.method, READ.method, HEAR.method] },
        );
    }
    impl<C: __v1::Client> RoomsClient<C> {
        /// Writes it down.
        pub fn write(&self, note: Note) -> __v1::Unary<C, Note, ()> {
            self.0.one(WRITE, note)
        }
        /// What was written down.
        pub fn read(&self, room: Room) -> __v1::ServerStream<C, Room, Note> {
            self.0.one(READ, room)
        }
        /// Hears of what happens, by call or by topic.
        pub fn hear(&self, note: Note) -> __v1::Unary<C, Note, ()> {
            self.0.one(HEAR, note)
        }
    }
    impl<S: Rooms> __v1::Handler for RoomsServer<S> {
        fn service(&self) -> &'static __v1::Service {
            RoomsServer::SERVICE
        }
        async fn call(&self, method: usize, call: __v1::Call) -> __v1::Answered {
            let this = &*self.0;
            let (ctx, input, output) = call.split();
            match method {
                0 => {
                    let reply = Rooms::write(this, &ctx, input.message(WRITE)?).await;
                    output.reply(WRITE, reply)
                }
                1 => {
                    let reply = Rooms::read(this, &ctx, input.message(READ)?).await;
                    output.stream(READ, reply).await
                }
                2 => {
                    let reply = Rooms::hear(this, &ctx, input.message(HEAR)?).await;
                    output.reply(HEAR, reply)
                }
                _ => __v1::Err(__v1::no_method(RoomsServer::SERVICE, method)),
            }
        }
        fn subscribers(self: &__v1::Arc<Self>) -> __v1::Vec<__v1::Subscriber> {
            __v1::list([
                __v1::subscriber(
                        self,
                        "room.changed",
                        HEAR.request,
                        |this, ctx, event| async move {
                            Rooms::hear(&*this.0, &ctx, event).await.map(__v1::drop)
                        },
                    )
                    .queue("rooms"),
            ])
        }
    }
    impl MockRooms {
        /// Answers `write`.
        pub fn write(self, answer: impl __v1::Answer<Note, ()>) -> Self {
            self.0.unary(WRITE, answer);
            self
        }
        /// Answers `read`.
        pub fn read<R: __v1::Replies<Note>>(
            self,
            answer: impl __v1::Answer<Room, R>,
        ) -> Self {
            self.0.server_stream(READ, answer);
            self
        }
        /// Answers `hear`.
        pub fn hear(self, answer: impl __v1::Answer<Note, ()>) -> Self {
            self.0.unary(HEAR, answer);
            self
        }
    }
    __v1::common!(pub RoomsClient, RoomsServer, MockRooms, "Rooms");
};
/// Keeps nothing.
#[derive(Debug)]
pub struct Memory<D> {
    /// What it keeps.
    pub kept: D,
}
impl<D: Clone + Send + Sync + 'static> Rooms for Memory<D> {
    async fn write(&self, _: &::micro::__private::v1::Context, _: Note) -> Result<()> {
        Ok(())
    }
    async fn read(
        &self,
        ctx: &Context,
        room: Room,
    ) -> Result<impl Stream<Item = Result<Note>> + ::micro::__private::v1::Send> {
        Ok(notes(ctx, &self.kept, room))
    }
    async fn hear(&self, _: &::micro::__private::v1::Context, note: Note) -> Result<()> {
        self.write(&Context::default(), note).await
    }
}
impl<D: Clone + Send + Sync + 'static> Memory<D> {
    /// Greets who is new.
    async fn welcome(&self, event: Note) -> Result<()> {
        self.write(&Context::default(), event).await
    }
    async fn part(&self, ctx: &Context, event: Note) -> Result<()> {
        self.write(ctx, event).await
    }
}
const _: () = {
    use ::micro::__private::v1 as __v1;
    #[automatically_derived]
    impl<D: Clone + Send + Sync + 'static> __v1::IntoHandler<RoomsServer<()>>
    for Memory<D> {
        type Handler = RoomsServer<Self>;
        fn into_handler(self) -> (Self::Handler, __v1::Vec<__v1::Subscriber>) {
            let this = __v1::Arc::new(self);
            let subscribers = __v1::list([
                __v1::subscriber(
                    &this,
                    "user.created",
                    __v1::wire!(Note),
                    |this, _, event| async move { Self::welcome(&this, event).await },
                ),
                __v1::subscriber(
                        &this,
                        "user.gone",
                        __v1::wire!(Note),
                        |this, ctx, event| async move {
                            Self::part(&this, &ctx, event).await
                        },
                    )
                    .queue("mailer"),
            ]);
            (<Self::Handler>::new(this), subscribers)
        }
    }
};
