/**
 * The files that a run leaves beside its record: trained weights, what was predicted with them, and the last scores of slots.
 *
 * @module
 */
import { writeSafetensors } from "../models/safetensors.ts";
import type { RunFolder } from "../record/run_folder.ts";
import { recordSchemaVersion, type SlotScoresFile } from "../record/types.ts";
import { keptOf } from "../study/grid/steps.ts";
import type { EvaluationSplit } from "../train/evaluate.ts";
import type { Snapshot } from "../train/run_types.ts";
import { exportTensors } from "../train/stored_tensors.ts";
import type { Trainer } from "../train/trainer.ts";
import type { PlannedRun } from "./plan/planning.ts";

/**
 * Writes the files that belong to the end of a run: weights, scores of slots, and the predictions of the evaluation that counts, as
 * far as there are any.
 *
 * @param splits What it was evaluated on.
 */
export async function writeEndFiles(
  folder: RunFolder,
  { id, run: { settings: { train: { keep } } } }: Pick<PlannedRun, "id" | "run">,
  trainer: Trainer,
  splits: readonly EvaluationSplit[],
): Promise<void> {
  await writeWeights(folder, id, trainer);
  await writeSlotScores(folder, trainer);
  const kept = keptOf(keep, trainer.progress);
  if (kept !== null) await writePredictions(folder, splits, kept);
}

/** Writes the weights of the last evaluation, and those of the best one where that is another. */
async function writeWeights(
  folder: RunFolder,
  id: string,
  { assembly, progress: { best, last, history } }: Trainer,
): Promise<void> {
  const weightsOf = (snapshot: Snapshot) =>
    writeSafetensors(
      new Map(
        exportTensors(assembly, snapshot.theta, snapshot.order, history.slice(0, snapshot.merged))
          .map(({ name, shape, data }) => [name, { shape, data }]),
      ),
      "F32",
      { run: id, step: String(snapshot.step), off: JSON.stringify(snapshot.off) },
    );
  if (last !== null) await folder.write("adapter.safetensors", weightsOf(last));
  if (best !== null && best.step !== last?.step) {
    await folder.write("best.safetensors", weightsOf(best));
  }
}

/** Writes the scores of slots at the last event that had any; nothing where there was none. */
async function writeSlotScores(
  folder: RunFolder,
  { progress: { lastScores } }: Trainer,
): Promise<void> {
  if (lastScores === null) return;
  const { step, threshold, modules } = lastScores;
  const file: SlotScoresFile = {
    schema: recordSchemaVersion,
    step,
    threshold,
    scores: Object.fromEntries(modules.map(({ module, scores }) => [module, scores])),
  };
  await folder.write("slots.json", `${JSON.stringify(file)}\n`);
}

/** Writes what a snapshot predicted for each example of the splits, a line each. */
async function writePredictions(
  folder: RunFolder,
  splits: readonly EvaluationSplit[],
  kept: Snapshot,
): Promise<void> {
  const lines = splits.flatMap((split) => {
    // A run through a sequence that failed has not seen all of its tasks.
    const own = kept.evaluations.find((evaluation) => evaluation.split === split.name);
    if (own === undefined) return [];
    return split.targets.map((target, row) =>
      JSON.stringify({
        split: split.name,
        id: split.ids[row],
        target,
        prediction: own.predictions[row],
        ...(own.logits === undefined ? {} : { logits: own.logits[row] }),
      })
    );
  });
  await folder.write("predictions.jsonl", `${lines.join("\n")}\n`);
}
