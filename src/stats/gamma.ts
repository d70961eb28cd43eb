/**
 * Random numbers from the gamma distribution.
 *
 * @module
 */
import type { RandomStream } from "../base/random.ts";

/**
 * A number from the gamma distribution with rate 1.
 *
 * Marsaglia and Tsang, ACM Transactions on Mathematical Software 26 (2000); shapes below 1 by their section 6.
 *
 * @param shape Above 0.
 */
export function gamma(stream: RandomStream, shape: number): number {
  if (shape < 1) return gamma(stream, shape + 1) * (1 - stream.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  while (true) {
    const x = stream.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - stream.next()) < x * x / 2 + d * (1 - v + Math.log(v))) return d * v;
  }
}
