//! Buffers that go home when they are dropped, so that a pass allocates nothing that an earlier one
//! had. Knows nothing of what they hold.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

/// Where buffers wait to be used again.
#[derive(Default)]
pub(crate) struct Buffers<T>(Arc<Mutex<Vec<T>>>);

/// A buffer in use, or what is to be one: it returns to where it came from.
pub(crate) struct Lent<T: Default> {
    value: T,
    home: Buffers<T>,
}

impl<T: Default> Buffers<T> {
    /// One of the waiting buffers, as `choose` says, or a new one.
    fn take(&self, choose: impl FnOnce(&[T]) -> Option<usize>) -> Lent<T> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let chosen = choose(&waiting);
        Lent {
            value: chosen.map_or_else(T::default, |index| waiting.swap_remove(index)),
            home: Self(self.0.clone()),
        }
    }

    /// Any waiting buffer, or a new one.
    pub(crate) fn any(&self) -> Lent<T> {
        self.take(|waiting| waiting.len().checked_sub(1))
    }
}

impl<T: Default> Drop for Lent<T> {
    fn drop(&mut self) {
        let value = std::mem::take(&mut self.value);
        let mut waiting = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push(value);
    }
}

impl<T: Default> Deref for Lent<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Default> DerefMut for Lent<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// Floats in use: activations, or logits.
pub struct Floats {
    /// At least as long as what is in use.
    buffer: Lent<Vec<f32>>,
    len: usize,
}

impl Buffers<Vec<f32>> {
    /// `len` floats of any value, in the smallest waiting buffer that has them, or in the largest, which
    /// then grows.
    pub(crate) fn floats(&self, len: usize) -> Floats {
        let mut buffer = self.take(|waiting| {
            let sized = || (0..).zip(waiting.iter().map(Vec::len));
            let fits = sized().filter(|&(_, size)| size >= len);
            let largest = || sized().max_by_key(|&(_, size)| size);
            let chosen = fits.min_by_key(|&(_, size)| size).or_else(largest);
            chosen.map(|(index, _)| index)
        });
        if buffer.len() < len {
            buffer.resize(len, 0.0);
        }
        Floats { buffer, len }
    }
}

impl Deref for Floats {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.buffer[..self.len]
    }
}

impl DerefMut for Floats {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[..self.len]
    }
}

impl PartialEq for Floats {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl fmt::Debug for Floats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dropped_is_taken_again() {
        let buffers = Buffers::default();
        let mut first = buffers.floats(4);
        first.fill(7.0);
        let (at, other) = (first.as_ptr(), buffers.floats(4));
        assert_ne!(other.as_ptr(), at);
        drop(first);
        let shorter = buffers.floats(2);
        assert_eq!((shorter.as_ptr(), &shorter[..]), (at, &[7.0, 7.0][..]));
        assert_eq!(buffers.floats(9).len(), 9);
    }
}
