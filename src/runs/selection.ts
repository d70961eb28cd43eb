/**
 * A part of a study: `--only task=CoLA,RTE --only seed=1`.
 *
 * @module
 */
import { unknownName } from "../base/suggest.ts";
import { budgetKey } from "../study/run_id.ts";
import type { RunSpec } from "../study/types.ts";
import { UsageError } from "../base/usage_error.ts";

/** What a run can be chosen by, and how each is written. */
const axes: Readonly<Record<string, (run: RunSpec) => string>> = {
  task: ({ task }) => task,
  method: ({ label }) => label,
  budget: ({ budget }) => budget === null ? "none" : budgetKey(budget),
  seed: ({ seed }) => String(seed),
};

/** Whether a run belongs to a part of its study. */
export type Selection = (run: RunSpec) => boolean;

/**
 * Reads the values of `--only`: a run has to be among the values of each.
 *
 * @param texts Such as `task=CoLA,RTE`; methods are called by their labels, budgets as in the names of runs' folders.
 * Without any, every run is chosen.
 * @param runs The study's runs: a value that none of them has is an error.
 *
 * @throws {UsageError} If a key or a value is not known, or no run is left.
 *
 * @example
 * ```ts
 * import { methods } from "../methods/table.ts";
 * import { expand } from "./planning.ts";
 * import { assertEquals } from "@std/assert";
 * const runs = expand({
 *   name: "small",
 *   axes: { tasks: ["RTE", "CoLA"], methods: ["head", "lora"], budgets: [2, 8], seeds: [1, 2] },
 * }, methods);
 * assertEquals(runs.length, 12);
 * assertEquals(runs.filter(readSelection(["task=CoLA", "budget=r8,none"], runs)).length, 4);
 * ```
 */
export function readSelection(texts: readonly string[], runs: readonly RunSpec[]): Selection {
  const wanted = texts.map((text) => {
    const [key = "", ...rest] = text.split("=");
    const valueOf = Object.hasOwn(axes, key) ? axes[key]! : null;
    if (valueOf === null || rest.length === 0) {
      const fault = valueOf === null
        ? unknownName("key", key, Object.keys(axes))
        : `"${key}" has no value`;
      throw new UsageError(`Option "--only" is "${text}", want KEY=VALUE,…: ${fault}`);
    }
    const known = [...new Set(runs.map(valueOf))];
    const whole = rest.join("=");
    // A label may hold a comma.
    const values = known.includes(whole) ? [whole] : whole.split(",");
    const unknown = values.find((value) => !known.includes(value));
    if (unknown !== undefined) {
      throw new UsageError(`Option "--only" is "${text}": ${unknownName(key, unknown, known)}`);
    }
    return (run: RunSpec) => values.includes(valueOf(run));
  });
  const selection = (run: RunSpec) => wanted.every((accepts) => accepts(run));
  if (!runs.some(selection)) {
    throw new UsageError(
      `Options ${
        texts.map((text) => `"--only ${text}"`).join(", ")
      } leave no run of ${runs.length}, want at least one; give fewer of them`,
    );
  }
  return selection;
}
