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
#[allow(
    deprecated,
    dead_code,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
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
/// Not there at all.
#[cfg(any())]
pub trait Never: ::micro::__private::v1::Send + ::micro::__private::v1::Sync + 'static {
    /// Nor is this.
    fn never(
        &self,
        ctx: &::micro::__private::v1::Context,
        req: Missing,
    ) -> impl ::micro::__private::v1::Future<
        Output = Result<Missing>,
    > + ::micro::__private::v1::Send;
}
/// Calls [`Never`] by way of a client `C`.
#[cfg(any())]
#[derive(Clone, Debug)]
pub struct NeverClient<C>(::micro::__private::v1::Stub<C>);
/// Serves a [`Never`].
#[cfg(any())]
#[derive(Debug)]
pub struct NeverServer<S>(::micro::__private::v1::Arc<S>);
/// Stands in for a [`Never`] in tests: answers by closures and logs the calls.
#[cfg(any())]
#[derive(Clone, Debug, Default)]
pub struct MockNever(::micro::__private::v1::Mock);
#[cfg(any())]
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::micro::__private::v1 as __v1;
    const NEVER: &__v1::Rpc<Missing, Missing> = &__v1::rpc!(
        "Never/Never", "Nor is this.", Unary, Missing, Missing
    );
    impl NeverServer<()> {
        /// What the service offers.
        pub const SERVICE: &__v1::Service = &__v1::Service::new(
            "Never",
            "Not there at all.",
            const { &[NEVER.method] },
        );
    }
    impl<C: __v1::Client> NeverClient<C> {
        /// Nor is this.
        pub fn never(&self, req: Missing) -> __v1::Unary<C, Missing, Missing> {
            self.0.one(NEVER, req)
        }
    }
    impl<S: Never> __v1::Handler for NeverServer<S> {
        fn service(&self) -> &'static __v1::Service {
            NeverServer::SERVICE
        }
        async fn call(&self, method: usize, call: __v1::Call) -> __v1::Answered {
            let this = &*self.0;
            let (ctx, input, output) = call.split();
            match method {
                0 => {
                    let reply = Never::never(this, &ctx, input.message(NEVER)?).await;
                    output.reply(NEVER, reply)
                }
                _ => __v1::Err(__v1::no_method(NeverServer::SERVICE, method)),
            }
        }
    }
    impl MockNever {
        /// Answers `never`.
        pub fn never(self, answer: impl __v1::Answer<Missing, Missing>) -> Self {
            self.0.unary(NEVER, answer);
            self
        }
    }
    __v1::common!(pub NeverClient, NeverServer, MockNever, "Never");
};
/// As little as what it is about.
#[cfg(any())]
impl Never for Missing {
    async fn never(
        &self,
        _: &::micro::__private::v1::Context,
        req: Missing,
    ) -> Result<Missing> {
        Ok(req)
    }
}
#[cfg(any())]
impl Missing {
    async fn hear(&self, _: Missing) -> Result<()> {
        Ok(())
    }
}
#[cfg(any())]
const _: () = {
    use ::micro::__private::v1 as __v1;
    #[automatically_derived]
    impl __v1::IntoHandler<NeverServer<()>> for Missing {
        type Handler = NeverServer<Self>;
        fn into_handler(self) -> (Self::Handler, __v1::Vec<__v1::Subscriber>) {
            let this = __v1::Arc::new(self);
            let subscribers = __v1::list([
                __v1::subscriber(
                    &this,
                    "never",
                    __v1::wire!(Missing),
                    |this, _, event| async move { Self::hear(&this, event).await },
                ),
            ]);
            (<Self::Handler>::new(this), subscribers)
        }
    }
};
/// Nor are methods without a trait.
#[cfg(any())]
impl Missing {
    /// Nor is this.
    pub async fn own(&self, req: Missing) -> Result<Missing> {
        Ok(req)
    }
}
/// Calls [`Missing`] by way of a client `C`.
#[cfg(any())]
#[derive(Clone, Debug)]
pub struct MissingClient<C>(::micro::__private::v1::Stub<C>);
/// Serves a [`Missing`].
#[cfg(any())]
#[derive(Debug)]
pub struct MissingServer<S>(::micro::__private::v1::Arc<S>);
/// Stands in for a [`Missing`] in tests: answers by closures and logs the calls.
#[cfg(any())]
#[derive(Clone, Debug, Default)]
pub struct MockMissing(::micro::__private::v1::Mock);
#[cfg(any())]
#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    use ::micro::__private::v1 as __v1;
    const OWN: &__v1::Rpc<Missing, Missing> = &__v1::rpc!(
        "Missing/Own", "Nor is this.", Unary, Missing, Missing
    );
    impl MissingServer<()> {
        /// What the service offers.
        pub const SERVICE: &__v1::Service = &__v1::Service::new(
            "Missing",
            "Nor are methods without a trait.",
            const { &[OWN.method] },
        );
    }
    impl<C: __v1::Client> MissingClient<C> {
        /// Nor is this.
        pub fn own(&self, req: Missing) -> __v1::Unary<C, Missing, Missing> {
            self.0.one(OWN, req)
        }
    }
    impl __v1::Handler for MissingServer<Missing>
    where
        Missing: __v1::Send + __v1::Sync + 'static,
    {
        fn service(&self) -> &'static __v1::Service {
            MissingServer::SERVICE
        }
        async fn call(&self, method: usize, call: __v1::Call) -> __v1::Answered {
            let this = &*self.0;
            let (_, input, output) = call.split();
            match method {
                0 => {
                    let reply = <Missing>::own(this, input.message(OWN)?).await;
                    output.reply(OWN, reply)
                }
                _ => __v1::Err(__v1::no_method(MissingServer::SERVICE, method)),
            }
        }
    }
    impl MockMissing {
        /// Answers `own`.
        pub fn own(self, answer: impl __v1::Answer<Missing, Missing>) -> Self {
            self.0.unary(OWN, answer);
            self
        }
    }
    __v1::common!(pub MissingClient, MissingServer, MockMissing, "Missing");
    #[automatically_derived]
    impl __v1::IntoHandler<MissingServer<()>> for Missing
    where
        Missing: __v1::Send + __v1::Sync + 'static,
    {
        type Handler = MissingServer<Self>;
        fn into_handler(self) -> (Self::Handler, __v1::Vec<__v1::Subscriber>) {
            (<Self::Handler>::new(self), __v1::list([]))
        }
    }
};
