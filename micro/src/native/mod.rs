//! The native protocol.
/// How a reader tells the sender of room.
#[derive(Debug)]
pub struct Credit;
impl Credit {
    pub(crate) fn give(&self, _bytes: usize) {}
    pub(crate) fn reader_gone(&self) {}
}
/// Sends messages of a stream.
#[derive(Debug)]
pub struct Sender;
impl Sender {
    pub(crate) fn poll_ready(
        &mut self,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<crate::Result<()>> {
        std::task::Poll::Pending
    }
    pub(crate) fn send(&mut self, _message: bytes::Bytes) -> crate::Result<()> {
        Ok(())
    }
    pub(crate) fn finish(self, _end: crate::Result<()>) {}
}
