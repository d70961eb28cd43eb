/**
 * Named, forkable random streams: one seed gives independent streams for initialisation, data order,
 * dropout and new directions. Streams that a run needs again later are forked by step or epoch, so no position is stored.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";

/** The position of a {@linkcode RandomStream}: its path of names and the generator's words. */
export interface RandomState {
  /** Names from the root to the stream, joined by `/`; the first is the seed. */
  readonly path: string;
  /** State of sfc32: three mixed words and the counter. */
  readonly words: readonly [number, number, number, number];
}

/**
 * A stream of pseudo-random numbers that belongs to a path of names, such as `7/order/epoch-3`.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand), seeded with the SHA-256 of the path, so
 * two streams with different names share nothing and forking never disturbs the parent.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { RandomStream } from "./random.ts";
 * const a = RandomStream.fromSeed(7).fork("order");
 * const b = RandomStream.fromSeed(7).fork("order");
 * assertEquals(a.permutation(5), b.permutation(5));
 * ```
 */
export class RandomStream {
  readonly #path: string;
  readonly #words: Uint32Array;
  #spareNormal: number | null = null;

  private constructor(path: string, words: Uint32Array) {
    this.#path = path;
    this.#words = words;
  }

  /** The root stream of an integer seed. */
  static fromSeed(seed: number): RandomStream {
    return RandomStream.#at(String(seed));
  }

  static #at(path: string): RandomStream {
    const digest = new DataView(sha256(utf8ToBytes(path)).buffer);
    const words = Uint32Array.from([
      digest.getUint32(0, true),
      digest.getUint32(4, true),
      digest.getUint32(8, true),
      1,
    ]);
    const stream = new RandomStream(path, words);
    for (let i = 0; i < 12; i++) stream.nextWord();
    return stream;
  }

  /** An independent stream named below this one; it depends on the names alone, not on what was drawn. */
  fork(name: string | number): RandomStream {
    return RandomStream.#at(`${this.#path}/${name}`);
  }

  /** The position of the generator: its path and its four words. */
  state(): RandomState {
    const [a = 0, b = 0, c = 0, d = 0] = this.#words;
    return { path: this.#path, words: [a, b, c, d] };
  }

  /** The next 32 random bits as an unsigned integer. */
  nextWord(): number {
    const s = this.#words;
    // By index: this is drawn from more than from anything, and taking a typed array apart goes through its iterator.
    const b = s[1]!;
    const c = s[2]!;
    const counter = s[3]!;
    const word = (s[0]! + b + counter) >>> 0;
    s[3] = counter + 1;
    s[0] = b ^ (b >>> 9);
    s[1] = c + (c << 3);
    s[2] = ((c << 21) | (c >>> 11)) + word;
    return word;
  }

  /** A number in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.nextWord() >>> 5;
    const low = this.nextWord() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** An integer in [0, `bound`). */
  int(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1) {
      throw new RangeError(
        `Cannot draw an integer below ${bound}: the bound must be a positive integer`,
      );
    }
    return Math.floor(this.next() * bound);
  }

  /** A standard normal number (Marsaglia's polar method). */
  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    while (true) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const s = u * u + v * v;
      if (s === 0 || s >= 1) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      this.#spareNormal = v * factor;
      return u * factor;
    }
  }

  /** `length` normal numbers with mean 0 and standard deviation `deviation` (default 1). */
  normals(length: number, deviation = 1): Float64Array {
    const drawn = new Float64Array(length);
    for (let i = 0; i < length; i++) drawn[i] = this.normal() * deviation;
    return drawn;
  }

  /** A uniformly random order of 0 … `length` − 1 (Fisher and Yates). */
  permutation(length: number): number[] {
    const order = Array.from({ length }, (_, i) => i);
    for (let i = length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  }
}
