/**
 * Dropout whose mask is a function of keys: the same keys give the same mask on every runtime.
 *
 * Element (i, j) has the uniform number u = frac((r_i · c_j + s_i + t_j) / 2¹⁴), a two-key multiply-add hash. The keys
 * r (11 bits), c (12 bits, odd), s and t (14 bits) are integers that a counter-based generator gives per row and
 * per column, so every product and sum stays below 2²⁴ and float32 computes it without rounding: as one
 * matrix product of `[rows, 3]` and `[3, columns]`, whatever the order of its sums. Products reach far beyond 2¹⁴, so
 * that rows (columns) whose keys are close still get masks that are independent of each other; rates are met to 2⁻¹⁴.
 *
 * @module
 */
import { floor, gemm, less, mul, reshape, sub, where } from "./ops/mod.ts";
import type { HostTensor, Tensor } from "./tensor.ts";

const scale = 1 / 2 ** 14;

/** A well-mixed 32-bit word for a counter under a key (the finaliser of MurmurHash3 by Appleby, twice). */
function mix(key: number, counter: number): number {
  let x = (key ^ Math.imul(counter, 0x9e3779b1)) >>> 0;
  for (let round = 0; round < 2; round++) {
    x ^= x >>> 16;
    x = Math.imul(x, 0x85ebca6b);
    x ^= x >>> 13;
    x = Math.imul(x, 0xc2b2ae35);
    x ^= x >>> 16;
    x = (x + key) >>> 0;
  }
  return x >>> 0;
}

/** Row keys `[rows, 3]`: r_i, 1 and s_i. */
export function dropoutRowKeys(key: number, rows: number): HostTensor {
  const data = new Float32Array(rows * 3);
  for (let i = 0; i < rows; i++) {
    data[3 * i] = mix(key, 2 * i) >>> 21;
    data[3 * i + 1] = 1;
    data[3 * i + 2] = mix(key, 2 * i + 1) >>> 18;
  }
  return { type: "f32", shape: [rows, 3], data };
}

/** Column keys `[3, columns]`, already divided by 2¹⁴: c_j, t_j and 1. */
export function dropoutColumnKeys(key: number, columns: number): HostTensor {
  const data = new Float32Array(columns * 3);
  for (let j = 0; j < columns; j++) {
    data[j] = ((mix(key, 2 * j) >>> 20) | 1) * scale;
    data[columns + j] = (mix(key, 2 * j + 1) >>> 18) * scale;
    data[2 * columns + j] = scale;
  }
  return { type: "f32", shape: [3, columns], data };
}

/**
 * `x` with each element zeroed with probability `rate` and the rest divided by 1 − rate.
 *
 * @param x Any shape; it is seen as `[rows, columns]` with the last axis as columns.
 * @param rowKeys `[rows, 3]`, see {@linkcode dropoutRowKeys}.
 * @param columnKeys `[3, columns]`, see {@linkcode dropoutColumnKeys}.
 * @param rate In [0, 1).
 */
export function dropout(x: Tensor, rowKeys: Tensor, columnKeys: Tensor, rate: number): Tensor {
  const hashed = gemm(rowKeys, columnKeys);
  const uniform = sub(hashed, floor(hashed));
  const mask = where(less(uniform, 1 - rate), 1 / (1 - rate), 0);
  return mul(x, reshape(mask, x.shape));
}
