//! A vocabulary as a tree of bytes: which tokens spell the beginning of some bytes.

use std::{collections::VecDeque, ops::Range};

use crate::tokenizer::GgufTokenizer;

/// The tokens that text may yield, by their bytes. Control tokens are not in it.
pub struct Vocabulary {
    /// Children of a node are contiguous and sorted by their byte; the root is the first node.
    nodes: Vec<Node>,
}

struct Node {
    byte: u8,
    token: Option<u32>,
    children: Range<u32>,
}

impl Vocabulary {
    /// Builds the tree, in time linear in the bytes of all tokens.
    pub(crate) fn new(tokenizer: &GgufTokenizer) -> Self {
        let text = (0..tokenizer.vocab() as u32).filter(|&id| tokenizer.is_text(id));
        let mut tokens: Vec<(&[u8], u32)> = text.map(|id| (tokenizer.bytes(id), id)).collect();
        tokens.sort_unstable();
        let mut nodes = vec![Node::new(0)];
        // A node with the tokens that pass through it, and the length of what they share.
        let mut open = VecDeque::from([(0, tokens.as_slice(), 0)]);
        while let Some((node, mut tokens, depth)) = open.pop_front() {
            let first = nodes.len() as u32;
            while let Some(&(bytes, id)) = tokens.first() {
                let Some(&byte) = bytes.get(depth) else {
                    // Of equal tokens the lowest id comes first and stays.
                    nodes[node].token.get_or_insert(id);
                    tokens = &tokens[1..];
                    continue;
                };
                let (through, rest) =
                    tokens.split_at(tokens.partition_point(|(bytes, _)| bytes[depth] == byte));
                open.push_back((nodes.len(), through, depth + 1));
                nodes.push(Node::new(byte));
                tokens = rest;
            }
            nodes[node].children = first..nodes.len() as u32;
        }
        Self { nodes }
    }

    /// Every token that spells the beginning of `bytes`, shortest first, with its length.
    pub fn spelling<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = (u32, usize)> + 'a {
        let mut node = Some(&self.nodes[0]);
        let mut depth = 0;
        std::iter::from_fn(move || {
            loop {
                node = self.child(node?, *bytes.get(depth)?);
                depth += 1;
                if let Some(token) = node?.token {
                    return Some((token, depth));
                }
            }
        })
    }

    /// Whether a token stands for this byte alone. Text with other bytes cannot be written.
    pub fn has_byte(&self, byte: u8) -> bool {
        self.child(&self.nodes[0], byte)
            .is_some_and(|node| node.token.is_some())
    }

    fn child(&self, node: &Node, byte: u8) -> Option<&Node> {
        let children = &self.nodes[node.children.start as usize..node.children.end as usize];
        let at = children.binary_search_by_key(&byte, |child| child.byte);
        at.ok().map(|at| &children[at])
    }
}

impl Node {
    fn new(byte: u8) -> Self {
        Self {
            byte,
            token: None,
            children: 0..0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gguf, testing};

    #[test]
    fn spellings_equal_a_search_through_all_tokens() {
        let file = testing::tiny_gguf_with_toy_vocab(0);
        let tokenizer = GgufTokenizer::from_gguf(&Gguf::parse(&file).unwrap()).unwrap();
        let vocabulary = Vocabulary::new(&tokenizer);
        let check = |bytes: &[u8]| {
            let ids = 0..tokenizer.vocab() as u32;
            let mut expected: Vec<(u32, usize)> = ids
                .filter(|&id| !tokenizer.is_control(id) && bytes.starts_with(tokenizer.bytes(id)))
                .map(|id| (id, tokenizer.bytes(id).len()))
                .collect();
            expected.sort_by_key(|&(_, length)| length);
            assert_eq!(vocabulary.spelling(bytes).collect::<Vec<_>>(), expected);
        };
        for text in ["good the", " the", "bad", "é", "<|im_end|>", "  ", ""] {
            check(text.as_bytes());
        }
        check(&[0xff, 0]);
        assert!((0..=255).all(|byte| vocabulary.has_byte(byte)));
    }
}
