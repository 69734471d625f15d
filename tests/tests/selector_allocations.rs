//! Choosing a node and keeping the books of a call allocate nothing.

use allocation_counter::measure;
use micro::{
    plugin,
    selector::{Filter, Outcome, Selection},
};
use micro_tests::suite::selector::view;

#[test]
fn a_call_allocates_nothing() {
    let view = view(10);
    let filters = [Filter::version("1")];
    let tried = [view.candidates()[0].clone()];
    let ejected = view.candidates()[9].clone();
    for name in ["p2c", "random", "roundrobin", "leastconn", "hash"] {
        let selector = plugin::selector(name).expect("built in");
        let calls = || {
            for _ in 0..100 {
                for (filters, tried) in [(&[][..], &[][..]), (&filters, &tried)] {
                    let call = Selection::with_key("a key");
                    let node = view
                        .pick(&*selector, &call, filters, tried)
                        .expect("a node");
                    let connection = node.attachment::<String>();
                    node.begin().done(Outcome::Success);
                    node.begin().done(Outcome::Neutral);
                    drop(connection);
                }
            }
        };
        // The first ones make room: for this thread's list, its chances, and the attachments.
        calls();
        let healthy = measure(calls);
        ejected.begin().done(Outcome::Unreachable);
        calls();
        let with_one_ejected = measure(calls);
        assert_eq!(healthy.count_total, 0, "{name}");
        assert_eq!(with_one_ejected.count_total, 0, "{name}");
        ejected.begin().done(Outcome::Success);
    }
}
