//! A service with one method of each kind.
use crate::messages::*;
/// Greets.
pub trait Greeter: ::micro::__private::v1::Send + ::micro::__private::v1::Sync + 'static {
    /// Says hello.
    ///
    /// To anybody.
    fn hello(
        &self,
        ctx: &::micro::__private::v1::Context,
        req: HelloRequest,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<Note>,
    > + ::micro::__private::v1::Send;
    /// What is said in a room.
    fn watch(
        &self,
        ctx: &Context,
        room: Room,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<impl Stream<Item = Result<Note>> + ::micro::__private::v1::Send>,
    > + ::micro::__private::v1::Send;
    /// Where it was said.
    fn upload(
        &self,
        ctx: &::micro::__private::v1::Context,
        notes: Streaming<Note>,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<Room>,
    > + ::micro::__private::v1::Send;
    /// Talks.
    fn chat(
        &self,
        ctx: &::micro::__private::v1::Context,
        notes: Streaming<Note>,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<impl Stream<Item = Result<Note>> + Send>,
    > + ::micro::__private::v1::Send;
}
/// Calls [`Greeter`] by way of a client `C`.
#[derive(Clone, Debug)]
pub struct GreeterClient<C>(::micro::__private::v1::Stub<C>);
/// Serves a [`Greeter`].
#[derive(Debug)]
pub struct GreeterServer<S>(::micro::__private::v1::Arc<S>);
/// Stands in for a [`Greeter`] in tests: answers by closures and logs the calls.
#[derive(Clone, Debug, Default)]
pub struct MockGreeter(::micro::__private::v1::Mock);
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::micro::__private::v1 as __v1;
    const HELLO: &__v1::Rpc<HelloRequest, Note> = &__v1::rpc!(
        "helloworld.Greeter/Hello", "Says hello.\n\nTo anybody.", Unary, HelloRequest,
        Note
    );
    const WATCH: &__v1::Rpc<Room, Note> = &__v1::rpc!(
        "helloworld.Greeter/Watch", "What is said in a room.", ServerStream, Room, Note
    )
        .idempotent();
    const UPLOAD: &__v1::Rpc<Note, Room> = &__v1::rpc!(
        "helloworld.Greeter/Upload", "Where it was said.", ClientStream, Note, Room
    );
    const CHAT: &__v1::Rpc<Note, Note> = &__v1::rpc!(
        "helloworld.Greeter/Chat", "Talks.", Bidi, Note, Note
    );
    impl GreeterServer<()> {
        /// What the service offers.
        pub const SERVICE: &__v1::Service = &__v1::Service::new(
            "helloworld.Greeter",
            "Greets.",
            const { &[HELLO.method, WATCH.method, UPLOAD.method, CHAT.method] },
        );
    }
    impl<C: __v1::Client> GreeterClient<C> {
        /// Says hello.
        ///
        /// To anybody.
        pub fn hello(&self, req: HelloRequest) -> __v1::Unary<C, HelloRequest, Note> {
            self.0.one(HELLO, req)
        }
        /// What is said in a room.
        pub fn watch(&self, room: Room) -> __v1::ServerStream<C, Room, Note> {
            self.0.one(WATCH, room)
        }
        /// Where it was said.
        pub fn upload(
            &self,
            notes: impl __v1::Messages<Note>,
        ) -> __v1::ClientStream<C, Note, Room> {
            self.0.many(UPLOAD, notes)
        }
        /// Talks.
        pub fn chat(
            &self,
            notes: impl __v1::Messages<Note>,
        ) -> __v1::Bidi<C, Note, Note> {
            self.0.many(CHAT, notes)
        }
    }
    impl<S: Greeter> __v1::Handler for GreeterServer<S> {
        fn service(&self) -> &'static __v1::Service {
            GreeterServer::SERVICE
        }
        async fn call(&self, method: usize, call: __v1::Call) -> __v1::Answered {
            let this = &*self.0;
            let (ctx, input, output) = call.split();
            match method {
                0 => {
                    let reply = Greeter::hello(this, &ctx, input.message(HELLO)?).await;
                    output.reply(HELLO, reply)
                }
                1 => {
                    let reply = Greeter::watch(this, &ctx, input.message(WATCH)?).await;
                    output.stream(WATCH, reply).await
                }
                2 => {
                    let reply = Greeter::upload(this, &ctx, input.stream(UPLOAD)).await;
                    output.reply(UPLOAD, reply)
                }
                3 => {
                    let reply = Greeter::chat(this, &ctx, input.stream(CHAT)).await;
                    output.stream(CHAT, reply).await
                }
                _ => __v1::Err(__v1::no_method(GreeterServer::SERVICE, method)),
            }
        }
    }
    impl MockGreeter {
        /// Answers `hello`.
        pub fn hello(self, answer: impl __v1::Answer<HelloRequest, Note>) -> Self {
            self.0.unary(HELLO, answer);
            self
        }
        /// Answers `watch`.
        pub fn watch<R: __v1::Replies<Note>>(
            self,
            answer: impl __v1::Answer<Room, R>,
        ) -> Self {
            self.0.server_stream(WATCH, answer);
            self
        }
        /// Answers `upload`.
        pub fn upload<R: __v1::Reply<Room>>(
            self,
            answer: impl __v1::LateAnswer<__v1::Streaming<Note>, R>,
        ) -> Self {
            self.0.client_stream(UPLOAD, answer);
            self
        }
        /// Answers `chat`.
        pub fn chat<R: __v1::Replies<Note>>(
            self,
            answer: impl __v1::Answer<__v1::Streaming<Note>, R>,
        ) -> Self {
            self.0.bidi(CHAT, answer);
            self
        }
    }
    __v1::common!(pub GreeterClient, GreeterServer, MockGreeter, "helloworld.Greeter");
};
