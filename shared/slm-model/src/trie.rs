//! Closed answers as a tree of tokens, so that every answer is scored in one pass after the prompt.

/// The distinct proper prefixes of the answers, and where each answer's tokens are predicted.
pub(crate) struct AnswerTrie {
    /// Parents come before their children.
    pub(crate) nodes: Vec<Node>,
    /// For each answer: its tokens, each with the place whose logits predict it.
    pub(crate) answers: Vec<Vec<(Place, u32)>>,
}

/// A token that some answer goes through.
pub(crate) struct Node {
    pub(crate) token: u32,
    pub(crate) parent: Place,
    /// Tokens from the prompt's end: the first answer token has depth 0.
    pub(crate) depth: usize,
}

/// A place in the tree: the prompt's last token or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Prompt,
    Node(usize),
}

impl AnswerTrie {
    /// Answers are token sequences, none of them empty.
    pub(crate) fn new(answers: &[Vec<u32>]) -> Self {
        let mut trie = Self {
            nodes: Vec::new(),
            answers: Vec::with_capacity(answers.len()),
        };
        for answer in answers {
            let mut place = Place::Prompt;
            let mut path = Vec::with_capacity(answer.len());
            for (depth, &token) in answer.iter().enumerate() {
                path.push((place, token));
                if depth + 1 < answer.len() {
                    place = Place::Node(trie.child(place, token, depth));
                }
            }
            trie.answers.push(path);
        }
        trie
    }

    fn child(&mut self, parent: Place, token: u32, depth: usize) -> usize {
        let known = self
            .nodes
            .iter()
            .position(|node| node.parent == parent && node.token == token);
        known.unwrap_or_else(|| {
            self.nodes.push(Node {
                token,
                parent,
                depth,
            });
            self.nodes.len() - 1
        })
    }

    /// Nodes from the root's child down to `place`.
    pub(crate) fn path(&self, place: Place) -> Vec<usize> {
        let mut path = Vec::new();
        let mut place = place;
        while let Place::Node(node) = place {
            path.push(node);
            place = self.nodes[node].parent;
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_beginnings_are_computed_once() {
        let trie = AnswerTrie::new(&[vec![5, 2], vec![5, 6, 2], vec![7, 2], vec![5, 6, 8, 2]]);
        let tokens: Vec<u32> = trie.nodes.iter().map(|node| node.token).collect();
        assert_eq!(tokens, [5, 6, 7, 8]);
        assert_eq!(trie.path(Place::Node(3)), [0, 1, 3]);
        assert_eq!(
            trie.answers[1],
            [(Place::Prompt, 5), (Place::Node(0), 6), (Place::Node(1), 2)]
        );
    }
}
