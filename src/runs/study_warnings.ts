/**
 * What a study's data have that cannot be meant, found while it is planned.
 *
 * @module
 */
import { tasksOf } from "../study/sequences.ts";
import type { RunSpec } from "../study/types.ts";
import { cutWarning, type DataWarning, dataWarnings } from "../tasks/data_warnings.ts";
import type { Inputs } from "./inputs.ts";

/**
 * The warnings of all tasks of some runs, task by task; texts are tokenised for them, of large splits those of a sample.
 *
 * @param runs Planned runs, whose tasks and models have been read.
 */
export async function studyWarnings(
  runs: readonly { readonly run: RunSpec }[],
  inputs: Inputs,
): Promise<readonly DataWarning[]> {
  const ways = new Map<string, { readonly task: string; readonly run: RunSpec }>();
  for (const { run } of runs) {
    const { model, train: { maxLength } } = run.settings;
    for (const task of tasksOf(run)) {
      ways.set(JSON.stringify([task, model, maxLength]), { task, run });
    }
  }
  const warnings: DataWarning[] = [];
  for (const [name, own] of Map.groupBy(ways.values(), ({ task }) => task)) {
    const data = await inputs.task(name);
    warnings.push(...dataWarnings(data));
    for (const { run } of own) {
      for (const split of data.splits.keys()) {
        const found = cutWarning(data.task, await inputs.cutTexts(run, name, split));
        if (found !== null) warnings.push(found);
      }
    }
  }
  // Encoders that share a tokenizer say the same.
  const texts = new Map(warnings.map((warning) => [warning.text, warning]));
  return [...texts.values()];
}
