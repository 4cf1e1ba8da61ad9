// A Q4_1 matrix times one vector of quantized activations: the arithmetic of the `serve` numerics,
// except that the blocks of a row are added in another order.
//
// One workgroup computes four rows; sixteen threads share a row.

struct Shape {
    rows: u32,
    // Blocks of 32 inputs in a row.
    blocks: u32,
}

const ROWS = 4u;
const THREADS = 16u;
// f16 scale and minimum, then 16 bytes: byte j holds code j (low) and code j + 16 (high).
const WEIGHT_WORDS = 5u;
// 32 signed bytes, then the scale, then scale * sum of the bytes.
const ACTIVATION_WORDS = 10u;

@group(0) @binding(0) var<uniform> shape: Shape;
// [rows, blocks, WEIGHT_WORDS]
@group(0) @binding(1) var<storage, read> weights: array<u32>;
// [blocks, ACTIVATION_WORDS]
@group(0) @binding(2) var<storage, read> activations: array<u32>;
// [rows]
@group(0) @binding(3) var<storage, read_write> product: array<f32>;

var<workgroup> sums: array<array<f32, THREADS>, ROWS>;

// Four unsigned nibbles, the first at bit `first` and one a byte, times four signed bytes.
fn dot4(codes: u32, first: u32, quants: u32) -> i32 {
    var sum = 0;
    for (var bit = 0u; bit < 32u; bit += 8u) {
        sum += i32(extractBits(codes, bit + first, 4u)) * extractBits(bitcast<i32>(quants), bit, 8u);
    }
    return sum;
}

fn block_product(row: u32, block: u32) -> f32 {
    let weight = (row * shape.blocks + block) * WEIGHT_WORDS;
    let activation = block * ACTIVATION_WORDS;
    var sum = 0;
    for (var i = 0u; i < 4u; i++) {
        let codes = weights[weight + 1u + i];
        sum += dot4(codes, 0u, activations[activation + i]);
        sum += dot4(codes, 4u, activations[activation + 4u + i]);
    }
    let scale_and_minimum = unpack2x16float(weights[weight]);
    let scale = bitcast<f32>(activations[activation + 8u]);
    let scaled_sum = bitcast<f32>(activations[activation + 9u]);
    return f32(sum) * (scale_and_minimum.x * scale) + scale_and_minimum.y * scaled_sum;
}

@compute @workgroup_size(THREADS, ROWS)
fn matvec(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let row = group.x * ROWS + local.y;
    var sum = 0.0;
    if row < shape.rows {
        for (var block = local.x; block < shape.blocks; block += THREADS) {
            sum += block_product(row, block);
        }
    }
    sums[local.y][local.x] = sum;
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if local.x < half {
            sums[local.y][local.x] += sums[local.y][local.x + half];
        }
    }
    if local.x == 0u && row < shape.rows {
        product[row] = sums[local.y][0];
    }
}
