/**
 * What a study's data have that cannot be meant, found while it is planned.
 *
 * @module
 */
import { tasksOf } from "../../study/grid/steps.ts";
import type { RunSpec } from "../../study/types.ts";
import { cutTexts, cutWarning, type DataWarning, dataWarnings } from "../../tasks/data_warnings.ts";
import type { Inputs } from "../inputs.ts";

/**
 * The warnings of all tasks of some runs, task by task; texts are tokenised for them, of large splits those of a sample.
 *
 * @param runs Planned runs, whose tasks and models have been read.
 */
export async function studyWarnings(
  runs: readonly { readonly run: RunSpec }[],
  inputs: Inputs,
): Promise<readonly DataWarning[]> {
  const ways = new Map<
    string,
    { readonly task: string; readonly place: number; readonly run: RunSpec }
  >();
  for (const { run } of runs) {
    const { model, train: { maxLength } } = run.settings;
    for (const [place, task] of tasksOf(run).entries()) {
      ways.set(JSON.stringify([task, model, maxLength]), { task, place, run });
    }
  }
  const warnings: DataWarning[] = [];
  for (const [name, own] of Map.groupBy(ways.values(), ({ task }) => task)) {
    const data = await inputs.task(name);
    warnings.push(...dataWarnings(data));
    for (const { run, place } of own) {
      const { model: { tokenizer }, parts } = await inputs.read(run);
      for (const split of data.splits.keys()) {
        const found = cutWarning(data.task, cutTexts(parts[place]!, split, tokenizer));
        if (found !== null) warnings.push(found);
      }
    }
  }
  // Encoders that share a tokenizer say the same.
  const texts = new Map(warnings.map((warning) => [warning.text, warning]));
  return [...texts.values()];
}
