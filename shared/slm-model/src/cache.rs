//! Keys and values of the tokens seen so far. Slots fill in order; branches are cut off again.

/// Cached keys and values of every layer: `[slots, kv_width]` each, f32.
pub(crate) struct KvCache {
    width: usize,
    slots: usize,
    layers: Vec<LayerCache>,
}

#[derive(Default)]
pub(crate) struct LayerCache {
    pub(crate) keys: Vec<f32>,
    pub(crate) values: Vec<f32>,
}

impl KvCache {
    pub(crate) fn new(layers: usize, width: usize) -> Self {
        let layers = (0..layers).map(|_| LayerCache::default()).collect();
        Self {
            width,
            slots: 0,
            layers,
        }
    }

    /// Slots in use.
    pub(crate) fn len(&self) -> usize {
        self.slots
    }

    /// Forgets every slot from `slots` on.
    pub(crate) fn truncate(&mut self, slots: usize) {
        self.slots = slots.min(self.slots);
        for layer in &mut self.layers {
            layer.keys.truncate(self.slots * self.width);
            layer.values.truncate(self.slots * self.width);
        }
    }

    /// Gives back the memory of slots that are not in use.
    pub(crate) fn shrink(&mut self) {
        for layer in &mut self.layers {
            layer.keys.shrink_to_fit();
            layer.values.shrink_to_fit();
        }
    }

    /// Adds new slots' keys and values to one layer and lends that layer.
    pub(crate) fn append(&mut self, layer: usize, keys: &[f32], values: &[f32]) -> &LayerCache {
        let cache = &mut self.layers[layer];
        cache.keys.extend_from_slice(keys);
        cache.values.extend_from_slice(values);
        cache
    }

    /// Counts `slots` new slots, after every layer has appended them.
    pub(crate) fn commit(&mut self, slots: usize) {
        self.slots += slots;
        debug_assert!(
            self.layers
                .iter()
                .all(|layer| layer.keys.len() == self.slots * self.width)
        );
    }
}
