/**
 * A development split that is drawn from the training split of a task that has no file of its own for it.
 *
 * @module
 */
import { RandomStream } from "../base/random.ts";
import type { Example, Task } from "./types.ts";

/** The two splits, each in the order of the file. */
interface DrawnSplits {
  readonly train: readonly Example[];
  readonly dev: readonly Example[];
}

/**
 * Draws the development split: the same rows for all runs, which the task's name decides.
 *
 * The draw is stratified: of each class, round(share × rows) go to `dev`, and one row at least stays in `train`. Of a
 * regression, as many of all rows.
 *
 * @param task Its `devShare` must be set.
 * @param examples The rows of the training file.
 * @throws {RangeError} If no row would be drawn.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const output = { type: "classification", labels: ["no", "yes"] } as const;
 * const examples = Array.from({ length: 30 }, (_, id) => ({ id, text: `${id}`, pair: null, target: id % 3 ? 0 : 1 }));
 * const { train, dev } = drawDev({ name: "Tickets", output, devShare: 0.2 }, examples);
 * assertEquals([train.length, dev.length, dev.filter(({ target }) => target === 1).length], [24, 6, 2]);
 * ```
 */
export function drawDev(
  { name, output, devShare }: Required<Pick<Task, "name" | "output" | "devShare">>,
  examples: readonly Example[],
): DrawnSplits {
  const stream = RandomStream.fromSeed(0).fork("dev").fork(name);
  const strata = output.type === "regression"
    ? [examples]
    : output.labels.map((_, label) => examples.filter(({ target }) => target === label));
  const drawn = new Set(strata.flatMap((rows, i) => {
    const count = Math.min(Math.round(devShare * rows.length), rows.length - 1);
    if (count <= 0) return [];
    return stream.fork(i).permutation(rows.length).slice(0, count).map((row) => rows[row]!);
  }));
  if (drawn.size === 0) {
    throw new RangeError(
      `Cannot draw the dev split of "${name}": ${devShare} of ${examples.length} training rows ` +
        `(${
          strata.length === 1 ? "of all" : "of each label"
        }, rounded) are none, wanted at least one; ` +
        'raise "dev", or give dev a file of its own',
    );
  }
  return {
    train: examples.filter((example) => !drawn.has(example)),
    dev: examples.filter((example) => drawn.has(example)),
  };
}
