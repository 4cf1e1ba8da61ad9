//! What the frozen trunk made of each row, kept from epoch to epoch.
//!
//! The trunk is the embedding and every layer below the adapter's first. Training does not change
//! it, so a row's residual stream at its top is computed when the row first comes and copied from
//! then on: the same bits, without the work. Rows of the same tokens share one entry. Up to a bound
//! the entries stand in memory, past it in a [`Spill`], past that nowhere, and such rows are computed
//! every time. Losing an entry costs time only, so no failure of the spill stops a training.
//!
//! This knows rows by their place and values as `f32`; neither the model nor what a spill writes to.

use std::{
    collections::HashMap,
    io::{Read, Seek, SeekFrom, Write},
    ops::Range,
};

/// Where entries go that do not fit in memory: what can be written at its end and read anywhere, as
/// a file can. It is read only by the one who wrote it.
pub trait Spill: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Spill for T {}

/// How much may be kept, and where.
pub struct Room {
    /// Bytes in memory.
    pub memory: u64,
    /// Bytes in the spill.
    pub spilled: u64,
    /// The spill, empty; none to keep nothing past the memory.
    pub spill: Option<Box<dyn Spill>>,
}

/// Entries of the rows of one training.
pub struct TrunkCache {
    /// Values a token.
    width: usize,
    /// The prefix's, once a row was computed.
    prefix: Option<Vec<f32>>,
    /// For each row its entry.
    entry_of: Vec<usize>,
    entries: Vec<Entry>,
    room: Room,
    /// Bytes that the spill holds.
    written: u64,
    problem: Option<String>,
}

/// A row's own tokens at the top of the trunk: `[tokens, width]`.
enum Entry {
    Absent,
    Memory(Vec<f32>),
    /// From this byte of the spill.
    Spilled(u64),
}

impl TrunkCache {
    /// An empty cache for rows of these tokens (each without the prefix), of `width` values a token.
    pub fn new<'a>(rows: impl Iterator<Item = &'a [u32]>, width: usize, room: Room) -> Self {
        let (entry_of, lengths) = distinct(rows);
        Self {
            width,
            prefix: None,
            entry_of,
            entries: lengths.iter().map(|_| Entry::Absent).collect(),
            room,
            written: 0,
            problem: None,
        }
    }

    /// Prefix and rows at the top of the trunk: `[tokens, width]`, in the order of `rows`, each a
    /// row's place and its number of own tokens. `compute` is asked for the same of the rows that
    /// are not here, prefix first; it is not called where all are.
    ///
    /// # Errors
    /// Those of `compute`.
    pub fn gather<E>(
        &mut self,
        prefix: usize,
        rows: &[(usize, usize)],
        compute: impl FnOnce(&[usize]) -> Result<Vec<f32>, E>,
    ) -> Result<Vec<f32>, E> {
        let places = self.places(prefix, rows);
        let total = places.last().map_or(prefix * self.width, |last| last.end);
        let mut x = vec![0.0; total];
        let mut missing = Vec::new();
        for (&(row, _), place) in rows.iter().zip(&places) {
            if !self.read(row, &mut x[place.clone()]) {
                missing.push((row, place.clone()));
            }
        }
        let head = 0..prefix * self.width;
        match &self.prefix {
            Some(kept) if missing.is_empty() => x[head].copy_from_slice(kept),
            _ => {
                let asked: Vec<usize> = missing.iter().map(|(row, _)| *row).collect();
                let made = compute(&asked)?;
                let (made_prefix, mut made) = made.split_at(head.end);
                x[head].copy_from_slice(made_prefix);
                self.prefix.get_or_insert_with(|| made_prefix.to_vec());
                for (row, place) in missing {
                    let (own, rest) = made.split_at(place.len());
                    x[place].copy_from_slice(own);
                    self.keep(row, own);
                    made = rest;
                }
            }
        }
        Ok(x)
    }

    /// What went wrong with the spill since this was last asked, for people. It costs time only.
    pub fn take_problem(&mut self) -> Option<String> {
        self.problem.take()
    }

    /// Values of each row in a gathered batch.
    fn places(&self, prefix: usize, rows: &[(usize, usize)]) -> Vec<Range<usize>> {
        let mut end = prefix * self.width;
        let place = |&(_, tokens): &(usize, usize)| {
            let start = end;
            end += tokens * self.width;
            start..end
        };
        rows.iter().map(place).collect()
    }

    /// Fills in a row's values; whether they are here.
    fn read(&mut self, row: usize, out: &mut [f32]) -> bool {
        let from = match &self.entries[self.entry_of[row]] {
            Entry::Absent => return false,
            Entry::Memory(values) => {
                out.copy_from_slice(values);
                return true;
            }
            Entry::Spilled(from) => *from,
        };
        let read = |spill: &mut Box<dyn Spill>| {
            spill.seek(SeekFrom::Start(from))?;
            spill.read_exact(bytemuck::cast_slice_mut(out))
        };
        match self.room.spill.as_mut().map(read) {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                self.give_up(format!(
                    "the frozen layers' outputs cannot be read back ({error}); the rows that were \
                     written are computed every time"
                ));
                false
            }
            None => false,
        }
    }

    /// Keeps a row's values where there is room.
    fn keep(&mut self, row: usize, values: &[f32]) {
        let entry = self.entry_of[row];
        if !matches!(self.entries[entry], Entry::Absent) {
            return;
        }
        let bytes = size_of_val(values) as u64;
        if bytes <= self.room.memory {
            self.room.memory -= bytes;
            self.entries[entry] = Entry::Memory(values.to_vec());
        } else if bytes <= self.room.spilled {
            self.spill(entry, values);
        }
    }

    fn spill(&mut self, entry: usize, values: &[f32]) {
        let at = self.written;
        let write = |spill: &mut Box<dyn Spill>| {
            spill.seek(SeekFrom::Start(at))?;
            spill.write_all(bytemuck::cast_slice(values))
        };
        let bytes = size_of_val(values) as u64;
        match self.room.spill.as_mut().map(write) {
            Some(Ok(())) => {
                self.written += bytes;
                self.room.spilled -= bytes;
                self.entries[entry] = Entry::Spilled(at);
            }
            // The run itself may want the space: its checkpoints lie on the same disk.
            Some(Err(error)) => self.give_up(format!(
                "the frozen layers' outputs cannot be written past {at} bytes ({error}); those rows are \
                 computed every time"
            )),
            None => {}
        }
    }

    /// Does without the spill from now on, and gives its space back.
    fn give_up(&mut self, problem: String) {
        self.room.spill = None;
        self.room.spilled = 0;
        for entry in &mut self.entries {
            if matches!(entry, Entry::Spilled(_)) {
                *entry = Entry::Absent;
            }
        }
        self.problem = Some(problem);
    }
}

/// For each row its entry, and for each entry its number of tokens: rows of the same tokens share one.
pub(crate) fn distinct<'a>(rows: impl Iterator<Item = &'a [u32]>) -> (Vec<usize>, Vec<usize>) {
    let mut entries: HashMap<&[u32], usize> = HashMap::new();
    let mut lengths = Vec::new();
    let entry = |row: &'a [u32]| {
        *entries.entry(row).or_insert_with(|| {
            lengths.push(row.len());
            lengths.len() - 1
        })
    };
    let entry_of = rows.map(entry).collect();
    (entry_of, lengths)
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        io::{self, Cursor},
    };

    use super::*;

    const WIDTH: usize = 2;
    const PREFIX: usize = 3;
    /// Row 2 has the tokens of row 0.
    const ROWS: [&[u32]; 4] = [&[1, 2], &[3], &[1, 2], &[4, 5, 6]];

    /// What a trunk would give: of a token its id and its half.
    fn trunk(rows: &[usize]) -> Vec<f32> {
        let tokens = [7; PREFIX].into_iter();
        let tokens = tokens.chain(rows.iter().flat_map(|&row| ROWS[row].iter().copied()));
        tokens
            .flat_map(|token| [token as f32, token as f32 / 2.0])
            .collect()
    }

    fn cache(memory: u64, spilled: u64, spill: impl Spill + 'static) -> TrunkCache {
        let room = Room {
            memory,
            spilled,
            spill: Some(Box::new(spill)),
        };
        TrunkCache::new(ROWS.into_iter(), WIDTH, room)
    }

    /// Gathers a batch, which must be what the trunk gives, and returns the rows that were computed.
    fn gather(cache: &mut TrunkCache, rows: &[usize]) -> Option<Vec<usize>> {
        let mut computed = None;
        let batch: Vec<(usize, usize)> = rows.iter().map(|&row| (row, ROWS[row].len())).collect();
        let compute = |missing: &[usize]| {
            computed = Some(missing.to_vec());
            Ok::<_, Infallible>(trunk(missing))
        };
        let Ok(x) = cache.gather(PREFIX, &batch, compute);
        assert_eq!(x, trunk(rows));
        computed
    }

    /// A file of so many bytes on a disk that is full then, and that can break.
    struct Disk {
        file: Cursor<Vec<u8>>,
        size: usize,
        reads: usize,
    }

    impl Disk {
        fn of(size: usize) -> Self {
            Self {
                file: Cursor::default(),
                size,
                reads: usize::MAX,
            }
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Half an entry may get through.
            let left = self.size - self.file.position() as usize;
            match left.min(bytes.len()) {
                0 => Err(io::ErrorKind::StorageFull.into()),
                most => self.file.write(&bytes[..most]),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Disk {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            if self.reads == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.reads -= 1;
            self.file.read(bytes)
        }
    }

    impl Seek for Disk {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.file.seek(to)
        }
    }

    #[test]
    fn a_row_is_computed_once_in_memory_and_past_it() {
        // All in memory, some, none: rows have 16, 8 and 24 bytes.
        for memory in [1000, 16, 0] {
            let mut cache = cache(memory, 1000, Disk::of(1000));
            assert_eq!(gather(&mut cache, &[0, 1]), Some(vec![0, 1]));
            assert_eq!(gather(&mut cache, &[1, 0]), None);
            assert_eq!(gather(&mut cache, &[3, 2]), Some(vec![3]));
            assert_eq!(gather(&mut cache, &[2, 3, 0, 1, 1]), None);
            assert_eq!(gather(&mut cache, &[]), None);
            assert_eq!(cache.take_problem(), None);
        }
    }

    #[test]
    fn what_does_not_fit_is_computed_every_time() {
        let mut small = cache(16, 8, Disk::of(1000));
        assert_eq!(gather(&mut small, &[0, 1, 3]), Some(vec![0, 1, 3]));
        assert_eq!(gather(&mut small, &[0, 1, 3]), Some(vec![3]));
        assert_eq!((small.room.memory, small.room.spilled), (0, 0));
        let mut nothing = cache(0, 0, Disk::of(1000));
        assert_eq!(gather(&mut nothing, &[0]), Some(vec![0]));
        assert_eq!(gather(&mut nothing, &[0]), Some(vec![0]));
        assert_eq!(nothing.take_problem(), None);
    }

    #[test]
    fn a_full_disk_costs_time_only() {
        let mut cache = cache(0, 1000, Disk::of(20));
        assert_eq!(gather(&mut cache, &[0, 1]), Some(vec![0, 1]));
        let problem = cache.take_problem().unwrap();
        assert!(
            problem.contains("cannot be written past 16 bytes"),
            "{problem}"
        );
        assert_eq!(gather(&mut cache, &[0, 1, 2]), Some(vec![0, 1, 2]));
        assert_eq!(gather(&mut cache, &[3]), Some(vec![3]));
        assert_eq!(cache.take_problem(), None, "told once");
    }

    #[test]
    fn a_disk_that_breaks_costs_time_only() {
        let disk = Disk {
            reads: 1,
            ..Disk::of(1000)
        };
        let mut cache = cache(8, 1000, disk);
        assert_eq!(gather(&mut cache, &[1, 0, 3]), Some(vec![1, 0, 3]));
        assert_eq!(gather(&mut cache, &[0]), None);
        assert_eq!(gather(&mut cache, &[0, 1, 3]), Some(vec![0, 3]));
        let problem = cache.take_problem().unwrap();
        assert!(problem.contains("cannot be read back"), "{problem}");
        assert_eq!(gather(&mut cache, &[0, 1, 3]), Some(vec![0, 3]));
        assert_eq!(cache.take_problem(), None, "told once");
    }

    #[test]
    fn a_failure_to_compute_is_handed_on() {
        let mut cache = cache(1000, 0, Disk::of(0));
        let failed = cache.gather(PREFIX, &[(0, 2)], |_| Err("no"));
        assert_eq!(failed, Err("no"));
        assert_eq!(gather(&mut cache, &[0]), Some(vec![0]));
    }
}
