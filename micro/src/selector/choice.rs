//! Who may be chosen.

use std::{cell::RefCell, sync::Arc};

use super::{Candidate, Filter, Selection, Selector, ejection::Standing};

type Nodes = [Arc<Candidate>];

/// The selector's choice among all of them. Another's selector may be wrong, but not out of range.
pub(super) fn select(
    selector: &dyn Selector,
    nodes: &Nodes,
    call: &Selection<'_>,
) -> Option<Arc<Candidate>> {
    if nodes.is_empty() {
        return None;
    }
    nodes
        .get(selector.select(nodes, call))
        .or(nodes.last())
        .cloned()
}

/// Whether any passes.
pub(super) fn any(nodes: &Nodes, filters: &[Filter]) -> bool {
    nodes.iter().any(|node| passes(node, filters))
}

/// The selector's choice among the best that there are.
#[cold]
pub(super) fn among(
    selector: &dyn Selector,
    nodes: &Nodes,
    call: &Selection<'_>,
    filters: &[Filter],
    tried: &Nodes,
    now: u64,
) -> Option<Arc<Candidate>> {
    thread_local! {
        /// Kept, so that calls with filters don't allocate either.
        static LIST: RefCell<Vec<Arc<Candidate>>> = const { RefCell::new(Vec::new()) };
    }
    // Taken, not borrowed: a selector or a filter may pick from a view itself.
    let mut list = LIST.take();
    let mut best = Rank::Last;
    let mut probe = None;
    for node in nodes.iter().filter(|node| passes(node, filters)) {
        let untried = !tried.iter().any(|other| other.is_same(node));
        let standing = node.standing(now);
        if untried && standing == Standing::Due && node.probe(now) {
            probe = Some(Arc::clone(node));
            break;
        }
        let rank = match (untried, standing) {
            (true, Standing::In) => Rank::Fresh,
            (true, _) => Rank::Ejected,
            (false, Standing::In) => Rank::Tried,
            (false, _) => Rank::Last,
        };
        if rank < best {
            best = rank;
            list.clear();
        }
        if rank == best {
            list.push(Arc::clone(node));
        }
    }
    let chosen = probe.or_else(|| select(selector, &list, call));
    list.clear();
    LIST.set(list);
    chosen
}

/// The sooner the better. An ejected node goes before one that this call has just seen fail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Fresh,
    Ejected,
    Tried,
    Last,
}

fn passes(node: &Candidate, filters: &[Filter]) -> bool {
    filters.iter().all(|filter| filter.matches(node))
}
