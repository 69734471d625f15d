//! Methods that are there under a condition only.
use crate::messages::*;
/// Differs from platform to platform.
pub trait Platform: ::micro::__private::v1::Send + ::micro::__private::v1::Sync + 'static {
    /// Only there where it is not.
    #[cfg(not(any()))]
    fn always(
        &self,
        ctx: &::micro::__private::v1::Context,
        req: Room,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<Note>,
    > + ::micro::__private::v1::Send;
    /// Never there.
    #[cfg(any())]
    fn never(
        &self,
        ctx: &::micro::__private::v1::Context,
        req: Missing,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<Missing>,
    > + ::micro::__private::v1::Send;
    /// Going away.
    #[deprecated = "use `always`"]
    fn last(
        &self,
        ctx: &::micro::__private::v1::Context,
        req: Room,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<Note>,
    > + ::micro::__private::v1::Send;
}
/// Calls [`Platform`] by way of a client `C`.
#[derive(Clone, Debug)]
pub struct PlatformClient<C>(::micro::__private::v1::Stub<C>);
/// Serves a [`Platform`].
#[derive(Debug)]
pub struct PlatformServer<S>(::micro::__private::v1::Arc<S>);
/// Stands in for a [`Platform`] in tests: answers by closures and logs the calls.
#[derive(Clone, Debug, Default)]
pub struct MockPlatform(::micro::__private::v1::Mock);
#[allow(deprecated, dead_code, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::micro::__private::v1 as __v1;
    #[cfg(not(any()))]
    const ALWAYS: &__v1::Rpc<Room, Note> = &__v1::rpc!(
        "Platform/Always", "Only there where it is not.", Unary, Room, Note
    );
    #[cfg(any())]
    const NEVER: &__v1::Rpc<Missing, Missing> = &__v1::rpc!(
        "Platform/Never", "Never there.", Unary, Missing, Missing
    );
    const LAST: &__v1::Rpc<Room, Note> = &__v1::rpc!(
        "Platform/Last", "Going away.", Unary, Room, Note
    );
    const ALWAYS_PLACE: usize = 0;
    const NEVER_PLACE: usize = ALWAYS_PLACE + ::core::cfg!(all(not(any()))) as usize;
    const LAST_PLACE: usize = NEVER_PLACE + ::core::cfg!(all(any())) as usize;
    impl PlatformServer<()> {
        /// What the service offers.
        pub const SERVICE: &__v1::Service = &__v1::Service::new(
            "Platform",
            "Differs from platform to platform.",
            const {
                &[
                    #[cfg(not(any()))]
                    ALWAYS.method,
                    #[cfg(any())]
                    NEVER.method,
                    LAST.method,
                ]
            },
        );
    }
    impl<C: __v1::Client> PlatformClient<C> {
        /// Only there where it is not.
        #[cfg(not(any()))]
        pub fn always(&self, req: Room) -> __v1::Unary<C, Room, Note> {
            self.0.one(ALWAYS, req)
        }
        /// Never there.
        #[cfg(any())]
        pub fn never(&self, req: Missing) -> __v1::Unary<C, Missing, Missing> {
            self.0.one(NEVER, req)
        }
        /// Going away.
        #[deprecated = "use `always`"]
        pub fn last(&self, req: Room) -> __v1::Unary<C, Room, Note> {
            self.0.one(LAST, req)
        }
    }
    impl<S: Platform> __v1::Handler for PlatformServer<S> {
        fn service(&self) -> &'static __v1::Service {
            PlatformServer::SERVICE
        }
        async fn call(&self, method: usize, call: __v1::Call) -> __v1::Answered {
            let this = &*self.0;
            let (ctx, input, output) = call.split();
            match method {
                #[cfg(not(any()))]
                ALWAYS_PLACE => {
                    let reply = Platform::always(this, &ctx, input.message(ALWAYS)?)
                        .await;
                    output.reply(ALWAYS, reply)
                }
                #[cfg(any())]
                NEVER_PLACE => {
                    let reply = Platform::never(this, &ctx, input.message(NEVER)?).await;
                    output.reply(NEVER, reply)
                }
                LAST_PLACE => {
                    let reply = Platform::last(this, &ctx, input.message(LAST)?).await;
                    output.reply(LAST, reply)
                }
                _ => __v1::Err(__v1::no_method(PlatformServer::SERVICE, method)),
            }
        }
    }
    impl MockPlatform {
        /// Answers `always`.
        #[cfg(not(any()))]
        pub fn always(self, answer: impl __v1::Answer<Room, Note>) -> Self {
            self.0.unary(ALWAYS, answer);
            self
        }
        /// Answers `never`.
        #[cfg(any())]
        pub fn never(self, answer: impl __v1::Answer<Missing, Missing>) -> Self {
            self.0.unary(NEVER, answer);
            self
        }
        /// Answers `last`.
        pub fn last(self, answer: impl __v1::Answer<Room, Note>) -> Self {
            self.0.unary(LAST, answer);
            self
        }
    }
    __v1::common!(pub PlatformClient, PlatformServer, MockPlatform, "Platform");
};
