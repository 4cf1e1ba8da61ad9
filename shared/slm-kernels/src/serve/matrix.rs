//! A weight matrix, repacked at load into tiles that every SIMD width reads in order.

use bytemuck::{Pod, Zeroable};
use half::f16;

use super::format::{BLOCK, Block, BlockFormat};
use crate::KernelError;

/// Output rows of one tile.
pub(super) const TILE_ROWS: usize = 16;

/// 64 bytes that start on a cache line: 16 rows times four codes, or 16 floats.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u8; 64]);

impl Line {
    #[inline(always)]
    pub(super) fn floats(&self) -> &[f32; TILE_ROWS] {
        bytemuck::cast_ref(self)
    }

    fn floats_mut(&mut self) -> &mut [f32; TILE_ROWS] {
        bytemuck::cast_mut(self)
    }
}

/// A frozen weight matrix `[rows, cols]`: `rows` outputs, `cols` inputs.
pub struct Matrix {
    format: BlockFormat,
    rows: usize,
    cols: usize,
    pub(super) storage: Storage,
}

/// The weights as the kernels read them.
pub(super) enum Storage {
    /// Quantized formats. Tile after tile of 16 output rows, each a sequence of blocks of 32 inputs;
    /// a block is its lines of codes, one line of scales and, where the format has them, one line of
    /// minima. Rows after the last one have scale and minimum 0.
    Tiles(Vec<Line>),
    /// `F16`: the bits, row-major.
    Halves(Vec<u16>),
    /// `F32`, row-major.
    Floats(Vec<f32>),
}

/// One tile's blocks, with what is needed to read them.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    pub(super) lines: &'a [Line],
    pub(super) format: BlockFormat,
}

/// Lines of codes in a block whose codes share bytes.
pub(super) const NIBBLES: usize = 4;
/// Lines of codes in a block of one byte a code.
pub(super) const BYTES: usize = 8;

impl<'a> Tile<'a> {
    /// The tile's blocks in input order; the layout is known when the code is compiled.
    #[inline(always)]
    pub(super) fn blocks<const LINES: usize, const MINIMUM: bool>(
        self,
    ) -> TileBlocks<'a, LINES, MINIMUM> {
        debug_assert_eq!(
            (LINES, MINIMUM),
            (code_lines(self.format), self.format.has_minimum())
        );
        let per_block = LINES + 1 + MINIMUM as usize;
        TileBlocks {
            lines: self.lines,
            len: self.lines.len() / per_block,
            format: self.format,
        }
    }
}

/// The blocks of one tile.
#[derive(Clone, Copy)]
pub(super) struct TileBlocks<'a, const LINES: usize, const MINIMUM: bool> {
    lines: &'a [Line],
    len: usize,
    format: BlockFormat,
}

/// 16 rows of 32 weights.
#[derive(Clone, Copy)]
pub(super) struct TileBlock<'a, const LINES: usize> {
    /// Line `g` holds inputs `4g..4g+4` of each row, row after row; of nibbles, the low ones are
    /// group `g` and the high ones group `g + 4`.
    pub(super) codes: &'a [Line; LINES],
    pub(super) scales: &'a [f32; TILE_ROWS],
    pub(super) minima: Option<&'a [f32; TILE_ROWS]>,
}

impl<'a, const LINES: usize, const MINIMUM: bool> TileBlocks<'a, LINES, MINIMUM> {
    /// How many blocks.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        self.len
    }

    /// What is subtracted from a code.
    #[inline(always)]
    pub(super) fn offset(self) -> u8 {
        if MINIMUM {
            0
        } else {
            self.format.code_offset()
        }
    }

    #[inline(always)]
    pub(super) fn iter(self) -> impl Iterator<Item = TileBlock<'a, LINES>> {
        self.lines
            .chunks_exact(LINES + 1 + MINIMUM as usize)
            .map(|lines| TileBlock {
                codes: lines.first_chunk().expect("lines of codes"),
                scales: lines[LINES].floats(),
                minima: MINIMUM.then(|| lines[lines.len() - 1].floats()),
            })
    }
}

/// The unsigned codes of one row of a block.
pub(super) fn row_codes(codes: &[Line], row: usize) -> [u8; BLOCK] {
    std::array::from_fn(|i| {
        let (group, within) = (i / 4, i % 4);
        let byte = codes[group % codes.len()].0[4 * row + within];
        if codes.len() == BYTES {
            byte
        } else {
            (byte >> (4 * (group / 4))) & 0x0f
        }
    })
}

/// Lines of codes in one block of a tile.
const fn code_lines(format: BlockFormat) -> usize {
    if format.is_nibbles() { NIBBLES } else { BYTES }
}

/// Lines of one block of a tile.
const fn lines_per_block(format: BlockFormat) -> usize {
    code_lines(format) + 1 + format.has_minimum() as usize
}

impl Matrix {
    /// Reads a matrix as GGUF stores it: row after row, each row a sequence of blocks.
    ///
    /// # Errors
    /// The columns do not divide into blocks, or the bytes are not as many as the shape needs.
    pub fn from_gguf(
        format: BlockFormat,
        bytes: &[u8],
        rows: usize,
        cols: usize,
    ) -> Result<Self, KernelError> {
        format.check_size(bytes.len(), rows, cols)?;
        let storage = match format {
            BlockFormat::F16 => Storage::Halves(
                bytes
                    .chunks_exact(2)
                    .map(|b| u16::from_le_bytes([b[0], b[1]]))
                    .collect(),
            ),
            BlockFormat::F32 => Storage::Floats(
                bytes
                    .chunks_exact(4)
                    .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                    .collect(),
            ),
            _ => Storage::Tiles(pack_tiles(format, bytes, rows, cols / BLOCK)),
        };
        Ok(Self {
            format,
            rows,
            cols,
            storage,
        })
    }

    /// Outputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The format of the file that the matrix came from.
    pub fn format(&self) -> BlockFormat {
        self.format
    }

    /// How many tiles of 16 output rows there are; only quantized formats have any.
    pub(super) fn tile_count(&self) -> usize {
        self.rows.div_ceil(TILE_ROWS)
    }

    /// Tile `index` among the `lines` of this matrix.
    pub(super) fn tile<'a>(&self, lines: &'a [Line], index: usize) -> Tile<'a> {
        let per_tile = self.cols / BLOCK * lines_per_block(self.format);
        Tile {
            lines: &lines[index * per_tile..][..per_tile],
            format: self.format,
        }
    }

    /// All weights as `f32`, row-major `[rows, cols]`.
    pub fn dequantize(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.cols];
        if self.cols > 0 {
            for (row, out) in out.chunks_exact_mut(self.cols).enumerate() {
                self.dequantize_row(row, out);
            }
        }
        out
    }

    /// One row as `f32`: what an embedding looks up.
    ///
    /// # Panics
    /// When `row` is outside the matrix or `out` is not `cols` long.
    pub fn dequantize_row(&self, row: usize, out: &mut [f32]) {
        assert!(
            row < self.rows,
            "row {row} of a matrix with {} rows",
            self.rows
        );
        assert_eq!(out.len(), self.cols, "length of a row");
        match &self.storage {
            Storage::Floats(values) => out.copy_from_slice(&values[row * self.cols..][..self.cols]),
            Storage::Halves(bits) => {
                for (out, &bits) in out.iter_mut().zip(&bits[row * self.cols..]) {
                    *out = f16::from_bits(bits).to_f32();
                }
            }
            Storage::Tiles(lines) => {
                let tile = self.tile(lines, row / TILE_ROWS).lines;
                let blocks = tile.chunks_exact(lines_per_block(self.format));
                for (lines, out) in blocks.zip(out.chunks_exact_mut(BLOCK)) {
                    dequantize_block(self.format, lines, row % TILE_ROWS, out);
                }
            }
        }
    }

    /// Stacks matrices over the same inputs, so that one product gives all their outputs.
    ///
    /// # Errors
    /// The formats or the columns differ, or a part other than the last does not fill its tiles.
    pub fn concat_rows(parts: &[&Self]) -> Result<Self, KernelError> {
        let refuse = |reason: String| Err(KernelError::Stack { reason });
        let Some((first, rest)) = parts.split_first() else {
            return refuse("there is none".to_owned());
        };
        for pair in parts.windows(2) {
            if pair[0].rows % TILE_ROWS != 0 {
                return refuse(format!(
                    "{} rows are no multiple of {TILE_ROWS}",
                    pair[0].rows
                ));
            }
        }
        let mut stacked = Self {
            format: first.format,
            rows: first.rows,
            cols: first.cols,
            storage: first.storage.clone(),
        };
        for part in rest {
            if (part.format, part.cols) != (first.format, first.cols) {
                return refuse(format!(
                    "{} with {} columns above {} with {}",
                    first.format.name(),
                    first.cols,
                    part.format.name(),
                    part.cols
                ));
            }
            stacked.rows += part.rows;
            stacked.storage.extend(&part.storage);
        }
        Ok(stacked)
    }
}

impl Clone for Storage {
    fn clone(&self) -> Self {
        match self {
            Self::Tiles(lines) => Self::Tiles(lines.clone()),
            Self::Halves(bits) => Self::Halves(bits.clone()),
            Self::Floats(values) => Self::Floats(values.clone()),
        }
    }
}

impl Storage {
    /// Appends storage of the same kind.
    fn extend(&mut self, other: &Self) {
        match (self, other) {
            (Self::Tiles(a), Self::Tiles(b)) => a.extend_from_slice(b),
            (Self::Halves(a), Self::Halves(b)) => a.extend_from_slice(b),
            (Self::Floats(a), Self::Floats(b)) => a.extend_from_slice(b),
            _ => unreachable!("one format has one kind of storage"),
        }
    }
}

/// Transposes blocks of rows into tiles; see [`Storage::Tiles`].
fn pack_tiles(format: BlockFormat, bytes: &[u8], rows: usize, blocks: usize) -> Vec<Line> {
    let per_block = lines_per_block(format);
    let per_tile = blocks * per_block;
    let mut lines = bytemuck::zeroed_vec::<Line>(rows.div_ceil(TILE_ROWS) * per_tile);
    let row_bytes = blocks * format.block_bytes();
    for row in 0..rows {
        let tile = &mut lines[row / TILE_ROWS * per_tile..][..per_tile];
        let source = bytes[row * row_bytes..][..row_bytes].chunks_exact(format.block_bytes());
        for (lines, block) in tile.chunks_exact_mut(per_block).zip(source) {
            pack_row(
                format,
                lines,
                row % TILE_ROWS,
                &Block::decode(format, block),
            );
        }
    }
    lines
}

/// Puts one row's block at its place in a tile.
fn pack_row(format: BlockFormat, lines: &mut [Line], row: usize, block: &Block) {
    let codes = code_lines(format);
    for (group, line) in lines[..codes].iter_mut().enumerate() {
        for within in 0..4 {
            let low = block.codes[4 * group + within];
            line.0[4 * row + within] = if format.is_nibbles() {
                low | block.codes[16 + 4 * group + within] << 4
            } else {
                low
            };
        }
    }
    lines[codes].floats_mut()[row] = block.scale;
    if format.has_minimum() {
        lines[codes + 1].floats_mut()[row] = block.minimum;
    }
}

/// One row of one block of a tile.
fn dequantize_block(format: BlockFormat, lines: &[Line], row: usize, out: &mut [f32]) {
    let (codes, floats) = lines.split_at(code_lines(format));
    let scale = floats[0].floats()[row];
    let minimum = floats.get(1).map_or(0.0, |minima| minima.floats()[row]);
    let offset = i32::from(format.code_offset());
    for (out, code) in out.iter_mut().zip(row_codes(codes, row)) {
        *out = scale * (i32::from(code) - offset) as f32 + minimum;
    }
}
