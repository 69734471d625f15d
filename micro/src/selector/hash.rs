//! The node that the call's key belongs to.

use std::sync::Arc;

use super::{Candidate, Random, Selection, Selector};
use crate::plugin;

inventory::submit! {
    plugin::Selector { name: "hash", open: |_| Ok(Arc::new(ConsistentHash)) }
}

/// Sends calls with the same [key](Selection::key) to the same node, from every process alike: for
/// caches, sessions, and whatever else is better off where it was before. When a node comes or
/// goes, only its own share of the keys moves. Calls without a key go anywhere.
///
/// It is rendezvous hashing: each node draws a number for the key, and the highest wins. Its name
/// is `hash`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConsistentHash;

impl Selector for ConsistentHash {
    fn select(&self, nodes: &[Arc<Candidate>], call: &Selection<'_>) -> usize {
        let Some(key) = call.key else {
            return Random.select(nodes, call);
        };
        let key = hash(key.as_bytes());
        nodes
            .iter()
            .enumerate()
            .max_by_key(|(_, node)| scatter(node.hash() ^ key))
            .map_or(0, |(at, _)| at)
    }
}

/// A hash that stays what it is: clients of different versions must agree. FNV-1a, scattered, since
/// by itself it is weak in its upper bits.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    scatter(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    }))
}

/// Every bit of the input sways every bit of the output: the finalizer of `SplitMix64`.
fn scatter(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(hash(b""), 0xf52a_15e9_a9b5_e89b);
        assert_eq!(hash(b"greeter-1"), 0xbae9_586f_0342_d7ba);
    }
}
