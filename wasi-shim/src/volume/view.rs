//! The deterministic view: what the host's file system would leak into results, settled.

use std::collections::HashMap;

use crate::abi::types::FileStat;
use crate::meta::{Meta, NodeKey};

/// Inode numbers in order of first sight, and times as the guest's clock said them.
#[derive(Debug, Default)]
pub(crate) struct View {
    nodes: HashMap<NodeKey, Node>,
    last: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    number: u64,
    atim: u64,
    mtim: u64,
    ctim: u64,
}

impl View {
    fn node(&mut self, key: NodeKey) -> &mut Node {
        let last = &mut self.last;
        self.nodes.entry(key).or_insert_with(|| {
            *last += 1;
            // A file from before the view began has no time a replay elsewhere would agree on.
            Node { number: *last, ..Node::default() }
        })
    }

    pub(crate) fn number(&mut self, key: NodeKey) -> u64 {
        self.node(key).number
    }

    /// A file has come into being: the host may have given it the inode of one that is gone.
    pub(crate) fn born(&mut self, key: NodeKey, now: u64) {
        self.nodes.remove(&key);
        let node = self.node(key);
        (node.atim, node.mtim, node.ctim) = (now, now, now);
    }

    /// The last name and the last descriptor of a file are gone.
    pub(crate) fn gone(&mut self, key: NodeKey) {
        self.nodes.remove(&key);
    }

    /// Contents have changed: a file was written, or an entry of a directory came or went.
    pub(crate) fn written(&mut self, key: NodeKey, now: u64) {
        let node = self.node(key);
        (node.mtim, node.ctim) = (now, now);
    }

    /// Attributes have changed.
    pub(crate) fn changed(&mut self, key: NodeKey, now: u64) {
        self.node(key).ctim = now;
    }

    /// Times were set; `None` keeps.
    pub(crate) fn timed(&mut self, key: NodeKey, atim: Option<u64>, mtim: Option<u64>, now: u64) {
        let node = self.node(key);
        node.atim = atim.unwrap_or(node.atim);
        node.mtim = mtim.unwrap_or(node.mtim);
        node.ctim = now;
    }

    pub(crate) fn stat(&mut self, meta: &Meta, dev: u64) -> FileStat {
        let node = *self.node(meta.key);
        // How a file system counts a directory's size and links is its own affair.
        let (nlink, size) = if meta.is_dir() { (1, 0) } else { (meta.nlink, meta.size) };
        FileStat {
            dev,
            ino: node.number,
            filetype: meta.filetype,
            nlink,
            size,
            atim: node.atim,
            mtim: node.mtim,
            ctim: node.ctim,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::View;

    #[test]
    fn numbers_come_in_order_of_first_sight() {
        let mut view = View::default();
        assert_eq!(view.number((1, 900)), 1);
        assert_eq!(view.number((1, 4)), 2);
        assert_eq!(view.number((1, 900)), 1);
    }

    #[test]
    fn a_reused_host_inode_is_a_new_file() {
        let mut view = View::default();
        view.born((1, 5), 10);
        view.gone((1, 5));
        view.born((1, 5), 20);
        assert_eq!(view.number((1, 5)), 2);
    }
}
