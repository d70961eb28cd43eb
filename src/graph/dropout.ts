/**
 * Dropout whose masks are rows of a pool: which row a place gets is a function of keys, the same on every runtime.
 *
 * A pool is a matrix of independent draws, 0 with probability `rate` and 1/(1 − rate) otherwise, that is made once and stays
 * on the device. In each step, row i of the activations at site j is multiplied by the pool's row
 * ⌊P · frac((r_i · c_j + s_i + t_j) / 2¹⁴)⌋, a two-key multiply-add hash. The keys r (12 bits), c (11 bits), s and t (14
 * bits) are integers that a counter-based generator gives per row and per site, so every product and sum stays below
 * 2²⁴ and float32 computes it without rounding, whatever the order of its sums. So a mask costs one Gather and one
 * product instead of arithmetic on each element.
 *
 * @module
 */
import { cast, floor, gather, gemm, mul, reshape, split, sub } from "./ops/mod.ts";
import type { HostTensor, Tensor } from "./tensor.ts";

/** Rows of a pool, a power of two. */
export const dropoutPoolRows = 2 ** 12;

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

/**
 * The numbers of a pool, to be cut into rows of any width.
 *
 * @param key A 32-bit word.
 * @param count How many numbers.
 * @param rate Share of zeros, in [0, 1).
 */
export function dropoutPool(key: number, count: number, rate: number): Float32Array {
  const threshold = Math.round(rate * 2 ** 32);
  const kept = 1 / (1 - rate);
  const pool = new Float32Array(count);
  for (let i = 0; i < count; i++) pool[i] = mix(key, i) < threshold ? 0 : kept;
  return pool;
}

/**
 * Row keys `[3, rows]`: r_i, 1 and s_i.
 *
 * @param places What each row is known by: equal places have equal keys.
 */
export function dropoutRowKeys(key: number, places: ArrayLike<number>): HostTensor {
  const rows = places.length;
  const data = new Float32Array(3 * rows);
  for (let i = 0; i < rows; i++) {
    data[i] = mix(key, 2 * places[i]!) >>> 20;
    data[rows + i] = 1;
    data[2 * rows + i] = mix(key, 2 * places[i]! + 1) >>> 18;
  }
  return { type: "f32", shape: [3, rows], data };
}

/** Site keys `[sites, 3]`: c_j, t_j and 1, each times 2⁻¹⁴. */
export function dropoutSiteKeys(key: number, sites: number): HostTensor {
  const data = new Float32Array(3 * sites);
  for (let j = 0; j < sites; j++) {
    data[3 * j] = (mix(key, 2 * j) >>> 21) * scale;
    data[3 * j + 1] = (mix(key, 2 * j + 1) >>> 18) * scale;
    data[3 * j + 2] = scale;
  }
  return { type: "f32", shape: [sites, 3], data };
}

/**
 * Which row of a pool each row of activations is multiplied by, i32 `[rows]`, one tensor a site.
 *
 * @param rowKeys `[3, rows]`, see {@linkcode dropoutRowKeys}.
 * @param siteKeys `[sites, 3]`, see {@linkcode dropoutSiteKeys}.
 */
export function dropoutRows(rowKeys: Tensor, siteKeys: Tensor): readonly Tensor[] {
  const sites = siteKeys.shape[0] as number;
  const rows = rowKeys.shape[1]!;
  const hashed = gemm(siteKeys, rowKeys);
  const fraction = sub(hashed, floor(hashed));
  const indices = cast(floor(mul(fraction, dropoutPoolRows)), "i32");
  return split(indices, Array.from({ length: sites }, () => 1), 0).map((own) =>
    reshape(own, [rows])
  );
}

/**
 * The factors of one site: 0 or 1/(1 − rate) for each element.
 *
 * @param pool `[dropoutPoolRows, columns]`, numbers of {@linkcode dropoutPool}.
 * @param rows i32 `[rows]`, see {@linkcode dropoutRows}.
 * @returns `[rows, columns]`.
 */
export function dropoutMask(pool: Tensor, rows: Tensor): Tensor {
  return gather(pool, rows);
}
