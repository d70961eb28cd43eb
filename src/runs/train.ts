/**
 * Training one method on one task, where files and native code are.
 *
 * @module
 */
import { ownMakers } from "../exec/choose.ts";
import { type TrainEvent, type TrainOptions, trainWith } from "./training.ts";

/**
 * Trains one method on one task and tells of it step by step; the last event is `done` with the trained model, or `stopped` with a
 * checkpoint where the signal ended it.
 *
 * Nothing is written. The numbers are those that a study's run of the same settings and seed has.
 *
 * @throws {StudyError} If an option is not known or has a value that cannot be; with all problems found.
 * @throws {TypeError} If an example of an own task does not fit it.
 * @throws {DivergenceError} If a loss or a gradient is not finite.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { train } from "./train.ts";
 * const task = {
 *   name: "mood",
 *   labels: ["bad", "good"],
 *   train: [{ text: "a fine day", label: "good" }, { text: "a sad day", label: "bad" }],
 *   dev: [{ text: "a fine year", label: "good" }],
 * };
 * const settings = { steps: 2, batchSize: 2, maxLength: 16, learningRate: 1e-3, warmup: 0 };
 * for await (const event of train({ method: "lora", budget: 2, task, train: settings })) {
 *   if (event.kind !== "done") continue;
 *   const [prediction] = await event.model.predict(["a sad year"]);
 *   assert(prediction!.label === "bad" || prediction!.label === "good");
 *   await event.model.dispose();
 * }
 * ```
 */
export function train(options: TrainOptions): AsyncGenerator<TrainEvent, void, void> {
  return trainWith(options, ownMakers);
}
